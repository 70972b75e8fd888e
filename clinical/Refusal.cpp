#include "clinical/Refusal.h"

#include <array>
#include <stdexcept>

namespace fedpet {
namespace {

struct Entry {
  RefusalCode code;
  std::string_view name;
  bool notOurs;
  std::string_view explanation;
};

constexpr std::array kEntries{
    Entry{RefusalCode::NotPet, "NotPet", true, "The series does not hold PET images."},
    Entry{RefusalCode::NotOriginalAxial, "NotOriginalAxial", true,
          "The series holds derived, reformatted or captured images; send the original axial "
          "reconstruction."},
    Entry{RefusalCode::NotAttenuationCorrected, "NotAttenuationCorrected", true,
          "The series is not attenuation corrected; send the attenuation-corrected reconstruction."},
    Entry{RefusalCode::NotFdg, "NotFdg", true,
          "The tracer is not FDG, or cannot be recognised; check the radiopharmaceutical code."},
    Entry{RefusalCode::FilteredOut, "FilteredOut", true, "A filter of this site excludes the series."},
    Entry{RefusalCode::TooLittleBody, "TooLittleBody", true,
          "The series covers too little of the body for a whole-body measurement."},
    Entry{RefusalCode::EnhancedPetUnsupported, "EnhancedPetUnsupported", true,
          "Enhanced (multi-frame) PET is not supported; send classic PET Image Storage."},
    Entry{RefusalCode::UnreadableDicom, "UnreadableDicom", false,
          "A file cannot be read or decoded; send the series again."},
    Entry{RefusalCode::InconsistentSeries, "InconsistentSeries", false,
          "The images do not belong to one acquisition of one patient; check the series."},
    Entry{RefusalCode::MissingSlices, "MissingSlices", false,
          "Slices are missing; send the complete series again."},
    Entry{RefusalCode::DuplicateSlices, "DuplicateSlices", false,
          "Different slices share one position; check the series."},
    Entry{RefusalCode::NotDecayCorrected, "NotDecayCorrected", false,
          "The series is not decay corrected, so SUV cannot be computed."},
    Entry{RefusalCode::WeightMissing, "WeightMissing", false,
          "The patient's weight is missing; enter it at the scanner and send the series again."},
    Entry{RefusalCode::DoseMissing, "DoseMissing", false,
          "The injected activity is missing; correct it and send the series again."},
    Entry{RefusalCode::DoseImplausible, "DoseImplausible", false,
          "The injected activity is implausible (the unit must be Bq); correct it."},
    Entry{RefusalCode::HalfLifeMissing, "HalfLifeMissing", false,
          "The radionuclide's half-life is missing and the nuclide is not coded as F-18."},
    Entry{RefusalCode::TimesMissing, "TimesMissing", false,
          "The injection or scan time is missing, so decay cannot be corrected."},
    Entry{RefusalCode::TimesImplausible, "TimesImplausible", false,
          "The injection and scan times contradict each other; check the clocks."},
    Entry{RefusalCode::UnitsUnsupported, "UnitsUnsupported", false,
          "The pixel units cannot be converted to SUV by body weight."},
    Entry{RefusalCode::RescaleInvalid, "RescaleInvalid", false,
          "A rescale slope or intercept is missing or not a usable number."},
    Entry{RefusalCode::HeightOrSexMissing, "HeightOrSexMissing", false,
          "Height or sex is missing or implausible, so lean body mass is not known."},
    Entry{RefusalCode::RegionNotFound, "RegionNotFound", false,
          "A region could not be located with confidence; measure it by hand."},
    Entry{RefusalCode::NoLesion, "NoLesion", false, "No lesion was found that this number needs."},
    Entry{RefusalCode::OutOfDistribution, "OutOfDistribution", false,
          "The inputs are unlike those that the model was trained on, so no prediction is given."},
    Entry{RefusalCode::InputMissing, "InputMissing", false,
          "An input that the model needs is missing or was refused."},
    Entry{RefusalCode::ModelUnavailable, "ModelUnavailable", false,
          "No valid model bundle is installed; check the model's path and its hash."},
    Entry{RefusalCode::NotComparable, "NotComparable", false,
          "The two studies were not made or measured alike; compare their images by eye."},
};

const Entry& entryOf(RefusalCode code) {
  for (const Entry& entry : kEntries)
    if (entry.code == code) return entry;
  throw std::invalid_argument("unknown refusal code");
}

}  // namespace

std::string_view toString(RefusalCode code) { return entryOf(code).name; }

RefusalCode refusalCodeFromString(std::string_view name) {
  for (const Entry& entry : kEntries)
    if (entry.name == name) return entry.code;
  throw std::invalid_argument("unknown refusal code: " + std::string(name));
}

std::vector<RefusalCode> allRefusalCodes() {
  std::vector<RefusalCode> codes;
  for (const Entry& entry : kEntries) codes.push_back(entry.code);
  return codes;
}

bool meansNotOurs(RefusalCode code) { return entryOf(code).notOurs; }

std::string_view explain(RefusalCode code) { return entryOf(code).explanation; }

}  // namespace fedpet
