#include "orthanc-plugin/SmartLaunch.h"
#include "tests/plugin/StoredResults.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace fedpet::plugin {
namespace {

using fedpet::testing::anAssessment;
using nlohmann::json;

class SmartLaunch : public ::testing::Test {
 protected:
  SmartLaunch() {
    options_.issuers = {{"https://ehr.example.org/fhir/r4", "fedpet-client"}};
    options_.origins = {"https://login.example.org:8443/oauth"};
    addSmartRoutes(router_, options_, results_.index, aSite());
  }
  HttpResponse ask(const std::string& body, std::map<std::string, std::string> headers = {}) {
    return router_.handle({"POST", "/fedpet/smart/results", {}, std::move(headers), body});
  }

  SmartOptions options_;
  StoredResults results_;
  Router router_;
};

TEST_F(SmartLaunch, LetsItsPageAskTheConfiguredEhrsAndNobodyElse) {
  EXPECT_THAT(launchPolicy(options_),
              ::testing::HasSubstr("connect-src 'self' https://ehr.example.org "
                                   "https://login.example.org:8443; "));
  const HttpResponse page = router_.handle({"GET", "/fedpet/app/launch.html", {}, {}, ""});
  EXPECT_EQ(page.headers.at("Content-Security-Policy"), launchPolicy(options_));
  EXPECT_EQ(page.headers.at("Referrer-Policy"), "no-referrer");
  EXPECT_THAT(page.body, ::testing::HasSubstr("launch.js"));
  const json known =
      json::parse(router_.handle({"GET", "/fedpet/smart/configuration", {}, {}, ""}).body);
  EXPECT_EQ(known["issuers"][0]["clientId"], "fedpet-client");
}

TEST_F(SmartLaunch, GivesTheResultsOfThePatientAlone) {
  results_.store("mine", numbered(anAssessment().build(), 1, "P1"));
  results_.store("other", numbered(anAssessment().build(), 2, "P2"));
  const json body{
      {"identifiers",
       {{{"system", kSystem}, {"value", "P1"}}, {{"system", "urn:oid:9.9"}, {"value", "P2"}}}}};
  const json results = json::parse(ask(body.dump()).body)["results"];
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(results[0]["orthancSeriesId"], "mine");
  EXPECT_THAT(results[0]["scanDate"].get<std::string>(), ::testing::MatchesRegex("....-..-.."));
  EXPECT_EQ(json::parse(ask(R"({"identifiers":[]})").body)["results"].size(), 0u);
}

TEST_F(SmartLaunch, RefusesWhatIsNoQuestion) {
  for (const char* body : {"", "[]", "{}", R"({"identifiers":3})", R"({"identifiers":[3]})",
                           R"({"identifiers":[{"system":1,"value":2}]})"})
    EXPECT_EQ(ask(body).status, 400) << body;
  EXPECT_EQ(ask(std::string(100'000, ' ')).status, 413);
  EXPECT_EQ(ask(R"({"identifiers":[]})", {{"sec-fetch-site", "cross-site"}}).status, 403);
}

}  // namespace
}  // namespace fedpet::plugin
