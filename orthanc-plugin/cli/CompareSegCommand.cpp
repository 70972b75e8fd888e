#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "dicom/Segmentation.h"
#include "models/imaging/CompareMasks.h"
#include "orthanc-plugin/cli/CommandJson.h"
#include "orthanc-plugin/cli/Commands.h"

namespace fedpet::plugin {
namespace {

struct CompareSeg {
  std::filesystem::path reference, test;
  std::vector<std::uint16_t> referenceSegments, testSegments;
  bool json = false;
};

void run(const CompareSeg& options) {
  const auto reference =
      dicom::foreground(dicom::readSegmentation(options.reference), options.referenceSegments);
  const auto test = dicom::foreground(dicom::readSegmentation(options.test), options.testSegments);
  const imaging::MaskComparison result = imaging::compareMasks(reference, test);
  if (options.json) {
    nlohmann::ordered_json json{{"dice", nullptr},
                                {"falsePositiveMl", result.falsePositiveMl},
                                {"falseNegativeMl", result.falseNegativeMl},
                                {"referenceMl", result.referenceMl},
                                {"testMl", result.testMl},
                                {"referenceComponents", result.referenceComponents},
                                {"testComponents", result.testComponents}};
    if (result.dice) json["dice"] = *result.dice;
    print(json);
    return;
  }
  if (result.dice)
    fmt::print("Dice                   {:.4f}\n", *result.dice);
  else
    fmt::print("Dice                   undefined: both masks are empty\n");
  fmt::print("False positive volume  {:.2f} ml (components of TEST that touch nothing of REF)\n",
             result.falsePositiveMl);
  fmt::print("False negative volume  {:.2f} ml (components of REF that touch nothing of TEST)\n",
             result.falseNegativeMl);
  fmt::print("Volumes                REF {:.2f} ml in {}, TEST {:.2f} ml in {} components\n",
             result.referenceMl, result.referenceComponents, result.testMl, result.testComponents);
}

}  // namespace

void addCompareSegCommand(CLI::App& app, ExitCode& exitCode) {
  auto options = std::make_shared<CompareSeg>();
  CLI::App* command = app.add_subcommand(
      "compare-seg", "Compare the lesions of two DICOM segmentations: Dice, false positive and "
                     "false negative volume (definitions of the autoPET challenge)");
  command->add_option("REF", options->reference, "DICOM SEG taken as the truth")
      ->required()
      ->check(CLI::ExistingFile);
  command->add_option("TEST", options->test, "DICOM SEG to be judged")
      ->required()
      ->check(CLI::ExistingFile);
  command->add_option("--ref-segments", options->referenceSegments,
                      "Segment numbers of REF (default: those coded as lesion)");
  command->add_option("--test-segments", options->testSegments, "Segment numbers of TEST");
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options, &exitCode] {
    run(*options);
    exitCode = kExitOk;
  });
}

}  // namespace fedpet::plugin
