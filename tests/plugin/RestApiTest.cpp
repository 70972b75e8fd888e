#include "orthanc-plugin/RestApi.h"
#include "orthanc-plugin/SociOutbox.h"
#include "orthanc-plugin/WorkerApi.h"
#include "orthanc-plugin/protocol/AssessmentJson.h"
#include "tests/plugin/TemporaryDatabase.h"
#include "tests/support/AssessmentBuilder.h"
#include "ui-extension/WebAssets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>

namespace fedpet::plugin {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr UtcTime kNoon{std::chrono::sys_days{std::chrono::November / 24 / 2026} + 12h};

class RestApiTest : public ::testing::Test {
 protected:
  RestApiTest() {
    addPublicRoutes(router_,
                    {parsed_, queue_, outbox_, [this](const std::string& id) { return judge(id); },
                     [] { return Supervisor::Snapshot{}; }, [] {}, [] { return kNoon; }});
    WorkerApiSettings settings;
    settings.secret = "s3cret";
    settings.jobOptionsJson = R"({"lesionRule":"SUV4.0"})";
    settings.messagesQueued = [this] { ++wakes_; };
    addWorkerRoutes(
        router_, queue_, settings,
        [this](const AssessedStudy&, std::span<const std::byte> pdf) {
          published_.assign(reinterpret_cast<const char*>(pdf.data()), pdf.size());
          return publication_;
        },
        [](LogLevel, const std::string&) {});
    addPageRoutes(router_);
  }

  std::optional<NewJob> judge(const std::string& id) {
    if (id == "unknown") return std::nullopt;
    NewJob job{id, "study", "1.2", "a", "manual", std::nullopt};
    if (id == "psma") job.skip = Reason{"NotFdg", "PSMA"};
    return job;
  }

  HttpResponse get(const std::string& path, std::map<std::string, std::string> query = {},
                   std::map<std::string, std::string> headers = {}) {
    return router_.handle({"GET", path, std::move(query), std::move(headers), ""});
  }
  HttpResponse post(const std::string& path, const json& body = json::object(),
                    std::map<std::string, std::string> headers = {}) {
    return router_.handle({"POST", path, {}, std::move(headers), body.dump()});
  }
  HttpResponse asWorker(const std::string& path, const json& body) {
    return post("/fedpet/worker/" + path, body, {{kSecretHeader, "s3cret"}});
  }
  std::int64_t leaseNewJob(const std::string& series) {
    EXPECT_EQ(post("/fedpet/series/" + series + "/assess").status, 200);
    const auto answer = json::parse(asWorker("lease", {{"worker", "w"}}).body);
    EXPECT_EQ(answer["job"]["orthancSeriesId"], series);
    return answer["job"]["id"].get<std::int64_t>();
  }
  static json anAssessment() {
    AssessedStudy study;
    study.assessment.identity.srSopInstanceUid = "2.25.1";
    study.assessment.model.version = "7";
    study.assessment.refusals = {{RefusalCode::WeightMissing, "PatientWeight is absent"}};
    return json::parse(assessmentToJson(study));
  }

  ParsedOptions parsed_;
  TemporaryDatabase file_;
  std::unique_ptr<Database> database_ = file_.open();
  Ledger ledger_{*database_};
  SociOutbox outbox_{*database_};
  JobQueue queue_{ledger_, {}, {}, [] { return kNoon; }};
  Publication publication_;
  std::string published_;  // the PDF that went with the last result
  int wakes_ = 0;
  Router router_;
};

TEST_F(RestApiTest, CarriesAJobFromTheDemandToTheResult) {
  publication_.messages = {{"2.25.1", "ehr", "1.2", "{}"}};
  const auto id = leaseNewJob("pt");
  const std::string job = "jobs/" + std::to_string(id);
  EXPECT_EQ(
      asWorker(job + "/heartbeat", {{"attempt", 1}, {"stage", "organs"}, {"percent", 40}}).status,
      200);
  auto seen = json::parse(get("/fedpet/jobs/" + std::to_string(id)).body);
  EXPECT_EQ(seen["state"], "running");
  EXPECT_EQ(seen["stage"], "organs");
  EXPECT_EQ(seen["percent"], 40);
  EXPECT_EQ(get("/fedpet/assessments/pt").status, 404);

  const json result = {{"attempt", 1},
                       {"assessment", anAssessment()},
                       {"timingsMs", {{"fetch", 3.5}}},
                       {"pdf", "JVBERg=="}};
  EXPECT_EQ(asWorker(job + "/complete", result).status, 200);
  EXPECT_EQ(published_, "%PDF");
  EXPECT_EQ(json::parse(asWorker(job + "/complete", result).body)["repeated"], true);
  seen = json::parse(get("/fedpet/jobs/" + std::to_string(id)).body);
  EXPECT_EQ(seen["state"], "done");
  EXPECT_EQ(seen["modelVersion"], "7");
  EXPECT_EQ(seen["timingsMs"]["fetch"], 3.5);
  EXPECT_EQ(json::parse(get("/fedpet/assessments/pt").body)["refusals"][0]["code"],
            "WeightMissing");
  EXPECT_EQ(outbox_.counts().pending, 1u);
  EXPECT_EQ(wakes_, 1);
  EXPECT_EQ(json::parse(get("/fedpet/status").body)["jobs"]["done"], 1);
}

TEST_F(RestApiTest, FinishesAJobWhoseResultMayNotBeSentAndSaysWhy) {
  publication_.notSent = Reason{"NotSentToEhr", "no naming system"};
  const auto id = leaseNewJob("pt");
  asWorker("jobs/" + std::to_string(id) + "/complete",
           {{"attempt", 1}, {"assessment", anAssessment()}});
  const auto seen = json::parse(get("/fedpet/jobs/" + std::to_string(id)).body);
  EXPECT_EQ(seen["state"], "done");
  EXPECT_EQ(seen["reason"]["code"], "NotSentToEhr");
}

TEST_F(RestApiTest, LetsNobodyWithoutTheSecretActAsAWorker) {
  EXPECT_EQ(post("/fedpet/worker/lease", {{"worker", "w"}}).status, 403);
  EXPECT_EQ(post("/fedpet/worker/lease", {{"worker", "w"}}, {{kSecretHeader, "s3creT"}}).status,
            403);
  EXPECT_EQ(post("/fedpet/worker/jobs/1/complete", {{"attempt", 1}}).status, 403);
}

TEST_F(RestApiTest, LetsARemoteWorkerInOnlyWhenTheSiteSaysSoAndUnderItsOwnName) {
  Router open;
  WorkerApiSettings settings;
  settings.secret = "s3cret";
  settings.allowRemote = true;
  settings.jobOptionsJson = "{}";
  addWorkerRoutes(open, queue_, settings, {}, [](LogLevel, const std::string&) {});
  const auto lease = [&](const char* name, std::map<std::string, std::string> headers = {}) {
    return open
        .handle(
            {"POST", "/fedpet/worker/lease", {}, std::move(headers), json{{"worker", name}}.dump()})
        .status;
  };
  EXPECT_EQ(lease("gpu-box"), 200);
  EXPECT_EQ(lease("local-0"), 400) << "the end of a child of that name would take its job";
  EXPECT_EQ(lease("gpu-box", {{kSecretHeader, "wrong"}}), 403);
}

TEST_F(RestApiTest, AnswersAReportOfAnotherAttemptWithConflict) {
  const auto id = leaseNewJob("pt");
  const std::string job = "jobs/" + std::to_string(id);
  EXPECT_EQ(asWorker(job + "/heartbeat", {{"attempt", 2}, {"stage", "x"}, {"percent", 1}}).status,
            409);
  EXPECT_EQ(
      asWorker(job + "/fail", {{"attempt", 1}, {"code", "WorkerError"}, {"text", "x"}}).status,
      200);
  EXPECT_EQ(asWorker(job + "/complete", {{"attempt", 1}, {"assessment", anAssessment()}}).status,
            409);
  EXPECT_EQ(asWorker("jobs/999/fail", {{"attempt", 1}, {"code", "X"}}).status, 404);
  EXPECT_EQ(asWorker("jobs/abc/fail", {{"attempt", 1}, {"code", "X"}}).status, 404);
}

TEST_F(RestApiTest, RefusesReportsThatAreNoReports) {
  const auto id = leaseNewJob("pt");
  const std::string job = "jobs/" + std::to_string(id);
  EXPECT_EQ(asWorker(job + "/complete", {{"attempt", 1}}).status, 400);
  EXPECT_EQ(asWorker(job + "/complete", {{"attempt", "1"}}).status, 400);
  for (const char* notBase64 : {"JVBERg=", "JV*ERg==", "===="})
    EXPECT_EQ(asWorker(job + "/complete",
                       {{"attempt", 1}, {"assessment", anAssessment()}, {"pdf", notBase64}})
                  .status,
              400)
        << notBase64;
  EXPECT_EQ(
      asWorker(job + "/complete", {{"attempt", 1}, {"assessment", {{"schemaVersion", 99}}}}).status,
      400);
  EXPECT_EQ(
      router_
          .handle({"POST", "/fedpet/worker/lease", {}, {{kSecretHeader, "s3cret"}}, "{\"worker\""})
          .status,
      400);
  EXPECT_EQ(ledger_.find(id)->state, JobState::Running);
}

TEST_F(RestApiTest, EndsAJobAsSkippedWhenTheWorkerFindsItIsNotOurs) {
  const auto id = leaseNewJob("pt");
  asWorker("jobs/" + std::to_string(id) + "/complete",
           {{"attempt", 1}, {"skipped", {{"code", "TooLittleBody"}, {"text", "200 mm"}}}});
  EXPECT_EQ(ledger_.find(id)->state, JobState::Skipped);
  EXPECT_EQ(ledger_.find(id)->reason->code, "TooLittleBody");
  EXPECT_EQ(get("/fedpet/assessments/pt").status, 404);
}

TEST_F(RestApiTest, RefusesToAssessWhatIsNotThereOrNotOurs) {
  EXPECT_EQ(post("/fedpet/series/unknown/assess").status, 404);
  const auto psma = post("/fedpet/series/psma/assess");
  EXPECT_EQ(psma.status, 409);
  EXPECT_THAT(psma.body, ::testing::HasSubstr("NotFdg"));
}

TEST_F(RestApiTest, RefusesButtonsPressedByAnotherSite) {
  const std::map<std::string, std::string> foreign{{"sec-fetch-site", "cross-site"}};
  EXPECT_EQ(post("/fedpet/series/pt/assess", {}, foreign).status, 403);
  EXPECT_EQ(post("/fedpet/jobs/1/retry", {}, foreign).status, 403);
  EXPECT_EQ(post("/fedpet/jobs/1/cancel", {}, foreign).status, 403);
  EXPECT_EQ(post("/fedpet/series/pt/assess", {}, {{"sec-fetch-site", "same-origin"}}).status, 200);
}

TEST_F(RestApiTest, PagesThroughJobs) {
  for (const char* id : {"a", "b", "c"}) post(std::string("/fedpet/series/") + id + "/assess");
  auto page = json::parse(get("/fedpet/jobs", {{"limit", "2"}}).body);
  ASSERT_EQ(page["jobs"].size(), 2u);
  EXPECT_EQ(page["jobs"][0]["orthancSeriesId"], "c");
  page = json::parse(
      get("/fedpet/jobs", {{"limit", "2"}, {"before", page["nextBefore"].dump()}}).body);
  ASSERT_EQ(page["jobs"].size(), 1u);
  EXPECT_TRUE(page["nextBefore"].is_null());
  EXPECT_EQ(json::parse(get("/fedpet/jobs", {{"state", "done"}}).body)["jobs"].size(), 0u);
  EXPECT_EQ(get("/fedpet/jobs", {{"state", "dun"}}).status, 400);
  EXPECT_EQ(get("/fedpet/jobs", {{"limit", "-1"}}).status, 400);
  EXPECT_EQ(get("/fedpet/jobs", {{"before", "9999999999999999999999"}}).status, 400);
}

TEST_F(RestApiTest, ListsTheOutboxWithoutTheResultsInIt) {
  outbox_.enqueue({"2.25.1", "ehr", "1.2", "secret of a patient"}, kNoon);
  const auto answer = get("/fedpet/outbox");
  EXPECT_THAT(answer.body, ::testing::Not(::testing::HasSubstr("secret")));
  EXPECT_EQ(json::parse(answer.body)["messages"][0]["state"], "Pending");
  EXPECT_EQ(post("/fedpet/outbox/1/retry").status, 200);
  EXPECT_EQ(post("/fedpet/outbox/2/retry").status, 404);
  outbox_.claimDue(kNoon, 1min);
  EXPECT_EQ(post("/fedpet/outbox/1/retry").status, 409);
}

TEST_F(RestApiTest, ServesThePageWithAStrictPolicyAndAnEtag) {
  const auto page = get("/fedpet/app/index.html");
  ASSERT_EQ(page.status, 200);
  EXPECT_EQ(page.headers.at("Content-Security-Policy"), kContentSecurityPolicy);
  const auto again =
      get("/fedpet/app/index.html", {}, {{"if-none-match", page.headers.at("ETag")}});
  EXPECT_EQ(again.status, 304);
  EXPECT_TRUE(again.body.empty());
  EXPECT_EQ(get("/fedpet/app/../status").status, 404);
  EXPECT_EQ(get("/fedpet/app/secret.txt").status, 404);
}

TEST_F(RestApiTest, TellsUnknownAddressesFromWrongMethods) {
  EXPECT_EQ(get("/fedpet/nothing").status, 404);
  EXPECT_EQ(get("/fedpet/jobs/").status, 404);
  const auto wrong = get("/fedpet/jobs/1/retry");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.headers.at("Allow"), "POST");
}

TEST_F(RestApiTest, DescribesEveryPublicAddressInOpenApi) {
  const auto document = json::parse(openApiDocument(router_.routes(), "1"));
  EXPECT_EQ(document["openapi"], "3.1.0");
  for (const char* path : {"/fedpet/status", "/fedpet/jobs", "/fedpet/jobs/{id}", "/fedpet/outbox",
                           "/fedpet/assessments/{id}", "/fedpet/worker/lease"})
    EXPECT_TRUE(document["paths"].contains(path)) << path;
  EXPECT_EQ(document["paths"]["/fedpet/jobs"]["get"]["parameters"].size(), 4u);
  EXPECT_EQ(document["paths"]["/fedpet/jobs/{id}/retry"]["post"]["parameters"][0]["name"], "id");
}

// What python3-jsonschema says about real answers to real routes, by the document's own schemas.
class AnswersTest : public RestApiTest {
 protected:
  // The answer of a route, to be held against what the document says of it.
  void note(const std::string& pattern, const HttpResponse& answer, const char* method = "get") {
    answers_.push_back({{"path", pattern},
                        {"method", method},
                        {"status", answer.status == 200 ? "200" : "default"},
                        {"body", json::parse(answer.body)}});
  }

  // One line for each difference; nullopt where the judge is not installed.
  std::optional<std::string> complaints() {
    if (std::system("/usr/bin/python3 -c 'import jsonschema' 2> /dev/null") != 0)
      return std::nullopt;
    const auto file = file_.path().parent_path() / "answers.json";
    std::ofstream(file) << json{{"document", json::parse(openApiDocument(router_.routes(), "1"))},
                                {"answers", answers_}};
    const std::string command = "/usr/bin/python3 '" FEDPET_SOURCE_DIR
                                "/tests/plugin/validate_answers.py' < '" +
                                file.string() + "' 2>&1";
    const auto close = [](FILE* pipe) { pclose(pipe); };
    const std::unique_ptr<FILE, decltype(close)> pipe(popen(command.c_str(), "r"), close);
    std::string text(1 << 16, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), pipe.get()));
    return text;
  }

  static json fullAssessment() {
    return json::parse(
        assessmentToJson(testing::anAssessment()
                             .withoutOrgan(Organ::Liver)
                             .withRefusedPredictions(RefusalCode::OutOfDistribution, "x")
                             .study()));
  }

  json answers_ = json::array();
};

TEST_F(AnswersTest, AreWhatOpenApiSaysOfThem) {
  publication_.messages = {{"2.25.1", "ehr", "1.2", "{}"}};
  note("/fedpet/status", get("/fedpet/status"));
  for (const auto& [series, result] :
       {std::pair{"pt", fullAssessment()},
        {"good", json::parse(assessmentToJson(testing::anAssessment().study()))},
        {"weightless", anAssessment()}}) {
    const auto id = std::to_string(leaseNewJob(series));
    note("/fedpet/jobs/{id}", get("/fedpet/jobs/" + id));
    asWorker("jobs/" + id + "/complete",
             {{"attempt", 1}, {"assessment", result}, {"timingsMs", {{"fetch", 3.5}}}});
    note("/fedpet/jobs/{id}", get("/fedpet/jobs/" + id));
    note("/fedpet/assessments/{id}", get(std::string("/fedpet/assessments/") + series));
  }
  const auto failed = std::to_string(leaseNewJob("failed"));
  asWorker("jobs/" + failed + "/fail", {{"attempt", 1}, {"code", "WorkerError"}, {"text", "x"}});
  note("/fedpet/jobs/{id}/cancel", post("/fedpet/jobs/" + failed + "/cancel"), "post");
  note("/fedpet/series/{id}/assess", post("/fedpet/series/pt/assess"), "post");
  note("/fedpet/jobs", get("/fedpet/jobs", {{"limit", "2"}}));
  note("/fedpet/jobs", get("/fedpet/jobs"));
  note("/fedpet/jobs/{id}", get("/fedpet/jobs/999"));
  const auto claim = outbox_.claimDue(kNoon, 1min);
  outbox_.markDelivered(claim->id, claim->revision, kNoon, {"Observation/1"});
  note("/fedpet/outbox", get("/fedpet/outbox"));
  note("/fedpet/status", get("/fedpet/status"));
  const auto said = complaints();
  if (!said) GTEST_SKIP() << "python3-jsonschema is not installed";
  EXPECT_EQ(*said, std::to_string(answers_.size()) + " answers judged\n");
}

TEST_F(AnswersTest, WouldBeFoundOutIfTheyWereSomethingElse) {
  leaseNewJob("pt");
  HttpResponse answer = get("/fedpet/jobs/1");
  json body = json::parse(answer.body);
  body["state"] = "dreaming";
  body["patientName"] = "Doe";
  body.erase("percent");
  answer.body = body.dump();
  note("/fedpet/jobs/{id}", answer);
  const auto said = complaints();
  if (!said) GTEST_SKIP() << "python3-jsonschema is not installed";
  for (const char* part : {"dreaming", "patientName", "'percent' is a required property"})
    EXPECT_THAT(*said, ::testing::HasSubstr(part));
}

TEST(DisabledPlugin, SaysWhyInItsStatus) {
  ParsedOptions parsed;
  parsed.errors = {"FedPet.Worker.Count: expected an integer"};
  Router router;
  addDisabledRoutes(router, parsed);
  const auto status = json::parse(router.handle({"GET", "/fedpet/status", {}, {}, ""}).body);
  EXPECT_EQ(status["enabled"], false);
  EXPECT_EQ(status["configuration"]["errors"][0], parsed.errors[0]);
}

}  // namespace
}  // namespace fedpet::plugin
