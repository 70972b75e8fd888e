#include "fhir/Narrative.h"
#include "fhir/Terminology.h"
#include "fhir/TransactionBundle.h"
#include "fhir/resources/DataTypes.h"
#include "tests/support/AssessmentBuilder.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace fedpet::fhir {
namespace {

using fedpet::testing::anAssessment;
using nlohmann::ordered_json;

FhirSite aSite() {
  FhirSite site;
  site.patientIdentifierSystem = "urn:oid:1.2.250.1.999.1";
  site.organization = "Test hospital, nuclear medicine";
  site.wadoRoot = "https://pacs.example/dicom-web";
  return site;
}

ordered_json bundleOf(const ResponseAssessment& assessment, const FhirSite& site = aSite()) {
  return ordered_json::parse(transactionBundle(assessment, site).value());
}

std::vector<ordered_json> resources(const ordered_json& bundle, const std::string& type) {
  std::vector<ordered_json> found;
  for (const auto& entry : bundle["entry"])
    if (entry["resource"]["resourceType"] == type) found.push_back(entry["resource"]);
  return found;
}

ordered_json observationFor(const ordered_json& bundle, const std::string& uid) {
  for (const auto& observation : resources(bundle, "Observation"))
    if (observation["identifier"][0]["value"] == "urn:oid:" + uid) return observation;
  throw std::runtime_error("no Observation for " + uid);
}

// Calls `visit(key, value)` for every value at any depth; array elements under the array's key.
template <typename Visit>
void forEachMember(const ordered_json& json, Visit visit, const std::string& key = {}) {
  visit(key, json);
  if (json.is_object())
    for (const auto& [name, value] : json.items()) forEachMember(value, visit, name);
  if (json.is_array())
    for (const auto& value : json) forEachMember(value, visit, key);
}

void expectGolden(const std::string& name, const ordered_json& bundle) {
  const std::string path = std::string(FEDPET_SOURCE_DIR) + "/tests/golden/" + name;
  const std::string text = bundle.dump(2) + "\n";
  if (std::getenv("UPDATE_GOLDEN") != nullptr) std::ofstream(path) << text;
  std::ifstream file(path);
  ASSERT_TRUE(file) << path << " is missing; UPDATE_GOLDEN=1 writes it";
  std::ostringstream golden;
  golden << file.rdbuf();
  EXPECT_EQ(text, golden.str());
}

TEST(TransactionBundle, LooksLikeTheReviewedFileForACompleteAssessment) {
  expectGolden("fhir-complete.json", bundleOf(anAssessment().build()));
}

TEST(TransactionBundle, LooksLikeTheReviewedFileForARefusedStudy) {
  expectGolden("fhir-refused-study.json",
               bundleOf(anAssessment()
                            .refused(RefusalCode::WeightMissing, "PatientWeight (0010,1030) is 0")
                            .build()));
}

TEST(TransactionBundle, LooksLikeTheReviewedFileForRefusedNumbers) {
  expectGolden("fhir-refused-numbers.json",
               bundleOf(anAssessment()
                            .withLesions(1)
                            .withoutOrgan(Organ::Liver)
                            .withRefusedPredictions(RefusalCode::OutOfDistribution,
                                                    "TMTV outside the training range")
                            .build()));
}

// RiskAssessment.prediction.probability[x], R4: "values range from 0 to 100"; 0.62 would mean
// 0.62 %.
TEST(TransactionBundle, WritesProbabilitiesAsPercentages) {
  const std::string text = transactionBundle(anAssessment().build(), aSite()).value();
  EXPECT_NE(text.find("\"probabilityDecimal\":62.0,"), std::string::npos);
  EXPECT_NE(text.find("\"probabilityDecimal\":31.0,"), std::string::npos);
  const auto risk = resources(ordered_json::parse(text), "RiskAssessment").at(0);
  const auto interval = risk["prediction"][0]["extension"][0];
  EXPECT_EQ(interval["valueRange"]["low"]["value"], 48.0);
  EXPECT_EQ(interval["valueRange"]["high"]["value"], 74.0);
  EXPECT_EQ(interval["valueRange"]["low"]["code"], "%");
  EXPECT_FALSE(risk["prediction"][0].contains("probabilityRange")) << "probability[x] is a choice";
}

TEST(TransactionBundle, SaysForWhichTimeARiskIs) {
  const auto risk = resources(bundleOf(anAssessment().build()), "RiskAssessment").at(0);
  ASSERT_EQ(risk["prediction"].size(), 3u);
  for (const auto& prediction : risk["prediction"]) {
    EXPECT_EQ(prediction["whenRange"]["low"]["value"], 0.0);
    EXPECT_GT(prediction["whenRange"]["high"]["value"], 0.0);
    EXPECT_EQ(prediction["whenRange"]["high"]["code"], "mo");
  }
}

TEST(TransactionBundle, GivesEachObservationAValueOrAReasonAndNeverBoth) {
  const auto bundle = bundleOf(anAssessment().withLesions(1).withoutOrgan(Organ::Liver).build());
  int values = 0, reasons = 0;
  for (const auto& observation : resources(bundle, "Observation")) {
    const bool hasValue = observation.contains("valueQuantity");
    const bool hasReason = observation.contains("dataAbsentReason");
    EXPECT_FALSE(hasValue && hasReason) << observation;
    EXPECT_TRUE(hasValue || hasReason || observation.contains("hasMember")) << observation;
    values += hasValue;
    reasons += hasReason;
  }
  EXPECT_EQ(values, 3 + 3);  // TMTV, TLG, count; three predictions
  EXPECT_EQ(reasons, 5);     // Dmax of one lesion; two ratios, liver mean and deviation
}

TEST(TransactionBundle, NamesNoDeviceAsPerformerOfTheReport) {
  const auto report = resources(bundleOf(anAssessment().build()), "DiagnosticReport").at(0);
  for (const auto& performer : report["performer"]) {
    EXPECT_EQ(performer["type"], "Organization");
    EXPECT_FALSE(performer.contains("reference"));
  }
  FhirSite anonymous = aSite();
  anonymous.organization.clear();
  EXPECT_FALSE(resources(bundleOf(anAssessment().build(), anonymous), "DiagnosticReport")
                   .at(0)
                   .contains("performer"));
}

TEST(TransactionBundle, IsPreliminaryMarkedAsArtificialAndForResearchOnly) {
  const auto bundle =
      bundleOf(anAssessment().withRefusedPredictions(RefusalCode::OutOfDistribution, "x").build());
  for (const char* type : {"Observation", "RiskAssessment", "DiagnosticReport"})
    for (const auto& resource : resources(bundle, type)) {
      EXPECT_EQ(resource["status"], "preliminary");
      EXPECT_EQ(resource["meta"]["security"][0]["code"], "AIAST");
      EXPECT_NE(resource.dump().find("Research use only"), std::string::npos);
    }
  EXPECT_NE(resources(bundle, "DiagnosticReport").at(0)["conclusion"].dump().find("synthetic data"),
            std::string::npos);
}

TEST(TransactionBundle, ReachesTheRiskFromTheReport) {
  const auto bundle = bundleOf(anAssessment().build());
  const auto report = resources(bundle, "DiagnosticReport").at(0);
  ASSERT_EQ(report["extension"][0]["url"],
            "http://hl7.org/fhir/StructureDefinition/diagnosticReport-risk");
  const auto target = report["extension"][0]["valueReference"]["reference"];
  int found = 0;
  for (const auto& entry : bundle["entry"])
    found += entry["fullUrl"] == target && entry["resource"]["resourceType"] == "RiskAssessment";
  EXPECT_EQ(found, 1);
}

TEST(TransactionBundle, RefersOnlyToItsOwnEntriesAndToOnePatient) {
  FhirSite site = aSite();
  site.lesionGroups = true;
  const auto bundle = bundleOf(anAssessment().build(), site);
  std::set<std::string> own;
  for (const auto& entry : bundle["entry"])
    EXPECT_TRUE(own.insert(entry["fullUrl"]).second) << entry["fullUrl"] << " twice";
  forEachMember(bundle, [&](const std::string& key, const ordered_json& value) {
    if (key != "reference") return;
    const std::string text = value;
    EXPECT_TRUE(own.contains(text) || text == "#wado" ||
                text == "Patient?identifier=urn:oid:1.2.250.1.999.1%7CTEST-0001")
        << text;
  });
}

TEST(TransactionBundle, IdentifiesEachResourceByAConditionOfItsOwn) {
  FhirSite site = aSite();
  site.lesionGroups = true;
  std::set<std::string> conditions;
  const auto bundle = bundleOf(anAssessment().build(), site);
  for (const auto& entry : bundle["entry"]) {
    const auto& request = entry["request"];
    const std::string url = request["url"];
    const std::string condition = request["method"] == "POST"
                                      ? url + "?" + request.at("ifNoneExist").get<std::string>()
                                      : url;
    EXPECT_NE(condition.find('?'), std::string::npos) << condition;
    EXPECT_TRUE(conditions.insert(condition).second) << condition << " twice";
    // A server rewrites the urn:uuid: of an entry wherever it stands, also inside an identifier.
    EXPECT_EQ(condition.find("urn:uuid:"), std::string::npos);
  }
}

TEST(TransactionBundle, JoinsTheStructuredReportByObservationUid) {
  const auto assessment = anAssessment().build();
  const auto bundle = bundleOf(assessment);
  for (const Measurement& measurement : assessment.wholeBody) {
    const auto observation = observationFor(bundle, measurement.observationUid);
    EXPECT_EQ(observation["identifier"][0]["type"]["coding"][0]["code"], "observation-uid");
    EXPECT_EQ(observation["identifier"][0]["system"], "urn:dicom:uid");
    EXPECT_EQ(observation["method"]["text"], measurement.definition);
    EXPECT_EQ(observation["valueQuantity"]["code"], ucumUnit(measurement.quantity));
  }
}

TEST(TransactionBundle, GroupsLesionsOnlyWhenTheSiteWantsThem) {
  EXPECT_EQ(resources(bundleOf(anAssessment().withLesions(50).build()), "Observation").size(),
            8u + 1u + 3u);
  FhirSite site = aSite();
  site.lesionGroups = true;
  EXPECT_EQ(resources(bundleOf(anAssessment().withLesions(50).build(), site), "Observation").size(),
            8u + 1u + 3u + 50u * 6u);
}

TEST(TransactionBundle, ReportsARefusedStudyWithItsReason) {
  const auto bundle = bundleOf(
      anAssessment().refused(RefusalCode::WeightMissing, "PatientWeight (0010,1030) is 0").build());
  const auto report = resources(bundle, "DiagnosticReport").at(0);
  EXPECT_EQ(report["conclusionCode"][0]["coding"][0]["code"], "WeightMissing");
  EXPECT_NE(report["conclusion"].get<std::string>().find("PatientWeight (0010,1030) is 0"),
            std::string::npos);
  EXPECT_TRUE(resources(bundle, "RiskAssessment").empty());
  const auto observations = resources(bundle, "Observation");
  ASSERT_EQ(observations.size(), 1u);
  EXPECT_EQ(observations[0]["dataAbsentReason"]["coding"][0]["code"], "unknown");
  EXPECT_EQ(observations[0]["dataAbsentReason"]["coding"][1]["code"], "WeightMissing");
}

TEST(TransactionBundle, SaysWhyAPredictionIsRefused) {
  const auto assessment =
      anAssessment().withRefusedPredictions(RefusalCode::OutOfDistribution, "TMTV 9999 ml").build();
  const auto bundle = bundleOf(assessment);
  const auto number = observationFor(bundle, assessment.predictions.front().observationUid);
  EXPECT_EQ(number["dataAbsentReason"]["coding"][0]["code"], "not-applicable");
  EXPECT_EQ(number["dataAbsentReason"]["coding"][1]["code"], "OutOfDistribution");
  const auto risk = resources(bundle, "RiskAssessment").at(0);
  EXPECT_FALSE(risk.contains("prediction"));
  EXPECT_NE(risk["note"].dump().find("TMTV 9999 ml"), std::string::npos);
}

TEST(TransactionBundle, WritesNumbersThatEveryReaderUnderstands) {
  auto assessment = anAssessment().build();
  auto& measured = assessment.wholeBody;
  measured[0].value = std::numeric_limits<double>::quiet_NaN();
  measured[1].value = std::numeric_limits<double>::infinity();
  measured[3].value = 1e-9;
  measured[4].value = 0.1 + 0.2;
  measured[6].value = 1234567.891;
  assessment.predictions[0].result->probability = std::numeric_limits<double>::quiet_NaN();
  assessment.predictions[1].result->probability = 62.0;
  assessment.predictions[2].result->probability = 0.29999999999999999;
  const std::string text = transactionBundle(assessment, aSite()).value();
  const auto bundle = ordered_json::parse(text);
  EXPECT_EQ(text.find("null"), std::string::npos);
  constexpr std::string_view kValue = "\"value\":";
  for (auto at = text.find(kValue); at != std::string::npos; at = text.find(kValue, at + 1)) {
    const std::string number =
        text.substr(at + kValue.size(), text.find_first_of(",}", at) - at - kValue.size());
    EXPECT_TRUE(number.front() == '"' || number.find_first_of("eE") == std::string::npos) << number;
  }
  EXPECT_EQ(
      observationFor(bundle, measured[0].observationUid)["dataAbsentReason"]["coding"][0]["code"],
      "not-a-number");
  EXPECT_TRUE(observationFor(bundle, measured[1].observationUid).contains("dataAbsentReason"));
  EXPECT_NE(text.find("\"value\":0.3,"), std::string::npos);
  EXPECT_NE(text.find("\"value\":1234567.89,"), std::string::npos);
  const auto risk = resources(bundle, "RiskAssessment").at(0);
  ASSERT_EQ(risk["prediction"].size(), 1u) << "neither NaN nor 6200 % is a probability";
  EXPECT_NE(text.find("\"probabilityDecimal\":30.0,"), std::string::npos);
}

TEST(TransactionBundle, EscapesTextInsideTheNarrative) {
  auto assessment = anAssessment().build();
  assessment.wholeBody[0].definition = "a < b & \"c\" <script>alert('x')</script>\x01";
  assessment.warnings = {"broken UTF-8: \xff"};
  const std::string text = transactionBundle(assessment, aSite()).value();
  const auto report = resources(ordered_json::parse(text), "DiagnosticReport").at(0);
  const std::string div = report["text"]["div"];
  EXPECT_EQ(div.find("<script"), std::string::npos);
  EXPECT_NE(div.find("a &lt; b &amp; &quot;c&quot; &lt;script&gt;"), std::string::npos);
  EXPECT_EQ(div.find('\x01'), std::string::npos);
}

TEST(TransactionBundle, IsTheSameTextForTheSameAssessment) {
  EXPECT_EQ(transactionBundle(anAssessment().build(), aSite()).value(),
            transactionBundle(anAssessment().build(), aSite()).value());
}

TEST(TransactionBundle, CarriesTheReportForPeopleWithItsSizeAndHash) {
  // SHA-1 of "%PDF" by sha1sum and base64: Attachment.hash is the base64 of SHA-1.
  const std::string_view pdf = "%PDF";
  const auto bundle = ordered_json::parse(
      transactionBundle(anAssessment().build(), aSite(), std::as_bytes(std::span(pdf))).value());
  const auto form = resources(bundle, "DiagnosticReport").front()["presentedForm"][0];
  EXPECT_EQ(form["contentType"], "application/pdf");
  EXPECT_EQ(form["data"], "JVBERg==");
  EXPECT_EQ(form["size"], 4);
  EXPECT_EQ(form["hash"], "ObbXPv82STugZ05IJVqdgXJLRSE=");
  EXPECT_FALSE(resources(bundleOf(anAssessment().build()), "DiagnosticReport")
                   .front()
                   .contains("presentedForm"));
}

ResponseAssessment aFollowUp() {
  ResponseAssessment a = anAssessment().build();
  a.percistRefusal.reset();
  a.percist = PercistReading{Organ::Liver, "liver", {}, true, "2.25.1"};
  a.percist->numbers = {
      Measurement{fedpet::Quantity::PercistThreshold, 3.1, "1.5 x mean + 2 SD", "2.25.301"},
      {fedpet::Quantity::SulPeak, 7.4, "hottest lesion", "2.25.302"}};
  Comparison c;
  c.earlier.studyInstanceUid = "1.2.3.4";
  c.earlier.scannedAt = WallClock(std::chrono::local_days(std::chrono::year(2026) / 1 / 2));
  c.percist = MetabolicResponse::Progressive;
  c.iPercist = MetabolicResponse::UnconfirmedProgressive;
  c.reasons = {"one new lesion"};
  c.changes = {
      Measurement{fedpet::Quantity::TmtvChange, 41.0, "TMTV now over TMTV then", "2.25.303"}};
  c.percistUid = "2.25.304";
  c.iPercistUid = "2.25.305";
  a.comparison = c;
  return a;
}

TEST(TransactionBundle, SaysHowTheStudyComparesWithAnEarlierOne) {
  const auto bundle = bundleOf(aFollowUp());
  const auto percist = observationFor(bundle, "2.25.304");
  EXPECT_EQ(percist["valueCodeableConcept"]["coding"][0]["code"], "PMD");
  EXPECT_EQ(percist["derivedFrom"][1]["identifier"]["value"], "urn:oid:1.2.3.4");
  EXPECT_EQ(observationFor(bundle, "2.25.305")["valueCodeableConcept"]["coding"][0]["code"],
            "UPMD");
  EXPECT_EQ(observationFor(bundle, "2.25.303")["valueQuantity"]["value"], 41.0);
  // The reference region's numbers name it as their site (SNOMED CT 10200004, liver).
  EXPECT_EQ(observationFor(bundle, "2.25.301")["bodySite"]["coding"][0]["code"], "10200004");
  const auto report = resources(bundle, "DiagnosticReport").front();
  EXPECT_NE(report["conclusion"].get<std::string>().find("2026-01-02: PERCIST 1.0 PMD"),
            std::string::npos);
}

// HAPI's R4 validator knows DICOM's codes of SUV up to 126413 and refuses later ones as unknown.
TEST(TransactionBundle, WritesNoCodeThatR4DoesNotKnow) {
  const std::string text = transactionBundle(aFollowUp(), aSite()).value();
  EXPECT_EQ(text.find("\"126405\""), std::string::npos);
  EXPECT_EQ(text.find("\"126414\""), std::string::npos);
  EXPECT_NE(text.find("\"126402\""), std::string::npos);
}

TEST(TransactionBundle, SaysWhyTwoStudiesCannotBeCompared) {
  ResponseAssessment a = aFollowUp();
  a.comparison->percist =
      tl::make_unexpected(Refusal{RefusalCode::NotComparable, "uptake times differ by 31 min"});
  const auto percist = observationFor(bundleOf(a), "2.25.304");
  EXPECT_FALSE(percist.contains("valueCodeableConcept"));
  EXPECT_EQ(percist["dataAbsentReason"]["coding"][1]["code"], "NotComparable");
}

TEST(TransactionBundle, LeavesOutWhatIsUnknown) {
  auto assessment = anAssessment().build();
  assessment.series.study = {};
  assessment.series.study.studyInstanceUid = "1.2.3";
  assessment.series.seriesDateTime.reset();
  assessment.model = {};
  assessment.lesionDefinition.clear();
  assessment.wholeBody[0].definition.clear();
  forEachMember(bundleOf(assessment), [](const std::string& key, const ordered_json& value) {
    EXPECT_FALSE(value.is_null()) << key;
    EXPECT_FALSE((value.is_string() || value.is_structured()) && value.empty()) << key;
    EXPECT_NE(value, "") << key;
  });
}

TEST(DeliveryRefusal, HoldsBackAPatientWithoutANumber) {
  auto assessment = anAssessment().build();
  for (const char* id : {"", "   "}) {
    assessment.series.patient.patientId = id;
    const auto bundle = transactionBundle(assessment, aSite());
    ASSERT_FALSE(bundle);
    EXPECT_EQ(bundle.error().reason, DeliveryRefusal::Reason::PatientIdMissing);
  }
}

TEST(DeliveryRefusal, HoldsBackAPatientWhoseNumberHasNoConfiguredSystem) {
  auto assessment = anAssessment().build();
  EXPECT_EQ(transactionBundle(assessment, FhirSite{}).error().reason,
            DeliveryRefusal::Reason::PatientSystemUnknown);
  assessment.series.patient.issuerOfPatientId = "OTHER-HOSPITAL";
  EXPECT_EQ(transactionBundle(assessment, aSite()).error().reason,
            DeliveryRefusal::Reason::PatientSystemUnknown)
      << "the default system belongs to another hospital's numbers";
}

TEST(DeliveryRefusal, IsLiftedByAMappedIssuer) {
  auto assessment = anAssessment().build();
  assessment.series.patient.issuerOfPatientId = "OTHER-HOSPITAL";
  FhirSite site = aSite();
  site.patientSystemByIssuer["OTHER-HOSPITAL"] = "urn:oid:1.2.250.1.888";
  const auto study = resources(bundleOf(assessment, site), "ImagingStudy").at(0);
  EXPECT_EQ(study["subject"]["reference"], "Patient?identifier=urn:oid:1.2.250.1.888%7CTEST-0001");
}

// hl7.org/fhir/R4/search.html#escaping: a backslash before , | $ and \; then RFC 3986.
TEST(TokenQuery, EscapesForTheSearchAndThenForTheUrl) {
  EXPECT_EQ(tokenQuery("identifier", "urn:oid:1.2", "A|1,2$3\\4 &+"),
            "identifier=urn:oid:1.2%7CA%5C%7C1%5C%2C2%5C%243%5C%5C4%20%26%2B");
}

TEST(Terminology, HasAnHl7ReasonForEveryRefusal) {
  const std::set<std::string> allowed{"not-applicable", "unknown", "not-performed", "error"};
  for (const RefusalCode code : allRefusalCodes())
    EXPECT_TRUE(allowed.contains(absentReasonOf(code))) << toString(code);
  EXPECT_EQ(absentReasonOf(RefusalCode::WeightMissing), "unknown");
  EXPECT_EQ(absentReasonOf(RefusalCode::RescaleInvalid), "error");
}

TEST(Terminology, DefinesEveryCodeOfOursThatABundleUses) {
  std::set<std::string> defined;
  const auto systems = ordered_json::parse(codeSystems());
  for (const auto& entry : systems["entry"])
    for (const auto& one : entry["resource"]["concept"])
      EXPECT_TRUE(defined
                      .insert(entry["resource"]["url"].get<std::string>() + "|" +
                              one["code"].get<std::string>())
                      .second)
          << one["code"] << " twice";
  FhirSite site = aSite();
  site.lesionGroups = true;
  int used = 0;
  for (const auto& assessment :
       {anAssessment().build(), anAssessment().refused(RefusalCode::DoseMissing, "x").build()})
    forEachMember(bundleOf(assessment, site), [&](const std::string&, const ordered_json& value) {
      if (!value.is_object() || !value.contains("code") || !value.contains("display")) return;
      const std::string system = value["system"];
      if (system != privateSystem() && system != measureSystem()) return;
      ++used;
      EXPECT_TRUE(defined.contains(system + "|" + value["code"].get<std::string>())) << value;
    });
  EXPECT_GT(used, 0);
}

TEST(ReadableUnit, DropsTheAnnotationOfUcum) {
  EXPECT_EQ(readableUnit("g/ml{SUVbw}"), "g/ml SUVbw");
  EXPECT_EQ(readableUnit("{count}"), "count");
  EXPECT_EQ(readableUnit("ml"), "ml");
}

}  // namespace
}  // namespace fedpet::fhir
