#include "federation/learning/Newton.h"

#include "federation/learning/Layout.h"
#include "federation/learning/Phases.h"
#include "federation/learning/TabularModel.h"

#include <Eigen/Cholesky>
#include <Eigen/LU>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>
#include <stdexcept>

namespace fedpet::federation {
namespace {

using Vector = std::vector<double>;

constexpr int kRangeLevels = 201;   // of the largest log hazard: -100 .. 100
constexpr int kLargestScore = 100;  // beyond, a coefficient is on its way to infinity
constexpr std::size_t kMostGridCells = 200'000;
constexpr std::size_t kMostSumNumbers = 4'000'000;  // 32 MB a site and iteration
constexpr double kShortestStep = 1.0 / (1 << 20);
// A coefficient on its way to infinity flattens the likelihood until it looks converged; its
// standard error then is far beyond what a standardised column can have.
constexpr double kLargestStandardError = 100;

bool isBinary(const Plan& plan) { return plan.endpoint.kind == EndpointKind::Binary; }
bool hasSharedBaseline(const Plan& plan) {
  return !isBinary(plan) && !plan.newton.stratifiedBySite;
}

Scaling scalingOf(const RoundInput& input) {
  return scalingFromJson(settingsOf(input).at("scaling"));
}

// Of the coefficients, and of the intercept where there is one.
Vector parameterBounds(const Plan& plan, const Scaling& scaling) {
  Vector bounds = designBounds(scaling);
  if (isBinary(plan)) bounds.push_back(1);
  return bounds;
}

// No |linear predictor| is larger.
double scoreBound(const Vector& bounds, const Vector& parameters) {
  double sum = 0;
  for (std::size_t i = 0; i < bounds.size(); ++i) sum += bounds[i] * std::abs(parameters.at(i));
  return sum;
}

double largestPair(const Vector& bounds) {
  const double largest = bounds.empty() ? 0 : *std::max_element(bounds.begin(), bounds.end());
  return largest * largest;
}
double largestOf(const Vector& bounds) { return std::sqrt(largestPair(bounds)); }

// One bound a field, so the largest column sets it: 64 bits leave room (Newton needs them).
SumLayout likelihoodLayout(const Plan& plan, const Vector& bounds, const Vector& parameters) {
  if (parameters.size() != bounds.size())
    throw std::invalid_argument("the coefficients are more or fewer than the columns");
  const double n = plan.maximumPatients, score = scoreBound(bounds, parameters);
  const std::size_t p = bounds.size();
  const bool binary = isBinary(plan);
  return {{{"patients", 1, n},
           {"events", 1, n},
           {"logLikelihood", 1, n * (binary ? score + 1 : 2 * score + std::log(n) + 1)},
           {"gradient", p, n * largestOf(bounds) * (binary ? 1 : 2)},
           {"information", triangleLength(p), n * largestPair(bounds)}}};
}

// --- Newton's method
// ------------------------------------------------------------------------------

struct Evaluated {
  double patients = 0, events = 0, logLikelihood = 0;  // without the penalty
  Eigen::VectorXd gradient;
  Eigen::MatrixXd information;
};

struct Search {
  Vector accepted, step;  // both in parameters; `step` leads from `accepted` to the trial
  double value = 0;       // penalised log-likelihood at `accepted`
  double patients = 0;
  double length = 1;
  int iterations = 0;
  bool started = false;
};
nlohmann::json toJson(const Search& s) {
  return {{"accepted", packed(s.accepted)}, {"step", packed(s.step)}, {"value", s.value},
          {"patients", s.patients},         {"length", s.length},     {"started", s.started},
          {"iterations", s.iterations}};
}
Search searchFromJson(const nlohmann::json& j) {
  return {unpacked(j.at("accepted")),
          unpacked(j.at("step")),
          j.at("value"),
          j.at("patients"),
          j.at("length"),
          j.at("iterations"),
          j.at("started")};
}

Eigen::MatrixXd symmetric(std::span<const double> triangle, Eigen::Index n) {
  Eigen::MatrixXd m(n, n);
  std::size_t k = 0;
  for (Eigen::Index i = 0; i < n; ++i)
    for (Eigen::Index j = i; j < n; ++j) m(i, j) = m(j, i) = triangle[k++];
  return m;
}

Eigen::VectorXd penaltyOf(const Plan& plan, Eigen::Index parameters) {
  Eigen::VectorXd penalty = Eigen::VectorXd::Constant(parameters, plan.newton.l2);
  if (isBinary(plan)) penalty[parameters - 1] = 0;  // the intercept is free
  return penalty;
}

Eigen::Map<const Eigen::VectorXd> mapOf(const Vector& v) {
  return {v.data(), static_cast<Eigen::Index>(v.size())};
}

[[noreturn]] void cannotStep(const std::string& why) {
  throw std::domain_error(why + "; raise the L2 penalty or leave a column out");
}

struct Step {
  Eigen::VectorXd change;
  Eigen::MatrixXd covariance;
};

Step newtonStep(const Eigen::VectorXd& gradient, const Eigen::MatrixXd& information) {
  // Scaled to a unit diagonal, so that the test for singularity does not depend on units.
  const Eigen::VectorXd diagonal = information.diagonal();
  if (!(diagonal.array() > 1e-12).all())
    cannotStep("a column does not vary among the patients whom the likelihood compares");
  const Eigen::VectorXd scale = diagonal.cwiseSqrt().cwiseInverse();
  const Eigen::MatrixXd scaled = scale.asDiagonal() * information * scale.asDiagonal();
  const Eigen::LDLT<Eigen::MatrixXd> factor(scaled);
  if (factor.info() != Eigen::Success || !(factor.vectorD().array() > 1e-10).all())
    cannotStep("the second derivatives are singular: a column is a combination of others");
  const Eigen::MatrixXd inverse =
      factor.solve(Eigen::MatrixXd::Identity(scaled.rows(), scaled.cols()));
  const Eigen::MatrixXd covariance = scale.asDiagonal() * inverse * scale.asDiagonal();
  return {scale.cwiseProduct(factor.solve(scale.cwiseProduct(gradient))), covariance};
}

// --- what comes out
// -------------------------------------------------------------------------------

nlohmann::json coefficientRow(const std::string& name, double value, double error) {
  constexpr double kNormal975 = 1.959963984540054;
  return {{"name", name},
          {"coefficient", value},
          {"standardError", error},
          {"ratio", finiteOrNull(std::exp(value))},
          {"ratioLower", finiteOrNull(std::exp(value - kNormal975 * error))},
          {"ratioUpper", finiteOrNull(std::exp(value + kNormal975 * error))},
          {"p", std::erfc(std::abs(value / error) / std::sqrt(2.0))}};
}

// Coefficients per unit of the column: raw = transform * standardised.
nlohmann::json coefficientsJson(const Plan& plan, const Scaling& scaling, const Vector& parameters,
                                const Eigen::MatrixXd& covariance) {
  const std::vector<std::string> names = designNames(plan, scaling);
  const auto p = static_cast<Eigen::Index>(parameters.size());
  Eigen::MatrixXd transform = Eigen::MatrixXd::Identity(p, p);
  for (std::size_t c = 0; c < scaling.columns(); ++c) {
    const auto i = static_cast<Eigen::Index>(c);
    transform(i, i) = 1 / scaling.sd[c];
    if (isBinary(plan)) transform(p - 1, i) = -scaling.mean[c] / scaling.sd[c];
  }
  const Eigen::VectorXd raw = transform * mapOf(parameters);
  const Eigen::MatrixXd spread = transform * covariance * transform.transpose();
  nlohmann::json rows = nlohmann::json::array();
  for (Eigen::Index i = 0; i < p; ++i)
    rows.push_back(coefficientRow(static_cast<std::size_t>(i) < names.size()
                                      ? names[static_cast<std::size_t>(i)]
                                      : "(intercept)",
                                  raw[i], std::sqrt(spread(i, i))));
  return rows;
}

Outcome outcomeOf(const Plan& plan, const Scaling& scaling, const Search& search,
                  const Evaluated& at, const Eigen::MatrixXd& covariance, int contributors) {
  if (!(covariance.diagonal().maxCoeff() < kLargestStandardError * kLargestStandardError))
    cannotStep("a column, or several together, separate the outcomes");
  nlohmann::json result = describeModel(plan, scaling);
  result["fit"] = {
      {"method", isBinary(plan)            ? "logistic regression"
                 : hasSharedBaseline(plan) ? "Cox regression, one baseline hazard, Efron's ties"
                                           : "Cox regression, stratified by site, Efron's ties"},
      {"coefficients", coefficientsJson(plan, scaling, search.accepted, covariance)},
      {"logLikelihood", at.logLikelihood},
      {"iterations", search.iterations},
      {"patients", std::round(at.patients)},
      {"events", std::round(at.events)},
      {"contributors", contributors},
      {"l2", plan.newton.l2}};
  return {search.accepted, result.dump()};
}

// --- rounds
// ---------------------------------------------------------------------------------------

RoundInput trialInput(const Plan& plan, const Progress& previous, const Vector& trial) {
  nlohmann::json settings = settingsOf(previous.input);
  settings.erase("shift");
  RoundInput input;
  input.values = trial;
  input.phase = hasSharedBaseline(plan) ? phase::kCoxRange : phase::kNewton;
  input.settingsJson = settings.dump();
  return input;
}

Progress trialOf(const Plan& plan, const Progress& previous, const Search& search,
                 nlohmann::json metrics) {
  Vector trial = search.accepted;
  if (search.started)
    for (std::size_t i = 0; i < trial.size(); ++i) trial[i] += search.length * search.step[i];
  Progress next;
  next.round = previous.round + 1;
  next.metricsJson = metrics.dump();
  next.state = stateFrom({{"search", toJson(search)}});
  next.input = trialInput(plan, previous, trial);
  return next;
}

Progress halfWayBack(const Plan& plan, const Progress& progress, Search search,
                     nlohmann::json metrics) {
  search.length /= 2;
  if (!search.started || search.length < kShortestStep)
    cannotStep("no step along Newton's direction climbs");
  metrics["halved"] = search.length;
  return trialOf(plan, progress, search, metrics);
}

// The trial has been evaluated: accept it or go back half way.
Progress afterEvaluation(const Plan& plan, const Progress& progress, Evaluated at,
                         int contributors) {
  Search search = searchFromJson(stateOf(progress).at("search"));
  const Vector& trial = progress.input.values;
  const Eigen::VectorXd penalty = penaltyOf(plan, at.gradient.size());
  const Eigen::VectorXd b = mapOf(trial);
  const double value = at.logLikelihood - 0.5 * penalty.dot(b.cwiseAbs2());
  nlohmann::json metrics{{"logLikelihood", finiteOrNull(at.logLikelihood)},
                         {"patients", std::round(at.patients)},
                         {"contributors", contributors}};
  // Another set of sites is another likelihood: its value says nothing about the step.
  const bool comparable = search.started && std::abs(at.patients - search.patients) < 0.5;
  if (comparable && !(value >= search.value - 1e-9 * (1 + std::abs(search.value)))) {
    return halfWayBack(plan, progress, search, metrics);
  }
  if (!std::isfinite(value)) cannotStep("the hazards of the patients differ by too many powers");
  const Eigen::MatrixXd information = at.information + Eigen::MatrixXd(penalty.asDiagonal());
  const Step step = newtonStep(at.gradient - penalty.cwiseProduct(b), information);
  const double largest = step.change.cwiseAbs().maxCoeff();
  metrics["largestChange"] = largest;
  search.accepted = trial;
  search.step.assign(step.change.begin(), step.change.end());
  search.value = value;
  search.patients = at.patients;
  search.length = 1;
  search.started = true;
  ++search.iterations;
  Progress next = trialOf(plan, progress, search, metrics);
  if (largest < plan.newton.tolerance) {
    search.accepted = next.input.values;
    const Scaling scaling = scalingOf(progress.input);
    next.outcome = outcomeOf(plan, scaling, search, at, step.covariance, contributors);
  } else if (search.iterations >= plan.newton.maxIterations) {
    cannotStep("the fit did not converge in " + std::to_string(search.iterations) +
               " iterations: a column may separate the outcomes");
  }
  return next;
}

Evaluated evaluatedFrom(const SumLayout& layout, const Vector& total) {
  const auto one = [&](std::string_view name) {
    return fieldOf(layout, std::span(total), name)[0];
  };
  const auto gradient = fieldOf(layout, std::span(total), "gradient");
  Evaluated e{one("patients"), one("events"), one("logLikelihood"), {}, {}};
  e.gradient = mapOf(copyOf(gradient));
  e.information = symmetric(fieldOf(layout, std::span(total), "information"), e.gradient.size());
  return e;
}

// --- Cox with one baseline
// ------------------------------------------------------------------------

std::size_t gridCells(const Plan& plan, const Scaling& scaling) {
  return static_cast<std::size_t>(std::ceil(scaling.largestTime / plan.newton.timeResolution)) + 1;
}

std::size_t gridCellOf(const Plan& plan, double time) {
  return static_cast<std::size_t>(std::llround(time / plan.newton.timeResolution));
}

// On the grid, so that equal times are equal numbers.
double roundedTime(const Plan& plan, double time) {
  return plan.newton.timeResolution > 0
             ? static_cast<double>(gridCellOf(plan, time)) * plan.newton.timeResolution
             : time;
}

Vector timesOf(const RoundInput& input) { return settingsOf(input).at("times").get<Vector>(); }

Progress withTimes(const Plan& plan, const Progress& progress, const Vector& times) {
  const Scaling scaling = scalingOf(progress.input);
  const std::size_t p = designBounds(scaling).size();
  if (times.empty()) throw std::domain_error("there is no event at any site");
  if (times.size() * 2 * (1 + p + triangleLength(p)) > kMostSumNumbers)
    throw std::domain_error("there are " + std::to_string(times.size()) +
                            " distinct event times: raise newton.timeResolution");
  Progress previous = progress;
  nlohmann::json settings = settingsOf(progress.input);
  settings["times"] = times;
  previous.input.settingsJson = settings.dump();
  Search search;
  search.accepted.assign(p, 0.0);
  return trialOf(plan, previous, search, {{"eventTimes", times.size()}});
}

Progress afterEventGrid(const Plan& plan, const Progress& progress, const RoundSum& sum) {
  const SumLayout layout = layoutOf(plan, progress.input);
  const Vector total = totalOf(layout, sum);
  const auto deaths = fieldOf(layout, std::span(total), "deaths");
  Vector times;
  for (std::size_t cell = 0; cell < deaths.size(); ++cell)
    if (deaths[cell] > 0.5) times.push_back(static_cast<double>(cell) * plan.newton.timeResolution);
  return withTimes(plan, progress, times);
}

Progress afterEventTimes(const Plan& plan, const Progress& progress, const RoundSum& sum) {
  std::set<double> times;
  for (const auto& [site, text] : sum.metricsJson) {
    const auto told = nlohmann::json::parse(text, nullptr, false);
    if (!told.is_object() || !told.contains("eventTimes") || !told["eventTimes"].is_array())
      throw std::domain_error("site " + site + " did not tell its event times");
    for (const auto& t : told["eventTimes"])
      if (t.is_number() && std::isfinite(t.get<double>()) && t.get<double>() >= 0)
        times.insert(t.get<double>());
  }
  return withTimes(plan, progress, {times.begin(), times.end()});
}

Progress afterCoxRange(const Plan& plan, const Progress& progress, const RoundSum& sum) {
  const SumLayout layout = layoutOf(plan, progress.input);
  const Vector total = totalOf(layout, sum);
  const auto levels = fieldOf(layout, std::span(total), "highest");
  if (levels.back() > 0.5)
    return halfWayBack(plan, progress, searchFromJson(stateOf(progress).at("search")), {});
  int highest = kRangeLevels - 2;
  while (highest >= 0 && levels[static_cast<std::size_t>(highest)] < 0.5) --highest;
  if (highest < 0) throw std::domain_error("no site contributed to this round");
  Progress next = progress;
  next.round = progress.round + 1;
  next.metricsJson = "{}";
  nlohmann::json settings = settingsOf(progress.input);
  settings["shift"] = highest - kLargestScore;
  next.input.settingsJson = settings.dump();
  next.input.phase = phase::kCoxRisk;
  return next;
}

// The likelihood from the sums at each event time, by Efron.
Evaluated evaluatedFromRisk(const RoundInput& input, const SumLayout& layout, const Vector& total) {
  const auto field = [&](std::string_view name) { return fieldOf(layout, std::span(total), name); };
  const auto p = static_cast<std::size_t>(field("eventColumns").size());
  const auto n = static_cast<Eigen::Index>(p);
  const double shift = settingsOf(input).at("shift");
  const auto deaths = field("deaths"), s0 = field("s0"), s1 = field("s1"), s2 = field("s2"),
             d0 = field("d0"), d1 = field("d1"), d2 = field("d2");
  Evaluated e{field("patients")[0], 0, field("eventScore")[0], mapOf(copyOf(field("eventColumns"))),
              Eigen::MatrixXd::Zero(n, n)};
  const std::size_t triangle = triangleLength(p);
  for (std::size_t k = 0; k < deaths.size(); ++k) {
    const double d = std::round(deaths[k]);
    e.events += d;
    const Vector s1k = copyOf(s1.subspan(k * p, p)), d1k = copyOf(d1.subspan(k * p, p));
    const Eigen::MatrixXd s2k = symmetric(s2.subspan(k * triangle, triangle), n),
                          d2k = symmetric(d2.subspan(k * triangle, triangle), n);
    for (double r = 0; r < d; ++r) {
      const double share = r / d, atRisk = s0[k] - share * d0[k];
      if (!(atRisk > 0)) {  // lost between the steps of the fixed point: a step went too far
        e.logLikelihood = -std::numeric_limits<double>::infinity();
        return e;
      }
      const Eigen::VectorXd mean = (mapOf(s1k) - share * mapOf(d1k)) / atRisk;
      e.logLikelihood -= std::log(atRisk) + shift;
      e.gradient -= mean;
      e.information += (s2k - share * d2k) / atRisk - mean * mean.transpose();
    }
  }
  return e;
}

}  // namespace

// --- layouts
// --------------------------------------------------------------------------------------

SumLayout newtonLayout(const Plan& plan, const RoundInput& input) {
  return likelihoodLayout(plan, parameterBounds(plan, scalingOf(input)), input.values);
}

SumLayout eventGridLayout(const Plan& plan, const RoundInput& input) {
  const std::size_t cells = gridCells(plan, scalingOf(input));
  if (cells > kMostGridCells)
    throw std::invalid_argument("newton.timeResolution is too fine for the follow-up");
  return {{{"deaths", cells, static_cast<double>(plan.maximumPatients)}}};
}

SumLayout eventTimesLayout(const Plan& plan, const RoundInput&) {
  return {{{"patients", 1, static_cast<double>(plan.maximumPatients)}}};
}

SumLayout coxRangeLayout(const Plan&, const RoundInput&) {
  return {{{"highest", static_cast<std::size_t>(kRangeLevels), 1}}};
}

SumLayout coxRiskLayout(const Plan& plan, const RoundInput& input) {
  const Vector bounds = parameterBounds(plan, scalingOf(input));
  const std::size_t p = bounds.size(), times = timesOf(input).size();
  const double n = plan.maximumPatients, one = n * largestOf(bounds), two = n * largestPair(bounds);
  return {{{"patients", 1, n},
           {"deaths", times, n},
           {"eventScore", 1, n * kLargestScore},
           {"eventColumns", p, one},
           {"s0", times, n},
           {"s1", times * p, one},
           {"s2", times * triangleLength(p), two},
           {"d0", times, n},
           {"d1", times * p, one},
           {"d2", times * triangleLength(p), two}}};
}

// --- the coordinator
// ------------------------------------------------------------------------------

void requireNewton(const Plan& plan) {
  if (plan.privacy.noise != NoiseKind::None)
    throw std::invalid_argument("an exact regression adds no noise: set privacy.noise to none");
  if (plan.masking == Masking::Ring32)
    throw std::invalid_argument("an exact regression needs the 64-bit ring");
  if (plan.model.architecture != "linear")
    throw std::invalid_argument("an exact regression is of the architecture \"linear\"");
  if (hasSharedBaseline(plan) && !(plan.newton.timeResolution > 0) && plan.masking != Masking::None)
    throw std::invalid_argument(
        "with masking, one baseline hazard for all sites needs newton.timeResolution above 0; or "
        "choose newton.stratifiedBySite");
}

Progress beginNewton(const Plan& plan, Progress progress, const Scaling& scaling) {
  progress.input.settingsJson = nlohmann::json{{"scaling", toJson(scaling)}}.dump();
  progress.input.values.clear();
  if (hasSharedBaseline(plan)) {
    progress.input.phase = plan.newton.timeResolution > 0 ? phase::kEventGrid : phase::kEventTimes;
    return progress;
  }
  Search search;
  search.accepted.assign(parameterBounds(plan, scaling).size(), 0.0);
  if (isBinary(plan) && (scaling.events < 0.5 || scaling.events > scaling.patients - 0.5))
    throw std::domain_error("all patients have the same outcome");
  if (!isBinary(plan) && scaling.events < 0.5)
    throw std::domain_error("there is no event at any site");
  progress.state = stateFrom({{"search", toJson(search)}});
  progress.input = trialInput(plan, progress, search.accepted);
  return progress;
}

Progress proceedNewton(const Plan& plan, const Progress& progress, const RoundSum& sum) {
  const std::string& phase = progress.input.phase;
  if (phase == phase::kEventGrid) return afterEventGrid(plan, progress, sum);
  if (phase == phase::kEventTimes) return afterEventTimes(plan, progress, sum);
  if (phase == phase::kCoxRange) return afterCoxRange(plan, progress, sum);
  const SumLayout layout = layoutOf(plan, progress.input);
  const Vector total = totalOf(layout, sum);
  const Evaluated at = phase == phase::kCoxRisk ? evaluatedFromRisk(progress.input, layout, total)
                                                : evaluatedFrom(layout, total);
  return afterEvaluation(plan, progress, at, sum.contributors);
}

// --- a site
// ---------------------------------------------------------------------------------------

namespace {

Design insideDesign(const Plan& plan, const RoundInput& input, const Cohort& cohort) {
  const Scaling scaling = scalingOf(input);
  requireInside(plan, scaling, cohort);
  return designOf(plan, scaling, cohort);
}

}  // namespace

Vector newtonTerms(const Plan& plan, const RoundInput& input, const Cohort& cohort) {
  const Design design = insideDesign(plan, input, cohort);
  const LikelihoodTerms terms = isBinary(plan)
                                    ? logisticTerms(design, cohort.label, input.values)
                                    : coxTerms(design, cohort.time, cohort.event, input.values);
  const auto& flags = isBinary(plan) ? cohort.label : cohort.event;
  Vector values{static_cast<double>(cohort.rows),
                static_cast<double>(std::count(flags.begin(), flags.end(), 1)),
                terms.logLikelihood};
  values.insert(values.end(), terms.gradient.begin(), terms.gradient.end());
  values.insert(values.end(), terms.information.begin(), terms.information.end());
  return values;
}

LocalResult eventTimes(const Plan& plan, const RoundInput& input, const Cohort& cohort) {
  if (input.phase == phase::kEventTimes) {
    if (plan.masking != Masking::None)
      throw std::invalid_argument("exact event times would be told in spite of masking");
    std::set<double> times;
    for (std::size_t r = 0; r < cohort.rows; ++r)
      if (cohort.event[r] == 1) times.insert(cohort.time[r]);
    return {{static_cast<double>(cohort.rows)}, nlohmann::json{{"eventTimes", times}}.dump()};
  }
  Vector deaths(layoutOf(plan, input).length());
  for (std::size_t r = 0; r < cohort.rows; ++r)
    if (cohort.event[r] == 1) deaths.at(gridCellOf(plan, cohort.time[r])) += 1;
  return {deaths, "{}"};
}

Vector coxRange(const Plan& plan, const RoundInput& input, const Cohort& cohort) {
  const Vector scores = scoresOf(plan, input.values, insideDesign(plan, input, cohort));
  const double highest = scores.empty() ? 0 : *std::max_element(scores.begin(), scores.end());
  const double lowest = scores.empty() ? 0 : *std::min_element(scores.begin(), scores.end());
  const bool beyond = !(highest <= kLargestScore && lowest >= -kLargestScore);
  Vector levels(static_cast<std::size_t>(kRangeLevels));
  levels[beyond ? levels.size() - 1
                : static_cast<std::size_t>(std::ceil(highest) + kLargestScore)] = 1;
  return levels;
}

Vector coxRisk(const Plan& plan, const RoundInput& input, const Cohort& cohort) {
  const Vector times = timesOf(input);
  const double shift = settingsOf(input).at("shift");
  const Design design = insideDesign(plan, input, cohort);
  const Vector scores = scoresOf(plan, input.values, design);
  const SumLayout layout = layoutOf(plan, input);
  Vector values(layout.length());
  const auto field = [&](std::string_view name) {
    return fieldOf(layout, std::span(values), name);
  };
  const auto deaths = field("deaths"), columns = field("eventColumns"), s0 = field("s0"),
             s1 = field("s1"), s2 = field("s2"), d0 = field("d0"), d1 = field("d1"),
             d2 = field("d2");
  const std::size_t p = design.columns, triangle = triangleLength(p);
  field("patients")[0] = static_cast<double>(cohort.rows);
  // At the last time at which a patient is at risk; summed backwards below.
  const auto add = [&](std::size_t row, double hazard, std::size_t k, auto a0, auto a1, auto a2) {
    const double* z = design.values.data() + row * p;
    a0[k] += hazard;
    for (std::size_t i = 0, t = k * triangle; i < p; ++i) {
      a1[k * p + i] += hazard * z[i];
      for (std::size_t j = i; j < p; ++j) a2[t++] += hazard * z[i] * z[j];
    }
  };
  for (std::size_t r = 0; r < cohort.rows; ++r) {
    const double t = roundedTime(plan, cohort.time[r]);
    if (scores[r] > shift)
      throw std::invalid_argument("the range of this round was set without this site's patients");
    const double hazard = std::exp(scores[r] - shift);
    const auto next = std::upper_bound(times.begin(), times.end(), t);
    const auto k = static_cast<std::size_t>(next - times.begin());
    if (k > 0) add(r, hazard, k - 1, s0, s1, s2);
    if (cohort.event[r] == 0) continue;
    if (k == 0 || times[k - 1] != t)
      throw std::invalid_argument("an event time of this site is not among those of the plan");
    deaths[k - 1] += 1;
    field("eventScore")[0] += scores[r];
    for (std::size_t i = 0; i < p; ++i) columns[i] += design.values[r * p + i];
    add(r, hazard, k - 1, d0, d1, d2);
  }
  const auto sumBackwards = [&](auto a, std::size_t width) {
    for (std::size_t i = a.size(); i-- > width;) a[i - width] += a[i];
  };
  sumBackwards(s0, 1);
  sumBackwards(s1, p);
  sumBackwards(s2, triangle);
  return values;
}

}  // namespace fedpet::federation
