// Our bundles in R5 against the R5 definitions, judged by Medplum's validator.
#include "fhir/TransactionBundle.h"
#include "fhir/tiers/Parcel.h"
#include "fhir/tiers/R5.h"
#include "tests/support/AssessmentBuilder.h"
#include "tests/support/ehr/R5Judge.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <span>
#include <string>

namespace fedpet::fhir {
namespace {

using fedpet::testing::anAssessment;
using fedpet::testing::R5Judge;

std::string bundleOf(const ResponseAssessment& assessment) {
  FhirSite site;
  site.patientIdentifierSystem = "urn:oid:1.2.250.1.999.1";
  site.organization = "Test hospital, nuclear medicine";
  site.wadoRoot = "https://pacs.example/dicom-web";
  site.lesionGroups = true;
  static const std::string pdf = "%PDF-1.7 a report";
  return transactionBundle(assessment, site, std::as_bytes(std::span(pdf))).value();
}

class R5 : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto why = R5Judge::whyNot(); !why.empty()) GTEST_SKIP() << why;
  }
};

TEST_F(R5, IsValidForEveryKindOfResult) {
  const auto refused =
      anAssessment().refused(RefusalCode::WeightMissing, "PatientWeight (0010,1030) is 0").build();
  for (const auto& assessment : {anAssessment().build(), refused})
    EXPECT_EQ(R5Judge::errorsOf(bundleInR5(bundleOf(assessment))), "");
}

TEST_F(R5, IsNotWhatR4Is) {
  // So the judge sees the differences, and the test above shows something.
  const std::string errors = R5Judge::errorsOf(bundleOf(anAssessment().build()));
  for (const char* difference : {"Device.deviceName", "DiagnosticReport.imagingStudy",
                                 "Provenance.reason", "ImagingStudy.modality"})
    EXPECT_NE(errors.find(difference), std::string::npos) << difference;
}

TEST_F(R5, IsValidForTheDocumentOfT3) {
  Parcel parcel = parcelOf(bundleOf(anAssessment().build()));
  reportAsDocument(parcel);
  nlohmann::json bundle = {{"resourceType", "Bundle"}, {"entry", nlohmann::json::array()}};
  for (const Write& write : parcel.writes)
    bundle["entry"].push_back(
        {{"resource", nlohmann::json::parse(resourceInR5(write.resource).dump())}});
  EXPECT_EQ(R5Judge::errorsOf(bundle.dump()), "");
}

}  // namespace
}  // namespace fedpet::fhir
