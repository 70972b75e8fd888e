// How the features are brought to one scale without a range or a value leaving a site: the first
// two rounds of every plan that trains, fits or describes.
//
//   "magnitudes"  how many patients have a value of which power of two: from this the coordinator
//                 knows, to a factor of two, what no |x| exceeds, so that later sums have honest
//                 bounds and full precision. This is all that is told of minima and maxima.
//   "moments"     counts, sums and sums of squares: mean and standard deviation of each column.
//
// A missing value becomes the mean, and a column "<feature> missing" of 0 and 1 is added for each
// feature that any patient lacks.
#pragma once

#include "federation/learning/Table.h"
#include "federation/learning/Task.h"

#include <nlohmann/json.hpp>

namespace fedpet::federation {

// |x| is at most 2^(level - 20); level 0 holds all that is smaller than a millionth.
inline constexpr int kMagnitudeLevels = 61;
// Throws std::invalid_argument beyond 2^40.
int magnitudeLevelOf(double value);
double largestOfLevel(int level);

struct Scaling {
  double patients = 0;
  double events = 0;              // of the endpoint: label 1, or event 1
  std::vector<double> present;    // patients with a value, per column
  std::vector<double> low, high;  // no value lies outside; 0, or a power of two with its sign
  std::vector<double> mean, sd;   // empty before "moments"; n - 1 in the denominator
  std::vector<int> indicated;     // columns whose feature gets a column "missing"
  double largestTime = 0, meanTime = 0;  // Survival

  double largest(std::size_t column) const { return std::max(-low[column], high[column]); }
  std::size_t columns() const { return low.size(); }
};
nlohmann::json toJson(const Scaling&);
Scaling scalingFromJson(const nlohmann::json&);

// What a model or a fit sees.
struct Design {
  std::size_t rows = 0, columns = 0;
  std::vector<double> values;  // row by row; no NaN
};
std::vector<std::string> designNames(const Plan&, const Scaling&);
// No |z| of a column is larger; in the order of designNames().
std::vector<double> designBounds(const Scaling&);
// A value outside what the first round said is taken as it is (a new patient), but with noise moved
// to the edge, for so it was in training.
Design designOf(const Plan&, const Scaling&, const Cohort&);
// Where a sum's bounds need it. Throws std::invalid_argument when a value lies outside: the table
// was changed since the first round.
void requireInside(const Plan&, const Scaling&, const Cohort&);

// --- the phases -------------------------------------------------------------------------------

SumLayout magnitudesLayout(const Plan&);
SumLayout momentsLayout(const Plan&);
std::vector<double> magnitudesOf(const Plan&, const Cohort&);
std::vector<double> momentsOf(const Plan&, const Scaling&, const Cohort&);
// `noiseSd`: of each element of the sum; 0 without noise. Throws std::domain_error when no patient
// has a value of some column.
Scaling scalingFromMagnitudes(const Plan&, const std::vector<double>& sum, double noiseSd);
Scaling scalingFromMoments(const Plan&, Scaling, const std::vector<double>& sum, double noiseSd);

}  // namespace fedpet::federation
