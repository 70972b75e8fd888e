#include "models/response/Fit.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

namespace fedpet::response {
namespace {

using torch::Tensor;

Tensor tensorOf(const Matrix& m) {
  return torch::tensor(m.values, torch::kDouble)
      .reshape({static_cast<std::int64_t>(m.rows), static_cast<std::int64_t>(m.columns)});
}

std::vector<double> vectorOf(const Tensor& t) {
  const Tensor flat = t.to(torch::kDouble).contiguous().flatten();
  const double* data = flat.data_ptr<double>();
  return {data, data + flat.numel()};
}

Matrix matrixOf(const Tensor& t) {
  Matrix m(static_cast<std::size_t>(t.size(0)), static_cast<std::size_t>(t.size(1)));
  m.values = vectorOf(t);
  return m;
}

// Value and derivatives of a log-likelihood that is concave in the parameters.
struct Objective {
  double value = 0;
  Tensor gradient, information;  // information = minus the second derivative

  Objective& operator+=(const Objective& other) {
    value += other.value;
    gradient = gradient.defined() ? gradient + other.gradient : other.gradient;
    information = information.defined() ? information + other.information : other.information;
    return *this;
  }
};

struct NewtonResult {
  Tensor parameters, covariance;
  double logLikelihood = 0;
  int iterations = 0;
};

// `penalty` holds l2 for each parameter.
void penalise(Objective& objective, const Tensor& parameters, const Tensor& penalty) {
  objective.value -= 0.5 * (penalty * parameters * parameters).sum().item<double>();
  objective.gradient = objective.gradient - penalty * parameters;
  objective.information = objective.information + torch::diag(penalty);
}

// A coefficient on its way to infinity flattens the likelihood until the gradient looks converged;
// its standard error then is far beyond what any standardised input can have.
constexpr double kLargestStandardError = 100;

NewtonResult checked(NewtonResult result) {
  if (result.covariance.diagonal().max().item<double>() >
      kLargestStandardError * kLargestStandardError)
    throw TrainingError(
        "an input, or several together, separate the outcomes; raise the L2 penalty");
  return result;
}

template <typename Evaluate>
NewtonResult maximise(Evaluate evaluate, const Tensor& start, const Tensor& penalty,
                      double patients, const FitControl& control) {
  const auto penalised = [&](const Tensor& parameters) {
    Objective objective = evaluate(parameters);
    penalise(objective, parameters, penalty);
    return objective;
  };
  Tensor parameters = start;
  Objective now = penalised(parameters);
  for (int iteration = 1; iteration <= control.maxIterations; ++iteration) {
    const double largest = now.gradient.abs().max().template item<double>() / patients;
    if (control.onStep && !control.onStep({iteration, now.value, largest})) throw TrainingStopped();
    const Tensor factor = at::linalg_cholesky(now.information);
    if (largest < control.gradientTolerance)
      return checked(
          {parameters, at::cholesky_inverse(factor), evaluate(parameters).value, iteration});
    const Tensor step = at::cholesky_solve(now.gradient.unsqueeze(1), factor).squeeze(1);
    // Halve the step until it climbs; a concave objective always lets a short enough one climb.
    double length = 1;
    Objective next = penalised(parameters + step);
    while (!(next.value >= now.value - 1e-12 * std::abs(now.value)) && length > 1e-6)
      next = penalised(parameters + (length /= 2) * step);
    parameters = parameters + length * step;
    now = next;
  }
  throw TrainingError("the fit did not converge in " + std::to_string(control.maxIterations) +
                      " steps: an input may separate the outcomes; raise the L2 penalty");
}

// LibTorch's own errors (a singular matrix, first of all) become ours.
template <typename Work>
auto translated(Work work) {
  try {
    return work();
  } catch (const c10::Error& error) {
    throw TrainingError(
        "the fit failed numerically: an input may be constant or a copy of another; "
        "raise the L2 penalty (" +
        std::string(error.what_without_backtrace()) + ")");
  }
}

void checkViews(std::span<const Matrix> views, std::size_t outcomes) {
  if (views.empty() || outcomes == 0) throw TrainingError("there is no patient to train on");
  for (const Matrix& view : views) {
    if (view.rows != outcomes || view.columns != views.front().columns ||
        view.values.size() != view.rows * view.columns)
      throw TrainingError("inputs and outcomes differ in length");
    if (!std::all_of(view.values.begin(), view.values.end(),
                     [](double v) { return std::isfinite(v); }))
      throw TrainingError("an input is not finite");
  }
}

// ------------------------------------------------------------------------------------------------

Objective logisticObjective(const Tensor& x, const Tensor& y, const Tensor& parameters) {
  const Tensor linear = x.matmul(parameters);
  const Tensor probability = torch::sigmoid(linear);
  Objective o;
  // y log p + (1 - y) log(1 - p) = y linear - log(1 + e^linear), without overflow
  o.value = (y * linear - torch::softplus(linear)).sum().item<double>();
  o.gradient = x.t().matmul(y - probability);
  o.information = x.t().matmul(x * (probability * (1 - probability)).unsqueeze(1));
  return o;
}

// ------------------------------------------------------------------------------------------------

// Patients sorted from the longest time to the shortest: the risk set of a patient is then a prefix
// that ends with the last patient of the same time.
struct RiskOrder {
  std::vector<std::int64_t> order;  // rows of the cohort
  Tensor event;                     // n, 0 or 1
  Tensor tieStart, tieEnd;          // n: first and last index of the same time
  Tensor deaths;                    // indices of events
  Tensor efronShare;                // per death: r / d, r = 0 .. d-1 within its time
  std::vector<double> deathMonths;  // per death
};

RiskOrder riskOrderOf(std::span<const FollowedTime> times) {
  const auto n = static_cast<std::int64_t>(times.size());
  const auto months = [&](std::int64_t row) { return times[static_cast<std::size_t>(row)].months; };
  RiskOrder r;
  r.order.resize(times.size());
  std::iota(r.order.begin(), r.order.end(), 0);
  std::stable_sort(r.order.begin(), r.order.end(),
                   [&](auto a, auto b) { return months(a) > months(b); });
  std::vector<double> event(times.size()), share;
  std::vector<std::int64_t> start(times.size()), end(times.size()), deaths;
  for (std::int64_t first = 0, last; first < n; first = last) {
    const double t = months(r.order[static_cast<std::size_t>(first)]);
    std::vector<std::int64_t> tied;
    for (last = first; last < n && months(r.order[static_cast<std::size_t>(last)]) == t; ++last) {
      const auto row = static_cast<std::size_t>(r.order[static_cast<std::size_t>(last)]);
      if (!times[row].eventObserved) continue;
      event[static_cast<std::size_t>(last)] = 1;
      tied.push_back(last);
    }
    for (std::int64_t i = first; i < last; ++i) {
      start[static_cast<std::size_t>(i)] = first;
      end[static_cast<std::size_t>(i)] = last - 1;
    }
    for (std::size_t k = 0; k < tied.size(); ++k) {
      deaths.push_back(tied[k]);
      share.push_back(static_cast<double>(k) / static_cast<double>(tied.size()));
      r.deathMonths.push_back(t);
    }
  }
  r.event = torch::tensor(event, torch::kDouble);
  r.tieStart = torch::tensor(start, torch::kLong);
  r.tieEnd = torch::tensor(end, torch::kLong);
  r.deaths = torch::tensor(deaths, torch::kLong);
  r.efronShare = torch::tensor(share, torch::kDouble);
  return r;
}

// Sums over the risk set at each death: S0 = sum of hazards, S1 = sum of hazards times x.
struct RiskSums {
  Tensor s0, s1;
};

RiskSums riskSums(const RiskOrder& r, const Tensor& x, const Tensor& hazard, bool efron) {
  const Tensor end = r.tieEnd.index_select(0, r.deaths);
  const Tensor hx = hazard.unsqueeze(1) * x;
  RiskSums sums{hazard.cumsum(0).index_select(0, end), hx.cumsum(0).index_select(0, end)};
  if (!efron) return sums;
  // Sums over the deaths of each time, kept at the last index of that time.
  const Tensor d0 = torch::zeros_like(hazard).index_add(0, r.tieEnd, hazard * r.event);
  const Tensor d1 = torch::zeros_like(x).index_add(0, r.tieEnd, hx * r.event.unsqueeze(1));
  sums.s0 = sums.s0 - r.efronShare * d0.index_select(0, end);
  sums.s1 = sums.s1 - r.efronShare.unsqueeze(1) * d1.index_select(0, end);
  return sums;
}

// sum over deaths of S2 / S0, as one weighted product: each patient enters with the summed 1/S0 of
// the deaths in whose risk set it is, less its Efron share of the deaths tied with its own.
Tensor weightedSecondMoment(const RiskOrder& r, const Tensor& x, const Tensor& hazard,
                            const Tensor& s0) {
  const Tensor perDeath = torch::zeros_like(hazard).index_add(0, r.deaths, 1 / s0);
  const Tensor fromHere = perDeath.flip(0).cumsum(0).flip(0).index_select(0, r.tieStart);
  const Tensor end = r.tieEnd.index_select(0, r.deaths);
  const Tensor tied = torch::zeros_like(hazard).index_add(0, end, r.efronShare / s0);
  const Tensor weight = hazard * (fromHere - r.event * tied.index_select(0, r.tieEnd));
  return x.t().matmul(x * weight.unsqueeze(1));
}

Objective coxObjective(const RiskOrder& r, const Tensor& x, const Tensor& parameters) {
  const Tensor linear = x.matmul(parameters);
  const Tensor shift = linear.max();  // cancels in every ratio and keeps exp in range
  const Tensor hazard = (linear - shift).exp();
  const RiskSums sums = riskSums(r, x, hazard, true);
  const Tensor mean = sums.s1 / sums.s0.unsqueeze(1);
  Objective o;
  o.value = (linear.index_select(0, r.deaths) - sums.s0.log() - shift).sum().item<double>();
  o.gradient = (x.index_select(0, r.deaths) - mean).sum(0);
  o.information = weightedSecondMoment(r, x, hazard, sums.s0) - mean.t().matmul(mean);
  return o;
}

// Breslow: dH0 = 1 / S0 at each death. Averaged over the views.
BaselineHazard breslowAt(double horizonMonths, const RiskOrder& r, std::span<const Tensor> views,
                         const Tensor& parameters) {
  std::vector<std::int64_t> within;
  for (std::size_t j = 0; j < r.deathMonths.size(); ++j)
    if (r.deathMonths[j] <= horizonMonths) within.push_back(static_cast<std::int64_t>(j));
  if (within.empty())
    throw TrainingError("no event within " + std::to_string(horizonMonths) + " months");
  const Tensor chosen = torch::tensor(within, torch::kLong);
  double hazardSum = 0, varianceSum = 0;
  Tensor gradient = torch::zeros_like(parameters);
  for (const Tensor& x : views) {
    const RiskSums sums = riskSums(r, x, x.matmul(parameters).exp(), false);
    const Tensor s0 = sums.s0.index_select(0, chosen), s1 = sums.s1.index_select(0, chosen);
    hazardSum += (1 / s0).sum().item<double>();
    varianceSum += (1 / (s0 * s0)).sum().item<double>();
    gradient = gradient - (s1 / (s0 * s0).unsqueeze(1)).sum(0);
  }
  const auto count = static_cast<double>(views.size());
  return {std::log(hazardSum / count), varianceSum / count / std::pow(hazardSum / count, 2),
          vectorOf(gradient / hazardSum)};
}

std::vector<HazardStep> breslowCurve(const RiskOrder& r, std::span<const Tensor> views,
                                     const Tensor& parameters) {
  Tensor jumps = torch::zeros({static_cast<std::int64_t>(r.deathMonths.size())}, torch::kDouble);
  for (const Tensor& x : views)
    jumps = jumps + 1 / riskSums(r, x, x.matmul(parameters).exp(), false).s0;
  const std::vector<double> jump = vectorOf(jumps / static_cast<double>(views.size()));
  std::vector<HazardStep> curve;
  double sum = 0;
  for (std::size_t j = jump.size(); j-- > 0;) {  // deaths stand from the latest to the earliest
    sum += jump[j];
    if (!curve.empty() && curve.back().months == r.deathMonths[j]) curve.pop_back();
    curve.push_back({r.deathMonths[j], sum});
  }
  return curve;
}

}  // namespace

void setComputeThreads(int threads) { at::set_num_threads(std::max(1, threads)); }

LogisticFit fitLogistic(std::span<const Matrix> views, const std::vector<bool>& outcomes,
                        const FitControl& control) {
  checkViews(views, outcomes.size());
  const auto positives = std::count(outcomes.begin(), outcomes.end(), true);
  if (positives == 0 || positives == static_cast<std::ptrdiff_t>(outcomes.size()))
    throw TrainingError("all patients have the same outcome");
  return translated([&] {
    const torch::NoGradGuard noGradients;
    const Tensor y =
        torch::tensor(std::vector<double>(outcomes.begin(), outcomes.end()), torch::kDouble);
    std::vector<Tensor> designs;
    for (const Matrix& view : views)
      designs.push_back(
          torch::cat({torch::ones({y.size(0), 1}, torch::kDouble), tensorOf(view)}, 1));
    const double share = 1.0 / static_cast<double>(views.size());
    const auto evaluate = [&](const Tensor& parameters) {
      Objective sum;
      for (const Tensor& x : designs) sum += logisticObjective(x, y, parameters);
      return Objective{sum.value * share, sum.gradient * share, sum.information * share};
    };
    const std::int64_t size = designs.front().size(1);
    Tensor penalty = torch::full({size}, control.l2, torch::kDouble);
    penalty[0] = 0;
    const NewtonResult best = maximise(evaluate, torch::zeros({size}, torch::kDouble), penalty,
                                       static_cast<double>(outcomes.size()), control);
    LogisticFit fit;
    fit.intercept = best.parameters[0].item<double>();
    fit.coefficients = vectorOf(best.parameters.slice(0, 1));
    fit.covariance = matrixOf(best.covariance);
    fit.logLikelihood = best.logLikelihood;
    fit.iterations = best.iterations;
    return fit;
  });
}

CoxFit fitCox(std::span<const Matrix> views, std::span<const FollowedTime> times,
              std::span<const double> horizonsMonths, const FitControl& control) {
  checkViews(views, times.size());
  if (std::none_of(times.begin(), times.end(),
                   [](const FollowedTime& t) { return t.eventObserved; }))
    throw TrainingError("no event was observed");
  return translated([&] {
    const torch::NoGradGuard noGradients;
    const RiskOrder risk = riskOrderOf(times);
    const Tensor order = torch::tensor(risk.order, torch::kLong);
    std::vector<Tensor> designs;
    for (const Matrix& view : views) designs.push_back(tensorOf(view).index_select(0, order));
    const double share = 1.0 / static_cast<double>(views.size());
    const auto evaluate = [&](const Tensor& parameters) {
      Objective sum;
      for (const Tensor& x : designs) sum += coxObjective(risk, x, parameters);
      return Objective{sum.value * share, sum.gradient * share, sum.information * share};
    };
    const std::int64_t size = designs.front().size(1);
    const NewtonResult best = maximise(evaluate, torch::zeros({size}, torch::kDouble),
                                       torch::full({size}, control.l2, torch::kDouble),
                                       static_cast<double>(times.size()), control);
    CoxFit fit{vectorOf(best.parameters),
               matrixOf(best.covariance),
               best.logLikelihood,
               best.iterations,
               {},
               breslowCurve(risk, designs, best.parameters)};
    for (const double horizon : horizonsMonths)
      fit.baselines.push_back(breslowAt(horizon, risk, designs, best.parameters));
    return fit;
  });
}

}  // namespace fedpet::response
