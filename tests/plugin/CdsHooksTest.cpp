#include "orthanc-plugin/CdsHooksApi.h"
#include "tests/plugin/StoredResults.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <string>

namespace fedpet::plugin {
namespace {

using fedpet::testing::anAssessment;
using nlohmann::json;
using ::testing::HasSubstr;

class CdsHooks : public ::testing::Test {
 protected:
  CdsHooks() {
    addCdsHooksRoutes(router_,
                      {results_.ledger, results_.index, aSite(), "https://pacs.example.org"});
  }

  // The shape of the specification's own example (cds-hooks.hl7.org/2.0/#calling-a-cds-service).
  static json aRequest(const char* hook, const std::string& system = kSystem) {
    return {{"hook", hook},
            {"hookInstance", "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"},
            {"context", {{"userId", "Practitioner/1"}, {"patientId", "17"}}},
            {"prefetch",
             {{"patient",
               {{"resourceType", "Patient"},
                {"id", "17"},
                {"identifier", {{{"system", system}, {"value", "P1"}}}}}}}}};
  }
  static json anOrder(const char* system, const char* code) {
    json request = aRequest("order-select");
    request["context"]["selections"] = {"MedicationRequest/a"};
    request["context"]["draftOrders"] = {
        {"resourceType", "Bundle"},
        {"entry",
         {{{"resource",
            {{"resourceType", "MedicationRequest"},
             {"id", "a"},
             {"medicationCodeableConcept",
              {{"coding", {{{"system", system}, {"code", code}}}}}}}}}}}};
    return request;
  }
  HttpResponse call(const char* service, const std::string& body) {
    return router_.handle({"POST", std::string("/fedpet/cds-services/") + service, {}, {}, body});
  }
  json cards(const char* service, const json& request) {
    const HttpResponse response = call(service, request.dump());
    EXPECT_EQ(response.status, 200) << response.body;
    return json::parse(response.body)["cards"];
  }

  StoredResults results_;
  Router router_;
};

TEST_F(CdsHooks, TellsOfItsServices) {
  const json services =
      json::parse(router_.handle({"GET", "/fedpet/cds-services", {}, {}, ""}).body)["services"];
  ASSERT_EQ(services.size(), 2u);
  EXPECT_EQ(services[0]["hook"], "patient-view");
  EXPECT_EQ(services[0]["id"], "fedpet-response");
  EXPECT_EQ(services[0]["prefetch"]["patient"], "Patient/{{context.patientId}}");
  EXPECT_EQ(services[1]["hook"], "order-select");
}

TEST_F(CdsHooks, GivesTheNumberWithItsIntervalItsLimitsAndALink) {
  ResponseAssessment assessment = numbered(anAssessment().build(), 1, "P1");
  assessment.warnings = {"the patient moved <b>a lot</b>"};
  const Probability p{0.62, 0.48, 0.75, 0.9};
  assessment.predictions.front().result = p;
  assessment.model.trainedOnSyntheticData = true;
  results_.store("pt", assessment);
  const json all = cards("fedpet-response", aRequest("patient-view"));
  ASSERT_EQ(all.size(), 1u);
  const json& card = all[0];
  const std::string summary = card["summary"], detail = card["detail"];
  EXPECT_LT(summary.size(), 140u);
  EXPECT_THAT(summary, HasSubstr("62.0 % (90 % interval 48.0 % to 75.0 %)"));
  EXPECT_THAT(summary, HasSubstr("months"));
  EXPECT_EQ(card["indicator"], "info");
  EXPECT_FALSE(card.contains("suggestions"));
  EXPECT_THAT(detail, HasSubstr("Research use only"));
  EXPECT_THAT(detail, HasSubstr("trained on synthetic data"));
  EXPECT_THAT(detail, HasSubstr("moved \\<b\\>a lot"));
  EXPECT_EQ(card["links"][0]["url"], "https://pacs.example.org/fedpet/app/index.html#/series/pt");
  EXPECT_EQ(card["links"][0]["type"], "absolute");
}

TEST_F(CdsHooks, SaysWhyThereIsNoNumber) {
  results_.store(
      "pt",
      numbered(anAssessment().refused(RefusalCode::WeightMissing, "absent").build(), 1, "P1"));
  const json all = cards("fedpet-response", aRequest("patient-view"));
  ASSERT_EQ(all.size(), 1u);
  EXPECT_THAT(all[0]["summary"].get<std::string>(), HasSubstr("not assessed"));
  EXPECT_EQ(all[0]["summary"].get<std::string>().find('%'), std::string::npos);
  EXPECT_THAT(all[0]["detail"].get<std::string>(), HasSubstr("weight"));
}

TEST_F(CdsHooks, ShowsTheNewestExaminationWhicheverWasStoredLast) {
  ResponseAssessment newer = numbered(anAssessment().build(), 1, "P1");
  ResponseAssessment older = numbered(anAssessment().build(), 2, "P1");
  ASSERT_TRUE(newer.series.seriesDateTime && older.series.seriesDateTime);
  *older.series.seriesDateTime -= std::chrono::days(100);
  results_.store("newer", newer);
  results_.store("older", older);
  const json all = cards("fedpet-response", aRequest("patient-view"));
  ASSERT_EQ(all.size(), 1u);
  EXPECT_THAT(all[0]["links"][0]["url"].get<std::string>(), ::testing::EndsWith("/newer"));
}

TEST_F(CdsHooks, HasNoCardForAnotherPatientOrNamingSystem) {
  results_.store("pt", numbered(anAssessment().build(), 1, "P2"));
  EXPECT_TRUE(cards("fedpet-response", aRequest("patient-view")).empty());
  results_.store("pt", numbered(anAssessment().build(), 1, "P1"));
  EXPECT_TRUE(cards("fedpet-response", aRequest("patient-view", "urn:oid:9.9")).empty());
  json retired = aRequest("patient-view");
  retired["prefetch"]["patient"]["identifier"][0]["use"] = "old";
  EXPECT_TRUE(cards("fedpet-response", retired).empty());
  EXPECT_EQ(cards("fedpet-response", aRequest("patient-view")).size(), 1u);
}

TEST_F(CdsHooks, AnswersAnOrderOnlyOfImmunotherapy) {
  results_.store("pt", numbered(anAssessment().build(), 1, "P1"));
  const char* atc = "http://www.whocc.no/atc";
  const char* rxNorm = "http://www.nlm.nih.gov/research/umls/rxnorm";
  EXPECT_EQ(cards("fedpet-response-order", anOrder(atc, "L01FF02")).size(), 1u);  // pembrolizumab
  EXPECT_EQ(cards("fedpet-response-order", anOrder(atc, "L01XC18")).size(), 1u);  // before 2021
  EXPECT_EQ(cards("fedpet-response-order", anOrder(rxNorm, "1547545")).size(), 1u);
  EXPECT_TRUE(cards("fedpet-response-order", anOrder(atc, "L01XA01")).empty());  // cisplatin
  EXPECT_TRUE(cards("fedpet-response-order", anOrder(rxNorm, "L01FF02")).empty());

  json contained = anOrder(atc, "L01XA01");
  json& order = contained["context"]["draftOrders"]["entry"][0]["resource"];
  order["contained"] = {{{"resourceType", "Medication"},
                         {"id", "m"},
                         {"code", {{"coding", {{{"system", atc}, {"code", "L01FF01"}}}}}}}};
  order.erase("medicationCodeableConcept");
  order["medicationReference"] = {{"reference", "#m"}};
  EXPECT_EQ(cards("fedpet-response-order", contained).size(), 1u);
}

TEST_F(CdsHooks, AnswersTheExampleOfItsManual) {
  results_.store("pt", numbered(anAssessment().build(), 1, "P1"));
  std::ifstream manual(std::string(FEDPET_SOURCE_DIR) + "/docs/integrators.md");
  int examples = 0;
  for (std::string line; std::getline(manual, line);) {
    const auto body = line.find("-d '");
    if (!line.starts_with("curl") || body == std::string::npos) continue;
    const HttpResponse response =
        call("fedpet-response", line.substr(body + 4, line.rfind('\'') - body - 4));
    EXPECT_EQ(json::parse(response.body)["cards"].size(), 1u) << response.body;
    ++examples;
  }
  EXPECT_EQ(examples, 1);
}

TEST_F(CdsHooks, RefusesWhatIsNoRequestOfItsOwn) {
  const auto status = [&](const json& request) {
    return call("fedpet-response", request.dump()).status;
  };
  EXPECT_EQ(status(aRequest("order-select")), 400);
  json request = aRequest("patient-view");
  request.erase("hookInstance");
  EXPECT_EQ(status(request), 400);
  request = aRequest("patient-view");
  request["prefetch"]["patient"]["id"] = "18";  // another patient's record
  EXPECT_EQ(status(request), 400);
  request = aRequest("patient-view");
  request["context"] = "17";
  EXPECT_EQ(status(request), 400);
  request = aRequest("patient-view");
  request.erase("prefetch");
  EXPECT_EQ(status(request), 412);
  for (const json& odd : {json(nullptr), json(3), json::array(), json{{"resourceType", 3}}}) {
    request["prefetch"] = {{"patient", odd}};
    EXPECT_EQ(status(request), 412);
  }
  EXPECT_EQ(call("fedpet-response", "{").status, 400);
  EXPECT_EQ(call("fedpet-response", std::string(100000, '[')).status, 400);
  EXPECT_EQ(call("fedpet-response", std::string(2 << 20, ' ')).status, 413);
  EXPECT_EQ(call("other", "{}").status, 404);
}

}  // namespace
}  // namespace fedpet::plugin
