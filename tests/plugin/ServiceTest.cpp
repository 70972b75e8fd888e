// The plugin's threads together, behind an Orthanc of a few canned answers.
#include "orthanc-plugin/Service.h"
#include "tests/plugin/TemporaryDatabase.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace fedpet::plugin {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

// One PET series that becomes stable when told to. Called from several threads.
class CannedOrthanc {
 public:
  void makeStable() { stable_ = true; }
  OrthancCore core() {
    return {[this](const std::string& uri) { return answer(uri); },
            [] { return std::string("id"); }};
  }

 private:
  CoreReply answer(const std::string& uri) const {
    static const std::map<std::string, std::string> kAnswers{
        {"/changes?last", R"({"Changes":[],"Done":true,"Last":0})"},
        {"/series/s",
         R"({"ID":"s","IsStable":true,"MainDicomTags":{"Modality":"PT"},"ParentStudy":"st"})"},
        {"/series/s/instances", R"([{"ID":"i","MainDicomTags":{},"FileUuid":"u"}])"},
        {"/instances/i/tags?simplify",
         R"({"SOPClassUID":"1.2.840.10008.5.1.4.1.1.128","ImageType":"ORIGINAL\\PRIMARY","CorrectedImage":"ATTN",
             "RadiopharmaceuticalInformationSequence":[{"Radiopharmaceutical":"FDG"}]})"}};
    if (uri == "/changes?since=0&limit=1000" && stable_)
      return {
          200,
          R"({"Changes":[{"ChangeType":"StableSeries","ID":"s","Seq":1}],"Done":true,"Last":1})"};
    if (uri.starts_with("/changes?since=")) return {200, R"({"Changes":[],"Done":true,"Last":0})"};
    const auto it = kAnswers.find(uri);
    return it == kAnswers.end() ? CoreReply{404, ""} : CoreReply{200, it->second};
  }

  std::atomic<bool> stable_{false};
};

class ServiceTest : public ::testing::Test {
 protected:
  ServiceSettings settings(const std::string& fedpet) const {
    ServiceSettings s;
    s.parsed = parseOptions(R"({"FedPet":)" + fedpet + "}");
    EXPECT_TRUE(s.parsed.errors.empty());
    s.parsed.options.databasePath = file_.path().string();
    return s;
  }
  static bool eventually(const std::function<bool()>& holds) {
    for (int i = 0; i < 1000; ++i) {
      if (holds()) return true;
      std::this_thread::sleep_for(10ms);
    }
    return false;
  }
  static json get(const Service& service, const std::string& path) {
    return json::parse(service.handle({"GET", path, {}, {}, ""}).body);
  }

  TemporaryDatabase file_;
  CannedOrthanc orthanc_;
};

TEST_F(ServiceTest, MakesAJobWhenOrthancTellsOfAChange) {
  Service service(settings(R"({"Worker":{"Count":0}})"), orthanc_.core(),
                  [](LogLevel, const std::string&) {});
  service.start();
  EXPECT_EQ(get(service, "/fedpet/status")["jobs"]["waiting"], 0);
  orthanc_.makeStable();
  service.noteChange();
  EXPECT_TRUE(eventually([&] { return get(service, "/fedpet/status")["jobs"]["waiting"] == 1; }));
  EXPECT_FALSE(service.metrics().empty());
}

TEST_F(ServiceTest, ReportsAWorkerThatCannotBeStartedAndGoesOn) {
  std::atomic<int> errors{0};
  ServiceSettings broken = settings("{}");
  broken.workerProgram = "/no/such/program";
  Service service(broken, orthanc_.core(), [&](LogLevel level, const std::string& text) {
    if (level == LogLevel::Error && text.find("/no/such/program") != std::string::npos) ++errors;
  });
  orthanc_.makeStable();
  service.start();
  EXPECT_TRUE(eventually([&] { return errors > 0; }));
  EXPECT_EQ(get(service, "/fedpet/jobs")["jobs"][0]["state"], "waiting");
}

// A worker that waits for work must not hold up the stop of Orthanc.
TEST_F(ServiceTest, StopsWhileAWorkerWaitsForWork) {
  Service service(settings(R"({"Worker":{"Count":0,"AllowRemote":true}})"), orthanc_.core(),
                  [](LogLevel, const std::string&) {});
  service.start();
  std::thread worker([&] {
    service.handle({"POST", "/fedpet/worker/lease", {}, {}, R"({"worker":"w","waitMs":10000})"});
  });
  std::this_thread::sleep_for(100ms);
  const auto begin = std::chrono::steady_clock::now();
  service.requestStop();
  worker.join();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 2s);
}

TEST_F(ServiceTest, SurvivesACoreThatThrows) {
  std::atomic<int> errors{0};
  OrthancCore down{[](const std::string&) -> CoreReply { throw std::runtime_error("down"); },
                   [] { return std::string("id"); }};
  Service service(settings(R"({"Worker":{"Count":0}})"), down,
                  [&](LogLevel level, const std::string&) { errors += level == LogLevel::Error; });
  service.start();
  EXPECT_TRUE(eventually([&] { return errors > 0; }));
  EXPECT_EQ(get(service, "/fedpet/status")["enabled"], true);
}

}  // namespace
}  // namespace fedpet::plugin
