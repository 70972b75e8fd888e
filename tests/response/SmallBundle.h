// A model small enough to compute by hand: DCB and OS from TMTV, Dmax, LDH and ECOG.
#pragma once

#include "models/response/ResponseModel.h"

#include <cmath>

namespace fedpet::response {

inline Evaluation anEvaluation(InputScenario scenario) {
  Evaluation e;
  e.scenario = scenario;
  e.data = "made up";
  e.patients = 100;
  e.events = 60;
  e.auc = {0.7, 0.6, 0.8};
  e.calibrationSlope = {scenario == InputScenario::PetOnly ? 0.8 : 1.1, 0.7, 1.3};
  e.concordance = Estimate{0.65, 0.6, 0.7};
  e.oracleAuc = 0.78;
  e.bins = {{50, 0.3, 0.28, 0.2, 0.4}, {50, 0.6, 0.63, 0.5, 0.7}};
  return e;
}

inline BundleOutput anOutput(Endpoint endpoint, double months, Link link, double intercept) {
  BundleOutput output;
  output.endpoint = endpoint;
  output.horizonMonths = months;
  output.link = link;
  output.intercept = intercept;
  // TMTV, Dmax, LDH, ECOG; then unknown Dmax, LDH, ECOG
  output.coefficients = {-0.5, -0.25, -0.3, -0.4, 0.1, 0.05, -0.05};
  output.covariance = Matrix(8, 8);
  for (std::size_t i = 0; i < 8; ++i) output.covariance(i, i) = 0.01;
  output.betweenCentreSd = 0.2;
  output.intervalQuantile = 1.8;
  output.trainingPatients = 100;
  output.trainingEvents = 60;
  output.evaluations = {anEvaluation(InputScenario::AsRecorded),
                        anEvaluation(InputScenario::PetOnly)};
  return output;
}

inline ModelBundle aSmallBundle() {
  ModelBundle bundle;
  bundle.name = "small";
  bundle.version = "1.0.0";
  bundle.softwareVersion = "test";
  bundle.licence = "GPL-3.0-or-later";
  bundle.intendedUse = "tests";
  bundle.limits = {"none of this is real"};
  bundle.training = {"made up", true, 100, 3, 0, 0, 1, 1, 2};
  bundle.inputs = {{"TMTV", std::log(65.0), 1.25, 1, 2000, 0.5, 4000, 1, false},
                   {"Dmax", 400, 250, 0, 1000, 0, 1100, 1, true},
                   {"LDH", 0, 0.35, 0.3, 3, 0.25, 4, 0.8, true},
                   {"ECOG", 0.15, 0.36, 0, 3, 0, 4, 0.9, true}};
  bundle.inputCorrelation = Matrix(4, 4);
  for (std::size_t i = 0; i < 4; ++i) bundle.inputCorrelation(i, i) = 1;
  bundle.inputCorrelation(0, 2) = bundle.inputCorrelation(2, 0) = 0.4;
  bundle.outOfDistributionLevel = 0.995;
  bundle.mahalanobisThresholds = {7.88, 10.6, 12.84};
  bundle.outputs = {anOutput(Endpoint::DurableClinicalBenefit, 6, Link::Logit, -0.2),
                    anOutput(Endpoint::OverallSurvival, 12, Link::LogLog, 0.5)};
  return bundle;
}

inline Measurement measured(Quantity quantity, double value) {
  Measurement m;
  m.quantity = quantity;
  m.value = value;
  return m;
}

inline Measurement refused(Quantity quantity, RefusalCode code, std::string detail) {
  Measurement m;
  m.quantity = quantity;
  m.value = tl::unexpected(Refusal{code, std::move(detail)});
  return m;
}

// TMTV one SD above the mean, Dmax and LDH at theirs, ECOG 1.
inline ResponseInputs anInput() {
  ResponseInputs inputs;
  inputs.wholeBody = {measured(Quantity::Tmtv, 65 * std::exp(1.25)), measured(Quantity::Dmax, 400),
                      measured(Quantity::LesionCount, 4)};
  inputs.clinical.ldhPerUln = 1.0;
  inputs.clinical.ecog = 1;
  return inputs;
}

}  // namespace fedpet::response
