// A TrainFunction made of models/response, for tests.
#pragma once

#include "federation/learning/Training.h"
#include "models/response/TabularTrainer.h"

namespace fedpet::federation {

inline TrainingAnswer trainWithTorch(const TrainingCall& call) {
  const response::TabularModelShape shape{call.design.columns, call.hiddenUnits, call.survival,
                                          call.timeIntervalEnds, call.timeIntervals};
  const response::TabularData data{call.design.rows, call.design.values, call.label, call.time,
                                   call.event};
  response::TabularOptions o;
  o.steps = call.steps;
  o.batchSize = call.batchSize;
  o.learningRate = call.learningRate;
  o.proximalMu = call.proximalMu;
  o.l2 = call.l2;
  o.seed = call.seed;
  o.serverVariate = call.serverVariate;
  o.ownVariate = call.ownVariate;
  o.clipped = call.clipped;
  o.clipNorm = call.clipNorm;
  o.noiseSd = call.noiseSd;
  o.sampleRate = call.sampleRate;
  o.gradientSumOnly = call.gradientSumOnly;
  o.uniform = call.uniform;
  o.standardNormal = call.standardNormal;
  response::TabularResult result = response::trainTabular(shape, data, call.start, o);
  return {std::move(result.parameters), std::move(result.gradientSum), result.meanLoss};
}

}  // namespace fedpet::federation
