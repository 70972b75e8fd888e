#include "models/response/Metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

namespace fedpet::response {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kSmallestProbability = 1e-6;

double logitOf(double p) {
  p = std::clamp(p, kSmallestProbability, 1 - kSmallestProbability);
  return std::log(p / (1 - p));
}
double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

struct Totals {
  double good = 0, all = 0;
};

Totals totalsOf(std::span<const Scored> scored) {
  Totals t;
  for (const Scored& s : scored) {
    t.all += s.weight;
    if (s.good) t.good += s.weight;
  }
  return t;
}

bool hasBothOutcomes(std::span<const Scored> scored) {
  const Totals t = totalsOf(scored);
  return t.good > 0 && t.good < t.all;
}

// Logistic regression of the outcome on logit(p), of both parameters or of the shift alone.
CalibrationLine fitLine(std::span<const Scored> scored, bool slopeIsFree) {
  double a = 0, b = 1;
  for (int iteration = 0; iteration < 50; ++iteration) {
    double ga = 0, gb = 0, haa = 0, hab = 0, hbb = 0;
    for (const Scored& s : scored) {
      const double x = logitOf(s.probability), p = sigmoid(a + b * x);
      const double residual = s.weight * ((s.good ? 1 : 0) - p), w = s.weight * p * (1 - p);
      ga += residual, gb += residual * x;
      haa += w, hab += w * x, hbb += w * x * x;
    }
    const double determinant = haa * hbb - hab * hab;
    if (slopeIsFree && !(determinant > 1e-12 * haa * hbb)) return {kNaN, kNaN, kNaN};
    const double da = slopeIsFree ? (hbb * ga - hab * gb) / determinant : ga / haa;
    const double db = slopeIsFree ? (haa * gb - hab * ga) / determinant : 0;
    a += da, b += db;
    if (std::abs(da) + std::abs(db) < 1e-10) return {a, a, b};
  }
  return {kNaN, kNaN, kNaN};
}

// Counts of scores by rank, for prefix sums in logarithmic time (a Fenwick tree).
class RankCounter {
 public:
  explicit RankCounter(std::size_t ranks) : tree_(ranks + 1) {}
  void add(std::size_t rank) {
    for (++rank; rank < tree_.size(); rank += rank & (~rank + 1)) ++tree_[rank];
  }
  double below(std::size_t rank) const {  // how many have a smaller rank
    double sum = 0;
    for (; rank > 0; rank -= rank & (~rank + 1)) sum += tree_[rank];
    return sum;
  }

 private:
  std::vector<int> tree_;
};

std::vector<std::size_t> denseRanks(std::span<const double> scores) {
  std::vector<double> sorted(scores.begin(), scores.end());
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  std::vector<std::size_t> ranks;
  for (const double s : scores)
    ranks.push_back(static_cast<std::size_t>(std::lower_bound(sorted.begin(), sorted.end(), s) -
                                             sorted.begin()));
  return ranks;
}

double quantileOfSorted(std::span<const double> sorted, double q) {
  const double position = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], position - static_cast<double>(below));
}

}  // namespace

double areaUnderCurve(std::span<const Scored> scored) {
  std::vector<Scored> sorted(scored.begin(), scored.end());
  std::sort(sorted.begin(), sorted.end(),
            [](const Scored& a, const Scored& b) { return a.probability < b.probability; });
  double badBelow = 0, wins = 0, good = 0;
  for (std::size_t first = 0, last; first < sorted.size(); first = last) {
    double tiedGood = 0, tiedBad = 0;
    for (last = first;
         last < sorted.size() && sorted[last].probability == sorted[first].probability; ++last)
      (sorted[last].good ? tiedGood : tiedBad) += sorted[last].weight;
    wins += tiedGood * (badBelow + 0.5 * tiedBad);
    good += tiedGood;
    badBelow += tiedBad;
  }
  return good > 0 && badBelow > 0 ? wins / (good * badBelow) : kNaN;
}

double brierScore(std::span<const Scored> scored) {
  double sum = 0, weights = 0;
  for (const Scored& s : scored) {
    sum += s.weight * std::pow((s.good ? 1 : 0) - s.probability, 2);
    weights += s.weight;
  }
  return weights > 0 ? sum / weights : kNaN;
}

double brierOfPrevalence(std::span<const Scored> scored) {
  const Totals t = totalsOf(scored);
  const double share = t.good / t.all;
  return share * (1 - share);
}

CalibrationLine calibrationLine(std::span<const Scored> scored) {
  if (!hasBothOutcomes(scored)) return {kNaN, kNaN, kNaN};
  CalibrationLine line = fitLine(scored, true);
  line.inTheLarge = fitLine(scored, false).intercept;
  return line;
}

std::vector<CalibrationBin> calibrationBins(std::span<const Scored> scored, int count) {
  std::vector<Scored> sorted;
  for (const Scored& s : scored)
    if (s.weight > 0) sorted.push_back(s);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Scored& a, const Scored& b) { return a.probability < b.probability; });
  std::vector<CalibrationBin> bins;
  const std::size_t n = sorted.size(), parts = static_cast<std::size_t>(count);
  for (std::size_t part = 0; part < parts; ++part) {
    CalibrationBin bin;
    double squares = 0;
    for (std::size_t i = n * part / parts; i < n * (part + 1) / parts; ++i) {
      const Scored& s = sorted[i];
      bin.patients += s.weight;
      squares += s.weight * s.weight;
      bin.meanPredicted += s.weight * s.probability;
      if (s.good) bin.observed += s.weight;
    }
    if (bin.patients <= 0) continue;
    bin.meanPredicted /= bin.patients;
    bin.observed /= bin.patients;
    // Wilson 1927 with the effective number of patients of unequal weights.
    const double effective = bin.patients * bin.patients / squares, z2 = 1.959964 * 1.959964;
    const double centre = (bin.observed + z2 / (2 * effective)) / (1 + z2 / effective);
    const double half =
        std::sqrt(z2 * (bin.observed * (1 - bin.observed) + z2 / (4 * effective)) / effective) /
        (1 + z2 / effective);
    bin.observedLower = std::max(0.0, centre - half);
    bin.observedUpper = std::min(1.0, centre + half);
    bins.push_back(bin);
  }
  return bins;
}

double concordance(std::span<const double> scores, std::span<const FollowedTime> times) {
  std::vector<std::size_t> order(times.size());
  std::iota(order.begin(), order.end(), 0u);
  // From long to short; at one time the censored first, for they outlived the events of that time.
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    if (times[a].months != times[b].months) return times[a].months > times[b].months;
    return times[a].eventObserved < times[b].eventObserved;
  });
  const std::vector<std::size_t> ranks = denseRanks(scores);
  RankCounter longer(times.size() + 1);
  double agreeing = 0, pairs = 0, seen = 0;
  for (std::size_t first = 0, last; first < order.size(); first = last) {
    const FollowedTime& t = times[order[first]];
    for (last = first; last < order.size() && times[order[last]].months == t.months &&
                       times[order[last]].eventObserved == t.eventObserved;
         ++last) {
      if (!t.eventObserved) continue;
      const std::size_t rank = ranks[order[last]];
      const double lower = longer.below(rank), equal = longer.below(rank + 1) - lower;
      agreeing += seen - lower - 0.5 * equal;
      pairs += seen;
    }
    for (std::size_t i = first; i < last; ++i) longer.add(ranks[order[i]]);
    seen += static_cast<double>(last - first);
  }
  return pairs > 0 ? agreeing / pairs : kNaN;
}

std::vector<double> censoringWeights(std::span<const FollowedTime> times, double horizonMonths) {
  std::vector<std::size_t> order(times.size());
  std::iota(order.begin(), order.end(), 0u);
  // At one time events come before censorings, as in the usual Kaplan-Meier convention.
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    if (times[a].months != times[b].months) return times[a].months < times[b].months;
    return times[a].eventObserved > times[b].eventObserved;
  });
  std::vector<double> weights(times.size());
  double observed = 1;  // Kaplan-Meier of "not yet censored", just before the current time
  for (std::size_t i = 0; i < order.size(); ++i) {
    const FollowedTime& t = times[order[i]];
    if (t.months > horizonMonths) {
      for (; i < order.size(); ++i) weights[order[i]] = 1 / observed;
      break;
    }
    const double atRisk = static_cast<double>(order.size() - i);
    if (t.eventObserved)
      weights[order[i]] = 1 / observed;
    else
      observed *= 1 - 1 / atRisk;
  }
  return weights;
}

Estimate bootstrap(std::size_t patients, int resamples, std::uint64_t seed,
                   const std::function<double(std::span<const std::size_t>)>& metric) {
  std::vector<std::size_t> indices(patients);
  std::iota(indices.begin(), indices.end(), 0u);
  Estimate e{metric(indices), kNaN, kNaN};
  std::mt19937_64 random(seed);
  std::vector<double> values;
  for (int i = 0; i < resamples; ++i) {
    for (std::size_t& index : indices) index = static_cast<std::size_t>(random() % patients);
    if (const double value = metric(indices); std::isfinite(value)) values.push_back(value);
  }
  if (values.empty()) return e;
  std::sort(values.begin(), values.end());
  e.lower = quantileOfSorted(values, 0.025);
  e.upper = quantileOfSorted(values, 0.975);
  return e;
}

}  // namespace fedpet::response
