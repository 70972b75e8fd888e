// A study's whole way through a real Orthanc.
#include "tests/support/ehr/TestEhr.h"
#include "tests/system/OrthancFixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <set>
#include <thread>

namespace fedpet::testing {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Study : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = OrthancFixture::whyNot(); !reason.empty())
      GTEST_SKIP() << reason;
  }

  // Longer than Orthanc's StableAge of 1 s and our own patience: whatever would start, has.
  static void waitForWhatMustNotCome() { std::this_thread::sleep_for(4s); }

  static void expectOneResult(const OrthancFixture& orthanc) {
    EXPECT_THAT(orthanc.seriesOf("SR"), SizeIs(1));
    EXPECT_THAT(orthanc.seriesOf("SEG"), SizeIs(1));
    for (const char* modality : {"SR", "SEG", "DOC", "OT"})
      for (const auto& id : orthanc.seriesOf(modality))
        EXPECT_THAT(orthanc.get("/series/" + id).at("Instances"), SizeIs(1)) << modality;
  }
};

TEST_F(Study, SentByCStoreComesBackAsReportAndSegmentation) {
  OrthancFixture orthanc;
  orthanc.start();
  orthanc.send(phantomFiles());
  const json job = orthanc.waitForState("done");
  EXPECT_EQ(job["trigger"], "stable");
  EXPECT_EQ(job["attempt"], 1);
  EXPECT_TRUE(job["timingsMs"].contains("fetch"));
  expectOneResult(orthanc);

  const json pet = orthanc.get("/series/" + job["orthancSeriesId"].get<std::string>());
  const json study = orthanc.get("/studies/" + pet["ParentStudy"].get<std::string>());
  EXPECT_THAT(study["Series"], SizeIs(5)) << "SR, SEG, PDF and cine are in the study of the PET";

  const std::string root =
      "/dicom-web/studies/" + study["MainDicomTags"]["StudyInstanceUID"].get<std::string>();
  for (const char* modality : {"SR", "SEG"}) {
    const json found = orthanc.get(root + "/instances?Modality=" + modality);
    ASSERT_THAT(found, SizeIs(1)) << modality;
    const auto uid = [&](const char* tag) { return found[0][tag]["Value"][0].get<std::string>(); };
    const auto file = orthanc.request(
        "GET", root + "/series/" + uid("0020000E") + "/instances/" + uid("00080018"));
    EXPECT_EQ(file.status, 200) << modality;
    EXPECT_THAT(file.body, HasSubstr("DICM"));
  }

  const json assessment =
      orthanc.get("/fedpet/assessments/" + job["orthancSeriesId"].get<std::string>());
  EXPECT_EQ(assessment["status"], "assessed");
  EXPECT_THAT(assessment["regions"], ::testing::Not(IsEmpty()));
  EXPECT_THAT(orthanc.request("GET", "/tools/metrics-prometheus").body,
              HasSubstr("fedpet_jobs_done 1"));
  EXPECT_THAT(orthanc.request("GET", "/app/explorer.js").status, 200);
  EXPECT_THAT(orthanc.request("GET", "/plugins/explorer.js").body, HasSubstr("fedpet"));
}

TEST_F(Study, HasAReportToReadAndAPictureToTurn) {
  OrthancFixture orthanc;
  orthanc.start();
  orthanc.send(phantomFiles());
  orthanc.waitForState("done");
  const auto instanceOf = [&](const char* modality) {
    const auto series = orthanc.seriesOf(modality);
    return series.empty()
               ? std::string()
               : orthanc.get("/series/" + series.front())["Instances"][0].get<std::string>();
  };
  const auto pdf = orthanc.request("GET", "/instances/" + instanceOf("DOC") + "/pdf");
  EXPECT_EQ(pdf.status, 200);
  EXPECT_THAT(pdf.body, ::testing::StartsWith("%PDF-"));
  const std::string cine = instanceOf("OT");
  EXPECT_THAT(orthanc.get("/instances/" + cine + "/frames"), SizeIs(36));
  EXPECT_EQ(orthanc.request("GET", "/instances/" + cine + "/frames/9/preview").status, 200);
}

TEST_F(Study, OfAPatientWithAnEarlierOneIsComparedWithIt) {
  OrthancFixture orthanc;
  orthanc.start();
  orthanc.send(phantomFiles());
  const json first = orthanc.waitForState("done");
  orthanc.send(followUpFiles());
  const json second = orthanc.waitForJob(
      [&](const json& job) { return job["id"] != first["id"] && job["state"] == "done"; });
  const auto assessmentOf = [&](const json& job) {
    return orthanc.get("/fedpet/assessments/" + job["orthancSeriesId"].get<std::string>());
  };
  const json before = assessmentOf(first), after = assessmentOf(second);
  EXPECT_TRUE(before["comparison"].is_null());
  ASSERT_FALSE(after["comparison"].is_null());
  EXPECT_THAT(after["priors"], SizeIs(1));
  EXPECT_EQ(after["comparison"]["earlier"]["srSopInstanceUid"],
            before["identity"]["srSopInstanceUid"]);
  // The generator makes every lesion colder by more than 30 % (sample-data/TreatedPatient.cpp).
  EXPECT_EQ(after["comparison"]["percist"].value("category", ""), "PMR") << after["comparison"];

  // A lesion that was there before keeps its tracking UID, in the JSON and so in SR and SEG.
  std::set<std::string> known, matched;
  for (const json& region : before["regions"]) known.insert(region["trackingUid"]);
  for (const json& lesion : after["comparison"]["lesions"])
    if (lesion["fate"] == "Matched" &&
        lesion.contains("earlierVolumeMl"))  // no piece of a split one
      matched.insert(lesion["trackingUid"]);
  EXPECT_FALSE(matched.empty());
  for (const std::string& uid : matched) EXPECT_TRUE(known.contains(uid)) << uid;
}

TEST_F(Study, OfAnotherPatientWithTheSameNumberIsNotComparedWith) {
  OrthancFixture orthanc;
  orthanc.start();
  orthanc.send(phantomFiles());
  const json first = orthanc.waitForState("done");
  orthanc.send(
      modifiedCopy(followUpFiles(), orthanc.folder() / "other", {"-m", "(0010,0030)=19200101"}));
  const json second = orthanc.waitForJob(
      [&](const json& job) { return job["id"] != first["id"] && job["state"] == "done"; });
  const json after =
      orthanc.get("/fedpet/assessments/" + second["orthancSeriesId"].get<std::string>());
  EXPECT_TRUE(after["comparison"].is_null());
  EXPECT_THAT(after["warnings"].dump(), HasSubstr("check the identity"));
}

TEST_F(Study, StartsNothingByItsResultsOrWhenItIsSentAgain) {
  OrthancFixture orthanc;
  orthanc.start();
  orthanc.send(phantomFiles());
  orthanc.waitForState("done");
  orthanc.send(phantomFiles());
  waitForWhatMustNotCome();
  EXPECT_THAT(orthanc.jobs(), SizeIs(1));
  expectOneResult(orthanc);
}

TEST_F(Study, ReplacesItsResultWhenItIsAssessedAgain) {
  OrthancFixture orthanc;
  orthanc.start();
  orthanc.send(phantomFiles());
  const json job = orthanc.waitForState("done");
  const std::string series = job["orthancSeriesId"];
  ASSERT_EQ(orthanc.request("POST", "/fedpet/series/" + series + "/assess").status, 200);
  orthanc.waitForJob([](const json& j) { return j["attempt"] == 2 && j["state"] == "done"; });
  expectOneResult(orthanc);
  EXPECT_THAT(orthanc.jobs(), SizeIs(1));
}

TEST_F(Study, ReplacesItsResultWhenTheRestOfItArrives) {
  OrthancFixture orthanc;
  orthanc.start();
  const auto files = phantomFiles();
  const auto half = files.begin() + static_cast<std::ptrdiff_t>(files.size() * 3 / 4);
  orthanc.send({files.begin(), half});
  const auto ended = [](const json& job) {
    return job["state"] == "done" || job["state"] == "skipped";
  };
  const auto first = orthanc.waitForJob(ended)["id"];
  orthanc.send({half, files.end()});
  const json second =
      orthanc.waitForJob([&](const json& job) { return job["id"] != first && ended(job); });
  EXPECT_EQ(second["state"], "done");
  expectOneResult(orthanc);
  const json assessment =
      orthanc.get("/fedpet/assessments/" + second["orthancSeriesId"].get<std::string>());
  EXPECT_EQ(assessment["status"], "assessed");
  EXPECT_THAT(assessment["series"]["instances"], SizeIs(files.size()));
}

TEST_F(Study, StillArrivingWhenOrthancIsKilledIsNotLost) {
  OrthancFixture orthanc(json::object(), {{"StableAge", 3}});
  orthanc.start();
  orthanc.send(phantomFiles());
  orthanc.kill();
  orthanc.start();
  const json job = orthanc.waitForState("done");
  EXPECT_EQ(job["trigger"], "reconciled");
  waitForWhatMustNotCome();
  EXPECT_THAT(orthanc.jobs(), SizeIs(1));
  expectOneResult(orthanc);
}

TEST_F(Study, BeingAssessedWhenOrthancIsKilledGivesOneResult) {
  OrthancFixture orthanc;
  const fs::path fault = orthanc.folder() / "fault";
  std::ofstream(fault) << "on";
  // At "report": both objects are stored, the plugin does not know yet.
  orthanc.environment["FEDPET_WORKER_FAULT"] = "hang:report:" + fault.string();
  orthanc.start();
  orthanc.send(phantomFiles());
  orthanc.waitForJob([](const json& job) { return job["stage"] == "report"; });
  const auto workers = childrenOf(orthanc.processId());
  ASSERT_THAT(workers, SizeIs(1));
  orthanc.kill();
  EXPECT_TRUE(eventually([&] { return !fs::exists("/proc/" + std::to_string(workers[0])); }, 5s))
      << "the worker outlives Orthanc";
  fs::remove(fault);
  orthanc.start();
  const json job = orthanc.waitForState("done");
  EXPECT_EQ(job["attempt"], 2);
  EXPECT_EQ(job["triesLeft"], 2) << "the restart cost no try";
  expectOneResult(orthanc);
}

TEST_F(Study, SurvivesKillsAtManyMoments) {
  OrthancFixture orthanc;
  const auto files = phantomFiles();
  orthanc.start();
  orthanc.send(files);
  for (const auto pause : {200ms, 700ms, 1300ms, 1900ms, 2600ms, 3500ms}) {
    std::this_thread::sleep_for(pause);
    orthanc.kill();
    orthanc.start();
  }
  orthanc.waitForState("done");
  waitForWhatMustNotCome();
  EXPECT_THAT(orthanc.jobs(), SizeIs(1));
  expectOneResult(orthanc);
}

struct Fault {
  const char* kind;
  const char* code;
  const char* text;
};

void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.kind; }

class FaultyWorker : public Study, public ::testing::WithParamInterface<Fault> {};

TEST_P(FaultyWorker, CostsAttemptsThenFailsTheJobWithItsReasonAndCanBeRetried) {
  OrthancFixture orthanc(
      json{{"Retry", {{"MaxAttempts", 2}, {"BackOff", 1}}},
           {"Worker",
            {{"RestartBackOff", 1}, {"MemoryLimit", 3000}, {"StageDeadlines", {{"organs", 4}}}}}});
  const fs::path fault = orthanc.folder() / "fault";
  std::ofstream(fault) << "on";
  orthanc.environment["FEDPET_WORKER_FAULT"] =
      std::string(GetParam().kind) + ":organs:" + fault.string();
  orthanc.start();
  orthanc.send(phantomFiles());
  const json failed = orthanc.waitForState("failed");
  EXPECT_EQ(failed["attempt"], 2);
  EXPECT_EQ(failed["reason"]["code"], GetParam().code);
  EXPECT_THAT(failed["reason"]["text"].get<std::string>(), HasSubstr(GetParam().text));
  EXPECT_TRUE(orthanc.isRunning());
  EXPECT_THAT(orthanc.seriesOf("SR"), IsEmpty());

  fs::remove(fault);
  ASSERT_EQ(orthanc.request("POST", "/fedpet/jobs/" + failed["id"].dump() + "/retry").status, 200);
  EXPECT_EQ(orthanc.waitForState("done")["attempt"], 3);
  expectOneResult(orthanc);
}

INSTANTIATE_TEST_SUITE_P(EachKind, FaultyWorker,
                         ::testing::Values(Fault{"crash", "WorkerCrashed", "SIGSEGV"},
                                           Fault{"abort", "WorkerCrashed", "SIGABRT"},
                                           Fault{"hang", "WorkerTimedOut", "stage organs"},
                                           Fault{"oom", "WorkerOutOfMemory", ""},
                                           Fault{"throw", "WorkerError", "a fault for tests"}),
                         [](const auto& fault) { return std::string(fault.param.kind); });

TEST_F(Study, StopsItsWorkerWhenItsJobIsCancelled) {
  OrthancFixture orthanc;
  orthanc.environment["FEDPET_WORKER_FAULT"] = "hang:organs";
  orthanc.start();
  orthanc.send(phantomFiles());
  const json job = orthanc.waitForJob([](const json& j) { return j["stage"] == "organs"; });
  ASSERT_EQ(orthanc.request("POST", "/fedpet/jobs/" + job["id"].dump() + "/cancel").status, 200);
  EXPECT_TRUE(eventually([&] { return orthanc.get("/fedpet/status")["workers"]["running"] == 0; }));
  EXPECT_EQ(orthanc.jobs()[0]["state"], "cancelled");
}

struct Ineligible {
  const char* name;
  std::vector<std::string> change;
  const char* code;
};

void PrintTo(const Ineligible& ineligible, std::ostream* out) { *out << ineligible.name; }

class IneligibleStudy : public Study, public ::testing::WithParamInterface<Ineligible> {};

TEST_P(IneligibleStudy, IsSkippedWithItsReasonAndGetsNoReport) {
  OrthancFixture orthanc;
  orthanc.start();
  orthanc.send(modifiedCopy(phantomFiles(), orthanc.folder() / "sent", GetParam().change));
  const json job = orthanc.waitForState("skipped");
  EXPECT_EQ(job["reason"]["code"], GetParam().code);
  EXPECT_EQ(job["attempt"], 0) << "no worker was needed";
  waitForWhatMustNotCome();
  EXPECT_THAT(orthanc.seriesOf("SR"), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    EachKind, IneligibleStudy,
    ::testing::Values(
        Ineligible{"Uncorrected", {"-m", "(0028,0051)=DECY"}, "NotAttenuationCorrected"},
        Ineligible{"Psma",
                   {"-m", "(0054,0016)[0].(0018,0031)=Ga68-PSMA-11", "-ea",
                    "(0054,0016)[0].(0054,0304)", "-ea", "(0054,0016)[0].(0054,0300)"},
                   "NotFdg"},
        Ineligible{"Derived", {"-m", "(0008,0008)=DERIVED\\SECONDARY"}, "NotOriginalAxial"}),
    [](const auto& ineligible) { return std::string(ineligible.param.name); });

TEST_F(Study, WithoutAWeightGetsAReportThatSaysSoAndNoSegmentation) {
  OrthancFixture orthanc;
  orthanc.start();
  orthanc.send(modifiedCopy(phantomFiles(), orthanc.folder() / "sent", {"-ea", "(0010,1030)"}));
  const json job = orthanc.waitForState("done");
  EXPECT_THAT(orthanc.seriesOf("SR"), SizeIs(1));
  EXPECT_THAT(orthanc.seriesOf("SEG"), IsEmpty());
  const json assessment =
      orthanc.get("/fedpet/assessments/" + job["orthancSeriesId"].get<std::string>());
  EXPECT_EQ(assessment["status"], "refused");
  EXPECT_EQ(assessment["refusals"][0]["code"], "WeightMissing");
}

TEST_F(Study, CorrectedInThePacsLosesTheSegmentationThatNoLongerHolds) {
  OrthancFixture orthanc(json::object(), {{"OverwriteInstances", true}});
  orthanc.start();
  orthanc.send(phantomFiles());
  const json first = orthanc.waitForState("done");
  expectOneResult(orthanc);
  // The same UIDs with other content.
  orthanc.send(modifiedCopy(phantomFiles(), orthanc.folder() / "sent", {"-ea", "(0010,1030)"}));
  orthanc.waitForJob(
      [&](const json& job) { return job["id"] != first["id"] && job["state"] == "done"; });
  EXPECT_THAT(orthanc.seriesOf("SR"), SizeIs(1));
  EXPECT_THAT(orthanc.seriesOf("SEG"), IsEmpty());
  const json assessment =
      orthanc.get("/fedpet/assessments/" + first["orthancSeriesId"].get<std::string>());
  EXPECT_EQ(assessment["refusals"][0]["code"], "WeightMissing");
}

TEST_F(Study, DeletedAndSentAgainIsAssessedAgain) {
  OrthancFixture orthanc;
  orthanc.start();
  orthanc.send(phantomFiles());
  const json first = orthanc.waitForState("done");
  const std::string series = first["orthancSeriesId"];
  ASSERT_EQ(
      orthanc.request("DELETE", "/studies/" + first["orthancStudyId"].get<std::string>()).status,
      200);
  EXPECT_TRUE(eventually([&] {
    return orthanc.request("GET", "/fedpet/assessments/" + series).status == 404;
  })) << "the result of a deleted patient is kept";
  orthanc.send(phantomFiles());
  orthanc.waitForJob(
      [&](const json& job) { return job["id"] != first["id"] && job["state"] == "done"; });
  expectOneResult(orthanc);
}

TEST_F(Study, WithAMissingSliceGetsAReportInTheRightStudy) {
  OrthancFixture orthanc;
  orthanc.start();
  auto files = phantomFiles();
  files.erase(files.begin() + static_cast<std::ptrdiff_t>(files.size() / 2));
  orthanc.send(files);
  const json job = orthanc.waitForState("done");
  ASSERT_THAT(orthanc.seriesOf("SR"), SizeIs(1));
  EXPECT_THAT(orthanc.get("/studies"), SizeIs(1)) << "the report is in the study of the PET";
  const json assessment =
      orthanc.get("/fedpet/assessments/" + job["orthancSeriesId"].get<std::string>());
  EXPECT_EQ(assessment["refusals"][0]["code"], "MissingSlices");
}

TEST_F(Study, WithATruncatedInstanceHarmsNobody) {
  OrthancFixture orthanc;
  orthanc.start();
  auto files = modifiedCopy(phantomFiles(), orthanc.folder() / "sent", {"-m", "(0008,103e)=cut"});
  fs::resize_file(files[5], fs::file_size(files[5]) - 3000);
  int stored = 0;
  for (const fs::path& file : files) {
    std::ifstream in(file, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    if (orthanc.request("POST", "/instances", bytes).status == 200) ++stored;
  }
  EXPECT_GE(stored, static_cast<int>(files.size()) - 1);
  const json job = orthanc.waitForState("done");
  const json assessment =
      orthanc.get("/fedpet/assessments/" + job["orthancSeriesId"].get<std::string>());
  EXPECT_EQ(assessment["status"], "refused");
  EXPECT_THAT((std::vector<std::string>{"UnreadableDicom", "MissingSlices"}),
              ::testing::Contains(assessment["refusals"][0]["code"].get<std::string>()));
  EXPECT_TRUE(orthanc.isRunning());
}

TEST_F(Study, ReachesTheEhr) {
  if (const std::string reason = TestEhr::whyNot(); !reason.empty()) GTEST_SKIP() << reason;
  const auto files = phantomFiles();
  const std::string dump = runProgram({"dcmdump", "+P", "0010,0020", files[0].string()}).output;
  const std::string patientId =
      dump.substr(dump.find('[') + 1, dump.find(']') - dump.find('[') - 1);
  TestEhr ehr({"--patient", "urn:oid:1.2.3.4|" + patientId});
  OrthancFixture orthanc(
      json{{"Fhir", {{"BaseUrl", ehr.url()}, {"PatientIdentifierSystem", "urn:oid:1.2.3.4"}}}});
  orthanc.start();
  orthanc.send(files);
  const json job = orthanc.waitForState("done");
  EXPECT_TRUE(job["reason"].is_null()) << job.dump(2);
  EXPECT_TRUE(eventually([&] { return orthanc.get("/fedpet/status")["outbox"]["delivered"] == 1; }))
      << orthanc.get("/fedpet/outbox").dump(2);
  EXPECT_THAT(ehr.accepted(), HasSubstr("RiskAssessment"));
}

TEST_F(Study, WhoseEhrIsDownIsDoneNeverthelessAndItsMessageKept) {
  OrthancFixture orthanc(json{
      {"Fhir",
       {{"BaseUrl", "http://127.0.0.1:9/fhir"}, {"PatientIdentifierSystem", "urn:oid:1.2.3.4"}}}});
  orthanc.start();
  orthanc.send(phantomFiles());
  orthanc.waitForState("done");
  const auto kept = [&] {
    const json messages = orthanc.get("/fedpet/outbox")["messages"];
    return messages.size() == 1 && messages[0]["state"] == "Pending" &&
           messages[0]["attempts"] == 1;
  };
  EXPECT_TRUE(eventually(kept));
  orthanc.kill();
  orthanc.start();
  EXPECT_THAT(orthanc.get("/fedpet/outbox")["messages"], SizeIs(1));
}

TEST_F(Study, IsAssessedByARemoteWorkerWithOrdinaryCredentials) {
  OrthancFixture orthanc(json{{"Worker", {{"Count", 0}, {"AllowRemote", true}}}});
  orthanc.start();
  orthanc.send(phantomFiles());
  orthanc.waitForState("waiting");
  std::ofstream(orthanc.folder() / "user") << OrthancFixture::kUser << "\n";
  std::ofstream(orthanc.folder() / "password") << OrthancFixture::kPassword << "\n";
  const auto worker = runProgram({std::string(FEDPET_BINARY_DIR) + "/bin/fedpet-worker", "--once",
                                  "--name", "gpu-box", "--orthanc-url", orthanc.url(),
                                  "--username-file", (orthanc.folder() / "user").string(),
                                  "--password-file", (orthanc.folder() / "password").string()});
  EXPECT_EQ(worker.exitCode, 0) << worker.output;
  EXPECT_EQ(orthanc.jobs()[0]["state"], "done");
  expectOneResult(orthanc);
}

TEST_F(Study, IsStoredByAnOrthancWhosePluginIsMisconfigured) {
  OrthancFixture orthanc(json{{"Worker", {{"Count", "many"}}}});
  orthanc.start();
  orthanc.send(phantomFiles());
  EXPECT_THAT(orthanc.seriesOf("PT"), SizeIs(1));
  const json status = orthanc.get("/fedpet/status");
  EXPECT_EQ(status["enabled"], false);
  EXPECT_THAT(status["configuration"]["errors"][0].get<std::string>(),
              HasSubstr("FedPet.Worker.Count"));
}

TEST(Worker, AnswersHelpAndVersion) {
  const std::string worker = std::string(FEDPET_BINARY_DIR) + "/bin/fedpet-worker";
  const auto help = runProgram({worker, "--help"});
  EXPECT_EQ(help.exitCode, 0);
  EXPECT_THAT(help.output, HasSubstr("--orthanc-url"));
  EXPECT_EQ(runProgram({worker, "--version"}).exitCode, 0);
  EXPECT_NE(runProgram({worker, "--no-such-option"}).exitCode, 0);
}

}  // namespace
}  // namespace fedpet::testing
