#include "models/response/TabularTrainer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>

namespace fedpet::response {
namespace {

struct Case {
  TabularModelShape shape;
  TabularData data;
  std::vector<double> parameters;
};

Case aCase(std::vector<int> hidden, bool survival, int intervals, std::size_t rows = 24,
           std::size_t inputs = 4) {
  std::mt19937_64 random(5);
  const auto uniform = [&] { return (static_cast<double>(random() >> 11) + 0.5) * 0x1.0p-53; };
  Case c;
  c.shape.inputs = inputs;
  c.shape.hiddenUnits = std::move(hidden);
  c.shape.survival = survival;
  c.shape.timeIntervals = intervals;
  for (int k = 1; k < intervals; ++k) c.shape.timeIntervalEnds.push_back(0.5 * k);
  c.data.rows = rows;
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t i = 0; i < inputs; ++i) c.data.inputs.push_back(4 * uniform() - 2);
    const double x = c.data.inputs[r * inputs];
    if (survival) {
      c.data.time.push_back(std::ceil(8 * -std::log(uniform()) * std::exp(-x)) / 4);  // tied
      c.data.event.push_back(uniform() < 0.7 ? 1 : 0);
    } else {
      c.data.label.push_back(uniform() < 1 / (1 + std::exp(-x)) ? 1 : 0);
    }
  }
  for (std::size_t i = 0; i < c.shape.parameterCount(); ++i)
    c.parameters.push_back(uniform() - 0.5);
  return c;
}

std::vector<Case> allKinds() {
  return {aCase({}, false, 0), aCase({5, 3}, false, 0), aCase({}, true, 0),
          aCase({5}, true, 0), aCase({}, true, 4),      aCase({6, 4}, true, 4)};
}

std::vector<std::size_t> rowsUpTo(std::size_t n) {
  std::vector<std::size_t> rows(n);
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

double norm(const std::vector<double>& v) {
  return std::sqrt(std::inner_product(v.begin(), v.end(), v.begin(), 0.0));
}

// Not secret, for tests.
struct Randomness {
  std::mt19937_64 engine{9};
  std::uniform_real_distribution<double> flat{0.0, 1.0};
  std::normal_distribution<double> bell;
  void give(TabularOptions& options) {
    options.uniform = [this] { return 1 - flat(engine); };
    options.standardNormal = [this] { return bell(engine); };
  }
};

TEST(TabularTrainer, HasTheGradientOfItsLoss) {
  for (const Case& c : allKinds()) {
    const auto rows = rowsUpTo(c.data.rows);
    const LossAndGradient at = tabularLoss(c.shape, c.data, c.parameters, rows);
    for (std::size_t i = 0; i < c.parameters.size(); ++i) {
      std::vector<double> up = c.parameters, down = up;
      up[i] += 1e-5, down[i] -= 1e-5;
      const double slope = (tabularLoss(c.shape, c.data, up, rows).loss -
                            tabularLoss(c.shape, c.data, down, rows).loss) /
                           2e-5;
      EXPECT_NEAR(at.gradient[i], slope, 1e-6)
          << c.shape.survival << " " << c.shape.hiddenUnits.size() << " " << i;
    }
  }
}

// Breslow's partial likelihood by its definition.
TEST(TabularTrainer, UsesCoxsPartialLikelihoodOverAllPatientsOfTheBatch) {
  const Case c = aCase({}, true, 0);
  double expected = 0;
  const auto score = [&](std::size_t r) {
    double s = 0;
    for (std::size_t i = 0; i < c.shape.inputs; ++i)
      s += c.parameters[i] * c.data.inputs[r * c.shape.inputs + i];
    return s;
  };
  for (std::size_t i = 0; i < c.data.rows; ++i) {
    double atRisk = 0;
    for (std::size_t j = 0; j < c.data.rows; ++j)
      if (c.data.time[j] >= c.data.time[i]) atRisk += std::exp(score(j));
    if (c.data.event[i] == 1) expected += std::log(atRisk) - score(i);
  }
  EXPECT_NEAR(tabularLoss(c.shape, c.data, c.parameters, rowsUpTo(c.data.rows)).loss,
              expected / static_cast<double>(c.data.rows), 1e-12);
}

TEST(TabularTrainer, SumsPatientsOwnGradientsEachClippedToTheNorm) {
  for (const Case& c : allKinds()) {
    if (c.shape.survival && c.shape.timeIntervals == 0) continue;
    const auto rows = rowsUpTo(c.data.rows);
    for (const double clip : {0.05, 0.7, 1e9}) {
      std::vector<double> expected(c.parameters.size());
      int clipped = 0;
      for (const std::size_t row : rows) {
        const auto own = tabularLoss(c.shape, c.data, c.parameters, {row}).gradient;
        const double factor = std::min(1.0, clip / norm(own));
        if (factor < 1) ++clipped;
        for (std::size_t i = 0; i < own.size(); ++i) expected[i] += factor * own[i];
        const auto alone = clippedGradientSum(c.shape, c.data, c.parameters, {row}, clip);
        EXPECT_LE(norm(alone), clip * (1 + 1e-12)) << "one patient moves the sum by no more";
      }
      const auto sum = clippedGradientSum(c.shape, c.data, c.parameters, rows, clip);
      for (std::size_t i = 0; i < sum.size(); ++i) EXPECT_NEAR(sum[i], expected[i], 1e-10);
      if (clip < 0.1) {
        EXPECT_GT(clipped, 0);
      }
    }
  }
}

TEST(TabularTrainer, TakesPlainGradientStepsOnTheWholeTable) {
  for (const Case& c : allKinds()) {
    TabularOptions options;
    options.steps = 3;
    options.batchSize = static_cast<int>(c.data.rows);
    options.learningRate = 0.2;
    options.l2 = 0.1;
    options.proximalMu = 0.3;
    const TabularResult result = trainTabular(c.shape, c.data, c.parameters, options);
    std::vector<double> w = c.parameters;
    for (int step = 0; step < 3; ++step) {
      const auto g = tabularLoss(c.shape, c.data, w, rowsUpTo(c.data.rows)).gradient;
      for (std::size_t i = 0; i < w.size(); ++i)
        w[i] -= 0.2 * (g[i] + 0.1 * w[i] + 0.3 * (w[i] - c.parameters[i]));
    }
    for (std::size_t i = 0; i < w.size(); ++i) EXPECT_NEAR(result.parameters[i], w[i], 1e-10);
  }
}

TEST(TabularTrainer, MovesAlongTheControlVariates) {
  const Case c = aCase({3}, false, 0);
  TabularOptions options;
  options.steps = 1;
  options.batchSize = static_cast<int>(c.data.rows);
  const auto plain = trainTabular(c.shape, c.data, c.parameters, options).parameters;
  options.serverVariate.assign(c.parameters.size(), 0.5);
  options.ownVariate.assign(c.parameters.size(), 0.2);
  const auto drifted = trainTabular(c.shape, c.data, c.parameters, options).parameters;
  for (std::size_t i = 0; i < plain.size(); ++i)
    EXPECT_NEAR(drifted[i], plain[i] - 0.1 * 0.3, 1e-12);
}

TEST(TabularTrainer, RepeatsItselfFromTheSeedAndDiffersWithoutIt) {
  const Case c = aCase({5}, true, 0);
  TabularOptions options;
  const auto first = trainTabular(c.shape, c.data, c.parameters, options).parameters;
  EXPECT_EQ(first, trainTabular(c.shape, c.data, c.parameters, options).parameters);
  options.seed = 2;
  EXPECT_NE(first, trainTabular(c.shape, c.data, c.parameters, options).parameters);
}

TEST(TabularTrainer, AddsNoiseOfTheAskedSizeToTheSumOfTheSample) {
  const Case c = aCase({}, false, 0);
  TabularOptions options;
  options.clipped = options.gradientSumOnly = true;
  options.noiseSd = 3;
  options.sampleRate = 0.5;
  Randomness random;
  random.give(options);
  double mean = 0, squares = 0;
  const int draws = 2000;
  for (int k = 0; k < draws; ++k) {
    const double value = trainTabular(c.shape, c.data, c.parameters, options).gradientSum[0];
    mean += value / draws;
    squares += value * value / draws;
  }
  const double expected =
      0.5 * clippedGradientSum(c.shape, c.data, c.parameters, rowsUpTo(c.data.rows), 1)[0];
  EXPECT_NEAR(mean, expected, 4 * 3.3 / std::sqrt(draws));
  // Noise 9, and the variance of which patients are taken: a quarter of their summed squares.
  double sampling = 0;
  for (const std::size_t row : rowsUpTo(c.data.rows))
    sampling += 0.25 * std::pow(clippedGradientSum(c.shape, c.data, c.parameters, {row}, 1)[0], 2);
  EXPECT_NEAR(squares - mean * mean, 9 + sampling, 4 * 10 * std::sqrt(2.0 / draws));
}

TEST(TabularTrainer, LearnsWithClippedAndNoisedSteps) {
  const Case c = aCase({}, true, 4, 400);
  TabularOptions options;
  options.clipped = true;
  options.noiseSd = 0.5;
  options.sampleRate = 0.2;
  options.steps = 100;
  options.learningRate = 0.3;
  Randomness random;
  random.give(options);
  const std::vector<double> zero(c.shape.parameterCount());
  const TabularResult result = trainTabular(c.shape, c.data, zero, options);
  const auto rows = rowsUpTo(c.data.rows);
  EXPECT_LT(tabularLoss(c.shape, c.data, result.parameters, rows).loss, 0.9 * result.meanLoss);
  EXPECT_GT(result.parameters[0], 0.4) << "the first input raises the hazard by its own size";
}

TEST(TabularTrainer, RefusesToClipCoxsLikelihood) {
  const Case c = aCase({}, true, 0);
  TabularOptions options;
  options.clipped = true;
  Randomness random;
  random.give(options);
  EXPECT_THROW(trainTabular(c.shape, c.data, c.parameters, options), TabularTrainingError);
}

TEST(TabularTrainer, RefusesWhatDoesNotFit) {
  Case c = aCase({}, false, 0);
  EXPECT_THROW(trainTabular(c.shape, c.data, {1, 2}, {}), TabularTrainingError);
  TabularOptions options;
  options.clipped = true;  // without randomness
  EXPECT_THROW(trainTabular(c.shape, c.data, c.parameters, options), TabularTrainingError);
  c.data.inputs[3] = NAN;
  EXPECT_THROW(trainTabular(c.shape, c.data, c.parameters, {}), TabularTrainingError);
}

}  // namespace
}  // namespace fedpet::response
