#include "models/imaging/followup/ResponseRules.h"

#include "models/imaging/Formatted.h"

#include <algorithm>
#include <cmath>

namespace fedpet::imaging {
namespace {

// Limits are inclusive, and 0.7 x 8.0 is not exactly 5.6 in binary: this much is rounding.
constexpr double kRounding = 1e-9;

double percentChange(double earlier, double now) { return 100 * (now - earlier) / earlier; }

struct Tally {
  bool progression = false;
  ResponseVerdict verdict;
  void note(std::string reason) { verdict.reasons.push_back(std::move(reason)); }
  void warn(std::string warning) { verdict.warnings.push_back(std::move(warning)); }
  void progress(std::string reason) {
    progression = true;
    note(std::move(reason) + ": progression");
  }
};

void weighSulPeak(const PercistNumbers& n, double now, Tally& tally) {
  const std::string text = formatted(
      "SULpeak of the hottest %s: %.2f, earlier %.2f, change %+.1f %% and %+.2f SUL (limit %.0f %% "
      "and %.1f SUL)",
      n.sulPeak ? "lesion" : "uptake left in the earlier lesions' places", now, n.earlierSulPeak,
      percentChange(n.earlierSulPeak, now), now - n.earlierSulPeak, kSulPeakChangePercent,
      kSulPeakChangeSul);
  if (isSignificantRise(n.earlierSulPeak, now))
    tally.progress(text);
  else
    tally.note(text);
}

void weighGlycolysis(const PercistNumbers& n, std::optional<double> peakNow, Tally& tally) {
  if (!n.earlierTlgG || !n.tlgG || !(*n.earlierTlgG > 0)) {
    tally.note("total lesion glycolysis: not compared");
    return;
  }
  const double percent = percentChange(*n.earlierTlgG, *n.tlgG);
  const std::string text = formatted(
      "total lesion glycolysis: %.1f g, earlier %.1f g, change %+.1f %% "
      "(limit +%.0f %%)",
      *n.tlgG, *n.earlierTlgG, percent, kTlgRisePercent);
  if (percent < kTlgRisePercent - kRounding) return tally.note(text);
  tally.progress(text);
  if (peakNow && *peakNow < n.earlierSulPeak)
    tally.warn(
        "TLG rose while SULpeak fell: larger, but fainter. PERCIST 1.0 means growth without a "
        "decline of SUL; check by eye");
}

void weighNewLesions(const PercistNumbers& n, Tally& tally) {
  if (!n.newLesions) {
    tally.note("new lesions: could not be looked for, since places could not be compared");
    if (n.sulPeak)
      tally.warn(
          "new lesions could not be looked for: a new lesion would mean progression whatever "
          "the category says");
    return;
  }
  if (*n.newLesions == 0) return tally.note("new lesions: none");
  tally.progress(formatted("new lesions: %d", *n.newLesions));
  tally.warn(
      "new lesions are uptake above the lesion rule where none was before: inflammation, "
      "bowel and other normal uptake must be ruled out by eye");
}

bool isComplete(const PercistNumbers& n, Tally& tally) {
  if (n.sulPeak) return false;
  if (!n.residualSulPeak || !n.referenceSulMean) {
    tally.note("no lesion by the rule is left");
    tally.warn(
        "complete response rests on the lesion rule alone: that no uptake above the reference "
        "region's mean is left in the earlier lesions' places was not measured; check by eye");
    return true;
  }
  const bool below = *n.residualSulPeak < *n.referenceSulMean;
  tally.note(
      formatted("no lesion by the rule is left; hottest SULpeak in the earlier lesions' places "
                "%.2f, %s the reference region's mean %.2f",
                *n.residualSulPeak, below ? "below" : "not below", *n.referenceSulMean));
  if (!below)
    tally.warn(
        "uptake is left in the place of an earlier lesion: too faint for the lesion rule, too "
        "hot for a complete response; check by eye");
  return below;
}

bool isPartial(const PercistNumbers& n, double now, Tally& tally) {
  // The fall is the rise of the turned scale, but its percentage is of the earlier value.
  const double fall = n.earlierSulPeak - now;
  if (fall < kSulPeakChangeSul - kRounding ||
      100 * fall / n.earlierSulPeak < kSulPeakChangePercent - kRounding)
    return false;
  if (n.risenLesions == 0) return true;
  tally.note(
      formatted("the hottest lesion responds, but %d matched %s by 30 %% and 0.8 SUL or more: "
                "no partial response",
                n.risenLesions, n.risenLesions == 1 ? "lesion rose" : "lesions rose"));
  tally.warn(
      "mixed response: some lesions fell, others rose; whether that is unequivocal "
      "progression is for the reader");
  return false;
}

ResponseVerdict unconfirmed(const std::string& why) {
  return {MetabolicResponse::UnconfirmedProgressive, {why}, {}};
}

}  // namespace

bool isSignificantRise(double earlierSul, double sul) {
  return sul - earlierSul >= kSulPeakChangeSul - kRounding &&
         percentChange(earlierSul, sul) >= kSulPeakChangePercent - kRounding;
}

ResponseVerdict percistResponse(const PercistNumbers& n) {
  Tally tally;
  const auto peakNow = n.sulPeak ? n.sulPeak : n.residualSulPeak;
  if (peakNow) weighSulPeak(n, *peakNow, tally);
  weighGlycolysis(n, peakNow, tally);
  weighNewLesions(n, tally);
  MetabolicResponse& response = tally.verdict.response;
  if (tally.progression)
    response = MetabolicResponse::Progressive;
  else if (isComplete(n, tally))
    response = MetabolicResponse::Complete;
  else if (isPartial(n, peakNow.value_or(n.earlierSulPeak), tally))
    response = MetabolicResponse::Partial;
  else
    response = MetabolicResponse::Stable;
  return tally.verdict;
}

ResponseVerdict iPercistResponse(MetabolicResponse percist, WallClock scannedAt,
                                 const std::vector<DatedResponse>& earlier) {
  const auto isProgression = [](const DatedResponse& one) {
    return one.iPercist == MetabolicResponse::UnconfirmedProgressive ||
           one.iPercist == MetabolicResponse::ConfirmedProgressive;
  };
  const auto runStart = std::find_if_not(earlier.rbegin(), earlier.rend(), isProgression).base();
  if (percist != MetabolicResponse::Progressive) {
    ResponseVerdict verdict{percist, {}, {}};
    if (runStart != earlier.end())
      verdict.reasons.push_back("iPERCIST: the progression of " + dateText(runStart->scannedAt) +
                                " was not confirmed; a later one would be unconfirmed again");
    return verdict;
  }
  if (runStart == earlier.end())
    return unconfirmed("iPERCIST: progression, to be confirmed by a study 4 to 8 weeks later");
  if (std::any_of(runStart, earlier.end(), [](const DatedResponse& one) {
        return one.iPercist == MetabolicResponse::ConfirmedProgressive;
      }))
    return {MetabolicResponse::ConfirmedProgressive,
            {"iPERCIST: progression was confirmed before and goes on"},
            {}};
  const auto days = std::chrono::floor<std::chrono::days>(scannedAt - runStart->scannedAt);
  const std::string since =
      formatted("%d days after the unconfirmed progression of %s", static_cast<int>(days.count()),
                dateText(runStart->scannedAt).c_str());
  if (days < kEarliestConfirmation)
    return unconfirmed("iPERCIST: progression goes on " + since +
                       ", too early to confirm it (4 to 8 weeks)");
  ResponseVerdict verdict{
      MetabolicResponse::ConfirmedProgressive, {"iPERCIST: progression confirmed " + since}, {}};
  if (days > kLatestConfirmation)
    verdict.warnings.push_back(
        "iPERCIST asks for the confirming study after 4 to 8 weeks; this one is "
        "later, and no study in between told otherwise");
  return verdict;
}

std::string dateText(WallClock time) {
  const std::chrono::year_month_day date(std::chrono::floor<std::chrono::days>(time));
  return formatted("%04d-%02u-%02u", static_cast<int>(date.year()),
                   static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

}  // namespace fedpet::imaging
