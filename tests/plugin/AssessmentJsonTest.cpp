#include "orthanc-plugin/protocol/AssessmentJson.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/AssessmentBuilder.h"

namespace fedpet::plugin {
namespace {

using testing::anAssessment;
using Json = nlohmann::json;

AssessedStudy withMip(AssessedStudy study) {
  study.mips.push_back({"coronal", 3, 2, 4.0, 3.27, 10.0, {0, 1, 254, 255, 7, 9}, {0, 1, 2, 3, 0, 1}});
  return study;
}

TEST(AssessmentJson, SaysTheSameAfterARoundTrip) {
  for (const AssessedStudy& study :
       {withMip(anAssessment().study()),
        anAssessment().refused(RefusalCode::WeightMissing, "PatientWeight is 0").study(),
        anAssessment().withoutOrgan(Organ::Liver).study(),
        anAssessment().withRefusedPredictions(RefusalCode::OutOfDistribution, "far away").study(),
        anAssessment().withPatientName("Mårtensson^Zoë=山田^太郎").study()}) {
    const std::string text = assessmentToJson(study);
    EXPECT_EQ(assessmentToJson(assessmentFromJson(text)), text);
  }
}

TEST(AssessmentJson, CarriesThePixelsOfTheMip) {
  const AssessedStudy read = assessmentFromJson(assessmentToJson(withMip(anAssessment().study())));
  ASSERT_EQ(read.mips.size(), 1U);
  EXPECT_EQ(read.mips[0].suv, (std::vector<std::uint8_t>{0, 1, 254, 255, 7, 9}));
  EXPECT_EQ(read.mips[0].role, (std::vector<std::uint8_t>{0, 1, 2, 3, 0, 1}));
}

TEST(AssessmentJson, GivesARefusedNumberItsReasonAndNoValue) {
  const Json json = Json::parse(assessmentToJson(anAssessment().withoutOrgan(Organ::Liver).study()));
  bool seen = false;
  for (const Json& measurement : json.at("wholeBody")) {
    EXPECT_NE(measurement.contains("value"), measurement.contains("refusal")) << measurement;
    if (measurement.at("quantity") != "SLR") continue;
    seen = true;
    EXPECT_EQ(measurement.at("refusal").at("code"), "RegionNotFound");
  }
  EXPECT_TRUE(seen);
}

TEST(AssessmentJson, RefusesWhatIsNotAnAssessment) {
  const Json good = Json::parse(assessmentToJson(withMip(anAssessment().study())));
  EXPECT_THROW(assessmentFromJson(""), AssessmentJsonError);
  EXPECT_THROW(assessmentFromJson("[]"), AssessmentJsonError);
  EXPECT_THROW(assessmentFromJson(good.dump().substr(0, 500)), AssessmentJsonError);

  const auto changed = [&](const char* pointer, Json value) {
    Json json = good;
    json[Json::json_pointer(pointer)] = std::move(value);
    return json.dump();
  };
  EXPECT_THROW(assessmentFromJson(changed("/schemaVersion", 2)), AssessmentJsonError);
  EXPECT_THROW(assessmentFromJson(changed("/wholeBody/0/quantity", "Luck")), AssessmentJsonError);
  EXPECT_THROW(assessmentFromJson(changed("/wholeBody/0/value", "3")), AssessmentJsonError);
  EXPECT_THROW(assessmentFromJson(changed("/wholeBody/0/value", nullptr)), AssessmentJsonError);
  EXPECT_THROW(assessmentFromJson(changed("/assessedAt", "yesterday")), AssessmentJsonError);
  EXPECT_THROW(assessmentFromJson(changed("/mips/0/width", 1 << 30)), AssessmentJsonError);
  EXPECT_THROW(assessmentFromJson(changed("/mips/0/width", 4)), AssessmentJsonError);
  EXPECT_THROW(assessmentFromJson(changed("/mips/0/suv", "AA*A")), AssessmentJsonError);
}

TEST(WallClockText, KeepsMicroseconds) {
  const std::string text = "2000-09-07T11:20:11.000123";
  EXPECT_EQ(wallClockToText(wallClockFromText(text)), text);
  EXPECT_THROW(wallClockFromText("2000-02-30T11:20:11.000123"), AssessmentJsonError);
}

}  // namespace
}  // namespace fedpet::plugin
