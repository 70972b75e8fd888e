// Local training of the small models that hospitals train together: a linear model or a multilayer
// perceptron on a table of standardised numbers. Gradients in closed form on LibTorch tensors: at
// minibatches of eight patients an autograd graph would cost more than the arithmetic.
//
// Order of the parameters: for each hidden layer its weights (units x inputs, row by row) and its
// biases, with ReLU after it; then the output's weights, its bias (binary only), and the log
// hazards of the time intervals (survival with intervals only).
//
// Losses, each the mean over the patients of a minibatch:
//   binary                  logistic
//   survival                minus Cox's log partial likelihood with the minibatch as the only
//                           risk set (Breslow's ties), over all its patients
//   survival, intervals     piecewise exponential: exp(score + b_k) is the hazard in interval k;
//                           a sum over patients, which Cox's likelihood is not (Friedman 1982,
//                           Ann Stat 10:101)
// plus l2/2 |w|^2 over all parameters, and mu/2 |w - start|^2 (FedProx).
//
// Clipping (DP-SGD, Abadi 2016, arXiv 1607.00133): each step takes every patient with probability
// sampleRate, scales every patient's own gradient down to clipNorm, sums, adds noise, and divides
// by the expected number of patients. A patient's gradient of a layer is the outer product of its
// output's gradient d and its input a, so that its squared norm is |d|^2 (|a|^2 + 1), and no
// gradient of a single patient is ever formed (Goodfellow 2015, arXiv 1510.01799). Penalties are
// added after the noise: they know no patient.
#pragma once

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace fedpet::response {

struct TabularModelShape {
  std::size_t inputs = 0;
  std::vector<int> hiddenUnits;  // empty: linear
  bool survival = false;
  // Ends of all time intervals but the last, ascending; `timeIntervals` is one more, or 0 for
  // Cox's partial likelihood.
  std::vector<double> timeIntervalEnds;
  int timeIntervals = 0;

  std::size_t parameterCount() const;
};

struct TabularData {
  std::size_t rows = 0;
  std::vector<double> inputs;  // rows x TabularModelShape::inputs, row by row
  std::vector<int> label;      // binary: 0 or 1
  std::vector<double> time;    // survival, in the unit of timeIntervalEnds
  std::vector<int> event;      // survival: 0 or 1
};

struct TabularOptions {
  int steps = 10, batchSize = 8;
  double learningRate = 0.1, proximalMu = 0, l2 = 0;
  std::uint64_t seed = 1;  // of the minibatches: a shuffled table, taken from the front, again
                           // shuffled when it ends
  int threads = 1;         // of LibTorch; 0 leaves them as they are. Set for the whole process.
  // SCAFFOLD: each step moves along gradient - own + server. Both empty, or one number a parameter.
  std::vector<double> serverVariate, ownVariate;

  bool clipped = false;
  double clipNorm = 1, noiseSd = 0;  // noiseSd: of each element of the sum of clipped gradients
  double sampleRate = 1;
  bool gradientSumOnly = false;  // one step without a move: TabularResult::gradientSum
  // Needed with `clipped`; secret. uniform: in (0, 1].
  std::function<double()> uniform, standardNormal;
};

struct TabularResult {
  std::vector<double> parameters;
  std::vector<double> gradientSum;  // of clipped gradients, noised; gradientSumOnly
  double meanLoss = 0;              // of all patients at the start, without penalties
};

// The call cannot be carried out; what() says what does not fit.
struct TabularTrainingError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

TabularResult trainTabular(const TabularModelShape&, const TabularData&,
                           const std::vector<double>& start, const TabularOptions&);

// Mean loss of some rows and its gradient; without penalties. For tests, and for whoever brings an
// optimiser of their own.
struct LossAndGradient {
  double loss = 0;
  std::vector<double> gradient;
};
LossAndGradient tabularLoss(const TabularModelShape&, const TabularData&,
                            const std::vector<double>& parameters,
                            const std::vector<std::size_t>& rows);

// Sum over some rows of every patient's gradient, scaled down to clipNorm. Not for Cox.
std::vector<double> clippedGradientSum(const TabularModelShape&, const TabularData&,
                                       const std::vector<double>& parameters,
                                       const std::vector<std::size_t>& rows, double clipNorm);

}  // namespace fedpet::response
