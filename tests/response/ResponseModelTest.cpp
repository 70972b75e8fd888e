#include "models/response/ResponseModel.h"
#include "tests/response/SmallBundle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fedpet::response {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

const ResponseModel& smallModel() {
  static const ResponseModel model(aSmallBundle());
  return model;
}

Refusal refusalOf(const ResponseInputs& inputs) {
  const auto predictions = smallModel().predict(inputs);
  for (const ResponsePrediction& p : predictions) {
    EXPECT_FALSE(p.result.has_value()) << "a blocked number must not be shown";
    EXPECT_THAT(p.contributions, IsEmpty());
    EXPECT_FALSE(p.event.empty());
  }
  return predictions.front().result ? Refusal{} : predictions.front().result.error();
}

TEST(ResponseModel, GivesTheProbabilityComputedByHand) {
  const auto predictions = smallModel().predict(anInput());
  ASSERT_EQ(predictions.size(), 2u);
  // eta = intercept - 0.5 x 1 (TMTV) - 0.4 x (0 - 0.15) / 0.36 (ECOG below 2)
  const double shares = -0.5 + 0.4 * 0.15 / 0.36;
  EXPECT_NEAR(predictions[0].result->probability, 1 / (1 + std::exp(0.2 - shares)), 1e-12);
  EXPECT_NEAR(predictions[1].result->probability, std::exp(-std::exp(-0.5 - shares)), 1e-12);
}

TEST(ResponseModel, GivesTheIntervalComputedByHand) {
  const auto p = smallModel().predict(anInput())[0];
  // var = 0.01 (1 + 1^2 + (0.15 / 0.36)^2) + 0.2^2 (1 + 1/3 centres); nothing is unknown
  const double sd = std::sqrt(0.01 * (2 + 0.15 * 0.15 / (0.36 * 0.36)) + 0.04 * 4 / 3);
  const double eta = etaOf(Link::Logit, p.result->probability);
  EXPECT_NEAR(p.result->lower, probabilityOf(Link::Logit, eta - 1.8 * sd), 1e-7);
  EXPECT_NEAR(p.result->upper, probabilityOf(Link::Logit, eta + 1.8 * sd), 1e-7);
  EXPECT_EQ(p.result->intervalLevel, 0.9);
}

TEST(ResponseModel, GivesContributionsThatSumToTheLinearPredictor) {
  ResponseInputs partly = anInput();
  partly.clinical.ldhPerUln.reset();
  for (const ResponseInputs& inputs : {anInput(), partly}) {
    const auto predictions = smallModel().predict(inputs);
    for (std::size_t o = 0; o < predictions.size(); ++o) {
      const BundleOutput& output = smallModel().bundle().outputs[o];
      double eta = output.intercept;
      for (const Contribution& c : predictions[o].contributions) eta += c.logOdds;
      EXPECT_NEAR(eta, etaOf(output.link, predictions[o].result->probability), 1e-9);
    }
  }
}

TEST(ResponseModel, ExpectsAnUnknownInputFromTheKnownOnesAndSaysSo) {
  ResponseInputs inputs = anInput();
  inputs.clinical.ldhPerUln.reset();
  const auto p = smallModel().predict(inputs)[0];
  const Contribution& ldh = p.contributions[2];
  EXPECT_EQ(ldh.input, "LDH");
  EXPECT_FALSE(ldh.value.has_value());
  // E(z | TMTV one SD above the mean) = 0.4; indicator 0.05
  EXPECT_NEAR(ldh.logOdds, -0.3 * 0.4 + 0.05, 1e-12);
}

TEST(ResponseModel, IsLessCertainTheLessIsKnown) {
  const auto width = [](const ResponseInputs& inputs) {
    const Probability p = *smallModel().predict(inputs)[0].result;
    return etaOf(Link::Logit, p.upper) - etaOf(Link::Logit, p.lower);
  };
  ResponseInputs petOnly = anInput();
  petOnly.clinical = {};
  ResponseInputs tmtvOnly = petOnly;
  tmtvOnly.wholeBody = {measured(Quantity::Tmtv, 100)};
  EXPECT_LT(width(anInput()), width(petOnly));
  EXPECT_LT(width(petOnly), width(tmtvOnly));
}

TEST(ResponseModel, LetsAWorsePatientHaveLowerProbabilityOfEveryGoodOutcome) {
  ResponseInputs worse = anInput();
  worse.wholeBody[0] = measured(Quantity::Tmtv, 600);
  const auto before = smallModel().predict(anInput()), after = smallModel().predict(worse);
  for (std::size_t o = 0; o < before.size(); ++o) {
    EXPECT_LT(after[o].result->probability, before[o].result->probability);
    EXPECT_LT(after[o].contributions[0].logOdds, before[o].contributions[0].logOdds);
  }
}

TEST(ResponseModel, SaysInWordsWhichOutcomeIsMeantAndHowItWasCalibrated) {
  const auto predictions = smallModel().predict(anInput());
  EXPECT_EQ(predictions[0].event,
            "durable clinical benefit: no progression or death within 6 months");
  EXPECT_EQ(predictions[1].event, "alive at 12 months");
  EXPECT_THAT(predictions[1].calibrationNote, HasSubstr("slope 1.1"));
  EXPECT_THAT(predictions[1].calibrationNote, HasSubstr("synthetic"));
  EXPECT_THAT(predictions[1].calibrationNote,
              HasSubstr("raises the probability of: alive at 12 months"));
  ResponseInputs petOnly = anInput();
  petOnly.clinical = {};
  EXPECT_THAT(smallModel().predict(petOnly)[0].calibrationNote, HasSubstr("PET inputs only"));
  EXPECT_THAT(smallModel().predict(petOnly)[0].calibrationNote, HasSubstr("slope 0.8"));
}

TEST(ResponseModel, PassesOnWhyTmtvWasRefused) {
  ResponseInputs inputs = anInput();
  inputs.wholeBody[0] = refused(Quantity::Tmtv, RefusalCode::RegionNotFound, "liver not found");
  const Refusal refusal = refusalOf(inputs);
  EXPECT_EQ(refusal.code, RefusalCode::InputMissing);
  EXPECT_THAT(refusal.detail, HasSubstr("RegionNotFound: liver not found"));
  inputs.wholeBody.erase(inputs.wholeBody.begin());
  EXPECT_EQ(refusalOf(inputs).code, RefusalCode::InputMissing);
}

TEST(ResponseModel, RefusesAPatientWithoutMeasuredTumour) {
  ResponseInputs none = anInput();
  none.wholeBody[0] =
      refused(Quantity::Tmtv, RefusalCode::NoLesion, "no component above the threshold");
  EXPECT_EQ(refusalOf(none).code, RefusalCode::NoLesion);
  none.wholeBody[0] = measured(Quantity::Tmtv, 0);
  EXPECT_EQ(refusalOf(none).code, RefusalCode::NoLesion);
}

TEST(ResponseModel, TakesDmaxOfASingleLesionAsZero) {
  ResponseInputs single = anInput();
  single.wholeBody = {measured(Quantity::Tmtv, 65),
                      refused(Quantity::Dmax, RefusalCode::NoLesion, "needs two lesions"),
                      measured(Quantity::LesionCount, 1)};
  EXPECT_EQ(smallModel().predict(single)[0].contributions[1].value, 0.0);
}

TEST(ResponseModel, BlocksAValueOutsideItsRangeAndSaysOnWhichSide) {
  ResponseInputs inputs = anInput();
  inputs.clinical.ldhPerUln = 250;  // U/l, not a multiple of the upper limit
  Refusal refusal = refusalOf(inputs);
  EXPECT_EQ(refusal.code, RefusalCode::OutOfDistribution);
  EXPECT_EQ(refusal.detail, "LDH 250 is above the accepted range of 0.25 to 4");
  inputs.clinical.ldhPerUln = 0.01;
  EXPECT_THAT(refusalOf(inputs).detail, HasSubstr("below"));
  for (const double bad : {std::nan(""), HUGE_VAL, -1.0}) {
    inputs = anInput();
    inputs.wholeBody[0] = measured(Quantity::Tmtv, bad);
    EXPECT_EQ(refusalOf(inputs).code, RefusalCode::OutOfDistribution) << bad;
  }
}

TEST(ResponseModel, BlocksACombinationUnlikeTheTrainingData) {
  // Each within its range: TMTV 2.2 SD above, LDH 2.9 SD below, though they usually rise together.
  ResponseInputs inputs = anInput();
  inputs.wholeBody[0] = measured(Quantity::Tmtv, 65 * std::exp(2.2 * 1.25));
  inputs.clinical.ldhPerUln = std::exp(-2.9 * 0.35);
  const Refusal refusal = refusalOf(inputs);
  EXPECT_EQ(refusal.code, RefusalCode::OutOfDistribution);
  EXPECT_THAT(refusal.detail, HasSubstr("Mahalanobis"));
  inputs.clinical.ldhPerUln = std::exp(2.2 * 0.35);
  EXPECT_TRUE(smallModel().predict(inputs)[0].result.has_value());
}

TEST(ResponseModel, RefusesABundleWhosePartsDoNotFit) {
  const auto problemOf = [](auto change) {
    ModelBundle bundle = aSmallBundle();
    change(bundle);
    try {
      ResponseModel model(bundle);
    } catch (const BundleError& error) {
      return std::string(toString(error.problem));
    }
    return std::string("none");
  };
  EXPECT_EQ(problemOf([](ModelBundle&) {}), "none");
  EXPECT_EQ(problemOf([](ModelBundle& b) { b.outputs[0].coefficients.pop_back(); }),
            "WrongContent");
  EXPECT_EQ(problemOf([](ModelBundle& b) { b.outputs[0].coefficients[0] = NAN; }), "NotFinite");
  EXPECT_EQ(problemOf([](ModelBundle& b) { b.inputs[1].sd = 0; }), "WrongContent");
  EXPECT_EQ(problemOf([](ModelBundle& b) { b.inputs[1].name = "TMTV"; }), "WrongContent");
  EXPECT_EQ(problemOf([](ModelBundle& b) { b.inputCorrelation(0, 1) = 3; }), "WrongContent");
  EXPECT_EQ(problemOf([](ModelBundle& b) { b.mahalanobisThresholds.clear(); }), "WrongContent");
  EXPECT_EQ(problemOf([](ModelBundle& b) { b.outputs.clear(); }), "WrongContent");
}

}  // namespace
}  // namespace fedpet::response
