#include "models/imaging/followup/Comparability.h"

#include "models/imaging/Formatted.h"
#include "models/imaging/Percist.h"
#include "models/imaging/followup/Baseline.h"

#include <algorithm>
#include <cctype>
#include <cmath>

namespace fedpet::imaging {
namespace {

constexpr double kRounding = 1e-9;

Refusal notComparable(std::string detail) {
  return {RefusalCode::NotComparable, std::move(detail)};
}

void compareUptakeTimes(const ResponseAssessment& now, const PriorStudy& prior,
                        Comparability& out) {
  const auto minutes = now.suv ? now.suv->uptakeMinutes : std::nullopt;
  if (!minutes || !prior.uptakeMinutes) {
    out.warnings.push_back(std::string("the uptake time of ") + (minutes ? "the earlier" : "this") +
                           " study is not known: PERCIST asks for a difference of at most 15 min");
    return;
  }
  if (std::abs(*minutes - *prior.uptakeMinutes) > kUptakeDifferenceMin + kRounding)
    out.refusals.push_back(notComparable(
        formatted("uptake times of %.0f and earlier %.0f min differ by more than %.0f min",
                  *minutes, *prior.uptakeMinutes, kUptakeDifferenceMin)));
  for (const double one : {*minutes, *prior.uptakeMinutes})
    if (one < kEarliestUptakeMin - kRounding || one > kLatestUptakeMin + kRounding)
      out.warnings.push_back(formatted("an uptake time of %.0f min is outside %.0f to %.0f min",
                                       one, kEarliestUptakeMin, kLatestUptakeMin));
}

void compareReferences(const ResponseAssessment& now, const PriorStudy& prior, Comparability& out) {
  const auto mean =
      now.percist ? valueOf(now.percist->numbers, Quantity::ReferenceSulMean) : std::nullopt;
  if (!mean || !prior.referenceSulMean || !std::isfinite(*prior.referenceSulMean)) {
    if (mean)
      out.warnings.push_back(
          "the earlier report gives no SUL of a reference region: that normal "
          "tissue took up alike could not be checked");
    return;
  }
  const Organ earlier = prior.reference.value_or(Organ::Liver);
  if (earlier != now.percist->reference) {
    out.warnings.push_back(
        formatted("the reference region was the %s and now is the %s: that normal tissue took up "
                  "alike could not "
                  "be checked",
                  std::string(toString(earlier)).c_str(),
                  std::string(toString(now.percist->reference)).c_str()));
    return;
  }
  const double difference = std::abs(*mean - *prior.referenceSulMean);
  const double larger = std::max(*mean, *prior.referenceSulMean);
  if (difference > kReferenceDifferenceSul + kRounding ||
      difference > kReferenceDifferenceShare * larger + kRounding)
    out.refusals.push_back(notComparable(
        formatted("mean SUL of the reference region (%s) %.2f and earlier %.2f differ by more than "
                  "%.1f SUL or "
                  "%.0f %% of the larger",
                  std::string(toString(earlier)).c_str(), *mean, *prior.referenceSulMean,
                  kReferenceDifferenceSul, 100 * kReferenceDifferenceShare)));
}

// For comparison only: case and blanks change on their way through reports.
std::string folded(const std::string& text) {
  std::string result;
  for (const char c : text)
    if (!std::isspace(static_cast<unsigned char>(c)))
      result += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

void compareScanners(const ResponseAssessment& now, const PriorStudy& prior, Comparability& out) {
  const std::string scanner = now.series.manufacturer + ' ' + now.series.manufacturerModel;
  if (folded(prior.scannerModel).empty() || folded(scanner).empty())
    out.warnings.push_back(
        "the scanner of one study is not known: PERCIST asks for the same scanner, or "
        "the same model at one site");
  else if (folded(prior.scannerModel) != folded(scanner))
    out.warnings.push_back("other scanner (" + scanner + ", earlier " + prior.scannerModel +
                           "): PERCIST asks for the same scanner, or the same model at one site");
}

void compareRules(const ResponseAssessment& now, const PriorStudy& prior, Comparability& out) {
  const std::string& earlier = prior.summary.lesionDefinition;
  if (earlier.empty()) {
    out.warnings.push_back(
        "the earlier report does not say by which rule lesions were outlined: new "
        "lesions and volumes may come from another rule");
    return;
  }
  out.sameLesionRule = isSameLesionRule(now.lesionDefinition, earlier);
  if (!*out.sameLesionRule)
    out.refusals.push_back(notComparable("lesions were outlined by another rule (now: " +
                                         now.lesionDefinition + "; earlier: " + earlier + ")"));
}

void needMeasurableDisease(const PriorStudy& prior, Comparability& out) {
  const auto peak = hottestSulPeak(prior);
  if (!peak || !(*peak > 0)) {
    out.refusals.push_back(notComparable(
        prior.summary.lesionCount == 0
            ? "the earlier study has no lesion, so nothing was measurable"
            : "the earlier report gives no SULpeak (lean body mass), so PERCIST has no baseline"));
    return;
  }
  const auto threshold = thresholdOf(prior);
  if (!threshold)
    out.refusals.push_back(
        notComparable("the earlier report gives no PERCIST reference, so it is not "
                      "known whether its hottest lesion was measurable"));
  else if (*peak < *threshold - kRounding)
    out.refusals.push_back(notComparable(formatted(
        "nothing was measurable in the earlier study: SULpeak %.2f of its hottest lesion is below "
        "%.2f",
        *peak, *threshold)));
}

void erase(std::string& text, std::string_view from, std::string_view until) {
  const auto begin = text.find(from);
  if (begin == std::string::npos) return;
  const auto end = until.empty() ? std::string::npos : text.find(until, begin + from.size());
  text.erase(begin, end == std::string::npos ? end : end - begin);
}

}  // namespace

std::optional<double> valueOf(const std::vector<Measurement>& measurements, Quantity quantity) {
  for (const Measurement& one : measurements)
    if (one.quantity == quantity && one.value && std::isfinite(*one.value)) return *one.value;
  return std::nullopt;
}

bool isSameLesionRule(const std::string& one, const std::string& other) {
  const auto rule = [](std::string text) {
    if (text.rfind("PERCIST 1.0 threshold", 0) == 0) {
      erase(text, " = SUVbw ", " (the same voxels");
      erase(text, "; SUL", {});
    }
    return folded(text);
  };
  return rule(one) == rule(other);
}

std::optional<double> thresholdOf(const PriorStudy& prior) {
  if (prior.percistThreshold && std::isfinite(*prior.percistThreshold))
    return prior.percistThreshold;
  if (!prior.reference || !prior.referenceSulMean || !prior.referenceSulSd) return std::nullopt;
  const double threshold =
      percistThresholdSul(*prior.reference, *prior.referenceSulMean, *prior.referenceSulSd);
  return std::isfinite(threshold) ? std::optional(threshold) : std::nullopt;
}

Comparability comparabilityOf(const ResponseAssessment& now, const PriorStudy& prior) {
  Comparability result;
  if (now.percistRefusal && now.percistRefusal->code == RefusalCode::HeightOrSexMissing)
    result.refusals.push_back(*now.percistRefusal);
  needMeasurableDisease(prior, result);
  compareUptakeTimes(now, prior, result);
  compareReferences(now, prior, result);
  compareRules(now, prior, result);
  compareScanners(now, prior, result);
  return result;
}

}  // namespace fedpet::imaging
