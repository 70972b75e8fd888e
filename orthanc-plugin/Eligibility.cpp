#include "orthanc-plugin/Eligibility.h"

#include "dicom/Tracer.h"
#include "federation/crypto/Bytes.h"

#include <algorithm>
#include <cmath>
#include <regex>

namespace fedpet::plugin {
namespace {

constexpr const char* kPetImageStorage = "1.2.840.10008.5.1.4.1.1.128";
constexpr const char* kEnhancedPetImageStorage = "1.2.840.10008.5.1.4.1.1.130";
constexpr const char* kLegacyEnhancedPetImageStorage = "1.2.840.10008.5.1.4.1.1.128.1";
// std::regex recurses once per character: no attribute we filter on is longer than this.
constexpr std::size_t kLongestFilteredText = 1024;

bool contains(const std::vector<std::string>& values, const char* wanted) {
  return std::find(values.begin(), values.end(), wanted) != values.end();
}

bool matches(const std::string& text, const std::string& expression) {
  return std::regex_search(text.substr(0, kLongestFilteredText),
                           std::regex(expression, std::regex::ECMAScript | std::regex::icase));
}

std::optional<Refusal> filteredOut(const SeriesFacts& facts, const EligibilityOptions& options) {
  const auto describes = [&](const std::string& e) { return matches(facts.seriesDescription, e); };
  const auto& include = options.seriesDescriptionInclude;
  const auto& exclude = options.seriesDescriptionExclude;
  if (!include.empty() && std::none_of(include.begin(), include.end(), describes))
    return Refusal{RefusalCode::FilteredOut,
                   "the series description matches no SeriesDescriptionInclude"};
  for (const std::string& expression : exclude)
    if (describes(expression))
      return Refusal{RefusalCode::FilteredOut,
                     "the series description matches SeriesDescriptionExclude " + expression};
  for (const auto& [tag, expression] : options.requiredTags) {
    const auto it = facts.tags.find(tag);
    if (it == facts.tags.end() || !matches(it->second, expression))
      return Refusal{RefusalCode::FilteredOut, tag + " does not match " + expression};
  }
  return std::nullopt;
}

std::optional<Refusal> notAnAxialPetImage(const SeriesFacts& facts) {
  if (facts.sopClassUid == kEnhancedPetImageStorage ||
      facts.sopClassUid == kLegacyEnhancedPetImageStorage)
    return Refusal{RefusalCode::EnhancedPetUnsupported, "SOP class Enhanced PET Image Storage"};
  if (facts.sopClassUid != kPetImageStorage)
    return Refusal{RefusalCode::NotOriginalAxial,
                   "modality PT with SOP class " + facts.sopClassUid};
  if (!contains(facts.imageType, "ORIGINAL") || !contains(facts.imageType, "PRIMARY"))
    return Refusal{RefusalCode::NotOriginalAxial, "ImageType (0008,0008) is not ORIGINAL\\PRIMARY"};
  return std::nullopt;
}

std::optional<Refusal> notFdg(const SeriesFacts& facts) {
  PetSeries series;
  series.radiopharmaceutical = facts.radiopharmaceutical;
  const dicom::RecognisedTracer tracer = dicom::recogniseTracer(series);
  if (tracer.evidence == dicom::TracerEvidence::OtherTracer ||
      tracer.evidence == dicom::TracerEvidence::Unknown)
    return Refusal{RefusalCode::NotFdg, tracer.finding};
  return std::nullopt;
}

}  // namespace

std::optional<Refusal> reasonToSkip(const SeriesFacts& facts, const EligibilityOptions& options) {
  if (facts.modality != "PT") return Refusal{RefusalCode::NotPet, "modality " + facts.modality};
  if (auto refusal = notAnAxialPetImage(facts)) return refusal;
  if (auto refusal = filteredOut(facts, options)) return refusal;
  if (!contains(facts.correctedImage, "ATTN"))
    return Refusal{RefusalCode::NotAttenuationCorrected,
                   "CorrectedImage (0028,0051) does not name ATTN"};
  if (auto refusal = notFdg(facts)) return refusal;
  if (facts.bodyCoverageMm && *facts.bodyCoverageMm < options.minimumBodyCoverageMm)
    return Refusal{RefusalCode::TooLittleBody,
                   std::to_string(std::lround(*facts.bodyCoverageMm)) + " mm in " +
                       std::to_string(facts.instances) + " slices, at least " +
                       std::to_string(std::lround(options.minimumBodyCoverageMm)) +
                       " mm are asked for"};
  return std::nullopt;
}

std::string contentFingerprint(std::vector<std::string> instanceContents) {
  std::sort(instanceContents.begin(), instanceContents.end());
  federation::Sha256Stream hash;
  for (const std::string& content : instanceContents) hash.add(federation::viewOf(content + "\n"));
  return federation::toHex(hash.finish());
}

std::optional<double> coverageMm(const std::vector<PointMm>& positions,
                                 const std::vector<double>& orientation, double sliceThicknessMm) {
  if (positions.empty() || orientation.size() != 6) return std::nullopt;
  const auto& o = orientation;
  const PointMm normal{o[1] * o[5] - o[2] * o[4], o[2] * o[3] - o[0] * o[5],
                       o[0] * o[4] - o[1] * o[3]};
  const double length = std::hypot(normal[0], normal[1], normal[2]);
  if (!(std::abs(length - 1) < 0.01)) return std::nullopt;
  std::vector<double> along;
  for (const PointMm& p : positions)
    along.push_back(p[0] * normal[0] + p[1] * normal[1] + p[2] * normal[2]);
  std::sort(along.begin(), along.end());
  if (!std::isfinite(along.front()) || !std::isfinite(along.back())) return std::nullopt;
  if (along.size() == 1) return sliceThicknessMm;
  std::vector<double> steps;
  for (std::size_t i = 1; i < along.size(); ++i) steps.push_back(along[i] - along[i - 1]);
  const auto middle = steps.begin() + static_cast<std::ptrdiff_t>(steps.size() / 2);
  std::nth_element(steps.begin(), middle, steps.end());
  return along.back() - along.front() + *middle;
}

}  // namespace fedpet::plugin
