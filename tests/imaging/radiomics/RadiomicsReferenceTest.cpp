// Every consensus value of the IBSI's digital phantom and of its CT phantom in configurations A and
// C, each as a test of its own; B, D and E as far as ManualValues.h goes. Tables and images are
// read from the reference data.
#include "models/imaging/radiomics/Radiomics.h"
#include "models/imaging/radiomics/VolumeFile.h"
#include "tests/imaging/radiomics/ManualValues.h"
#include "tests/imaging/radiomics/PublishedConfigurations.h"
#include "tests/imaging/radiomics/ReferenceTable.h"
#include "tests/support/TestData.h"

#include <gtest/gtest.h>

#include <map>
#include <sstream>

namespace fedpet::imaging {
namespace {

namespace fs = std::filesystem;
using fedpet::testing::ReferenceValue;

fs::path phantoms() { return fedpet::testing::testDataFolder() / "ibsi1-phantoms"; }

RadiomicsResult measure(const char* folder, std::string_view config) {
  const ScalarVolume image = readScalarVolume(phantoms() / folder / "phantom.nii.gz");
  const LabelVolume mask = readMaskVolume(phantoms() / folder / "mask.nii.gz");
  return radiomics(image.geometry, image.values, maskOnGrid(mask, image.geometry).value(),
                   radiomicsConfigFromJson(config))
      .value();
}

// One value for a table that is absent: its test is skipped.
std::vector<ReferenceValue> tableFile(const char* name) {
  auto values = fedpet::testing::readReferenceTable(phantoms() / "reference" / name);
  if (values.empty()) values.push_back({});
  return values;
}

std::vector<ReferenceValue> table(std::string_view text) {
  std::istringstream stream{std::string(text)};
  return fedpet::testing::parseReferenceTable(stream);
}

void expectConsensus(const ReferenceValue& reference, const RadiomicsResult& (*result)()) {
  FEDPET_NEED_TEST_DATA("ibsi1-phantoms/reference");
  const RadiomicFeature* feature = result().find(reference.tag);
  ASSERT_NE(feature, nullptr) << "no such feature";
  ASSERT_TRUE(feature->value) << feature->value.error();
  EXPECT_NEAR(*feature->value, reference.value, reference.allowed());
}

const RadiomicsResult& digitalPhantom() {
  static const RadiomicsResult result =
      measure("ibsi_1_digital_phantom", fedpet::testing::kDigitalPhantomConfig);
  return result;
}
const RadiomicsResult& configA() {
  static const RadiomicsResult result =
      measure("ibsi_1_ct_radiomics_phantom", fedpet::testing::kConfigA);
  return result;
}
const RadiomicsResult& configC() {
  static const RadiomicsResult result =
      measure("ibsi_1_ct_radiomics_phantom", fedpet::testing::kConfigC);
  return result;
}

const RadiomicsResult& configB() {
  static const RadiomicsResult result =
      measure("ibsi_1_ct_radiomics_phantom", fedpet::testing::kConfigB);
  return result;
}
const RadiomicsResult& configD() {
  static const RadiomicsResult result =
      measure("ibsi_1_ct_radiomics_phantom", fedpet::testing::kConfigD);
  return result;
}
const RadiomicsResult& configE() {
  static const RadiomicsResult result =
      measure("ibsi_1_ct_radiomics_phantom", fedpet::testing::kConfigE);
  return result;
}

class DigitalPhantom : public ::testing::TestWithParam<ReferenceValue> {};
TEST_P(DigitalPhantom, HasTheConsensusValueOf) { expectConsensus(GetParam(), digitalPhantom); }

class CtPhantomConfigA : public ::testing::TestWithParam<ReferenceValue> {};
TEST_P(CtPhantomConfigA, HasTheConsensusValueOf) { expectConsensus(GetParam(), configA); }

class CtPhantomConfigC : public ::testing::TestWithParam<ReferenceValue> {};
TEST_P(CtPhantomConfigC, HasTheConsensusValueOf) { expectConsensus(GetParam(), configC); }

class CtPhantomConfigB : public ::testing::TestWithParam<ReferenceValue> {};
TEST_P(CtPhantomConfigB, HasTheConsensusValueOf) { expectConsensus(GetParam(), configB); }

class CtPhantomConfigD : public ::testing::TestWithParam<ReferenceValue> {};
TEST_P(CtPhantomConfigD, HasTheConsensusValueOf) { expectConsensus(GetParam(), configD); }

class CtPhantomConfigE : public ::testing::TestWithParam<ReferenceValue> {};
TEST_P(CtPhantomConfigE, HasTheConsensusValueOf) { expectConsensus(GetParam(), configE); }

std::string name(const ::testing::TestParamInfo<ReferenceValue>& info) {
  return fedpet::testing::nameOfTag(info.param.tag);
}
INSTANTIATE_TEST_SUITE_P(Ibsi, DigitalPhantom,
                         ::testing::ValuesIn(tableFile("ibsi_1_dig_phantom.csv")), name);
INSTANTIATE_TEST_SUITE_P(Ibsi, CtPhantomConfigA,
                         ::testing::ValuesIn(tableFile("ibsi_1_chest_config_a.csv")), name);
INSTANTIATE_TEST_SUITE_P(Ibsi, CtPhantomConfigC,
                         ::testing::ValuesIn(tableFile("ibsi_1_chest_config_c.csv")), name);

INSTANTIATE_TEST_SUITE_P(Ibsi, CtPhantomConfigB,
                         ::testing::ValuesIn(table(fedpet::testing::kManualValuesB)), name);
INSTANTIATE_TEST_SUITE_P(Ibsi, CtPhantomConfigD,
                         ::testing::ValuesIn(table(fedpet::testing::kManualValuesD)), name);
INSTANTIATE_TEST_SUITE_P(Ibsi, CtPhantomConfigE,
                         ::testing::ValuesIn(table(fedpet::testing::kManualValuesE)), name);

// A feature that the tables do not have would be ours alone; one of theirs must not be missing
// unless it is named as not standardised.
TEST(RadiomicsReference, HasEveryFeatureOfTheDigitalPhantomsTableAndNoOther) {
  FEDPET_NEED_TEST_DATA("ibsi1-phantoms/reference");
  std::map<std::string, bool> tags;
  for (const ReferenceValue& v : tableFile("ibsi_1_dig_phantom.csv")) tags[v.tag] = false;
  EXPECT_EQ(tags.size(), 482U);
  for (const RadiomicFeature& feature : digitalPhantom().features) {
    const auto tag = tags.find(feature.name);
    ASSERT_NE(tag, tags.end()) << feature.name;
    EXPECT_FALSE(tag->second) << feature.name << " is given twice";
    tag->second = true;
  }
  for (const auto& [tag, found] : tags) EXPECT_TRUE(found) << tag;
  for (const std::string& name : unstandardisedFeatures())
    EXPECT_EQ(tags.count(name), 0U) << name << " has a consensus value";
}

}  // namespace
}  // namespace fedpet::imaging
