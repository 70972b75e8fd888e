#include "orthanc-plugin/Eligibility.h"

#include <gtest/gtest.h>

namespace fedpet::plugin {
namespace {

SeriesFacts aWholeBodyFdgSeries() {
  SeriesFacts facts;
  facts.modality = "PT";
  facts.sopClassUid = "1.2.840.10008.5.1.4.1.1.128";
  facts.seriesDescription = "PET AC WB";
  facts.imageType = {"ORIGINAL", "PRIMARY"};
  facts.correctedImage = {"DECY", "ATTN", "SCAT"};
  facts.radiopharmaceutical.agentCode = Code{"35321007", "SCT", "FDG"};
  facts.instances = 267;
  facts.bodyCoverageMm = 873;
  facts.tags = {{"InstitutionName", "CHU Nord"}};
  return facts;
}

std::optional<RefusalCode> codeOf(const SeriesFacts& facts,
                                  const EligibilityOptions& options = {}) {
  const auto refusal = reasonToSkip(facts, options);
  return refusal ? std::optional(refusal->code) : std::nullopt;
}

TEST(Eligibility, TakesAnAttenuationCorrectedWholeBodyFdgSeries) {
  EXPECT_EQ(codeOf(aWholeBodyFdgSeries()), std::nullopt);
}

struct Spoilt {
  const char* name;
  void (*spoil)(SeriesFacts&);
  RefusalCode expected;
};

class Ineligible : public ::testing::TestWithParam<Spoilt> {};

TEST_P(Ineligible, IsSkippedWithItsReason) {
  SeriesFacts facts = aWholeBodyFdgSeries();
  GetParam().spoil(facts);
  EXPECT_EQ(codeOf(facts), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    EachKind, Ineligible,
    ::testing::Values(
        Spoilt{"OwnReport", [](SeriesFacts& f) { f.modality = "SR"; }, RefusalCode::NotPet},
        Spoilt{"OwnSegmentation", [](SeriesFacts& f) { f.modality = "SEG"; }, RefusalCode::NotPet},
        Spoilt{"Capture", [](SeriesFacts& f) { f.sopClassUid = "1.2.840.10008.5.1.4.1.1.7"; },
               RefusalCode::NotOriginalAxial},
        Spoilt{"Enhanced", [](SeriesFacts& f) { f.sopClassUid = "1.2.840.10008.5.1.4.1.1.130"; },
               RefusalCode::EnhancedPetUnsupported},
        Spoilt{"Derived",
               [](SeriesFacts& f) {
                 f.imageType = {"DERIVED", "SECONDARY"};
               },
               RefusalCode::NotOriginalAxial},
        Spoilt{"Uncorrected", [](SeriesFacts& f) { f.correctedImage = {"DECY"}; },
               RefusalCode::NotAttenuationCorrected},
        Spoilt{"Psma",
               [](SeriesFacts& f) {
                 f.radiopharmaceutical = {};
                 f.radiopharmaceutical.name = "Ga68-PSMA-11";
               },
               RefusalCode::NotFdg},
        Spoilt{"UnknownTracer", [](SeriesFacts& f) { f.radiopharmaceutical = {}; },
               RefusalCode::NotFdg},
        Spoilt{"Brain", [](SeriesFacts& f) { f.bodyCoverageMm = 200; },
               RefusalCode::TooLittleBody}),
    [](const auto& spoilt) { return spoilt.param.name; });

TEST(Eligibility, LeavesAnUnknownLengthToTheWorker) {
  SeriesFacts facts = aWholeBodyFdgSeries();
  facts.bodyCoverageMm = std::nullopt;
  EXPECT_EQ(codeOf(facts), std::nullopt);
}

TEST(Eligibility, FollowsTheSitesFiltersWhateverTheLetterCase) {
  EligibilityOptions options;
  options.seriesDescriptionExclude = {"nac|uncorrected"};
  SeriesFacts facts = aWholeBodyFdgSeries();
  EXPECT_EQ(codeOf(facts, options), std::nullopt);
  facts.seriesDescription = "PET NAC";
  EXPECT_EQ(codeOf(facts, options), RefusalCode::FilteredOut);

  options = {};
  options.seriesDescriptionInclude = {"^brain", "wb$"};
  facts.seriesDescription = "PET AC WB";
  EXPECT_EQ(codeOf(facts, options), std::nullopt);
  facts.seriesDescription = "PET AC thorax";
  EXPECT_EQ(codeOf(facts, options), RefusalCode::FilteredOut);

  options = {};
  options.requiredTags = {{"InstitutionName", "sud"}};
  EXPECT_EQ(codeOf(facts, options), RefusalCode::FilteredOut);
  options.requiredTags = {{"InstitutionName", "nord"}};
  EXPECT_EQ(codeOf(facts, options), std::nullopt);
  options.requiredTags = {{"StationName", "."}};
  EXPECT_EQ(codeOf(facts, options), RefusalCode::FilteredOut) << "a tag that is not there";
}

TEST(BodyCoverage, CountsOneStepMoreThanTheDistanceOfTheOuterSlices) {
  const std::vector<double> axial{1, 0, 0, 0, 1, 0};
  // Three slices 4 mm apart, in any order: 12 mm of body.
  EXPECT_DOUBLE_EQ(coverageMm({{0, 0, 8}, {0, 0, 0}, {0, 0, 4}}, axial, 9).value(), 12);
  EXPECT_DOUBLE_EQ(coverageMm({{0, 0, 8}}, axial, 3).value(), 3);
  EXPECT_FALSE(coverageMm({{0, 0, 8}}, {1, 0, 0, 0, 0, 0}, 3));
  EXPECT_FALSE(coverageMm({{0, 0, 8}}, {}, 3));
  EXPECT_FALSE(coverageMm({}, axial, 3));
}

TEST(Fingerprint, DependsOnContentAndNotOnOrder) {
  EXPECT_EQ(contentFingerprint({"a 1", "b 2"}), contentFingerprint({"b 2", "a 1"}));
  EXPECT_NE(contentFingerprint({"a 1", "b 2"}), contentFingerprint({"a 1", "b 3"}));
  EXPECT_NE(contentFingerprint({"a 1"}), contentFingerprint({"a 1", "a 1"}));
  // printf 'abc\n' | sha256sum
  EXPECT_EQ(contentFingerprint({"abc"}),
            "edeaaff3f1774ad2888673770c6d64097e391bc362d7d6fb34982ddf0efd18cb");
}

}  // namespace
}  // namespace fedpet::plugin
