#include "models/imaging/followup/FollowUp.h"

#include "models/imaging/Formatted.h"
#include "models/imaging/followup/Comparability.h"
#include "models/imaging/followup/LesionTrack.h"
#include "models/imaging/followup/ResponseRules.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

namespace fedpet::imaging {
namespace {

void append(std::vector<std::string>& to, const std::vector<std::string>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

const Measurement* find(const std::vector<Measurement>& all, Quantity quantity) {
  for (const Measurement& one : all)
    if (one.quantity == quantity) return &one;
  return nullptr;
}

// Of this study; the refusal says why not.
tl::expected<double, Refusal> measured(const ResponseAssessment& now, Quantity quantity) {
  const Measurement* one = find(now.wholeBody, quantity);
  if (one == nullptr)
    return tl::unexpected(
        Refusal{RefusalCode::InputMissing, std::string(toString(quantity)) + " was not measured"});
  return one->value;
}

Measurement changeIn(Quantity quantity, const tl::expected<double, Refusal>& now,
                     const std::optional<double>& earlier, const std::string& what,
                     const std::string& date) {
  Measurement change{quantity,
                     0.0,
                     what + ", from the study of " + date +
                         ", in percent of the "
                         "earlier value",
                     {}};
  if (!earlier || !std::isfinite(*earlier))
    change.value =
        tl::unexpected(Refusal{RefusalCode::NotComparable, "the earlier report does not give it"});
  else if (!(*earlier > 0))
    change.value = tl::unexpected(Refusal{RefusalCode::NotComparable,
                                          "the earlier value is 0: there is no percentage of it"});
  else if (!now)
    change.value = tl::unexpected(now.error());
  else
    change.value = 100 * (*now - *earlier) / *earlier;
  if (change.value)
    change.definition += formatted(": %.2f, earlier %.2f %s", *now, *earlier,
                                   quantity == Quantity::TmtvChange  ? "ml"
                                   : quantity == Quantity::TlgChange ? "g"
                                                                     : "SUL");
  return change;
}

class Comparing {
 public:
  Comparing(const FollowUpInput& input, const PriorStudy& prior)
      : input_(input),
        now_(input.now),
        prior_(prior),
        comparability_(comparabilityOf(input.now, prior)),
        track_(trackLesions(input.now, input.labels, prior)) {}

  Comparison run(const std::vector<DatedResponse>& between) {
    Comparison result;
    result.earlier = prior_.summary;
    result.earlier.sulPeak = hottestSulPeak(prior_);
    result.lesions = track_.changes;
    result.alignment = track_.alignment
                           ? track_.alignment->description
                           : track_.alignment.error() + "; lesions were not matched by place";
    append(result.warnings, comparability_.warnings);
    append(result.warnings, track_.warnings);
    lookForResidual();
    result.changes = changes();
    judge(result, between);
    return result;
  }

 private:
  // Whether this study has a lesion by its rule; nullopt: the rule was refused.
  std::optional<bool> hasLesion() const {
    const auto count = measured(now_, Quantity::LesionCount);
    return count ? std::optional(*count > 0) : std::nullopt;
  }

  void lookForResidual() {
    if (input_.volume == nullptr || !track_.alignment || hasLesion() != false || !now_.suv ||
        !now_.suv->sulPerSuvBw)
      return;
    residual_ = residualSulPeak(*input_.volume, *now_.suv->sulPerSuvBw, now_, input_.labels, prior_,
                                *track_.alignment);
  }

  std::vector<Measurement> changes() const {
    const std::string date = dateText(prior_.summary.scannedAt);
    const auto peak = measured(now_, Quantity::SulPeak);
    std::vector<Measurement> all{
        changeIn(Quantity::SulPeakChange,
                 peak || !residual_ ? peak : tl::expected<double, Refusal>(*residual_),
                 hottestSulPeak(prior_),
                 peak || !residual_ ? "SULpeak of each study's hottest lesion"
                                    : "SULpeak of the hottest uptake left in the earlier lesions' "
                                      "places against that of the "
                                      "earlier study's hottest lesion",
                 date)};
    all.push_back(changeIn(Quantity::TmtvChange, ruled(measured(now_, Quantity::Tmtv)),
                           prior_.summary.tmtvMl, "total metabolic tumour volume", date));
    all.push_back(changeIn(Quantity::TlgChange,
                           ruled(measured(now_, Quantity::TotalLesionGlycolysis)),
                           prior_.summary.tlgG, "total lesion glycolysis", date));
    return all;
  }

  // Volumes by two rules are two quantities.
  tl::expected<double, Refusal> ruled(tl::expected<double, Refusal> value) const {
    if (comparability_.sameLesionRule == true) return value;
    return tl::unexpected(Refusal{RefusalCode::NotComparable,
                                  comparability_.sameLesionRule
                                      ? "lesions were outlined by another rule"
                                      : "the earlier report does not say its lesion rule"});
  }

  PercistNumbers numbers() const {
    PercistNumbers n;
    n.earlierSulPeak = hottestSulPeak(prior_).value_or(0);
    if (const auto peak = measured(now_, Quantity::SulPeak)) n.sulPeak = *peak;
    n.residualSulPeak = residual_;
    if (now_.percist)
      n.referenceSulMean = valueOf(now_.percist->numbers, Quantity::ReferenceSulMean);
    if (comparability_.sameLesionRule == true) {
      if (const auto tlg = measured(now_, Quantity::TotalLesionGlycolysis)) n.tlgG = *tlg;
      if (prior_.summary.tlgG && std::isfinite(*prior_.summary.tlgG))
        n.earlierTlgG = prior_.summary.tlgG;
    }
    if (track_.complete) n.newLesions = 0;
    for (const LesionChange& change : track_.changes) {
      if (change.fate == LesionFate::New && n.newLesions) ++*n.newLesions;
      n.risenLesions += change.fate == LesionFate::Matched && change.earlierSulPeak &&
                        change.sulPeak && *change.earlierSulPeak > 0 &&
                        isSignificantRise(*change.earlierSulPeak, *change.sulPeak);
    }
    return n;
  }

  std::optional<Refusal> refusal() const {
    std::vector<Refusal> all = comparability_.refusals;
    if (!hasLesion()) all.push_back(measured(now_, Quantity::LesionCount).error());
    if (const auto peak = measured(now_, Quantity::SulPeak); hasLesion() == true && !peak)
      all.push_back(peak.error());
    if (all.empty()) return std::nullopt;
    Refusal joined = all.front();
    for (std::size_t r = 1; r < all.size(); ++r)
      if (all[r].detail != joined.detail) joined.detail += "; " + all[r].detail;
    return joined;
  }

  void judge(Comparison& result, const std::vector<DatedResponse>& between) const {
    if (const auto why = refusal()) {
      result.percist = result.iPercist = tl::unexpected(*why);
      tellOfNewLesions(result);
      return;
    }
    const ResponseVerdict percist = percistResponse(numbers());
    result.percist = percist.response;
    append(result.reasons, percist.reasons);
    append(result.warnings, percist.warnings);
    const ResponseVerdict immune =
        iPercistResponse(percist.response, scanTimeOf(now_.series).value_or(WallClock{}), between);
    result.iPercist = immune.response;
    append(result.reasons, immune.reasons);
    append(result.warnings, immune.warnings);
  }

  // A refused category must not hide what was seen.
  void tellOfNewLesions(Comparison& result) const {
    const auto fresh =
        std::count_if(track_.changes.begin(), track_.changes.end(),
                      [](const LesionChange& c) { return c.fate == LesionFate::New; });
    if (fresh > 0)
      result.warnings.push_back(
          formatted("no category is given, but %d lesions lie where the earlier study "
                    "outlined none",
                    static_cast<int>(fresh)));
  }

  const FollowUpInput& input_;
  const ResponseAssessment& now_;
  const PriorStudy& prior_;
  const Comparability comparability_;
  const LesionTrack track_;
  std::optional<double> residual_;
};

std::vector<DatedResponse> responsesBetween(const PriorChoice& choice) {
  std::vector<DatedResponse> responses;
  for (const PriorStudy* prior : choice.before)
    if (prior->summary.iPercist && prior->summary.scannedAt > choice.baseline->summary.scannedAt)
      responses.push_back({prior->summary.scannedAt, *prior->summary.iPercist});
  return responses;
}

std::optional<Comparison> compareWith(const FollowUpInput& input, const PriorChoice& choice,
                                      const FollowUpOptions& options) {
  if (choice.baseline == nullptr) return std::nullopt;
  Comparison result = Comparing(input, *choice.baseline).run(responsesBetween(choice));
  if (options.baseline == BaselineChoice::Oldest && choice.before.size() > 1)
    result.warnings.push_back(
        formatted("compared with the oldest usable study within %d days, %s: that it was made "
                  "before the present "
                  "treatment is assumed",
                  static_cast<int>(options.farthestBaseline.count()),
                  dateText(choice.baseline->summary.scannedAt).c_str()));
  append(result.warnings, choice.baseline->warnings);
  return result;
}

Region* lesionOf(ResponseAssessment& assessment, const std::string& trackingId) {
  for (Region& region : assessment.regions)
    if (region.role == RegionRole::Lesion && region.trackingId == trackingId) return &region;
  return nullptr;
}

// A lesion that came after the baseline keeps the UID that the studies since then gave it.
void takeUidsFrom(const PriorStudy& prior, ResponseAssessment& assessment,
                  const LabelVolume& labels) {
  std::set<std::string> used;
  bool open = false;
  for (const Region& region : assessment.regions) {
    if (!region.trackingUid.empty()) used.insert(region.trackingUid);
    open |= region.role == RegionRole::Lesion && region.trackingUid.empty();
  }
  if (!open) return;
  for (const LesionChange& change : trackLesions(assessment, labels, prior).changes) {
    if (change.fate != LesionFate::Matched || change.trackingUid.empty()) continue;
    Region* region = lesionOf(assessment, change.trackingId);
    if (region == nullptr || !region->trackingUid.empty() ||
        !used.insert(change.trackingUid).second)
      continue;
    region->trackingUid = change.trackingUid;
    for (LesionChange& known : assessment.comparison->lesions)
      if (known.fate != LesionFate::Resolved && known.trackingId == change.trackingId) {
        known.trackingUid = change.trackingUid;
        known.note += (known.note.empty() ? "" : "; ") +
                      ("seen before in the study of " + dateText(prior.summary.scannedAt));
      }
  }
}

}  // namespace

std::optional<Comparison> compare(const FollowUpInput& input, const std::vector<PriorStudy>& priors,
                                  const FollowUpOptions& options) {
  return compareWith(input, choosePriors(input.now, priors, options), options);
}

void followUp(ResponseAssessment& assessment, const LabelVolume& labels,
              const std::vector<PriorStudy>& priors, const SuvVolume* volume,
              const FollowUpOptions& options) {
  if (!assessment.refusals.empty()) return;
  const PriorChoice choice = choosePriors(assessment, priors, options);
  append(assessment.warnings, choice.warnings);
  for (const PriorStudy* prior : choice.before) {
    assessment.priors.push_back(prior->summary);
    assessment.priors.back().sulPeak = hottestSulPeak(*prior);
  }
  assessment.comparison = compareWith({assessment, labels, volume}, choice, options);
  if (!assessment.comparison) return;
  for (const LesionChange& change : assessment.comparison->lesions)
    if (change.fate == LesionFate::Matched && !change.trackingUid.empty())
      if (Region* region = lesionOf(assessment, change.trackingId))
        region->trackingUid = change.trackingUid;
  for (auto prior = choice.before.rbegin(); prior != choice.before.rend(); ++prior)
    if (*prior != choice.baseline) takeUidsFrom(**prior, assessment, labels);
}

}  // namespace fedpet::imaging
