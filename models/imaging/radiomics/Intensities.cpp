#include "models/imaging/radiomics/Intensities.h"

#include "models/imaging/radiomics/Levels.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>

namespace fedpet::imaging::ibsi {
namespace {

// What statistics and histogram have in common, for intensities and for levels.
struct Distribution {
  double mean = 0, variance = 0, skewness = 0, kurtosis = 0, median = 0, minimum = 0, p10 = 0,
         p90 = 0, maximum = 0, interquartileRange = 0, range = 0, meanDeviation = 0,
         robustDeviation = 0, medianDeviation = 0, variation = kUndefined,
         quartileDispersion = kUndefined, energy = 0;
};

// Linear between the two nearest ranks; the manual leaves the choice open. Asked for in ascending
// order: each only sorts what the one before left open.
class Percentiles {
 public:
  explicit Percentiles(std::vector<double>& values) : values_(values) {}
  double operator()(double percent) {
    const double rank = percent / 100 * static_cast<double>(values_.size() - 1);
    const auto below = static_cast<std::size_t>(rank);
    const double share = rank - static_cast<double>(below);
    const double low = ofRank(below);
    return share == 0 ? low : low + share * (ofRank(below + 1) - low);
  }

 private:
  double ofRank(std::size_t rank) {
    const auto at = [&](std::size_t n) { return values_.begin() + static_cast<std::ptrdiff_t>(n); };
    if (rank >= open_) {
      std::nth_element(at(open_), at(rank), values_.end());
      open_ = rank + 1;
    }
    return values_[rank];
  }

  std::vector<double>& values_;
  std::size_t open_ = 0;  // ranks below it are in place
};

double meanOf(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double meanDeviation(const std::vector<double>& values, double from) {
  double sum = 0;
  for (const double v : values) sum += std::abs(v - from);
  return sum / static_cast<double>(values.size());
}

// Of the values between the two bounds. Two voxels can both lie outside their own 10th and 90th
// percentile.
double robustDeviation(const std::vector<double>& values, double low, double high) {
  std::vector<double> inner;
  inner.reserve(values.size());
  for (const double v : values)
    if (v >= low && v <= high) inner.push_back(v);
  return inner.empty() ? kUndefined : meanDeviation(inner, meanOf(inner));
}

void addMoments(Distribution& d, const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  double second = 0, third = 0, fourth = 0;
  for (const double value : values) {
    const double y = value - d.mean, squared = y * y;
    second += squared;
    third += squared * y;
    fourth += squared * squared;
    d.energy += value * value;
  }
  if (d.minimum == d.maximum) return;  // variance, skewness and kurtosis are 0, as the IBSI has it
  d.variance = second / n;
  d.skewness = third / n / std::pow(d.variance, 1.5);
  d.kurtosis = fourth / n / (d.variance * d.variance) - 3;
}

Distribution distributionOf(std::vector<double> values) {
  Distribution d;
  const auto [lowest, highest] = std::minmax_element(values.begin(), values.end());
  d.minimum = *lowest;
  d.maximum = *highest;
  d.range = d.maximum - d.minimum;
  d.mean = d.range == 0 ? d.minimum : meanOf(values);
  addMoments(d, values);
  Percentiles percentile(values);
  d.p10 = percentile(10);
  const double p25 = percentile(25);
  d.median = percentile(50);
  const double p75 = percentile(75);
  d.p90 = percentile(90);
  d.interquartileRange = p75 - p25;
  d.meanDeviation = meanDeviation(values, d.mean);
  d.medianDeviation = meanDeviation(values, d.median);
  d.robustDeviation = robustDeviation(values, d.p10, d.p90);
  if (d.mean != 0) d.variation = std::sqrt(d.variance) / d.mean;
  if (p75 + p25 != 0) d.quartileDispersion = (p75 - p25) / (p75 + p25);
  return d;
}

constexpr const char* kMeanIsZero = "the mean is 0";
constexpr const char* kQuartilesCancel = "the quartiles add up to 0";
constexpr const char* kBetweenPercentiles = "no voxel lies between the 10th and 90th percentile";

}  // namespace

void addStatistics(const Region& region, const RadiomicsConfig& config, FeatureSink& sink) {
  const Distribution d = distributionOf(region.intensities);
  const double excess = config.convention == RadiomicsConvention::PyRadiomics ? 3 : 0;
  sink.add("stat_mean", d.mean);
  sink.add("stat_var", d.variance);
  sink.add("stat_skew", d.skewness);
  sink.add("stat_kurt", d.kurtosis + (d.range == 0 ? 0 : excess));
  sink.add("stat_median", d.median);
  sink.add("stat_min", d.minimum);
  sink.add("stat_p10", d.p10);
  sink.add("stat_p90", d.p90);
  sink.add("stat_max", d.maximum);
  sink.add("stat_iqr", d.interquartileRange);
  sink.add("stat_range", d.range);
  sink.add("stat_mad", d.meanDeviation);
  sink.add("stat_rmad", d.robustDeviation, kBetweenPercentiles);
  sink.add("stat_medad", d.medianDeviation);
  sink.add("stat_cov", d.variation, kMeanIsZero);
  sink.add("stat_qcod", d.quartileDispersion, kQuartilesCancel);
  sink.add("stat_energy", d.energy);
  sink.add("stat_rms", std::sqrt(d.energy / static_cast<double>(region.intensities.size())));
}

namespace {

struct Gradient {
  double highest = kUndefined, lowest = kUndefined;
  double highestLevel = kUndefined, lowestLevel = kUndefined;
};

// counts[i] is level i + 1.
Gradient gradientOf(const std::vector<double>& counts) {
  Gradient gradient;
  const std::size_t n = counts.size();
  if (n < 2) return gradient;
  for (std::size_t i = 0; i < n; ++i) {
    const double g = i == 0       ? counts[1] - counts[0]
                     : i == n - 1 ? counts[n - 1] - counts[n - 2]
                                  : (counts[i + 1] - counts[i - 1]) / 2;
    if (i == 0 || g > gradient.highest) {
      gradient.highest = g;
      gradient.highestLevel = static_cast<double>(i + 1);
    }
    if (i == 0 || g < gradient.lowest) {
      gradient.lowest = g;
      gradient.lowestLevel = static_cast<double>(i + 1);
    }
  }
  return gradient;
}

// The fullest bin; of several the one closest to the mean, then the lower.
double modeOf(const std::vector<double>& counts, double mean) {
  std::size_t mode = 0;
  for (std::size_t i = 1; i < counts.size(); ++i) {
    const auto distance = [&](std::size_t at) {
      return std::abs(static_cast<double>(at + 1) - mean);
    };
    if (counts[i] > counts[mode] || (counts[i] == counts[mode] && distance(i) < distance(mode)))
      mode = i;
  }
  return static_cast<double>(mode + 1);
}

const std::vector<std::string>& histogramNames() {
  static const std::vector<std::string> names{
      "ih_mean",       "ih_var",      "ih_skew",       "ih_kurt",     "ih_median",    "ih_min",
      "ih_p10",        "ih_p90",      "ih_max",        "ih_mode",     "ih_iqr",       "ih_range",
      "ih_mad",        "ih_rmad",     "ih_medad",      "ih_cov",      "ih_qcod",      "ih_entropy",
      "ih_uniformity", "ih_max_grad", "ih_max_grad_g", "ih_min_grad", "ih_min_grad_g"};
  return names;
}

}  // namespace

void addIntensityHistogram(const Region& region, const RadiomicsConfig& config, FeatureSink& sink) {
  const auto levels = discretised(region, config.discretisation, config);
  if (!levels) {
    for (const std::string& name : histogramNames()) sink.refuse(name, levels.error());
    return;
  }
  std::vector<double> counts(
      static_cast<std::size_t>(*std::max_element(levels->begin(), levels->end())));
  for (const int level : *levels) ++counts[static_cast<std::size_t>(level - 1)];
  const Distribution d = distributionOf({levels->begin(), levels->end()});
  const double excess = config.convention == RadiomicsConvention::PyRadiomics ? 3 : 0;
  double entropy = 0, uniformity = 0;
  for (const double count : counts) {
    if (count == 0) continue;
    const double p = count / static_cast<double>(levels->size());
    entropy -= p * std::log2(p);
    uniformity += p * p;
  }
  const Gradient gradient = gradientOf(counts);
  const std::vector<double> values{d.mean,
                                   d.variance,
                                   d.skewness,
                                   d.kurtosis + (d.range == 0 ? 0 : excess),
                                   d.median,
                                   d.minimum,
                                   d.p10,
                                   d.p90,
                                   d.maximum,
                                   modeOf(counts, d.mean),
                                   d.interquartileRange,
                                   d.range,
                                   d.meanDeviation,
                                   d.robustDeviation,
                                   d.medianDeviation,
                                   d.variation,
                                   d.quartileDispersion,
                                   entropy,
                                   uniformity,
                                   gradient.highest,
                                   gradient.highestLevel,
                                   gradient.lowest,
                                   gradient.lowestLevel};
  for (std::size_t f = 0; f < values.size(); ++f) {
    const std::string& name = histogramNames()[f];
    sink.add(name, values[f],
             name == "ih_rmad" ? kBetweenPercentiles : "the histogram has one bin only");
  }
}

namespace {

// The intensities as the intensity-volume histogram sees them, and its range G.
struct VolumeHistogram {
  std::vector<double> sorted;
  double low = 0, high = 0, step = 1;
};

tl::expected<VolumeHistogram, std::string> volumeHistogram(const Region& region,
                                                           const RadiomicsConfig& config) {
  const DiscretisationConfig& discretisation = config.intensityVolumeHistogram;
  const auto [low, high] =
      std::minmax_element(region.intensities.begin(), region.intensities.end());
  VolumeHistogram histogram{region.intensities, config.resegmentation.lowest.value_or(*low),
                            config.resegmentation.highest.value_or(*high), 1};
  switch (discretisation.method) {
    case DiscretisationMethod::None:
      break;                                    // discrete calibrated intensities
    case DiscretisationMethod::FixedBinSize: {  // continuous calibrated intensities: bin centres
      const double size = discretisation.binSize;
      for (double& v : histogram.sorted)
        v = histogram.low + (std::floor((v - histogram.low) / size) + 0.5) * size;
      // The range ends half a bin before its bound, but not before the last bin that is filled.
      const double filled = *std::max_element(histogram.sorted.begin(), histogram.sorted.end());
      histogram.low += size / 2;
      histogram.high = std::max(histogram.high - size / 2, filled);
      histogram.step = size;
      break;
    }
    case DiscretisationMethod::FixedBinNumber: {  // arbitrary units
      const auto levels = discretised(region, discretisation, config);
      if (!levels) return tl::unexpected(levels.error());
      histogram.sorted.assign(levels->begin(), levels->end());
      histogram.low = 1;
      histogram.high = discretisation.binCount;
    }
  }
  std::sort(histogram.sorted.begin(), histogram.sorted.end());
  if (!(histogram.low < histogram.high))
    return tl::unexpected<std::string>("the range of intensities is 0");
  return histogram;
}

// Share of the volume with at least this intensity.
double volumeAt(const VolumeHistogram& histogram, double intensity) {
  const auto n = histogram.sorted.end() -
                 std::lower_bound(histogram.sorted.begin(), histogram.sorted.end(), intensity);
  return static_cast<double>(n) / static_cast<double>(histogram.sorted.size());
}

// The volume at the first step of the range that has this share of it.
double volumeAtFraction(const VolumeHistogram& histogram, double fraction) {
  const double steps = fraction * (histogram.high - histogram.low) / histogram.step;
  const double first = std::ceil(steps - 1e-9);
  return volumeAt(histogram, histogram.low + (first - 1e-6) * histogram.step);
}

// The lowest step that at most this share of the volume reaches.
double intensityAtVolume(const VolumeHistogram& histogram, double share) {
  const auto n = static_cast<double>(histogram.sorted.size());
  // At most this many voxels may hold it: it must lie above all the others.
  const auto allowed = static_cast<std::size_t>(std::floor(share * n + 1e-9));
  const double above = histogram.sorted[histogram.sorted.size() - allowed - 1];
  return above + histogram.step;
}

}  // namespace

void addIntensityVolumeHistogram(const Region& region, const RadiomicsConfig& config,
                                 FeatureSink& sink) {
  const auto histogram = volumeHistogram(region, config);
  if (!histogram) {
    for (const char* name :
         {"ivh_v10", "ivh_v90", "ivh_i10", "ivh_i90", "ivh_diff_v10_v90", "ivh_diff_i10_i90"})
      sink.refuse(name, histogram.error());
    return;
  }
  const double v10 = volumeAtFraction(*histogram, 0.1), v90 = volumeAtFraction(*histogram, 0.9);
  const double i10 = intensityAtVolume(*histogram, 0.1), i90 = intensityAtVolume(*histogram, 0.9);
  sink.add("ivh_v10", v10);
  sink.add("ivh_v90", v90);
  sink.add("ivh_i10", i10);
  sink.add("ivh_i90", i90);
  sink.add("ivh_diff_v10_v90", v10 - v90);
  sink.add("ivh_diff_i10_i90", i10 - i90);
}

}  // namespace fedpet::imaging::ibsi
