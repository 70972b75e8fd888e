#include "models/imaging/followup/Baseline.h"

#include "models/imaging/Formatted.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace fedpet::imaging {
namespace {

bool saysAnythingOfTumour(const PriorStudy& prior) {
  const StudySummary& s = prior.summary;
  return s.tmtvMl || s.tlgG || s.suvMax || s.sulPeak || s.lesionCount ||
         std::any_of(prior.regions.begin(), prior.regions.end(),
                     [](const PriorRegion& r) { return r.role == RegionRole::Lesion; });
}

bool isOfThisStudy(const StudySummary& prior, const PetSeries& now) {
  return (!prior.studyInstanceUid.empty() &&
          prior.studyInstanceUid == now.study.studyInstanceUid) ||
         (!prior.seriesInstanceUid.empty() && prior.seriesInstanceUid == now.seriesInstanceUid);
}

void select(PriorChoice& choice, WallClock now, const FollowUpOptions& options) {
  std::vector<const PriorStudy*> near;
  for (const PriorStudy* prior : choice.before)
    if (now - prior->summary.scannedAt <= options.farthestBaseline) near.push_back(prior);
  if (options.baseline == BaselineChoice::Last) std::reverse(near.begin(), near.end());
  for (const auto& wanted : {+[](const PriorStudy& p) { return hottestSulPeak(p).has_value(); },
                             +[](const PriorStudy& p) { return saysAnythingOfTumour(p); }}) {
    const auto found =
        std::find_if(near.begin(), near.end(), [&](const PriorStudy* p) { return wanted(*p); });
    if (found == near.end()) continue;
    choice.baseline = *found;
    return;
  }
  if (!choice.before.empty())
    choice.warnings.push_back(
        formatted("none of %zu earlier studies can be compared with: they are older than %d days "
                  "or their reports "
                  "tell nothing of a tumour",
                  choice.before.size(), static_cast<int>(options.farthestBaseline.count())));
}

}  // namespace

std::optional<WallClock> scanTimeOf(const PetSeries& series) {
  std::optional<WallClock> first;
  for (const PetSlice& slice : series.slices)
    if (slice.acquisitionDateTime && (!first || *slice.acquisitionDateTime < *first))
      first = slice.acquisitionDateTime;
  return first ? first : series.seriesDateTime;
}

std::optional<double> hottestSulPeak(const PriorStudy& prior) {
  if (prior.summary.sulPeak && std::isfinite(*prior.summary.sulPeak)) return prior.summary.sulPeak;
  std::optional<double> highest;
  for (const PriorRegion& region : prior.regions)
    if (region.role == RegionRole::Lesion && region.sulPeak && std::isfinite(*region.sulPeak) &&
        (!highest || *region.sulPeak > *highest))
      highest = region.sulPeak;
  return highest;
}

PriorChoice choosePriors(const ResponseAssessment& now, const std::vector<PriorStudy>& priors,
                         const FollowUpOptions& options) {
  PriorChoice choice;
  const auto scannedAt = scanTimeOf(now.series);
  std::size_t undated = 0;
  std::set<std::string> seen;  // reports
  for (const PriorStudy& prior : priors) {
    const StudySummary& s = prior.summary;
    if (isOfThisStudy(s, now.series)) continue;
    if (!s.srSopInstanceUid.empty() && !seen.insert(s.srSopInstanceUid).second) continue;
    if (s.scannedAt == WallClock{}) {
      ++undated;
    } else if (scannedAt && s.scannedAt < *scannedAt) {
      choice.before.push_back(&prior);
    }
  }
  if (undated > 0)
    choice.warnings.push_back(formatted(
        "%zu earlier reports do not say when the patient was scanned and were left out", undated));
  if (!scannedAt) {
    if (!priors.empty())
      choice.warnings.push_back(
          "this series does not say when the patient was scanned, so no earlier study can be told");
    return choice;
  }
  std::stable_sort(choice.before.begin(), choice.before.end(),
                   [](const PriorStudy* a, const PriorStudy* b) {
                     return a->summary.scannedAt < b->summary.scannedAt;
                   });
  select(choice, *scannedAt, options);
  return choice;
}

}  // namespace fedpet::imaging
