#include "models/imaging/harmonisation/Harmonise.h"
#include "tests/support/TemporaryDirectory.h"
#include "tests/support/VolumeBuilder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

namespace fedpet::imaging {
namespace {

using testing::aVolume;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

HarmonisationSettings settingsWith(const std::string& members,
                                   const std::string& target = "EARL-1") {
  HarmonisationSettings settings;
  settings.scanners = scannerProfilesFromJson(
      R"({"scanners": [{"name": "PET 1", "match": {"station": "CT01"}, )" + members + "}]}");
  settings.target = target;
  return settings;
}

PetSeries ofStation(const std::string& name) {
  PetSeries series;
  series.stationName = name;
  return series;
}

SuvVolume aHotSpot() { return aVolume().voxel(10, 10, 10, 100).build(); }
float hottest(const SuvVolume& volume) {
  return *std::max_element(volume.suvBw.begin(), volume.suvBw.end());
}

TEST(Harmonise, FiltersTheImageAndSaysSoBesideEveryNumber) {
  SuvVolume volume = aHotSpot();
  const Harmonisation done =
      harmonise(volume, ofStation("CT01"), settingsWith(R"("class": "EARL-2", "psfFwhmMm": 6.5)"));
  EXPECT_LT(hottest(volume), 60);
  EXPECT_EQ(done.scanner, "PET 1");
  EXPECT_EQ(done.scannerClass, "EARL-2");
  EXPECT_EQ(done.targetClass, "EARL-1");
  ASSERT_TRUE(done.filterFwhmMm);
  EXPECT_THAT(done.statement, HasSubstr("filtered to EARL-1 with a Gaussian of 5.3 mm FWHM"));
  EXPECT_EQ(suffix(done), "; image filtered to EARL-1 (Gaussian FWHM 5.3 mm)");

  ResponseAssessment assessment;
  assessment.harmonisation = done;
  assessment.lesionDefinition = "SUVbw >= 4.0";
  assessment.wholeBody = {{Quantity::Tmtv, 5.0, "sum", ""}};
  assessment.regions.resize(1);
  assessment.regions[0].definition = "component";
  assessment.regions[0].measurements = assessment.wholeBody;
  assessment.percist = PercistReading{};
  assessment.percist->numbers = assessment.wholeBody;
  assessment.comparison = Comparison{};
  assessment.comparison->changes = assessment.wholeBody;
  noteBesideNumbers(assessment);
  EXPECT_EQ(assessment.wholeBody[0].definition, "sum" + suffix(done));
  EXPECT_EQ(assessment.regions[0].definition, "component" + suffix(done));
  EXPECT_EQ(assessment.regions[0].measurements[0].definition, "sum" + suffix(done));
  EXPECT_EQ(assessment.percist->numbers[0].definition, "sum" + suffix(done));
  EXPECT_EQ(assessment.comparison->changes[0].definition, "sum" + suffix(done));
  EXPECT_EQ(assessment.lesionDefinition, "SUVbw >= 4.0");  // the rule by which studies are compared
}

struct Untouched {
  std::string station, members, target, says;
};
class UntouchedImage : public ::testing::TestWithParam<Untouched> {};

TEST_P(UntouchedImage, IsLeftWithAReason) {
  SuvVolume volume = aHotSpot();
  const Harmonisation done = harmonise(volume, ofStation(GetParam().station),
                                       settingsWith(GetParam().members, GetParam().target));
  EXPECT_EQ(volume.suvBw, aHotSpot().suvBw);
  EXPECT_FALSE(done.filterFwhmMm);
  EXPECT_THAT(done.statement, HasSubstr(GetParam().says));
  EXPECT_EQ(suffix(done), "");
}

INSTANTIATE_TEST_SUITE_P(
    EachReason, UntouchedImage,
    ::testing::Values(Untouched{"CT02", R"("psfFwhmMm": 5)", "EARL-1",
                                "Scanner not described: nothing was harmonised."},
                      Untouched{"CT01", R"("class": "EARL-1")", "EARL-1", "accredited for EARL-1"},
                      Untouched{"CT01", R"("class": "EARL-2")", "EARL-1", "must not be pooled"},
                      Untouched{"CT01", R"("psfFwhmMm": 10)", "EARL-1", "small lesions stay low"},
                      Untouched{"CT01", R"("psfFwhmMm": 5)", "", "no target is set"}));

CombatModel someCombat(const std::string& filteredTo) {
  CombatModel combat;
  combat.imagesFilteredTo = filteredTo;
  combat.inputs = {{"TMTV", true, 4, 0.5, {}}, {"SLR", false, 0.9, 0.1, {{"age", 0.001}}}};
  // Twice the volume of the others; SLR shifted by half a deviation.
  combat.scanners = {
      {"PET 1", {{"TMTV", {30, 0, 1, std::log(2.0) / 0.5, 1}}, {"SLR", {30, 0, 1, 0.5, 1}}}}};
  return combat;
}

std::vector<Measurement> someMeasurements(double tmtvMl) {
  Measurement refused{Quantity::Dmax, 0.0, "", ""};
  refused.value = tl::unexpected(Refusal{RefusalCode::NoLesion, ""});
  return {{Quantity::Tmtv, tmtvMl, "", ""}, {Quantity::SpleenToLiverRatio, 0.95, "", ""}, refused};
}

TEST(AdjustInputs, GivesTheModelAdjustedNumbersAndTellsBoth) {
  HarmonisationSettings settings = settingsWith(R"("class": "EARL-1")");
  settings.combat = someCombat("EARL-1");
  SuvVolume volume = aHotSpot();
  Harmonisation done = harmonise(volume, ofStation("CT01"), settings);
  ClinicalCovariates covariates;
  covariates.ageYears = 60;
  const auto adjusted = adjustInputs(someMeasurements(80), covariates, settings, done);
  EXPECT_NEAR(*adjusted[0].value, 40, 1e-9);
  EXPECT_NEAR(*adjusted[1].value, 0.90, 1e-12);
  EXPECT_FALSE(adjusted[2].value);
  ASSERT_EQ(done.adjusted.size(), 2u);
  EXPECT_EQ(done.adjusted[0].input, "TMTV");
  EXPECT_EQ(done.adjusted[0].measured, 80);
  EXPECT_NEAR(done.adjusted[0].adjusted, 40, 1e-9);
  EXPECT_THAT(done.statement, HasSubstr("ComBat adjusted TMTV from 80 to 40, SLR from 0.95 to 0.9; "
                                        "the measurements are shown as measured."));
}

TEST(AdjustInputs, SaysWhichInputItLeftAndWhy) {
  HarmonisationSettings settings = settingsWith(R"("class": "EARL-1")");
  settings.combat = someCombat("EARL-1");
  SuvVolume volume = aHotSpot();
  Harmonisation done = harmonise(volume, ofStation("CT01"), settings);
  const auto adjusted = adjustInputs(someMeasurements(0), {}, settings, done);
  EXPECT_EQ(*adjusted[0].value, 0);
  EXPECT_TRUE(done.adjusted.empty());
  EXPECT_THAT(done.statement,
              HasSubstr("ComBat left as measured: TMTV (it is 0 and has no logarithm), "
                        "SLR (the patient's \"age\" is not known)."));
}

TEST(AdjustInputs, LeavesAScannerWithoutParametersAlone) {
  HarmonisationSettings settings = settingsWith(R"("class": "EARL-1")");
  settings.combat = someCombat("EARL-1");
  settings.combat->scanners[0].scanner = "PET 2";
  SuvVolume volume = aHotSpot();
  for (const auto& [station, says] :
       {std::pair{"CT01", "there are no parameters for scanner \"PET 1\""},
        std::pair{"CT02", "the scanner is not known"}}) {
    Harmonisation done = harmonise(volume, ofStation(station), settings);
    EXPECT_EQ(*adjustInputs(someMeasurements(80), {}, settings, done)[0].value, 80);
    EXPECT_THAT(done.statement, HasSubstr(says));
  }
}

TEST(HarmonisationSettings, AreReadFromTheSitesFiles) {
  const testing::TemporaryDirectory folder;
  const auto scanners = folder.path() / "scanners.json", combat = folder.path() / "combat.json";
  std::ofstream(scanners) << R"({"scanners": [{"name": "PET 1", "match": {"station": "CT01"}}]})";
  std::ofstream(combat) << combatToJson(someCombat("EARL-1"));
  EXPECT_TRUE(readHarmonisationSettings({}, "", {}).isEmpty());
  EXPECT_TRUE(readHarmonisationSettings(scanners, "EARL-1", combat).combat);
  EXPECT_THROW(readHarmonisationSettings({}, "EARL-1", {}), HarmonisationError);
  EXPECT_THROW(readHarmonisationSettings(scanners, "EARL-2", {}), HarmonisationError);
  EXPECT_THROW(readHarmonisationSettings(folder.path() / "none.json", "", {}), HarmonisationError);
  // Parameters of filtered images are wrong for unfiltered ones.
  EXPECT_THROW(readHarmonisationSettings(scanners, "", combat), HarmonisationError);
}

}  // namespace
}  // namespace fedpet::imaging
