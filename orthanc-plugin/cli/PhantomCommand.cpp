#include "orthanc-plugin/cli/CommandJson.h"
#include "orthanc-plugin/cli/Commands.h"
#include "orthanc-plugin/cli/Terminal.h"
#include "sample-data/PhantomFiles.h"

#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace fedpet::plugin {
namespace {

struct PhantomOptions {
  std::filesystem::path out;
  std::uint64_t seed = 1;
  int patients = 1;
  std::string followUp;  // a sample::Course; empty: none
  bool json = false;
};

nlohmann::ordered_json toJson(const sample::PhantomPatient& patient) {
  return {{"pet", patient.petDirectory.string()},
          {"truthSegmentation", patient.truthSegmentation.string()},
          {"truth", patient.truthJson.string()},
          {"slices", patient.slices},
          {"lesions", patient.lesions},
          {"tmtvMl", patient.tmtvMl}};
}

void run(const PhantomOptions& options) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  ProgressBar bar(!options.json);
  for (int index = 1; index <= options.patients; ++index) {
    bar.show(fmt::format("patient {} of {}", index, options.patients),
             100 * (index - 1) / options.patients);
    // One patient needs no folder of its own.
    const auto directory =
        options.patients == 1 ? options.out : options.out / fmt::format("patient-{:04}", index);
    list.push_back(toJson(sample::writePhantomPatient(options.seed, index, directory)));
    if (!options.followUp.empty())
      list.push_back(toJson(sample::writeFollowUp(
          sample::fromSeed(sample::patientSeed(options.seed, index)), index,
          sample::courseFromString(options.followUp), directory)));
  }
  if (options.json) {
    print({{"synthetic", true}, {"seed", options.seed}, {"patients", std::move(list)}});
    return;
  }
  bar.show("done", 100);
  for (const auto& patient : list)
    fmt::print("Synthetic patient: {} slices, {} lesions, true TMTV {:.1f} ml, in {}\n",
               patient["slices"].get<int>(), patient["lesions"].get<int>(),
               patient["tmtvMl"].get<double>(), patient["pet"].get<std::string>());
}

}  // namespace

void addPhantomCommand(CLI::App& app, ExitCode& exitCode) {
  auto options = std::make_shared<PhantomOptions>();
  CLI::App* command =
      app.add_subcommand("phantom",
                         "Make synthetic whole-body FDG-PET studies with their truth: PT/*.dcm, "
                         "truth-seg.dcm, truth.json");
  command->add_option("--out", options->out, "Folder to write to")->required();
  command->add_option("--seed", options->seed, "The same seed gives the same patients")
      ->capture_default_str();
  command->add_option("--patients", options->patients, "How many")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  command
      ->add_option("--follow-up", options->followUp,
                   "Also the same patient eight weeks later, in follow-up/")
      ->check(CLI::IsMember({"response", "progression", "mixed"}));
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options, &exitCode] {
    run(*options);
    exitCode = kExitOk;
  });
}

}  // namespace fedpet::plugin
