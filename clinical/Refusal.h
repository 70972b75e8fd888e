// Why a number is not given. A refusal is a result: the same reason reaches the SR, the FHIR
// resource (dataAbsentReason), the web page and the metrics.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fedpet {

// The code is what programs test and count; it never changes its meaning between releases.
enum class RefusalCode {
  // The series is not ours to assess: it is left alone, and no report is written for it.
  NotPet,                  // modality or SOP class is not a PET image
  NotOriginalAxial,        // MIP, secondary capture, derived or reformatted images
  NotAttenuationCorrected, // ATTN missing from CorrectedImage (0028,0051)
  NotFdg,                  // another tracer, or none that can be recognised
  FilteredOut,             // a tag or description filter of this site
  TooLittleBody,           // shorter than the configured body coverage
  EnhancedPetUnsupported,  // multi-frame Enhanced PET

  // The series is ours, but a number cannot be trusted.
  UnreadableDicom,         // truncated file, undecodable or absurd pixel data
  InconsistentSeries,      // several series, patients or acquisitions mixed
  MissingSlices,           // a gap between slice positions
  DuplicateSlices,         // two different slices at one position
  NotDecayCorrected,
  WeightMissing,
  DoseMissing,
  DoseImplausible,
  HalfLifeMissing,
  TimesMissing,
  TimesImplausible,        // injection after the scan, or an uptake time outside its limits
  UnitsUnsupported,
  RescaleInvalid,          // slope or intercept missing, zero or not finite
  HeightOrSexMissing,      // blocks SUL only
  RegionNotFound,          // an organ or reference region could not be located
  NoLesion,                // the quantity needs a lesion and there is none
  OutOfDistribution,       // inputs unlike those that the model was trained on
  InputMissing,            // the model needs an input that was refused
  ModelUnavailable,        // no model bundle, or its signature or hash does not fit
  NotComparable,           // two studies of a patient that were not made or measured alike
};

// Stable text form ("WeightMissing"), used in JSON, metrics and the private coding scheme.
std::string_view toString(RefusalCode);
// Throws std::invalid_argument for a text that names no code.
RefusalCode refusalCodeFromString(std::string_view);
std::vector<RefusalCode> allRefusalCodes();  // in the order above
// True for the first group above: no report, the job ends as "skipped".
bool meansNotOurs(RefusalCode);
// One sentence for a person: what is wrong in general, and what to do about it.
std::string_view explain(RefusalCode);

struct Refusal {
  RefusalCode code = RefusalCode::UnreadableDicom;
  std::string detail;  // the concrete finding, without patient attributes: "PatientWeight (0010,1030) is 0"
};

struct NotAssessable {
  std::vector<Refusal> reasons;  // never empty; the first is the decisive one

  NotAssessable() = default;
  NotAssessable(RefusalCode code, std::string detail) : reasons{{code, std::move(detail)}} {}
  RefusalCode code() const { return reasons.front().code; }
};

}  // namespace fedpet
