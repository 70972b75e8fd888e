// Rounds of local training and a server optimiser: FedAvg (McMahan 2017, arXiv 1602.05629), FedProx
// (Li 2020, arXiv 1812.06127), SCAFFOLD (Karimireddy 2020, arXiv 1910.06378, option II), FedAdam,
// FedYogi and FedAdagrad (Reddi 2021, arXiv 2003.00295, algorithm 2).
#pragma once

#include "federation/learning/Standardisation.h"
#include "federation/learning/Task.h"

#include <cstdint>
#include <functional>

namespace fedpet::federation {

// --- the coordinator ---------------------------------------------------------------------------

// Throws std::invalid_argument for terms that cannot be run together.
void requireTraining(const Plan&);
SumLayout trainLayout(const Plan&, const RoundInput&);
// From the state after "moments" to the first round of training, and on.
Progress beginTraining(const Plan&, Progress, const Scaling&);
Progress proceedTraining(const Plan&, const Progress&, const RoundSum&);

// Coordinate-wise over vectors of one length; `trimmedShare` on each side, at least the median is
// left (Yin 2018, arXiv 1803.01498).
std::vector<double> coordinateMedian(const std::vector<std::vector<double>>&);
std::vector<double> trimmedMean(const std::vector<std::vector<double>>&, double trimmedShare);

// --- a site ------------------------------------------------------------------------------------

// All that a trainer needs, in plain types: it knows neither plans nor the protocol. Whoever links
// LibTorch hands these to models/response/TabularTrainer.h.
struct TrainingCall {
  std::string architecture;
  std::vector<int> hiddenUnits;
  bool survival = false;
  std::vector<double> timeIntervalEnds;  // empty: Cox's partial likelihood of each minibatch
  int timeIntervals = 0;
  Design design;
  std::vector<int> label;
  std::vector<double> time;  // with time intervals in units of the mean, else in the plan's unit
  std::vector<int> event;
  std::vector<double> start;                      // parameters, in TabularModel.h's order
  std::vector<double> serverVariate, ownVariate;  // SCAFFOLD; else empty
  int steps = 1, batchSize = 1;
  double learningRate = 0.1, proximalMu = 0, l2 = 0;
  // Per-patient clipping and noise. sampleRate: of the Poisson samples that replace minibatches.
  bool clipped = false;
  double clipNorm = 1, noiseSd = 0, sampleRate = 1;
  bool gradientSumOnly = false;  // one step: the sum of clipped gradients, noised, and no move
  std::uint64_t seed = 1;        // of the minibatches without noise; nobody's secret
  // With noise: the site's own secret randomness, uniform in (0, 1] and standard normal. Who could
  // repeat it could subtract the noise.
  std::function<double()> uniform, standardNormal;
};
struct TrainingAnswer {
  std::vector<double> parameters;   // after the steps
  std::vector<double> gradientSum;  // with gradientSumOnly, instead
  double meanLoss = 0;              // before the steps, over all patients
};
using TrainFunction = std::function<TrainingAnswer(const TrainingCall&)>;

// `ownVariate`: what newVariateOf() gave after the last round, zeros before; SCAFFOLD only.
// Throws std::invalid_argument.
TrainingCall trainingCallOf(const Plan&, const RoundInput&, int roundNumber, const Cohort&,
                            const std::vector<double>& ownVariate, int contributorsAtLeast);
// The vector to send: by trainLayout(), scaled down to the plan's norm bound.
std::vector<double> trainVectorOf(const Plan&, const RoundInput&, const TrainingCall&,
                                  const TrainingAnswer&);
std::vector<double> newVariateOf(const Plan&, const TrainingCall&, const TrainingAnswer&);

}  // namespace fedpet::federation
