// Every resource of the facade before the two validators of the test EHR.
#include "fhir/facade/FacadeSearch.h"
#include "net/HttpClient.h"
#include "orthanc-plugin/FhirFacadeApi.h"
#include "tests/plugin/StoredResults.h"
#include "tests/support/ehr/TestEhr.h"

#include <nlohmann/json.hpp>

namespace fedpet::plugin {
namespace {

using fedpet::testing::anAssessment;
using fedpet::testing::TestEhr;
using nlohmann::json;

TEST(FacadeBeforeValidators, GivesOnlyValidResources) {
  if (const auto why = TestEhr::whyNot(); !why.empty()) GTEST_SKIP() << why;
  StoredResults results;
  fhir::FhirSite site = aSite();
  site.lesionGroups = true;
  Router router;
  addFhirFacadeRoutes(router, {results.ledger, results.index, site, "https://pacs.example.org",
                               "https", [&] { return results.now; }});
  results.store("whole",
                numbered(anAssessment().withCourse().withHarmonisation().build(), 1, "P1"));
  results.store(
      "refused",
      numbered(anAssessment().refused(RefusalCode::WeightMissing, "absent").build(), 2, "P1"));
  ResponseAssessment foreign = numbered(anAssessment().build(), 3, "P1");
  foreign.series.patient.issuerOfPatientId = "ELSEWHERE";
  results.store("foreign", foreign);

  TestEhr ehr({});
  net::HttpClient client(ehr.url());
  const std::string base = ehr.url().substr(ehr.url().find('/', 8));
  const auto judge = [&](const json& resource) {
    const auto answer = client.post(base + "/" + resource["resourceType"].get<std::string>(),
                                    resource.dump(), {{"Content-Type", "application/fhir+json"}});
    EXPECT_EQ(answer.status, 201) << resource["resourceType"] << ": " << answer.body;
  };
  int judged = 0;
  for (const std::string& type : fhir::facadeTypes()) {
    HttpRequest request{"GET", "/fedpet/fhir/" + type, {}, {}, ""};
    request.parameters = {{"_count", "200"}};
    const json bundle = json::parse(router.handle(request).body);
    for (const json& entry : bundle.value("entry", json::array())) {
      judge(entry["resource"]);
      ++judged;
    }
    if (type == "DiagnosticReport") judge(bundle);
  }
  EXPECT_GT(judged, 50);
  judge(json::parse(router.handle({"GET", "/fedpet/fhir/metadata", {}, {}, ""}).body));
}

}  // namespace
}  // namespace fedpet::plugin
