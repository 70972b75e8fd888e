// Every consensus value of the IBSI's digital phantom and of its CT phantom in configurations A and
// C, each as a test of its own. The tables and images are read from the reference data.
#include "models/imaging/radiomics/Radiomics.h"
#include "models/imaging/radiomics/VolumeFile.h"
#include "tests/imaging/radiomics/PublishedConfigurations.h"
#include "tests/imaging/radiomics/ReferenceTable.h"
#include "tests/support/TestData.h"

#include <gtest/gtest.h>

#include <map>

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
std::vector<ReferenceValue> table(const char* name) {
  auto values = fedpet::testing::readReferenceTable(phantoms() / "reference" / name);
  if (values.empty()) values.push_back({});
  return values;
}

void expectConsensus(const ReferenceValue& reference, const RadiomicsResult& (*result)()) {
  if (reference.tag.empty()) FEDPET_NEED_TEST_DATA("ibsi1-phantoms/reference");
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

class DigitalPhantom : public ::testing::TestWithParam<ReferenceValue> {};
TEST_P(DigitalPhantom, HasTheConsensusValueOf) { expectConsensus(GetParam(), digitalPhantom); }

class CtPhantomConfigA : public ::testing::TestWithParam<ReferenceValue> {};
TEST_P(CtPhantomConfigA, HasTheConsensusValueOf) { expectConsensus(GetParam(), configA); }

class CtPhantomConfigC : public ::testing::TestWithParam<ReferenceValue> {};
TEST_P(CtPhantomConfigC, HasTheConsensusValueOf) { expectConsensus(GetParam(), configC); }

std::string name(const ::testing::TestParamInfo<ReferenceValue>& info) {
  return fedpet::testing::nameOfTag(info.param.tag);
}
INSTANTIATE_TEST_SUITE_P(Ibsi, DigitalPhantom, ::testing::ValuesIn(table("ibsi_1_dig_phantom.csv")),
                         name);
INSTANTIATE_TEST_SUITE_P(Ibsi, CtPhantomConfigA,
                         ::testing::ValuesIn(table("ibsi_1_chest_config_a.csv")), name);
INSTANTIATE_TEST_SUITE_P(Ibsi, CtPhantomConfigC,
                         ::testing::ValuesIn(table("ibsi_1_chest_config_c.csv")), name);

// A feature that the tables do not have would be ours alone; one of theirs must not be missing
// unless it is named as not standardised.
TEST(RadiomicsReference, HasEveryFeatureOfTheDigitalPhantomsTableAndNoOther) {
  FEDPET_NEED_TEST_DATA("ibsi1-phantoms/reference");
  std::map<std::string, bool> tags;
  for (const ReferenceValue& v : table("ibsi_1_dig_phantom.csv")) tags[v.tag] = false;
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
