// The real coordinator behind HTTP on the loopback interface, and real sites that may be killed,
// cut off and lied to.
#pragma once

#include "federation/Clock.h"
#include "federation/learning/LocalSums.h"
#include "federation/site/Site.h"
#include "tests/federation/TestConsortium.h"
#include "tests/support/LoopbackServer.h"

#include <atomic>
#include <mutex>

namespace fedpet::federation::testing {

// What a hospital of these tests computes: the real sums, and for "train", which needs LibTorch,
// some numbers that fit.
inline std::vector<double> vectorOf(const Plan& plan, const RoundInput& input,
                                    const Cohort& cohort) {
  if (input.phase != "train") return localSums(plan, input, cohort).value().values;
  std::vector<double> values;
  const auto rows = static_cast<double>(cohort.rows);
  for (const SumField& field : layoutOf(plan, input).fields)
    for (std::size_t i = 0; i < field.length; ++i)
      values.push_back(field.name == "weight"   ? rows
                       : field.name == "update" ? rows * 0.01 * static_cast<double>(i + 1)
                                                : 0.25);
  return values;
}

// Deterministic, counted, and as bad as a test wants it.
class SumsTrainer : public LocalTrainer {
 public:
  tl::expected<int, CannotTakePart> patients(const Plan& plan) override {
    if (refusal) return tl::unexpected(*refusal);
    return patientsClaimed.value_or(static_cast<int>(cohortFor(plan).rows));
  }
  tl::expected<LocalResult, CannotTakePart> compute(const Plan& plan, int round,
                                                    const RoundInput& input, int atLeast,
                                                    const std::function<void(int)>& progress,
                                                    std::stop_token) override {
    ++computed[round];
    contributorsAtLeast = atLeast;
    progress(50);
    LocalResult result{vectorOf(plan, input, cohortFor(plan)), "{}"};
    if (spoil) spoil(result);
    return result;
  }
  Cohort cohortFor(const Plan& plan) const { return someCohort(plan, seed); }

  unsigned seed = 1;
  std::optional<std::string> refusal;
  std::optional<int> patientsClaimed;
  std::function<void(LocalResult&)> spoil;
  std::map<int, int> computed;  // by round number
  int contributorsAtLeast = 0;
};

class NotingObserver : public SiteObserver {
 public:
  void note(const std::string& sentence) override { all += sentence + "\n"; }
  void progress(const std::string&, std::string_view, int) override {}
  std::string all;
};

using fedpet::testing::Answer;
using fedpet::testing::LoopbackServer;

class SiteConsortium : public TestConsortium {
 public:
  // Sees each request, and whose it is. `answer()` asks the coordinator.
  using Intercept = std::function<Answer(const net::HttpRequest&, const std::string& site,
                                         const std::function<Answer()>& answer)>;

  SiteConsortium() {
    settings.publicUrl = server.url("/fedpet");
    restart();
  }
  // A new consortium that goes by the system's clock, as programs and OpenSSL do.
  void beginAgainNow() {
    now = systemSeconds();
    settings.now = systemSeconds;
    coordinator.reset();
    std::filesystem::remove_all(settings.folder);
    Coordinator::create("test consortium", settings);
    token.clear();
    std::ifstream(settings.folder / "admin-token") >> token;
    restart();
  }

  Invitation invite(const std::string& site) {
    return invitationFromText(
        adminJson("POST", "sites", json{{"id", site}}.dump()).at("invitation").get<std::string>());
  }
  std::string propose(const Plan& plan) {
    return adminJson("POST", "plans", toReadableJson(plan)).at("hash").get<std::string>();
  }
  void start(const std::string& plan) { adminJson("POST", "plans/" + plan + "/start"); }
  std::string status(const std::string& plan) {
    return planFacts(plan).at("status").get<std::string>();
  }
  SigningKey coordinatorKey() const {
    std::ifstream file(settings.folder / "coordinator-key.pem");
    const std::string pem{std::istreambuf_iterator<char>(file), {}};
    return SigningKey::fromPem(viewOf(pem));
  }
  void setIntercept(Intercept with) {
    const std::lock_guard lock(mutex);
    intercept = std::move(with);
  }

  Answer serve(const net::HttpRequest& request) {
    const auto ask = [&] { return askCoordinator(request); };
    Intercept with;
    {
      const std::lock_guard lock(mutex);
      with = intercept;
    }
    return with ? with(request, siteOf(request), ask) : ask();
  }

  std::mutex mutex;  // guards intercept
  Intercept intercept;
  LoopbackServer server{[this](const net::HttpRequest& r) { return serve(r); }};

 private:
  static std::string siteOf(const net::HttpRequest& request) {
    const auto header = net::headerValue(request.headers, kSignatureHeader);
    const auto signature = header ? parseSignatureHeader(*header) : std::nullopt;
    return signature ? signature->site : std::string();
  }
  Answer askCoordinator(const net::HttpRequest& request) {
    ApiRequest api;
    api.method = request.method;
    api.target = request.target.substr(std::string("/fedpet").size());
    for (const auto& [name, value] : request.headers) api.headers.emplace_back(name, value);
    api.body.assign(request.body.begin(), request.body.end());
    const ApiResponse response = coordinator->handle(api);
    Answer answer;
    answer.status = response.status;
    for (const auto& [name, value] : response.headers) answer.headers.push_back({name, value});
    answer.body.assign(response.body.begin(), response.body.end());
    return answer;
  }
};

// One hospital: its folder outlives the program.
class Hospital {
 public:
  Hospital(SiteConsortium& c, std::string id, unsigned seed)
      : consortium(c), name(std::move(id)), folder(c.root / ("site-" + name)) {
    trainer.seed = seed;
    policy.minimumPatients = 1;
    policy.approveAutomatically = true;
  }

  SiteSettings siteSettings() {
    SiteSettings settings;
    settings.folder = folder;
    settings.policy = policy;
    settings.http = http;
    settings.now = [this] { return consortium.now + clockError; };
    return settings;
  }
  void enrol() { Site::enrol(consortium.invite(name), siteSettings()); }
  void boot() {
    site.reset();  // the lock on its folder is free again
    site = std::make_unique<Site>(siteSettings(), trainer, observer);
  }
  std::chrono::milliseconds step() {
    if (!site) boot();
    return site->step({});
  }
  std::string problem() const { return site->status().lastProblem; }
  std::string auditText() const {
    std::ostringstream text;
    exportAudit(text, name, site->audit());
    return text.str();
  }

  SiteConsortium& consortium;
  std::string name;
  std::filesystem::path folder;
  SumsTrainer trainer;
  NotingObserver observer;
  SitePolicy policy;
  net::HttpClientOptions http;
  std::chrono::seconds clockError{0};
  std::unique_ptr<Site> site;
};

// n enrolled hospitals h1, h2, ...
class SiteWorld : public SiteConsortium {
 public:
  explicit SiteWorld(int count = 4) {
    for (int i = 1; i <= count; ++i) {
      hospitals.push_back(
          std::make_unique<Hospital>(*this, "h" + std::to_string(i), static_cast<unsigned>(i)));
      hospitals.back()->enrol();
    }
  }
  Hospital& hospital(int number) { return *hospitals.at(static_cast<std::size_t>(number - 1)); }

  void stepAll() {
    for (auto& hospital : hospitals) hospital->step();
    coordinator->tick();
  }
  // Proposed, approved by every hospital's policy, started.
  std::string runningPlan(const Plan& plan) {
    const std::string hash = propose(plan);
    stepAll();
    start(hash);
    return hash;
  }
  bool runUntil(const std::function<bool()>& reached, int steps = 300) {
    for (int i = 0; i < steps; ++i) {
      if (reached()) return true;
      stepAll();
    }
    return reached();
  }
  bool finish(const std::string& plan, int steps = 300) {
    return runUntil([&] { return status(plan) == "finished"; }, steps);
  }
  std::string openRound() {
    for (const auto& round : adminJson("GET", "rounds"))
      if (round.at("status") == "open") return round.at("id").get<std::string>();
    return {};
  }
  std::string stepOf(const std::string& round) {
    for (const auto& r : adminJson("GET", "rounds"))
      if (r.at("id") == round)
        return r.contains("now") ? r["now"].at("step").get<std::string>()
                                 : r.at("status").get<std::string>();
    return {};
  }
  // What the plan must give when every hospital contributes to every round: the same sums, made
  // here, in the same fixed point.
  json expectedResult(const Plan& plan) {
    Progress progress = begin(plan);
    while (!progress.outcome) {
      const SumLayout layout = layoutOf(plan, progress.input);
      const FixedPoint fixed(layout, static_cast<int>(hospitals.size()), plan.masking);
      std::vector<std::uint64_t> sum(layout.length());
      for (const auto& h : hospitals) {
        const auto words = fixed.encode(vectorOf(plan, progress.input, h->trainer.cohortFor(plan)));
        for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += words[i];
      }
      RoundSum total;
      total.values = fixed.decode(sum);
      total.contributors = static_cast<int>(hospitals.size());
      progress = proceed(plan, progress, total);
    }
    return json::parse(progress.outcome->resultJson);
  }
  json resultOf(const std::string& plan) {
    std::ifstream file(settings.folder / "blobs" / planFacts(plan).at("result").get<std::string>());
    return json::parse(file, nullptr, false);
  }

  std::vector<std::unique_ptr<Hospital>> hospitals;
};

}  // namespace fedpet::federation::testing
