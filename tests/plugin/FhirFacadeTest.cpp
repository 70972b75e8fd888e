#include "fhir/TransactionBundle.h"
#include "fhir/facade/DateRange.h"
#include "fhir/facade/FacadeSearch.h"
#include "orthanc-plugin/FhirFacadeApi.h"
#include "tests/plugin/StoredResults.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <set>

namespace fedpet::plugin {
namespace {

using fedpet::testing::anAssessment;
using nlohmann::json;

class FhirFacade : public ::testing::Test {
 protected:
  FhirFacade() {
    addFhirFacadeRoutes(
        router_, {results_.ledger, results_.index, aSite(), "https://pacs.example.org", "https",
                  [this] { return results_.now; }});
  }

  using Parameters = std::vector<std::pair<std::string, std::string>>;
  HttpResponse get(const std::string& path, Parameters parameters = {},
                   std::map<std::string, std::string> headers = {}) {
    HttpRequest request{"GET", "/fedpet/fhir/" + path, {}, std::move(headers), ""};
    request.parameters = std::move(parameters);
    return router_.handle(request);
  }
  json search(const std::string& type, Parameters parameters = {}) {
    const HttpResponse response = get(type, std::move(parameters));
    EXPECT_EQ(response.status, 200) << response.body;
    return json::parse(response.body);
  }
  static std::vector<std::string> idsOf(const json& bundle) {
    std::vector<std::string> ids;
    for (const json& entry : bundle.value("entry", json::array()))
      ids.push_back(entry["resource"]["id"]);
    return ids;
  }
  // The parameters of the next link; none: the last page.
  static Parameters next(const json& bundle) {
    for (const json& link : bundle["link"])
      if (link["relation"] == "next") return parametersIn(link["url"]);
    return {};
  }
  // Decoded.
  static Parameters parametersIn(const std::string& url) {
    Parameters parameters;
    const auto begin = url.find('?');
    std::string rest = begin == std::string::npos ? "" : url.substr(begin + 1);
    while (!rest.empty()) {
      const std::string pair = rest.substr(0, rest.find('&'));
      rest = pair.size() < rest.size() ? rest.substr(pair.size() + 1) : "";
      parameters.emplace_back(decoded(pair.substr(0, pair.find('='))),
                              decoded(pair.substr(pair.find('=') + 1)));
    }
    return parameters;
  }
  static std::string decoded(const std::string& text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i)
      if (text[i] == '%') {
        plain += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
        i += 2;
      } else {
        plain += text[i];
      }
    return plain;
  }
  void expectOutcome(const HttpResponse& response, int status, const char* code) {
    EXPECT_EQ(response.status, status) << response.body;
    EXPECT_THAT(response.contentType, ::testing::StartsWith("application/fhir+json"));
    const json outcome = json::parse(response.body);
    EXPECT_EQ(outcome["resourceType"], "OperationOutcome");
    EXPECT_EQ(outcome["issue"][0]["code"], code);
    EXPECT_EQ(outcome["issue"][0]["severity"], "error");
  }

  StoredResults results_;
  Router router_;
};

// What an integrator reads and what the EHR was sent: the same, but for names and the patient.
TEST_F(FhirFacade, GivesEveryResourceOfTheTransactionBundle) {
  const ResponseAssessment assessment = anAssessment().withCourse().withHarmonisation().build();
  results_.store("pt", assessment);
  std::string text = *fhir::transactionBundle(assessment, aSite());
  const json sent = json::parse(text);
  for (const json& entry : sent["entry"]) {
    const std::string urn = entry["fullUrl"];
    const std::string name =
        entry["resource"]["resourceType"].get<std::string>() + "/" + urn.substr(9);
    for (auto at = text.find(urn); at != std::string::npos; at = text.find(urn))
      text.replace(at, urn.size(), name);
  }
  ASSERT_GT(sent["entry"].size(), 10u);
  for (const json& entry : json::parse(text)["entry"]) {
    json expected = entry["resource"];
    const std::string name = entry["fullUrl"];
    const HttpResponse response = get(name);
    ASSERT_EQ(response.status, 200) << name;
    json given = json::parse(response.body);
    EXPECT_EQ(expected["resourceType"].get<std::string>() + "/" + given["id"].get<std::string>(),
              name);
    if (expected.contains("subject")) {
      EXPECT_EQ(given["subject"]["identifier"]["system"], kSystem);
      EXPECT_EQ(given["subject"]["identifier"]["value"], assessment.series.patient.patientId);
      EXPECT_FALSE(given["subject"].contains("reference"));
      expected.erase("subject");
      given.erase("subject");
    }
    given.erase("id");
    given["meta"].erase("versionId");
    given["meta"].erase("lastUpdated");
    if (!expected.contains("meta")) given.erase("meta");
    EXPECT_EQ(given, expected) << name;
  }
}

TEST_F(FhirFacade, LeadsEveryReferenceToAResourceItHas) {
  results_.store("pt", anAssessment().withCourse().build());
  int followed = 0;
  std::function<void(const json&)> follow = [&](const json& node) {
    if (node.is_object() && node.contains("reference")) {
      const std::string reference = node["reference"];
      if (reference.starts_with("#")) return;
      EXPECT_EQ(get(reference).status, 200) << reference;
      ++followed;
    }
    if (node.is_structured())
      for (const json& child : node) follow(child);
  };
  for (const std::string& type : fhir::facadeTypes()) {
    const json bundle = search(type, {{"_count", "200"}});
    EXPECT_FALSE(idsOf(bundle).empty()) << type;
    follow(bundle["entry"]);
  }
  EXPECT_GT(followed, 20);
}

TEST_F(FhirFacade, FindsAPatientOnlyInTheNamingSystemOfTheSite) {
  results_.store("a", numbered(anAssessment().build(), 1, "P1"));
  results_.store("b", numbered(anAssessment().build(), 2, "P2"));
  const std::string whole = std::string(kSystem) + "|P1";
  for (const char* name : {"patient.identifier", "patient:identifier", "subject:identifier"})
    EXPECT_EQ(idsOf(search("DiagnosticReport", {{name, whole}})).size(), 1u) << name;
  EXPECT_EQ(
      idsOf(search("DiagnosticReport", {{"patient.identifier", whole + "," + kSystem + "|P2"}}))
          .size(),
      2u);
  EXPECT_EQ(idsOf(search("DiagnosticReport", {{"patient.identifier", "P1"}})).size(), 1u);
  EXPECT_TRUE(
      idsOf(search("DiagnosticReport", {{"patient.identifier", "urn:oid:9.9|P1"}})).empty());
  EXPECT_TRUE(idsOf(search("DiagnosticReport", {{"patient.identifier", "|P1"}})).empty());
  for (const json& entry :
       search("Observation", {{"patient.identifier", whole}, {"_count", "200"}})["entry"])
    EXPECT_EQ(entry["resource"]["subject"]["identifier"]["value"], "P1");
}

TEST_F(FhirFacade, NamesNoPatientWhoseNamingSystemIsUnknown) {
  ResponseAssessment assessment = numbered(anAssessment().build(), 1, "P1");
  assessment.series.patient.issuerOfPatientId = "ELSEWHERE";
  results_.store("a", assessment);
  const json bundle = search("DiagnosticReport");
  ASSERT_EQ(idsOf(bundle).size(), 1u);
  EXPECT_EQ(bundle.dump().find("\"P1\""), std::string::npos);
  EXPECT_THAT(bundle["entry"][0]["resource"]["subject"]["display"].get<std::string>(),
              ::testing::HasSubstr("no naming system is configured"));
  EXPECT_TRUE(idsOf(search("DiagnosticReport", {{"patient.identifier", "P1"}})).empty());
}

TEST_F(FhirFacade, FindsByStudyDateCodeStatusAndIdentifier) {
  ResponseAssessment assessment = anAssessment().build();
  results_.store("pt", assessment);
  const auto count = [&](const char* type, const Parameters& p) {
    return idsOf(search(type, p)).size();
  };
  const std::string uid = assessment.series.study.studyInstanceUid;
  for (const std::string& study :
       {uid, "urn:oid:" + uid, "ImagingStudy/" + idsOf(search("ImagingStudy")).front()})
    EXPECT_EQ(count("DiagnosticReport", {{"study", study}}), 1u) << study;
  EXPECT_EQ(count("DiagnosticReport", {{"study", "1.2.3"}}), 0u);

  const std::string day = search("DiagnosticReport")["entry"][0]["resource"]["effectiveDateTime"];
  EXPECT_EQ(count("DiagnosticReport", {{"date", day}}), 1u);
  EXPECT_EQ(count("DiagnosticReport", {{"date", "ge" + day}, {"date", "le" + day}}), 1u);
  EXPECT_EQ(count("DiagnosticReport", {{"date", "gt" + day}}), 0u);
  EXPECT_EQ(count("ImagingStudy", {{"started", "lt" + day}}), 0u);

  EXPECT_EQ(
      count("DiagnosticReport", {{"code", "http://loinc.org|44139-4"}, {"status", "preliminary"}}),
      1u);
  EXPECT_EQ(count("DiagnosticReport", {{"status", "final"}}), 0u);
  EXPECT_EQ(count("Observation", {{"identifier", "urn:dicom:uid|urn:oid:" +
                                                     assessment.wholeBody[0].observationUid}}),
            1u);
  EXPECT_EQ(count("Observation",
                  {{"identifier", "urn:other|urn:oid:" + assessment.wholeBody[0].observationUid}}),
            0u);
  const std::string report = idsOf(search("DiagnosticReport")).front();
  EXPECT_EQ(count("DiagnosticReport", {{"_id", report}}), 1u);
  EXPECT_EQ(count("Provenance", {{"target", "DiagnosticReport/" + report}}), 1u);
  EXPECT_EQ(count("DiagnosticReport", {{"_lastUpdated", "ge2026-11-24T12:00:00Z"}}), 1u);
  EXPECT_EQ(count("DiagnosticReport", {{"_lastUpdated", "gt2026-11-24T13:00:00+01:00"}}), 0u);
}

TEST_F(FhirFacade, TurnsPagesWithoutLosingWhatIsStoredMeanwhile) {
  for (int n = 1; n <= 7; ++n)
    results_.store("s" + std::to_string(n),
                   numbered(anAssessment().withLesions(0).build(), n, "P1"));
  const auto all = idsOf(search("DiagnosticReport"));
  ASSERT_EQ(all.size(), 7u);
  json page = search("DiagnosticReport",
                     {{"_count", "3"}, {"patient.identifier", std::string(kSystem) + "|P1"}});
  std::vector<std::string> seen = idsOf(page);
  EXPECT_EQ(seen.size(), 3u);
  results_.store("s2", numbered(anAssessment().withLesions(0).build(), 2, "P1"));  // seen already
  results_.store("s5", numbered(anAssessment().withLesions(0).build(), 5, "P1"));  // not yet seen
  for (int turns = 0; !next(page).empty(); ++turns) {
    ASSERT_LT(turns, 10);
    page = search("DiagnosticReport", next(page));
    EXPECT_LE(idsOf(page).size(), 3u);
    for (const std::string& id : idsOf(page)) seen.push_back(id);
  }
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()),
            std::set<std::string>(all.begin(), all.end()));
  EXPECT_EQ(seen.size(), 8u);  // the one made anew comes again, and no other
}

TEST_F(FhirFacade, CutsAPageInTheMiddleOfAResult) {
  results_.store("pt", anAssessment().build());
  const auto all = idsOf(search("Observation", {{"_count", "200"}}));
  json page = search("Observation", {{"_count", "4"}});
  std::vector<std::string> seen = idsOf(page);
  while (!next(page).empty()) {
    page = search("Observation", next(page));
    for (const std::string& id : idsOf(page)) seen.push_back(id);
    ASSERT_LE(seen.size(), all.size());
  }
  EXPECT_EQ(seen, all);
}

TEST_F(FhirFacade, RefusesWhatItDoesNotUnderstand) {
  expectOutcome(get("DiagnosticReport", {{"patient", "Patient/1"}}), 400, "not-supported");
  expectOutcome(get("DiagnosticReport", {{"code:not", "1"}}), 400, "not-supported");
  expectOutcome(get("DiagnosticReport", {{"date", "yesterday"}}), 400, "invalid");
  expectOutcome(get("DiagnosticReport", {{"date", "2026-02-30"}}), 400, "invalid");
  expectOutcome(get("DiagnosticReport", {{"status", ""}}), 400, "invalid");
  expectOutcome(get("DiagnosticReport", {{"_count", "0"}}), 400, "invalid");
  expectOutcome(get("DiagnosticReport", {{"_cursor", "x"}}), 400, "invalid");
  expectOutcome(get("DiagnosticReport", {{"_format", "xml"}}), 406, "not-supported");
  expectOutcome(get("Patient"), 404, "not-supported");
  expectOutcome(get("DiagnosticReport/none"), 404, "not-found");

  results_.store("pt", anAssessment().build());
  const HttpResponse lenient =
      get("DiagnosticReport", {{"colour", "blue"}}, {{"prefer", "handling=lenient"}});
  EXPECT_EQ(lenient.status, 200);
  const json bundle = json::parse(lenient.body);
  ASSERT_EQ(bundle["entry"].size(), 2u);
  EXPECT_EQ(bundle["entry"][1]["search"]["mode"], "outcome");
  EXPECT_EQ(lenient.body.find("colour=blue"), std::string::npos)
      << "the self link says what was used";
}

TEST_F(FhirFacade, SaysWhenAResourceHasChangedOrGone) {
  results_.store("pt", numbered(anAssessment().build(), 1, "P1"));
  const std::string old = "DiagnosticReport/" + idsOf(search("DiagnosticReport")).front();
  const HttpResponse first = get(old);
  const std::string tag = first.headers.at("ETag");
  EXPECT_EQ(tag, "W/\"" + json::parse(first.body)["meta"]["versionId"].get<std::string>() + "\"");
  EXPECT_EQ(get(old, {}, {{"if-none-match", tag}}).status, 304);

  results_.store("pt", numbered(anAssessment().withLesions(1).build(), 1, "P1"));  // the same UIDs
  EXPECT_EQ(get(old, {}, {{"if-none-match", tag}}).status, 200);
  results_.store("pt", numbered(anAssessment().build(), 2, "P1"));  // another model: other UIDs
  expectOutcome(get(old), 410, "deleted");
  const std::string current = "DiagnosticReport/" + idsOf(search("DiagnosticReport")).front();
  EXPECT_EQ(get(current).status, 200);
  results_.ledger.forget("pt", results_.now);
  expectOutcome(get(current), 410, "deleted");
  EXPECT_TRUE(idsOf(search("DiagnosticReport")).empty());
  EXPECT_TRUE(results_.index.find({}).empty()) << "nothing of the patient is kept";
}

TEST_F(FhirFacade, MakesOneImagingStudyOfTwoSeries) {
  ResponseAssessment first = anAssessment().build();
  ResponseAssessment second = numbered(first, 2, first.series.patient.patientId);
  second.series.study.studyInstanceUid = first.series.study.studyInstanceUid;
  second.series.patient.issuerOfPatientId = first.series.patient.issuerOfPatientId;
  results_.store("one", first);
  results_.store("two", second);
  const json bundle = search("ImagingStudy");
  ASSERT_EQ(idsOf(bundle).size(), 1u);
  EXPECT_EQ(bundle["entry"][0]["resource"]["series"].size(), 2u);
  EXPECT_EQ(idsOf(search("Device")).size(), 1u);
  EXPECT_EQ(idsOf(search("DiagnosticReport")).size(), 2u);
}

TEST_F(FhirFacade, FindsResultsOfReleasesThatHadNoIndex) {
  for (int n = 1; n <= 3; ++n)
    results_.store("s" + std::to_string(n), numbered(anAssessment().build(), n, "P1"));
  results_.database->transaction([](soci::session& sql) {
    sql << "DELETE FROM results";
    sql << "DELETE FROM result_keys";
    sql << "INSERT INTO assessments (series_id, job_id, attempt, created_at, json) "
           "VALUES ('broken', 99, 1, 5, '{}')";
  });
  EXPECT_TRUE(idsOf(search("DiagnosticReport")).empty());
  int steps = 1;
  while (!results_.index.indexOlder(2)) ASSERT_LT(++steps, 10);
  EXPECT_EQ(idsOf(search("DiagnosticReport", {{"patient.identifier", "P1"}})).size(), 3u);
  EXPECT_TRUE(results_.index.indexOlder(2)) << "what cannot be read is not tried for ever";
}

TEST_F(FhirFacade, LooksIntoABoundedNumberOfResults) {
  static_assert(kMostExaminedResults == 200);
  // In one transaction: as many jobs would take a durable one each.
  results_.database->transaction([&](soci::session& sql) {
    for (int n = 1; n <= 201; ++n) {
      AssessedStudy bare;
      bare.assessment.series.study.studyInstanceUid = "1.2." + std::to_string(n);
      bare.assessment.identity.srSopInstanceUid = "2.25." + std::to_string(n);
      const std::string id = "s" + std::to_string(n), text = assessmentToJson(bare);
      sql << "INSERT INTO assessments (series_id, job_id, attempt, created_at, json) "
             "VALUES (:a, 1, 1, 5, :b)",
          soci::use(id), soci::use(text);
      ResultIndex::writeIn(sql, id, indexEntryOf(text), results_.now);
    }
  });
  const json page = search("DiagnosticReport", {{"code", "nothing-has-this"}});
  EXPECT_TRUE(idsOf(page).empty());
  ASSERT_FALSE(next(page).empty()) << "the rest is for the next request";
  EXPECT_TRUE(next(search("DiagnosticReport", next(page))).empty());
}

TEST_F(FhirFacade, AnswersTheExamplesOfItsManual) {
  results_.store("pt", numbered(anAssessment().build(), 1, "P1"));
  std::ifstream manual(std::string(FEDPET_SOURCE_DIR) + "/docs/integrators.md");
  int examples = 0;
  for (std::string line; std::getline(manual, line);) {
    const std::string base = "http://127.0.0.1:8042/fedpet/fhir/";
    const auto begin = line.find(base);
    if (!line.starts_with("curl") || begin == std::string::npos) continue;
    const std::string call =
        line.substr(begin + base.size(), line.rfind('\'') - begin - base.size());
    std::map<std::string, std::string> headers;
    if (line.find("handling=lenient") != std::string::npos) headers["prefer"] = "handling=lenient";
    const HttpResponse response = get(call.substr(0, call.find('?')), parametersIn(call), headers);
    EXPECT_EQ(response.status, 200) << line << "\n" << response.body;
    ++examples;
  }
  EXPECT_EQ(examples, 5);
}

// hl7.org/fhir/R4/search.html#prefix: eq the parameter's range contains the resource's; ge, le they
// overlap or lie beyond; gt, lt part of it lies beyond.
TEST(DateCondition, FollowsTheRulesOfFhir) {
  const std::int64_t day =
      std::chrono::sys_days{std::chrono::March / 14 / 2013}.time_since_epoch().count();
  const auto fits = [&](const char* text) {
    const auto b = fhir::dateCondition("date", text).days();
    return b.low <= day && day <= b.high;
  };
  for (const char* yes :
       {"2013", "2013-03", "eq2013-03-14", "ge2013-03-14", "le2013-03-14", "gt2013-03-13",
        "lt2013-03-15", "ge2013-03-14T10:00Z", "le2013-03-14T10:00:00.5Z", "gt2013-03-14T10:00Z"})
    EXPECT_TRUE(fits(yes)) << yes;
  for (const char* no : {"2013-04", "eq2013-03-14T10:00Z", "gt2013-03-14", "lt2013-03-14",
                         "ge2013-03-15", "le2013-02"})
    EXPECT_FALSE(fits(no)) << no;
  const auto instant =
      fhir::dateCondition("_lastUpdated", "ge1970-01-01T01:00:00.250+01:00").millis();
  EXPECT_EQ(instant.low, 250);
}

}  // namespace
}  // namespace fedpet::plugin
