#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>

#include "dicom/PetSeriesReader.h"
#include "models/imaging/SuvScaling.h"
#include "orthanc-plugin/cli/CommandJson.h"
#include "orthanc-plugin/cli/Commands.h"

namespace fedpet::plugin {
namespace {

struct Suv {
  std::filesystem::path directory;
  bool json = false;
};

struct Summary {
  double minimum = 0, median = 0, maximum = 0;
};

// Over the voxels above 0: around the patient reconstructions write exact zeros, often most of
// the volume, and a median of air says nothing.
Summary summarise(std::vector<float> values) {
  std::erase_if(values, [](float value) { return !(value > 0); });
  if (values.empty()) return {};
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  double median = *middle;
  if (values.size() % 2 == 0) median = (median + *std::max_element(values.begin(), middle)) / 2;
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return {*low, median, *high};
}

ExitCode run(const Suv& options) {
  auto series = dicom::readPetSeriesFromDirectory(options.directory,
                                                  dicom::PetReadingOptions::anyPet());
  if (!series) return refuse(series.error().reasons, options.json);
  const auto scaling = imaging::suvScaling(*series);
  if (!scaling) return refuse(scaling.error().reasons, options.json);
  std::vector<std::string> warnings = series->warnings;
  warnings.insert(warnings.end(), scaling->warnings.begin(), scaling->warnings.end());
  auto volume = imaging::toSuvVolume(std::move(*series), *scaling);
  if (!volume) return refuse(volume.error().reasons, options.json);

  const Summary suv = summarise(std::move(volume->suvBw));
  if (options.json) {
    // One factor serves all slices of a series, so both ends of the range are the same.
    print({{"status", "ok"},
           {"suvBwFactor", {scaling->suvBwPerUnit, scaling->suvBwPerUnit}},
           {"suvMin", suv.minimum},
           {"suvMedian", suv.median},
           {"suvMax", suv.maximum},
           {"method", scaling->method},
           {"warnings", warnings}});
    return kExitOk;
  }
  fmt::print("SUVbw = pixel value x {:.10g}\n{}\n", scaling->suvBwPerUnit, scaling->method);
  fmt::print("SUVbw of the voxels above 0: minimum {:.4f}, median {:.4f}, maximum {:.4f} g/ml\n", suv.minimum, suv.median,
             suv.maximum);
  for (const std::string& warning : warnings) fmt::print("Warning: {}\n", warning);
  return kExitOk;
}

}  // namespace

void addSuvCommand(CLI::App& app, ExitCode& exitCode) {
  auto options = std::make_shared<Suv>();
  CLI::App* command = app.add_subcommand(
      "suv", "Print the SUVbw factor of the PET series in a folder, and minimum, median and maximum SUVbw of "
             "its voxels above 0");
  command->add_option("DIR", options->directory, "Folder with the series, or with its study")
      ->required()
      ->check(CLI::ExistingDirectory);
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options, &exitCode] { exitCode = run(*options); });
}

}  // namespace fedpet::plugin
