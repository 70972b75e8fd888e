// Estimation of ComBat's parameters; the formulas are those of Combat.h.
#include "models/imaging/harmonisation/Combat.h"

#include <Eigen/Dense>

#include <algorithm>
#include <cmath>
#include <set>

namespace fedpet::imaging {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;
using Values = std::vector<double>;

constexpr int kMostIterations = 10000;
constexpr double kTolerance = 1e-12;

// The rows that know an input and all covariates.
struct Column {
  std::vector<std::size_t> scanner;  // index into the scanners
  std::vector<Values> covariates;
  Values y;
};

Column columnOf(const CombatTable& table, const std::vector<std::string>& scanners,
                std::size_t input) {
  Column column;
  for (const CombatTable::Row& row : table.rows) {
    const auto& value = row.inputs.at(input);
    Values covariates;
    for (const auto& x : row.covariates)
      if (x) covariates.push_back(*x);
    if (!value || covariates.size() != table.covariates.size()) continue;
    if (table.logarithm.at(input) && !(*value > 0))
      throw HarmonisationError(table.inputs[input] +
                               " is to be taken as a logarithm, but holds a "
                               "value that is not above 0: leave the patient or the logarithm out");
    column.y.push_back(table.logarithm[input] ? std::log(*value) : *value);
    column.covariates.push_back(std::move(covariates));
    column.scanner.push_back(static_cast<std::size_t>(
        std::lower_bound(scanners.begin(), scanners.end(), row.scanner) - scanners.begin()));
  }
  return column;
}

Values countsOf(const Column& column, std::size_t scanners) {
  Values counts(scanners, 0.0);
  for (const std::size_t s : column.scanner) ++counts[s];
  return counts;
}

void requirePatients(const CombatTable& table, const std::vector<std::string>& scanners,
                     std::size_t input, const Values& counts) {
  for (std::size_t s = 0; s < scanners.size(); ++s)
    if (counts[s] < 2)
      throw HarmonisationError("scanner \"" + scanners[s] + "\" has fewer than two patients with " +
                               table.inputs[input] +
                               " and all covariates: leave it out of the table");
}

// One column a scanner, then the covariates.
MatrixXd designOf(const CombatTable& table, const Column& column, std::size_t scanners) {
  MatrixXd design = MatrixXd::Zero(static_cast<Eigen::Index>(column.y.size()),
                                   static_cast<Eigen::Index>(scanners + table.covariates.size()));
  for (std::size_t r = 0; r < column.y.size(); ++r) {
    const auto row = static_cast<Eigen::Index>(r);
    design(row, static_cast<Eigen::Index>(column.scanner[r])) = 1;
    for (std::size_t c = 0; c < table.covariates.size(); ++c)
      design(row, static_cast<Eigen::Index>(scanners + c)) = column.covariates[r][c];
  }
  return design;
}

VectorXd leastSquares(const CombatTable& table, const MatrixXd& design, const VectorXd& y) {
  // Columns of one length, so that years and ratios are judged alike.
  const VectorXd length = design.colwise().norm().transpose().cwiseMax(1e-300);
  Eigen::ColPivHouseholderQR<MatrixXd> qr(design * length.cwiseInverse().asDiagonal());
  qr.setThreshold(1e-10);
  if (qr.rank() < design.cols()) {
    std::string names;
    for (const std::string& name : table.covariates) names += (names.empty() ? "" : ", ") + name;
    throw HarmonisationError(
        "the effect of the scanner cannot be told from that of the covariates (" + names +
        "): leave out the one that is constant on each scanner or "
        "follows from the others");
  }
  return qr.solve(y).cwiseQuotient(length);
}

struct Fit {
  CombatInput parameters;
  Values z;  // standardised, by row of the column
};

// Grand mean, covariates and pooled deviation of one input by least squares.
Fit fitted(const CombatTable& table, const Column& column, std::size_t input, const Values& counts,
           std::optional<std::size_t> reference) {
  const std::size_t scanners = counts.size();
  const MatrixXd design = designOf(table, column, scanners);
  const VectorXd y = VectorXd::Map(column.y.data(), static_cast<Eigen::Index>(column.y.size()));
  const VectorXd beta = leastSquares(table, design, y);
  const VectorXd residual = y - design * beta;
  Fit fit{{table.inputs[input], table.logarithm[input], 0, 0, {}}, {}};
  double squares = 0, used = 0;
  for (std::size_t r = 0; r < column.y.size(); ++r) {
    if (reference && column.scanner[r] != *reference) continue;
    squares += residual[static_cast<Eigen::Index>(r)] * residual[static_cast<Eigen::Index>(r)];
    ++used;
  }
  fit.parameters.sd = std::sqrt(squares / used);
  for (std::size_t s = 0; s < scanners; ++s) {
    const double weight = reference ? (s == *reference ? 1.0 : 0.0)
                                    : counts[s] / static_cast<double>(column.y.size());
    fit.parameters.mean += weight * beta[static_cast<Eigen::Index>(s)];
  }
  for (std::size_t c = 0; c < table.covariates.size(); ++c)
    fit.parameters.covariates[table.covariates[c]] = beta[static_cast<Eigen::Index>(scanners + c)];
  return fit;
}

void standardise(const CombatTable& table, const Column& column, Fit& fit) {
  const CombatInput& p = fit.parameters;
  double largest = 0;
  for (const double y : column.y) largest = std::max(largest, std::abs(y));
  if (!(p.sd > 1e-9 * largest))
    throw HarmonisationError(p.input +
                             " does not vary within the scanners: nothing can be estimated");
  for (std::size_t r = 0; r < column.y.size(); ++r) {
    double expected = p.mean;
    for (std::size_t c = 0; c < table.covariates.size(); ++c)
      expected += p.covariates.at(table.covariates[c]) * column.covariates[r][c];
    fit.z.push_back((column.y[r] - expected) / p.sd);
  }
}

struct Moments {
  double mean = 0, variance = 0;  // n - 1
};
Moments momentsOf(const Values& v) {
  Moments m;
  for (const double x : v) m.mean += x / static_cast<double>(v.size());
  for (const double x : v) m.variance += (x - m.mean) * (x - m.mean);
  m.variance /= std::max<double>(1, static_cast<double>(v.size()) - 1);
  return m;
}

// Normal prior of the shift, inverse gamma prior of the scale, both by moments over the inputs of a
// scanner (Johnson 2007, section 3.2).
struct Priors {
  double shiftMean, shiftVariance, shape, rate;
};
std::optional<Priors> priorsOf(const std::map<std::string, CombatShift>& inputs) {
  Values shifts, scales;
  for (const auto& [unused, s] : inputs) {
    shifts.push_back(s.rawShift);
    scales.push_back(s.rawScale);
  }
  if (shifts.size() < 2) return std::nullopt;
  const Moments shift = momentsOf(shifts), scale = momentsOf(scales);
  if (!(shift.variance > 0 && scale.variance > 0)) return std::nullopt;
  const double ratio = scale.mean * scale.mean / scale.variance;
  return Priors{shift.mean, shift.variance, ratio + 2, scale.mean * (ratio + 1)};
}

// Equations (3) of section 3.2, each in turn until they stand still.
void shrink(const Values& z, const Priors& p, CombatShift& s) {
  const auto n = static_cast<double>(z.size());
  for (int i = 0; i < kMostIterations; ++i) {
    const double shift = (p.shiftVariance * n * s.rawShift + s.scale * p.shiftMean) /
                         (p.shiftVariance * n + s.scale);
    double squares = 0;
    for (const double x : z) squares += (x - shift) * (x - shift);
    const double scale = (0.5 * squares + p.rate) / (n / 2 + p.shape - 1);
    const double change = std::max(std::abs(shift - s.shift), std::abs(scale - s.scale));
    s.shift = shift;
    s.scale = scale;
    if (change < kTolerance) return;
  }
}

class Estimation {
 public:
  Estimation(const CombatTable& table, const CombatSettings& settings)
      : table_(table), settings_(settings) {
    std::set<std::string> names;
    for (const CombatTable::Row& row : table.rows) names.insert(row.scanner);
    scanners_.assign(names.begin(), names.end());
    requireUsable();
    for (const std::string& name : scanners_) result_.model.scanners.push_back({name, {}});
    z_.resize(scanners_.size());
    result_.model.reference = settings.reference;
    result_.model.empiricalBayes = settings.empiricalBayes;
    result_.model.imagesFilteredTo = settings.imagesFilteredTo;
  }

  CombatEstimate operator()() {
    for (std::size_t input = 0; input < table_.inputs.size(); ++input) estimate(input);
    if (settings_.empiricalBayes) shrinkAll();
    return std::move(result_);
  }

 private:
  void requireUsable() {
    if (table_.inputs.empty() || table_.logarithm.size() != table_.inputs.size())
      throw HarmonisationError("ComBat needs at least one input");
    if (scanners_.empty()) throw HarmonisationError("the table holds no patient");
    if (scanners_.size() < 2 && settings_.federated.empty())
      throw HarmonisationError("ComBat needs at least two scanners, the table has one: \"" +
                               scanners_.front() + "\"");
    if (settings_.reference.empty()) return;
    const auto found = std::find(scanners_.begin(), scanners_.end(), settings_.reference);
    if (found == scanners_.end())
      throw HarmonisationError("the reference \"" + settings_.reference +
                               "\" is no scanner of the table");
    reference_ = static_cast<std::size_t>(found - scanners_.begin());
  }

  Fit fittedOrFederated(const Column& column, std::size_t input, const Values& counts) const {
    if (settings_.federated.empty()) return fitted(table_, column, input, counts, reference_);
    if (!table_.covariates.empty() || reference_)
      throw HarmonisationError("a consortium's statistics allow no covariates and no reference");
    const auto found = settings_.federated.find(table_.inputs[input]);
    if (found == settings_.federated.end())
      throw HarmonisationError("the consortium's statistics have no " + table_.inputs[input]);
    const auto [mean, sd] = found->second;
    return {{table_.inputs[input], table_.logarithm[input], mean, sd, {}}, {}};
  }

  void estimate(std::size_t input) {
    const Column column = columnOf(table_, scanners_, input);
    const Values counts = countsOf(column, scanners_.size());
    requirePatients(table_, scanners_, input, counts);
    Fit fit = fittedOrFederated(column, input, counts);
    standardise(table_, column, fit);
    for (std::size_t s = 0; s < scanners_.size(); ++s) {
      Values z;
      for (std::size_t r = 0; r < fit.z.size(); ++r)
        if (column.scanner[r] == s) z.push_back(fit.z[r]);
      const Moments m = momentsOf(z);
      CombatShift shift{z.size(), m.mean, m.variance > 0 ? m.variance : 1, 0, 1};
      if (s != reference_) shift.shift = shift.rawShift, shift.scale = shift.rawScale;
      if (z.size() < kFewPatientsPerScanner)
        result_.warnings.push_back("Scanner \"" + scanners_[s] + "\" has only " +
                                   std::to_string(z.size()) + " patients with " +
                                   table_.inputs[input] + ": its parameters are uncertain.");
      result_.model.scanners[s].inputs[table_.inputs[input]] = shift;
      z_[s][table_.inputs[input]] = std::move(z);
    }
    result_.model.inputs.push_back(std::move(fit.parameters));
  }

  void shrinkAll() {
    for (std::size_t s = 0; s < scanners_.size(); ++s) {
      if (s == reference_) continue;
      auto& inputs = result_.model.scanners[s].inputs;
      const auto priors = priorsOf(inputs);
      if (!priors) {
        result_.warnings.push_back("Scanner \"" + scanners_[s] +
                                   "\": too few inputs for empirical Bayes, nothing was shrunk.");
        continue;
      }
      for (auto& [name, shift] : inputs) shrink(z_[s].at(name), *priors, shift);
    }
  }

  const CombatTable& table_;
  const CombatSettings& settings_;
  std::vector<std::string> scanners_;  // sorted
  std::optional<std::size_t> reference_;
  std::vector<std::map<std::string, Values>> z_;  // by scanner and input
  CombatEstimate result_;
};

}  // namespace

CombatEstimate estimateCombat(const CombatTable& table, const CombatSettings& settings) {
  return Estimation(table, settings)();
}

}  // namespace fedpet::imaging
