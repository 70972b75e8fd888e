#include "federation/learning/Newton.h"

#include <Eigen/Core>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace fedpet::federation {
namespace {

using RowMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Eigen::Map<const RowMatrix> mapOf(const Design& design) {
  return {design.values.data(), static_cast<Eigen::Index>(design.rows),
          static_cast<Eigen::Index>(design.columns)};
}

LikelihoodTerms termsFrom(double logLikelihood, const Eigen::VectorXd& gradient,
                          const Eigen::MatrixXd& information) {
  LikelihoodTerms terms{logLikelihood, {gradient.begin(), gradient.end()}, {}};
  for (Eigen::Index i = 0; i < information.rows(); ++i)
    for (Eigen::Index j = i; j < information.cols(); ++j)
      terms.information.push_back(information(i, j));
  return terms;
}

}  // namespace

LikelihoodTerms logisticTerms(const Design& design, const std::vector<int>& label,
                              std::span<const double> parameters) {
  const auto x = mapOf(design);
  const Eigen::Index rows = x.rows(), columns = x.cols();
  RowMatrix augmented(rows, columns + 1);
  augmented << x, Eigen::VectorXd::Ones(rows);
  const Eigen::Map<const Eigen::VectorXd> b(parameters.data(), columns + 1);
  const Eigen::VectorXd score = augmented * b;
  double logLikelihood = 0;
  Eigen::VectorXd residual(rows), weight(rows);
  for (Eigen::Index r = 0; r < rows; ++r) {
    const double s = score[r], y = label[static_cast<std::size_t>(r)];
    const double p = 1 / (1 + std::exp(-s));
    // y s - ln(1 + e^s), without overflow
    logLikelihood += y * s - std::max(s, 0.0) - std::log1p(std::exp(-std::abs(s)));
    residual[r] = y - p;
    weight[r] = p * (1 - p);
  }
  return termsFrom(logLikelihood, augmented.transpose() * residual,
                   augmented.transpose() * weight.asDiagonal() * augmented);
}

LikelihoodTerms coxTerms(const Design& design, const std::vector<double>& time,
                         const std::vector<int>& event, std::span<const double> parameters) {
  const auto x = mapOf(design);
  const Eigen::Index columns = x.cols();
  const Eigen::Map<const Eigen::VectorXd> b(parameters.data(), columns);
  const Eigen::VectorXd score = x * b;
  std::vector<std::size_t> order(design.rows);
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](auto a, auto c) { return time[a] > time[c]; });

  // exp(-shift) of every sum: the largest score so far, so that no risk set underflows.
  double shift = -std::numeric_limits<double>::infinity();
  double logLikelihood = 0, s0 = 0;
  Eigen::VectorXd s1 = Eigen::VectorXd::Zero(columns), gradient = s1;
  Eigen::MatrixXd s2 = Eigen::MatrixXd::Zero(columns, columns), information = s2;
  for (std::size_t first = 0, last; first < order.size(); first = last) {
    double d0 = 0, deaths = 0;
    Eigen::VectorXd d1 = Eigen::VectorXd::Zero(columns);
    Eigen::MatrixXd d2 = Eigen::MatrixXd::Zero(columns, columns);
    for (last = first; last < order.size() && time[order[last]] == time[order[first]]; ++last) {
      const auto row = static_cast<Eigen::Index>(order[last]);
      if (score[row] > shift) {
        const double factor = std::exp(shift - score[row]);
        shift = score[row];
        s0 *= factor, s1 *= factor, s2 *= factor, d0 *= factor, d1 *= factor, d2 *= factor;
      }
      const double hazard = std::exp(score[row] - shift);
      const Eigen::VectorXd z = x.row(row).transpose();
      s0 += hazard;
      s1 += hazard * z;
      s2 += hazard * z * z.transpose();
      if (event[order[last]] == 0) continue;
      deaths += 1;
      d0 += hazard;
      d1 += hazard * z;
      d2 += hazard * z * z.transpose();
      logLikelihood += score[row];
      gradient += z;
    }
    for (double r = 0; r < deaths; ++r) {
      const double share = r / deaths, atRisk = s0 - share * d0;
      const Eigen::VectorXd mean = (s1 - share * d1) / atRisk;
      logLikelihood -= std::log(atRisk) + shift;
      gradient -= mean;
      information += (s2 - share * d2) / atRisk - mean * mean.transpose();
    }
  }
  return termsFrom(logLikelihood, gradient, information);
}

}  // namespace fedpet::federation
