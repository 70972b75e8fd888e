#include "models/imaging/harmonisation/ScannerProfile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fedpet::imaging {
namespace {

using ::testing::HasSubstr;

std::string oneScanner(const std::string& members) {
  return R"({"scanners": [{"name": "PET 1", )" + members + "}]}";
}
const std::string kMatch = R"("match": {"model": "Vision 600"})";

struct Wrong {
  std::string text, complaint;
};
class WrongDescription : public ::testing::TestWithParam<Wrong> {};

TEST_P(WrongDescription, IsRefusedWithItsPlaceAndReason) {
  try {
    scannerProfilesFromJson(GetParam().text);
    FAIL() << "accepted: " << GetParam().text;
  } catch (const HarmonisationError& error) {
    EXPECT_THAT(error.what(), HasSubstr(GetParam().complaint));
  }
}

INSTANTIATE_TEST_SUITE_P(
    EachKind, WrongDescription,
    ::testing::Values(
        Wrong{"{", "not JSON"}, Wrong{"[]", "the file must be an object"},
        Wrong{"{}", "scanners is missing"},
        Wrong{R"({"scanners": []})", "scanners must be a list that is not empty"},
        Wrong{R"({"scanners": [], "x": 1})", "not empty"},
        Wrong{oneScanner(R"("match": {})"), "scanners[0].match must name at least one fact"},
        Wrong{oneScanner(R"("match": {"modell": "A"})"),
              "scanners[0].match.modell is not known here"},
        Wrong{oneScanner(R"("match": {"model": {"regex": "(("}})"),
              "scanners[0].match.model.regex is not a regular expression"},
        Wrong{oneScanner(R"("match": {"model": " "})"),
              "scanners[0].match.model must not be empty"},
        Wrong{oneScanner(kMatch + R"(, "class": "EARL1")"), R"(must be "EARL-1" or "EARL-2")"},
        Wrong{oneScanner(kMatch + R"(, "psfFwhmMm": 0.55)"), "psfFwhmMm must be a number from 1.0"},
        Wrong{oneScanner(kMatch + R"(, "recovery": {"max": {"10": 88}})"),
              "recovery.max.10 must be"},
        Wrong{oneScanner(kMatch + R"(, "recovery": {"max": {"11": 0.5}})"),
              "recovery.max.11 is not known"},
        Wrong{oneScanner(kMatch + R"(, "recovery": {"max": {"37": 1, "28": 1, "22": 1}})"),
              "at least four numbers"},
        Wrong{oneScanner(
                  kMatch +
                  R"(, "recovery": {"max": {"37": 1, "28": 1, "22": 1}, "mean": {"37": 0.8}})"),
              "17 mm or less"},
        Wrong{
            oneScanner(
                kMatch +
                R"(, "psfFwhmMm": 5, "recovery": {"max": {"37": 1, "28": 1, "17": 1, "10": 0.6}})"),
            "both recovery and psfFwhmMm"},
        Wrong{
            oneScanner(
                kMatch +
                R"(, "class": "EARL-1", "recovery": {"max": {"37": 1, "28": 1, "17": 0.9, "10": 0.8}})"),
            "outside the limits of EARL-1"},
        Wrong{
            R"({"scanners": [{"name": "A", "match": {"model": "x"}}, {"name": " a", "match": {"model": "y"}}]})",
            "another scanner has already"}));

PetSeries aSeries() {
  PetSeries series;
  series.manufacturer = "SIEMENS";
  series.manufacturerModel = "Biograph128_Vision 600 ";
  series.reconstructionMethod = "PSF+TOF 4i5s";
  return series;
}

TEST(ScannerProfile, IsFoundByEveryNamedFactWithoutLetterCaseAndBlanks) {
  const auto profiles = scannerProfilesFromJson(R"({"scanners": [
      {"name": "sharp", "match": {"manufacturer": "Siemens", "model": "biograph128_vision 600",
                                  "reconstruction": {"regex": "psf.*tof"}}},
      {"name": "other", "match": {"manufacturer": "Siemens", "reconstruction": {"regex": "^OSEM"}}}]})");
  const auto found = findScanner(profiles, aSeries());
  ASSERT_TRUE(found);
  ASSERT_NE(*found, nullptr);
  EXPECT_EQ((*found)->name, "sharp");
  PetSeries other = aSeries();
  other.reconstructionMethod = "BLOB-OS-TF";
  EXPECT_EQ(findScanner(profiles, other).value(), nullptr);
}

TEST(ScannerProfile, IsNotChosenWhenTwoFit) {
  const auto profiles = scannerProfilesFromJson(R"({"scanners": [
      {"name": "A", "match": {"manufacturer": "Siemens"}},
      {"name": "B", "match": {"model": {"regex": "vision"}}}]})");
  const auto found = findScanner(profiles, aSeries());
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error(), R"("A" and "B")");
}

FilterPlan planOf(const std::string& members) {
  return planToEarl1(scannerProfilesFromJson(oneScanner(kMatch + members)).front());
}

TEST(FilterPlan, FollowsAGivenResolutionInQuadrature) {
  const FilterPlan plan = planOf(R"(, "class": "EARL-2", "psfFwhmMm": 5.5)");
  ASSERT_TRUE(plan.fwhmMm);
  EXPECT_NEAR(*plan.fwhmMm, std::sqrt(earl1FwhmMm() * earl1FwhmMm() - 5.5 * 5.5), 0.02);
  EXPECT_TRUE(plan.reachesTarget);
}

TEST(FilterPlan, LeavesAScannerOfTheTargetClassAsItIs) {
  EXPECT_FALSE(planOf(R"(, "class": "EARL-1")").fwhmMm);
  const FilterPlan unnamed =
      planOf(R"(, "recovery": {"mean": {"37": 0.82, "22": 0.70, "13": 0.52, "10": 0.35}})");
  EXPECT_FALSE(unnamed.fwhmMm);
  EXPECT_TRUE(unnamed.reachesTarget);
  EXPECT_THAT(unnamed.reason, HasSubstr("within the limits"));
}

TEST(FilterPlan, LeavesACoarserScannerAsItIsAndSaysWhatThatMeans) {
  const FilterPlan plan = planOf(R"(, "psfFwhmMm": 11)");
  EXPECT_FALSE(plan.fwhmMm);
  EXPECT_FALSE(plan.reachesTarget);
  EXPECT_THAT(plan.reason, HasSubstr("numbers of small lesions stay low"));
}

// A class is a band of recovery coefficients, no resolution: EARL-2 alone gives no filter.
TEST(FilterPlan, IsNotGuessedFromAClassAlone) {
  const FilterPlan plan = planOf(R"(, "class": "EARL-2")");
  EXPECT_FALSE(plan.fwhmMm);
  EXPECT_FALSE(plan.reachesTarget);
  EXPECT_THAT(plan.reason, HasSubstr("no filter can be derived"));
}

TEST(FilterPlan, IsNotDerivedFromNumbersThatNoBlurredSphereHas) {
  const FilterPlan plan = planOf(
      R"(, "recovery": {"max": {"37": 0.95, "22": 0.40, "17": 0.95, "10": 0.10},
                        "mean": {"37": 0.30, "22": 0.70, "17": 0.20, "10": 0.50}})");
  EXPECT_FALSE(plan.fwhmMm);
  EXPECT_THAT(plan.reason, HasSubstr("not those of a blurred sphere"));
}

}  // namespace
}  // namespace fedpet::imaging
