#include "orthanc-plugin/cli/SrCommand.h"

#include "dicom/PriorStudyReader.h"
#include "orthanc-plugin/cli/CommandJson.h"
#include "orthanc-plugin/cli/ReportText.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <optional>

namespace fedpet::plugin {
namespace {

struct Sr {
  std::filesystem::path report, segmentation;
  bool json = false;
};

void show(const Sr& options) {
  const dicom::Report report = dicom::readReport(options.report);
  std::optional<dicom::SegmentationMask> mask;
  if (!options.segmentation.empty()) mask = dicom::readSegmentation(options.segmentation);
  const PriorStudy prior = dicom::toPriorStudy(report, mask);
  if (options.json)
    print(reportJson(report, prior));
  else
    fmt::print("{}", reportText(report, prior));
}

}  // namespace

void addSrCommand(CLI::App& app, ExitCode& exitCode) {
  auto options = std::make_shared<Sr>();
  CLI::App* sr = app.add_subcommand("sr", "DICOM structured reports");
  sr->require_subcommand(1);
  CLI::App* command = sr->add_subcommand(
      "show", "Print any measurement report (TID 1500) and what a comparison would take from it");
  command->add_option("FILE", options->report, "DICOM SR")->required()->check(CLI::ExistingFile);
  command
      ->add_option("--seg", options->segmentation,
                   "The DICOM SEG that it refers to: checks that both fit")
      ->check(CLI::ExistingFile);
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options, &exitCode] {
    show(*options);
    exitCode = kExitOk;
  });
}

}  // namespace fedpet::plugin
