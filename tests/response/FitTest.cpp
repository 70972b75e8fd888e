#include "models/response/Fit.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace fedpet::response {
namespace {

Matrix column(std::vector<double> values) {
  Matrix m(values.size(), 1);
  m.values = std::move(values);
  return m;
}

double linear(std::span<const double> x, std::span<const double> b) {
  double sum = 0;
  for (std::size_t c = 0; c < b.size(); ++c) sum += x[c] * b[c];
  return sum;
}

// Remission times in weeks of 42 children with leukaemia, 6-mercaptopurine (0) against placebo (1):
// Freireich 1963, Blood 21:699, as tabulated by Kalbfleisch and Prentice. Heavily tied.
struct Leukaemia {
  std::vector<FollowedTime> times;
  std::vector<double> placebo;
  Leukaemia() {
    const auto add = [&](double weeks, bool relapse, double group) {
      times.push_back({weeks, relapse});
      placebo.push_back(group);
    };
    for (const double t : {6, 6, 6, 7, 10, 13, 16, 22, 23}) add(t, true, 0);
    for (const double t : {6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35}) add(t, false, 0);
    for (const double t : {1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23})
      add(t, true, 1);
  }
};

// Three inputs of which the first two matter, exponential times rounded so that many are tied.
struct Simulated {
  Matrix x{120, 3};
  std::vector<FollowedTime> times;
  std::vector<bool> outcomes;
  Simulated() {
    std::mt19937_64 random(7);
    const auto uniform = [&] { return (static_cast<double>(random() >> 11) + 0.5) * 0x1.0p-53; };
    for (std::size_t r = 0; r < x.rows; ++r) {
      for (std::size_t c = 0; c < x.columns; ++c) x(r, c) = 2 * uniform() - 1;
      const double risk = 0.8 * x(r, 0) - 0.5 * x(r, 1);
      times.push_back({std::ceil(10 * -std::log(uniform()) / std::exp(risk)), uniform() < 0.7});
      outcomes.push_back(uniform() < 1 / (1 + std::exp(-risk)));
    }
  }
};

// Efron's log partial likelihood by its definition, one risk set after another.
double efronLogLikelihood(const Matrix& x, std::span<const FollowedTime> times,
                          std::span<const double> b) {
  double sum = 0;
  for (std::size_t i = 0; i < times.size(); ++i) {
    bool first = times[i].eventObserved;  // each distinct time once
    for (std::size_t j = 0; j < i; ++j)
      first = first && !(times[j].eventObserved && times[j].months == times[i].months);
    if (!first) continue;
    double atRisk = 0, tied = 0, deaths = 0;
    for (std::size_t j = 0; j < times.size(); ++j) {
      const double hazard = std::exp(linear(x.row(j), b));
      if (times[j].months >= times[i].months) atRisk += hazard;
      if (!times[j].eventObserved || times[j].months != times[i].months) continue;
      tied += hazard;
      deaths += 1;
      sum += linear(x.row(j), b);
    }
    for (double r = 0; r < deaths; ++r) sum -= std::log(atRisk - r / deaths * tied);
  }
  return sum;
}

TEST(CoxFit, GivesThePublishedEfronEstimateOfFreireichsLeukaemiaTrial) {
  const Leukaemia data;
  const std::vector<Matrix> views{column(data.placebo)};
  const CoxFit fit = fitCox(views, data.times, {}, {});
  // coxph(Surv(time, status) ~ group, ties = "efron") in R, and the SAS PHREG manual: 1.57213,
  // 0.41240
  EXPECT_NEAR(fit.coefficients[0], 1.57213, 1e-4);
  EXPECT_NEAR(std::sqrt(fit.covariance(0, 0)), 0.41240, 1e-4);
}

TEST(CoxFit, GivesThePublishedEstimateOfTheAmlMaintenanceTrial) {
  // Miller 1997, survival data set "aml" of R: coxph gives 0.9155 with standard error 0.5119.
  std::vector<FollowedTime> times;
  std::vector<double> notMaintained;
  const auto add = [&](double t, bool event, double group) {
    times.push_back({t, event});
    notMaintained.push_back(group);
  };
  for (const double t : {9, 13, 18, 23, 31, 34, 48}) add(t, true, 0);
  for (const double t : {13, 28, 45, 161}) add(t, false, 0);
  for (const double t : {5, 5, 8, 8, 12, 23, 27, 30, 33, 43, 45}) add(t, true, 1);
  add(16, false, 1);
  const std::vector<Matrix> views{column(notMaintained)};
  const CoxFit fit = fitCox(views, times, {}, {});
  EXPECT_NEAR(fit.coefficients[0], 0.9155, 1e-4);
  EXPECT_NEAR(std::sqrt(fit.covariance(0, 0)), 0.5119, 1e-4);
}

TEST(CoxFit, StandsAtTheMaximumOfTheLikelihoodWrittenOutByItsDefinition) {
  const Simulated data;
  const std::vector<Matrix> views{data.x};
  const CoxFit fit = fitCox(views, data.times, {}, {});
  EXPECT_NEAR(fit.logLikelihood, efronLogLikelihood(data.x, data.times, fit.coefficients), 1e-8);
  const auto at = [&](std::size_t i, double di, std::size_t j, double dj) {
    std::vector<double> b = fit.coefficients;
    b[i] += di;
    b[j] += dj;
    return efronLogLikelihood(data.x, data.times, b);
  };
  constexpr double h = 1e-3;
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR((at(i, h, i, 0) - at(i, -h, i, 0)) / (2 * h), 0, 1e-5);
    for (std::size_t j = 0; j < 3; ++j) {
      // The covariance must be the inverse of minus the numerical second derivative.
      double product = 0;
      for (std::size_t k = 0; k < 3; ++k)
        product -= fit.covariance(i, k) *
                   (at(k, h, j, h) - at(k, h, j, -h) - at(k, -h, j, h) + at(k, -h, j, -h)) /
                   (4 * h * h);
      EXPECT_NEAR(product, i == j ? 1 : 0, 1e-4);
    }
  }
}

TEST(CoxFit, HasTheNelsonAalenCurveAsBaselineWhenNothingMatters) {
  const std::vector<FollowedTime> times{{1, true}, {2, true}, {3, false}, {4, true}};
  FitControl heavy;
  heavy.l2 = 1e9;  // holds the coefficient at 0
  const std::vector<Matrix> views{column({0.3, -0.2, 0.1, 0.4})};
  const std::vector<double> horizons{2.5, 4};
  const CoxFit fit = fitCox(views, times, horizons, heavy);
  // By hand: 1/4 + 1/3, then + 1/1.
  EXPECT_NEAR(std::exp(fit.baselines[0].logCumulativeHazard), 7.0 / 12, 1e-6);
  EXPECT_NEAR(std::exp(fit.baselines[1].logCumulativeHazard), 19.0 / 12, 1e-6);
  ASSERT_EQ(fit.baseline.size(), 3u);
  EXPECT_EQ(fit.baseline[1].months, 2);
  EXPECT_NEAR(fit.baseline[1].cumulativeHazard, 7.0 / 12, 1e-6);
}

// ln of the cumulative hazard of one patient at the first horizon, with its delta-method variance.
std::pair<double, double> logHazardAt(const CoxFit& fit, std::span<const double> x) {
  const BaselineHazard& base = fit.baselines[0];
  double variance = base.logVarianceGivenCoefficients;
  for (std::size_t i = 0; i < x.size(); ++i)
    for (std::size_t j = 0; j < x.size(); ++j)
      variance +=
          (x[i] + base.logGradient[i]) * fit.covariance(i, j) * (x[j] + base.logGradient[j]);
  return {base.logCumulativeHazard + linear(x, fit.coefficients), variance};
}

TEST(CoxFit, GivesAPatientTheSameHazardAndErrorWhereverTheZeroOfAnInputLies) {
  const Simulated data;
  Matrix shifted = data.x;
  for (std::size_t r = 0; r < shifted.rows; ++r) shifted(r, 0) += 5;
  const std::vector<double> horizons{6};
  const std::vector<Matrix> here{data.x}, there{shifted};
  const auto a = logHazardAt(fitCox(here, data.times, horizons, {}), std::vector{0.2, 0.4, -0.6});
  const auto b = logHazardAt(fitCox(there, data.times, horizons, {}), std::vector{5.2, 0.4, -0.6});
  EXPECT_NEAR(a.first, b.first, 1e-8);
  EXPECT_NEAR(a.second, b.second, 1e-8);
}

TEST(CoxFit, RefusesAHorizonBeforeTheFirstEvent) {
  const Leukaemia data;
  const std::vector<Matrix> views{column(data.placebo)};
  const std::vector<double> horizons{0.5};
  EXPECT_THROW(fitCox(views, data.times, horizons, {}), TrainingError);
}

// Hours of study and passing an exam: the worked example of Wikipedia's "Logistic regression".
const std::vector<double> kHours{0.50, 0.75, 1.00, 1.25, 1.50, 1.75, 1.75, 2.00, 2.25, 2.50,
                                 2.75, 3.00, 3.25, 3.50, 4.00, 4.25, 4.50, 4.75, 5.00, 5.50};
const std::vector<bool> kPassed{false, false, false, false, false, false, true, false, true, false,
                                true,  false, true,  false, true,  true,  true, true,  true, true};

TEST(LogisticFit, GivesThePublishedCoefficientsAndErrorsOfTheStudyHoursExample) {
  const std::vector<Matrix> views{column(kHours)};
  const LogisticFit fit = fitLogistic(views, kPassed, {});
  EXPECT_NEAR(fit.intercept, -4.0777, 1e-4);
  EXPECT_NEAR(fit.coefficients[0], 1.5046, 1e-4);
  EXPECT_NEAR(std::sqrt(fit.covariance(0, 0)), 1.7610, 1e-4);
  EXPECT_NEAR(std::sqrt(fit.covariance(1, 1)), 0.6287, 1e-4);
  EXPECT_NEAR(fit.logLikelihood, -8.02988, 1e-5);
}

TEST(LogisticFit, SolvesThePenalisedScoreEquations) {
  const Simulated data;
  FitControl control;
  control.l2 = 3;
  const std::vector<Matrix> views{data.x};
  const LogisticFit fit = fitLogistic(views, data.outcomes, control);
  std::vector<double> score(4, 0);
  for (std::size_t r = 0; r < data.x.rows; ++r) {
    const double p = 1 / (1 + std::exp(-fit.intercept - linear(data.x.row(r), fit.coefficients)));
    const double residual = (data.outcomes[r] ? 1 : 0) - p;
    score[0] += residual;
    for (std::size_t c = 0; c < 3; ++c) score[c + 1] += residual * data.x(r, c);
  }
  EXPECT_NEAR(score[0], 0, 1e-6);  // the intercept is not penalised
  for (std::size_t c = 0; c < 3; ++c) EXPECT_NEAR(score[c + 1], 3 * fit.coefficients[c], 1e-6);
}

TEST(LogisticFit, CountsAPatientOnceHoweverManyViewsThereAre) {
  const std::vector<Matrix> once{column(kHours)}, thrice(3, column(kHours));
  const LogisticFit a = fitLogistic(once, kPassed, {}), b = fitLogistic(thrice, kPassed, {});
  EXPECT_NEAR(a.coefficients[0], b.coefficients[0], 1e-9);
  EXPECT_NEAR(a.covariance(1, 1), b.covariance(1, 1), 1e-9);
}

TEST(LogisticFit, RefusesSeparatedClassesInsteadOfGrowingForever) {
  const std::vector<Matrix> views{column({1, 2, 3, 4})};
  EXPECT_THROW(fitLogistic(views, {false, false, true, true}, {}), TrainingError);
  FitControl penalised;
  penalised.l2 = 1;
  EXPECT_NO_THROW(fitLogistic(views, {false, false, true, true}, penalised));
}

TEST(LogisticFit, RefusesDataItCannotFit) {
  const std::vector<Matrix> views{column({1, 2, 3})}, broken{column({1, NAN, 3})};
  EXPECT_THROW(fitLogistic(views, {true, true, true}, {}), TrainingError);
  EXPECT_THROW(fitLogistic(views, {true, false}, {}), TrainingError);
  EXPECT_THROW(fitLogistic(broken, {true, false, true}, {}), TrainingError);
  EXPECT_THROW(fitLogistic({}, {}, {}), TrainingError);
}

TEST(LogisticFit, StopsWhenItsObserverSaysSo) {
  FitControl control;
  control.onStep = [](const FitStep& step) { return step.iteration < 2; };
  const std::vector<Matrix> views{column(kHours)};
  EXPECT_THROW(fitLogistic(views, kPassed, control), TrainingStopped);
}

}  // namespace
}  // namespace fedpet::response
