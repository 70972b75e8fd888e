#include "dicom/Eligibility.h"

#include "dicom/Tags.h"
#include "dicom/Tracer.h"

#include <algorithm>
#include <cctype>
#include <cmath>

namespace fedpet::dicom {
namespace {

bool contains(const std::vector<std::string>& values, std::string_view value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

std::string joined(const std::vector<std::string>& values) {
  std::string all;
  for (const std::string& value : values) all += (all.empty() ? "" : "\\") + value;
  return all;
}

std::string valueAt(const std::vector<std::string>& values, std::size_t index) {
  return index < values.size() ? values[index] : std::string();
}

Refusal notOriginal(std::string detail) {
  return {RefusalCode::NotOriginalAxial, std::move(detail)};
}

std::optional<Refusal> whyNotAxial(const SliceHeader& header) {
  // Image type values that only projections and reformatted images carry.
  for (const std::string& value : header.facts.imageType)
    for (const char* projected : {"MIP", "REFORMATTED", "MPR", "PROJECTION", "LOCALIZER"})
      if (value.find(projected) != std::string::npos)
        return notOriginal("ImageType (0008,0008) is " + joined(header.facts.imageType));
  const std::string kind = valueAt(header.facts.seriesType, 0);
  if (kind == "DYNAMIC" || kind == "GATED" || valueAt(header.facts.seriesType, 1) == "REPROJECTION")
    return notOriginal("SeriesType (0054,1000) is " + joined(header.facts.seriesType));
  const auto& r = header.rowDirection;
  const auto& c = header.columnDirection;
  const double normalZ = r[0] * c[1] - r[1] * c[0];
  constexpr double kCosOf5Degrees = 0.9962;
  if (std::abs(normalZ) < kCosOf5Degrees)
    return notOriginal("ImageOrientationPatient (0020,0037) is not axial");
  return std::nullopt;
}

std::optional<Refusal> whyNotOriginal(const SliceHeader& header, const PetReadingOptions& options,
                                      std::vector<std::string>& warnings) {
  const auto& type = header.facts.imageType;
  if (valueAt(type, 0) == "ORIGINAL" && valueAt(type, 1) == "PRIMARY") return std::nullopt;
  std::string finding = type.empty() ? "ImageType (0008,0008) is missing"
                                     : "ImageType (0008,0008) is " + joined(type);
  if (options.requireOriginal) return notOriginal(std::move(finding));
  warnings.push_back(std::move(finding));
  return std::nullopt;
}

std::optional<Refusal> whyNotAttenuationCorrected(const PetSeries& facts) {
  if (!contains(facts.correctedImage, "ATTN"))
    return Refusal{RefusalCode::NotAttenuationCorrected, "CorrectedImage (0028,0051) lacks ATTN"};
  std::string method = facts.attenuationCorrectionMethod.substr(0, 4);
  std::transform(method.begin(), method.end(), method.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (method == "none")
    return Refusal{RefusalCode::NotAttenuationCorrected,
                   "CorrectedImage (0028,0051) says ATTN, but AttenuationCorrectionMethod "
                   "(0054,1101) none"};
  return std::nullopt;
}

std::optional<Refusal> whyNotFdg(const PetSeries& facts, const PetReadingOptions& options,
                                 std::vector<std::string>& warnings) {
  const RecognisedTracer tracer = recogniseTracer(facts);
  switch (tracer.evidence) {
    case TracerEvidence::FdgByCode:
      return std::nullopt;
    case TracerEvidence::FdgByText:
      warnings.push_back("FDG is recognised with less than certainty: " + tracer.finding);
      return std::nullopt;
    case TracerEvidence::OtherTracer:
    case TracerEvidence::Unknown:
      break;
  }
  if (options.requireFdg) return Refusal{RefusalCode::NotFdg, tracer.finding};
  warnings.push_back("the tracer is not known to be FDG: " + tracer.finding);
  return std::nullopt;
}

}  // namespace

bool isEnhancedPet(const std::string& sopClassUid) {
  return sopClassUid == kEnhancedPetImageStorage || sopClassUid == kLegacyEnhancedPetImageStorage;
}

std::optional<Refusal> whyNotPetImages(const SeriesKind& kind) {
  const std::string sopClass = "SOPClassUID (0008,0016) is " + kind.sopClassUid;
  if (isEnhancedPet(kind.sopClassUid))
    return Refusal{RefusalCode::EnhancedPetUnsupported, sopClass + ", Enhanced PET"};
  if (kind.modality == "PT" && kind.sopClassUid != kPetImageStorage)
    return notOriginal("Modality (0008,0060) is PT, but " + sopClass);
  if (kind.modality == "PT") return std::nullopt;
  return Refusal{RefusalCode::NotPet,
                 kind.modality.empty() ? sopClass : "Modality (0008,0060) is " + kind.modality};
}

std::optional<Refusal> whyNotEligible(const SliceHeader& header, const PetReadingOptions& options,
                                      std::vector<std::string>& warnings) {
  if (auto refusal = whyNotAxial(header)) return refusal;
  if (auto refusal = whyNotOriginal(header, options, warnings)) return refusal;
  if (auto refusal = whyNotAttenuationCorrected(header.facts)) return refusal;
  return whyNotFdg(header.facts, options, warnings);
}

}  // namespace fedpet::dicom
