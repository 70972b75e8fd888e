// A consortium of Orthancs: one hosts it, the others are its sites. What a person does is done
// through the REST API; what the plugins do happens in real processes on the loopback interface.
#include "federation/Clock.h"
#include "federation/coordinator/Coordinator.h"
#include "tests/support/TemporaryDirectory.h"
#include "tests/system/OrthancFixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <memory>
#include <random>

namespace fedpet::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;

constexpr double kIntercept = -0.4, kSlope = 1.2;

struct Patient {
  double tmtv = 0;
  int dcb = 0;
};

// Patients of one hospital: durable clinical benefit by a logistic model of one feature.
std::vector<Patient> makeCohort(unsigned seed, int patients) {
  std::mt19937 random(seed);
  std::normal_distribution<double> feature;
  std::uniform_real_distribution<double> uniform;
  std::vector<Patient> cohort;
  for (int i = 0; i < patients; ++i) {
    const double x = std::round(feature(random) * 1000) / 1000;  // as the table has it
    const double probability = 1 / (1 + std::exp(-(kIntercept + kSlope * x)));
    cohort.push_back({x, uniform(random) < probability ? 1 : 0});
  }
  return cohort;
}

void writeTable(const fs::path& file, const std::vector<Patient>& cohort) {
  std::ofstream out(file);
  out << "tmtv,dcb\n";
  for (const Patient& p : cohort) out << p.tmtv << ',' << p.dcb << '\n';
}

// Newton's method on all patients together, written out for two parameters.
struct PooledFit {
  double intercept = 0, slope = 0, logLikelihood = 0;
};
PooledFit pooledFit(const std::vector<Patient>& patients) {
  PooledFit fit;
  for (int iteration = 0; iteration < 30; ++iteration) {
    double g0 = 0, g1 = 0, h00 = 0, h01 = 0, h11 = 0;
    fit.logLikelihood = 0;
    for (const Patient& p : patients) {
      const double eta = fit.intercept + fit.slope * p.tmtv, q = 1 / (1 + std::exp(-eta));
      fit.logLikelihood += p.dcb * eta - std::log1p(std::exp(eta));
      const double w = q * (1 - q);
      g0 += p.dcb - q, g1 += (p.dcb - q) * p.tmtv;
      h00 += w, h01 += w * p.tmtv, h11 += w * p.tmtv * p.tmtv;
    }
    const double determinant = h00 * h11 - h01 * h01;
    fit.intercept += (h11 * g0 - h01 * g1) / determinant;
    fit.slope += (h00 * g1 - h01 * g0) / determinant;
  }
  return fit;
}

class Federation : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = OrthancFixture::whyNot(); !reason.empty())
      GTEST_SKIP() << reason;
    startHost();
    for (int i = 0; i < 3; ++i) startSite(i);
  }
  void TearDown() override {
    sites_.clear();
    host_.reset();
  }

  void startHost() {
    federation::CoordinatorSettings settings;
    settings.folder = folder_ / "host";
    settings.database = (settings.folder / "coordinator.db").string();
    settings.now = federation::systemSeconds;
    settings.log = [](const std::string&) {};
    federation::Coordinator::create("Test consortium", settings);
    // Sites log in by their signature, not as users of this Orthanc.
    host_ = std::make_unique<OrthancFixture>(
        json{{"Consortium", {{"Folder", settings.folder.string()}, {"PollEvery", 1}}}},
        json{{"AuthenticationEnabled", false}});
    host_->start();
    std::ifstream in(settings.folder / "admin-token");
    std::getline(in, token_);
  }

  void startSite(int i) {
    const fs::path own = folder_ / ("site-" + std::to_string(i));
    fs::create_directories(own);
    const auto cohort = makeCohort(static_cast<unsigned>(i + 1), 80);
    writeTable(own / "cohort.csv", cohort);
    everybody_.insert(everybody_.end(), cohort.begin(), cohort.end());
    sites_.push_back(
        std::make_unique<OrthancFixture>(json{{"Federation",
                                               {{"Folder", (own / "member").string()},
                                                {"CohortTable", (own / "cohort.csv").string()}}}}));
    sites_.back()->start();
  }

  std::string adminText(const std::string& method, const std::string& target,
                        const std::string& body = {}) {
    net::HttpClient client(host_->url());
    const auto answer = client.send({method,
                                     "/fedpet/consortium/v1/admin/" + target,
                                     {{"Authorization", "Bearer " + token_}},
                                     body});
    if (answer.status != 200) throw std::runtime_error(target + ": " + answer.body);
    return answer.body;
  }
  json admin(const std::string& method, const std::string& target, const json& body = {}) {
    return json::parse(adminText(method, target, body.is_null() ? "" : body.dump()));
  }

  static json post(OrthancFixture& orthanc, const std::string& target, const json& body) {
    const auto answer = orthanc.request("POST", target, body.dump());
    return {{"status", answer.status}, {"body", json::parse(answer.body, nullptr, false)}};
  }

  void enrolAll() {
    for (std::size_t i = 0; i < sites_.size(); ++i) {
      // The invitation names the address at which this test reaches the host.
      const json invited = admin("POST", "sites", {{"id", "hospital-" + std::to_string(i)}});
      auto invitation = federation::invitationFromText(invited.at("invitation").get<std::string>());
      invitation.coordinatorUrl = host_->url() + "/fedpet/consortium";
      const json answer = post(*sites_[i], "/fedpet/federation/enrolment",
                               {{"invitation", federation::toText(invitation)}});
      ASSERT_EQ(answer.at("status"), 200) << answer;
    }
  }

  static json planAt(OrthancFixture& site, const std::string& hash) {
    for (const json& plan : site.get("/fedpet/federation").value("plans", json::array()))
      if (plan.at("hash") == hash) return plan;
    return {};
  }

  std::string whatSitesSay() {
    std::string text;
    for (auto& site : sites_) text += site->get("/fedpet/federation").dump(1) + "\n";
    return text;
  }

  std::string planStatus(const std::string& hash) {
    return admin("GET", "plans/" + hash).at("status").get<std::string>();
  }

  const TemporaryDirectory temporary_;
  const fs::path& folder_ = temporary_.path();
  std::unique_ptr<OrthancFixture> host_;
  std::vector<std::unique_ptr<OrthancFixture>> sites_;
  std::string token_;
  std::vector<Patient> everybody_;
};

TEST_F(Federation, FitsOneModelOverThreeHospitalsThoughSiteAndHostAreKilledMeanwhile) {
  enrolAll();
  const json plan = {{"title", "DCB from TMTV"},
                     {"purpose", "research"},
                     {"task", "newton"},
                     {"features", {{{"name", "tmtv"}}}},
                     {"endpoint", {{"kind", "binary"}, {"column", "dcb"}}},
                     {"masking", "ring64"},
                     {"quorum", 3},
                     {"stepTimeoutSeconds", 60}};
  const std::string hash = admin("POST", "plans", plan).at("hash");

  for (auto& site : sites_) {
    ASSERT_TRUE(eventually([&] { return !planAt(*site, hash).is_null(); }));
    EXPECT_EQ(planAt(*site, hash).at("decision"), json());
    EXPECT_EQ(site->get("/fedpet/federation/plans/" + hash).at("title"), "DCB from TMTV");
    const std::string address = "/fedpet/federation/plans/" + hash + "/approve";
    EXPECT_EQ(post(*site, address, json::object()).at("status"), 400) << "nobody has decided";
    EXPECT_EQ(post(*site, address, {{"by", "Dr Curie"}}).at("status"), 200);
  }
  ASSERT_TRUE(eventually(
      [&] { return admin("GET", "plans/" + hash).at("decisions").size() == sites_.size(); }));
  admin("POST", "plans/" + hash + "/start");

  // The next two things happen to a hospital, and to the host, while rounds run.
  ASSERT_TRUE(eventually([&] { return !admin("GET", "rounds").empty(); }));
  sites_[1]->kill();
  sites_[1]->start();
  host_->kill();
  host_->start();

  ASSERT_TRUE(eventually([&] { return planStatus(hash) == "finished"; }, std::chrono::seconds(120)))
      << admin("GET", "rounds").dump(1) << whatSitesSay();
  // Nobody sees what came out before a person publishes it.
  admin("POST", "releases", {{"planHash", hash}, {"synthetic", true}});
  const json progress = admin("GET", "plans/" + hash);
  const json result = admin("GET", "blobs/" + progress.at("result").get<std::string>());
  const PooledFit pooled = pooledFit(everybody_);
  const json& fit = result.at("fit");
  EXPECT_NEAR(fit.at("coefficients").at(0).at("coefficient"), pooled.slope, 1e-6);
  EXPECT_NEAR(fit.at("coefficients").at(1).at("coefficient"), pooled.intercept, 1e-6);
  EXPECT_NEAR(fit.at("logLikelihood"), pooled.logLikelihood, 1e-6);
  EXPECT_EQ(fit.at("patients"), everybody_.size());

  // Every site's log is whole and its contributions are those the coordinator has written down.
  for (auto& site : sites_) {
    const fs::path file = folder_ / "audit.jsonl";
    std::ofstream(file) << site->request("GET", "/fedpet/federation/audit").body;
    std::ifstream in(file);
    EXPECT_TRUE(federation::verifyAudit(in).intact);
    std::istringstream coordinator(adminText("GET", "audit"));
    std::ifstream again(file);
    EXPECT_THAT(federation::compareAudits(coordinator, again), ::testing::IsEmpty());
  }
}

}  // namespace
}  // namespace fedpet::testing
