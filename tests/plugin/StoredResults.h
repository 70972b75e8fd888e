// A ledger with results in it, as workers hand them in.
#pragma once

#include "orthanc-plugin/Ledger.h"
#include "orthanc-plugin/ResultIndex.h"
#include "orthanc-plugin/protocol/AssessmentJson.h"
#include "tests/plugin/TemporaryDatabase.h"
#include "tests/support/AssessmentBuilder.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

namespace fedpet::plugin {

inline constexpr char kSystem[] = "urn:oid:1.2.250.1.999.1";

inline fhir::FhirSite aSite() {
  fhir::FhirSite site;
  site.patientIdentifierSystem = kSystem;
  site.organization = "Test hospital, nuclear medicine";
  site.wadoRoot = "https://pacs.example/dicom-web";
  return site;
}

// The builder's study with UIDs of its own, so that a test may store many.
inline ResponseAssessment numbered(ResponseAssessment a, int n, const std::string& patientId) {
  const std::string own = "." + std::to_string(n);
  a.series.patient.patientId = patientId;
  a.series.patient.issuerOfPatientId.clear();
  a.series.study.studyInstanceUid += own;
  a.series.seriesInstanceUid += own;
  a.identity.srSopInstanceUid += own;
  for (Measurement& m : a.wholeBody) m.observationUid += own;
  for (ResponsePrediction& p : a.predictions) p.observationUid += own;
  return a;
}

struct StoredResults {
  void store(const std::string& seriesId, const ResponseAssessment& assessment) {
    AssessedStudy study;
    study.assessment = assessment;
    const std::string content = "content " + std::to_string(++stored_);
    const auto id = ledger.demand({seriesId, "study", "1.2", content, "manual", {}}, {}, now);
    const auto job = ledger.lease("w", std::chrono::seconds(60), now);
    ASSERT_TRUE(job && job->id == id);
    ASSERT_EQ(ledger.complete(id, job->attempt, {}, assessmentToJson(study), {}, now),
              ReportOutcome::Accepted);
    now += std::chrono::hours(1);
  }

  TemporaryDatabase file;
  std::unique_ptr<Database> database = file.open();
  Ledger ledger{*database};
  ResultIndex index{*database};
  UtcTime now{std::chrono::sys_days{std::chrono::November / 24 / 2026} + std::chrono::hours(12)};

 private:
  int stored_ = 0;
};

}  // namespace fedpet::plugin
