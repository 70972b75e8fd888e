#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <memory>

#include "orthanc-plugin/cli/CommandJson.h"
#include "orthanc-plugin/cli/Commands.h"
#include "orthanc-plugin/cli/Terminal.h"
#include "sample-data/PhantomFiles.h"

namespace fedpet::plugin {
namespace {

struct PhantomOptions {
  std::filesystem::path out;
  std::uint64_t seed = 1;
  int patients = 1;
  bool json = false;
};

void run(const PhantomOptions& options) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  ProgressBar bar(!options.json);
  for (int index = 1; index <= options.patients; ++index) {
    bar.show(fmt::format("patient {} of {}", index, options.patients),
             100 * (index - 1) / options.patients);
    // One patient needs no folder of its own.
    const auto directory =
        options.patients == 1 ? options.out : options.out / fmt::format("patient-{:04}", index);
    const sample::PhantomPatient patient = sample::writePhantomPatient(options.seed, index, directory);
    list.push_back({{"pet", patient.petDirectory.string()},
                    {"truthSegmentation", patient.truthSegmentation.string()},
                    {"truth", patient.truthJson.string()},
                    {"slices", patient.slices},
                    {"lesions", patient.lesions},
                    {"tmtvMl", patient.tmtvMl}});
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
  CLI::App* command = app.add_subcommand(
      "phantom", "Make synthetic whole-body FDG-PET studies with their truth: PT/*.dcm, "
                 "truth-seg.dcm, truth.json");
  command->add_option("--out", options->out, "Folder to write to")->required();
  command->add_option("--seed", options->seed, "The same seed gives the same patients")
      ->capture_default_str();
  command->add_option("--patients", options->patients, "How many")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options, &exitCode] {
    run(*options);
    exitCode = kExitOk;
  });
}

}  // namespace fedpet::plugin
