#include "models/response/InputDistribution.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace fedpet::response {
namespace {

// The matrices here are at most a few dozen wide and solved for every patient in turn: a plain
// Cholesky takes microseconds where a tensor call takes longer to be dispatched than to compute.

// Lower factor of the symmetric positive definite m; nullopt when it is not positive definite.
std::optional<Matrix> choleskyOf(const Matrix& m) {
  Matrix factor(m.rows, m.rows);
  for (std::size_t i = 0; i < m.rows; ++i)
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = m(i, j);
      for (std::size_t k = 0; k < j; ++k) sum -= factor(i, k) * factor(j, k);
      if (i == j && !(sum > 1e-12)) return std::nullopt;
      factor(i, j) = i == j ? std::sqrt(sum) : sum / factor(j, j);
    }
  return factor;
}

// L^-1 b for the lower factor L.
std::vector<double> forwardSolved(const Matrix& factor, std::vector<double> b) {
  for (std::size_t i = 0; i < b.size(); ++i) {
    for (std::size_t k = 0; k < i; ++k) b[i] -= factor(i, k) * b[k];
    b[i] /= factor(i, i);
  }
  return b;
}

double dot(std::span<const double> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

Matrix block(const Matrix& m, std::span<const std::size_t> positions) {
  Matrix part(positions.size(), positions.size());
  for (std::size_t i = 0; i < positions.size(); ++i)
    for (std::size_t j = 0; j < positions.size(); ++j) part(i, j) = m(positions[i], positions[j]);
  return part;
}

std::vector<double> valuesAt(const StandardisedInputs& z, std::span<const std::size_t> positions) {
  std::vector<double> values;
  for (const std::size_t p : positions) values.push_back(*z[p]);
  return values;
}

// A part of a positive definite matrix is positive definite: the constructor has checked the whole.
Matrix factorOf(const Matrix& correlation, std::span<const std::size_t> positions) {
  const auto factor = choleskyOf(block(correlation, positions));
  if (!factor) throw std::logic_error("a part of the correlation matrix is not positive definite");
  return *factor;
}

// Pearson correlation of two columns over the patients who have both.
double correlationOf(std::span<const StandardisedInputs> patients, std::size_t a, std::size_t b) {
  double n = 0, sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0;
  for (const StandardisedInputs& z : patients) {
    if (!z[a] || !z[b]) continue;
    n += 1, sa += *z[a], sb += *z[b];
    saa += *z[a] * *z[a], sbb += *z[b] * *z[b], sab += *z[a] * *z[b];
  }
  const double va = n * saa - sa * sa, vb = n * sbb - sb * sb;
  return n < 2 || va <= 0 || vb <= 0 ? 0 : (n * sab - sa * sb) / std::sqrt(va * vb);
}

Matrix pulledTowardsIdentity(Matrix m, double share) {
  for (std::size_t i = 0; i < m.rows; ++i)
    for (std::size_t j = 0; j < m.columns; ++j)
      if (i != j) m(i, j) *= 1 - share;
  return m;
}

}  // namespace

InputDistribution::InputDistribution(Matrix correlation) : correlation_(std::move(correlation)) {
  const Matrix& m = correlation_;
  if (m.rows != m.columns || m.values.size() != m.rows * m.columns || m.rows == 0)
    throw std::invalid_argument("the correlation matrix is not square");
  for (std::size_t i = 0; i < m.rows; ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (!(std::abs(m(i, j) - m(j, i)) < 1e-9))
        throw std::invalid_argument("the correlation matrix is not symmetric");
  if (!choleskyOf(m))
    throw std::invalid_argument("the correlation matrix is not positive definite");
}

InputDistribution InputDistribution::estimate(std::span<const StandardisedInputs> patients) {
  if (patients.empty()) throw std::invalid_argument("no patient to estimate correlations from");
  const std::size_t p = patients.front().size();
  Matrix raw(p, p);
  for (std::size_t i = 0; i < p; ++i) {
    raw(i, i) = 1;
    for (std::size_t j = 0; j < i; ++j) raw(i, j) = raw(j, i) = correlationOf(patients, i, j);
  }
  double share = 0.01;
  while (!choleskyOf(pulledTowardsIdentity(raw, share))) share = std::min(1.0, share * 2);
  return InputDistribution(pulledTowardsIdentity(raw, share));
}

InputDistribution::Completed InputDistribution::complete(const StandardisedInputs& z) const {
  std::vector<std::size_t> known, unknown;
  for (std::size_t i = 0; i < z.size(); ++i) (z[i] ? known : unknown).push_back(i);
  Completed c{std::vector<double>(z.size()), unknown, Matrix(unknown.size(), unknown.size())};
  for (const std::size_t i : known) c.z[i] = *z[i];
  if (unknown.empty()) return c;
  // With L L' the known block and r the known-unknown columns: expectation = (L^-1 r)' (L^-1 z),
  // covariance = unknown block - (L^-1 r)' (L^-1 r).
  const Matrix factor = factorOf(correlation_, known);
  const std::vector<double> whitened = forwardSolved(factor, valuesAt(z, known));
  std::vector<std::vector<double>> links;
  for (const std::size_t u : unknown) {
    std::vector<double> column;
    for (const std::size_t k : known) column.push_back(correlation_(k, u));
    links.push_back(forwardSolved(factor, std::move(column)));
    c.z[u] = dot(links.back(), whitened);
  }
  for (std::size_t i = 0; i < unknown.size(); ++i)
    for (std::size_t j = 0; j < unknown.size(); ++j)
      c.conditionalCovariance(i, j) =
          correlation_(unknown[i], unknown[j]) - dot(links[i], links[j]);
  return c;
}

double InputDistribution::mahalanobisSquared(const StandardisedInputs& z,
                                             std::span<const std::size_t> positions) const {
  std::vector<std::size_t> known;
  for (const std::size_t p : positions)
    if (z[p]) known.push_back(p);
  const std::vector<double> whitened =
      forwardSolved(factorOf(correlation_, known), valuesAt(z, known));
  return dot(whitened, whitened);
}

double chiSquareQuantile(double level, int degreesOfFreedom) {
  const torch::Tensor shape = torch::tensor(0.5 * degreesOfFreedom, torch::kDouble);
  const auto cdf = [&](double x) {
    return at::special_gammainc(shape, torch::tensor(0.5 * x, torch::kDouble)).item<double>();
  };
  double low = 0, high = 10 + 10.0 * degreesOfFreedom;
  while (cdf(high) < level) high *= 2;
  while (high - low > 1e-10 * high)
    (cdf(0.5 * (low + high)) < level ? low : high) = 0.5 * (low + high);
  return 0.5 * (low + high);
}

}  // namespace fedpet::response
