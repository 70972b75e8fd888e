#include "orthanc-plugin/training/LoopbackConsortium.h"

#include "federation/Clock.h"
#include "federation/coordinator/Coordinator.h"
#include "federation/files/DurableFiles.h"
#include "federation/coordinator/Keys.h"
#include "federation/coordinator/OverHttp.h"
#include "federation/site/Site.h"
#include "federation/wire/RequestSignature.h"
#include "net/HttpClient.h"
#include "net/HttpServer.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <condition_variable>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <set>
#include <thread>

namespace fedpet::plugin {
namespace {

namespace fs = std::filesystem;
using federation::Bytes;
using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

// A site polls this often at least; something that happened wakes all of them, and what happens in
// the moment after that goes with the same poll.
constexpr milliseconds kPollAtLeast{250}, kGathering{2};
// How long a site may fail to reach the coordinator before the person is told.
constexpr std::chrono::seconds kPatience{10};

std::string textOf(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw ConsortiumError(path.string() + " cannot be read");
  return {std::istreambuf_iterator<char>(file), {}};
}

// Wakes whoever waits for something to happen.
class Bell {
 public:
  void ring() {
    {
      const std::lock_guard lock(mutex_);
      ++rings_;
    }
    rung_.notify_all();
  }
  // Until it has rung since `heard`, or for so long; returns what has been heard now.
  std::uint64_t wait(std::uint64_t heard, milliseconds atMost, std::stop_token stop) {
    std::unique_lock lock(mutex_);
    rung_.wait_for(lock, stop, atMost, [&] { return rings_ != heard; });
    return rings_;
  }

 private:
  std::mutex mutex_;  // guards rings_
  std::condition_variable_any rung_;
  std::uint64_t rings_ = 0;
};

// Bytes and times by round, from what passes the coordinator's handler.
class Meter {
 public:
  void count(const net::ServerRequest& request, const net::HttpResponse& answer) {
    const std::lock_guard lock(mutex_);
    if (request.method == "POST" && request.target.starts_with(kRounds)) enter(request.target);
    const auto now = steady_clock::now();
    if (rounds_.empty()) return;
    Timed& round = rounds_.back();
    round.last = now;
    round.figures.traffic.sentBytes += request.method.size() + request.target.size() +
                                       sizeOf(request.headers) + request.body.size();
    round.figures.traffic.receivedBytes += sizeOf(answer.headers) + answer.body.size();
  }
  std::vector<RoundFigures> take() {
    const std::lock_guard lock(mutex_);
    std::vector<RoundFigures> figures;
    for (std::size_t i = 0; i < rounds_.size(); ++i) {
      const auto end = i + 1 < rounds_.size() ? rounds_[i + 1].first : rounds_[i].last;
      rounds_[i].figures.time = end - rounds_[i].first;
      figures.push_back(std::move(rounds_[i].figures));
    }
    rounds_.clear();
    return figures;
  }

 private:
  static constexpr std::string_view kRounds = "/v1/rounds/";
  struct Timed {
    RoundFigures figures;
    steady_clock::time_point first, last;
  };
  static std::uint64_t sizeOf(const net::Headers& headers) {
    std::uint64_t bytes = 0;
    for (const net::Header& header : headers) bytes += header.name.size() + header.value.size() + 4;
    return bytes;
  }
  void enter(std::string_view target) {
    target.remove_prefix(kRounds.size());
    const std::string id(target.substr(0, target.find('/')));
    // A late message of a round that is over does not bring it back.
    if (!seen_.insert(id).second) return;
    Timed round;
    round.figures.roundId = id;
    round.first = steady_clock::now();
    rounds_.push_back(std::move(round));
  }

  std::mutex mutex_;  // guards all below
  std::vector<Timed> rounds_;
  std::set<std::string> seen_;
};

// The coordinator behind its HTTPS server, and the administrator's access to it.
class Host {
 public:
  Host(const fs::path& folder, const std::string& consortium, Bell& bell)
      : folder_(folder), bell_(bell) {
    fs::create_directories(folder_);
    federation::Coordinator::create(consortium, settings(""));
    const federation::KeyFiles files{folder_};
    serve(files);
    coordinator_.emplace(settings(server_->url()));
    token_ = textOf(files.token());
    while (!token_.empty() && token_.back() == '\n') token_.pop_back();
    net::HttpClientOptions options;
    options.caFile = files.authority();
    client_.emplace(server_->url(), options);
    ticker_ = std::jthread([this](std::stop_token stop) {
      std::mutex mutex;
      std::condition_variable_any never;
      std::unique_lock lock(mutex);
      while (!never.wait_for(lock, stop, milliseconds(500), [&] { return stop.stop_requested(); }))
        coordinator_->tick();
    });
  }
  ~Host() {
    ticker_ = {};
    server_->stop();  // before the coordinator that it asks
  }
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  Meter& meter() { return meter_; }
  std::string troubles() {
    const std::lock_guard lock(mutex_);
    return troubles_;
  }

  // Over TLS like everybody else. Throws ConsortiumError for an answer that is not 2xx.
  std::string ask(const std::string& method, const std::string& target, std::string body = {}) {
    net::HttpRequest request;
    request.method = method;
    request.target = target;
    request.headers = {{"Authorization", "Bearer " + token_}, {"Content-Type", "application/json"}};
    request.body = std::move(body);
    net::HttpResponse answer = client_->send(request);
    if (answer.status / 100 == 2) return std::move(answer.body);
    const json problem = json::parse(answer.body, nullptr, false);
    throw ConsortiumError(fmt::format("The coordinator refuses {} {}: {}", method, target,
                                      problem.is_object() ? problem.value("message", answer.body)
                                                          : std::to_string(answer.status)));
  }
  json askJson(const std::string& method, const std::string& target, std::string body = {}) {
    return json::parse(ask(method, target, std::move(body)));
  }

 private:
  federation::CoordinatorSettings settings(const std::string& url) {
    federation::CoordinatorSettings settings;
    settings.database = (folder_ / "coordinator.db").string();
    settings.folder = folder_;
    settings.publicUrl = url;
    settings.pollInterval = std::chrono::seconds(1);  // the bell is quicker
    settings.roundRetries = 0;                        // what fails here fails again
    settings.now = federation::systemSeconds;
    settings.log = [this](const std::string& line) { remember(line); };
    return settings;
  }
  void serve(const federation::KeyFiles& files) {
    const auto key = federation::SigningKey::generate();
    const std::string keyPem = textOf(files.authorityKey());
    const auto authority = federation::CertificateAuthority::load(textOf(files.authority()),
                                                                  federation::viewOf(keyPem));
    federation::CertificateTerms terms;
    terms.commonName = "coordinator";
    terms.notBefore = federation::systemSeconds() - std::chrono::hours(1);
    terms.notAfter = federation::systemSeconds() + std::chrono::hours(24 * 30);
    terms.ipAddresses = {"127.0.0.1"};
    terms.forServer = true;

    net::HttpServerOptions options;
    options.certificateFile = folder_ / "server.pem";
    options.keyFile = folder_ / "server-key.pem";
    options.clientCaFile = files.authority();
    options.clientCertificates = net::HttpServerOptions::ClientCertificates::Optional;
    options.onTrouble = [this](const std::string& line) { remember(line); };
    federation::writeOwnerFile(options.certificateFile,
                               federation::viewOf(authority.issue(key.publicKey(), terms)));
    federation::writeOwnerFile(options.keyFile, key.toPem().view());
    server_.emplace(options, [this](const net::ServerRequest& request) { return answer(request); });
  }
  // Not before coordinator_ is there: nobody knows the port earlier.
  net::HttpResponse answer(const net::ServerRequest& request) {
    // Enrolment and administration come without a certificate; a member's request may not.
    if (!request.peer && net::headerValue(request.headers, federation::kSignatureHeader))
      return {403, {}, "a member shows its certificate"};
    net::HttpResponse answer = federation::answerOverHttp(*coordinator_, request, request.target);
    if (!request.target.starts_with("/v1/admin/")) meter_.count(request, answer);
    const bool isPoll = request.target.starts_with("/v1/poll");
    if (request.method == "POST" && !isPoll) bell_.ring();
    return answer;
  }
  void remember(const std::string& line) {
    constexpr std::size_t kMostBytes = 4000;
    const std::lock_guard lock(mutex_);
    if (troubles_.size() < kMostBytes) troubles_ += line + "\n";
  }

  fs::path folder_;
  Bell& bell_;
  Meter meter_;
  std::string token_;
  std::mutex mutex_;  // guards troubles_
  std::string troubles_;
  std::optional<federation::Coordinator> coordinator_;
  std::optional<net::HttpServer> server_;
  std::optional<net::HttpClient> client_;
  std::jthread ticker_;
};

// One site, polling in a thread of its own.
class SiteThread : public federation::SiteObserver {
 public:
  SiteThread(const federation::Invitation& invitation, const fs::path& folder,
             federation::LocalTrainer& trainer, Bell& bell)
      : name_(invitation.site), bell_(bell) {
    federation::SiteSettings settings;
    settings.folder = folder;
    settings.policy = experimentPolicy();
    settings.now = federation::systemSeconds;
    federation::Site::enrol(invitation, settings);
    site_.emplace(settings, trainer, *this);
    thread_ = std::jthread([this](std::stop_token stop) { run(std::move(stop)); });
  }

  const std::string& name() const { return name_; }
  federation::SiteStatus status() const { return site_->status(); }
  bool hasNoted(const std::string& part) {
    const std::lock_guard lock(mutex_);
    return std::any_of(notes_.begin(), notes_.end(), [&](const std::string& note) {
      return note.find(part) != std::string::npos;
    });
  }
  std::vector<std::string> notes() {
    const std::lock_guard lock(mutex_);
    return notes_;
  }
  // The problem that has lasted longer than kPatience; empty: none.
  std::string lastingProblem() {
    const std::lock_guard lock(mutex_);
    return !problem_.empty() && steady_clock::now() - problemSince_ > kPatience ? problem_ : "";
  }

 private:
  // What approves here is a person who typed a command: whatever the plan says is agreed to.
  static federation::SitePolicy experimentPolicy() {
    federation::SitePolicy policy;
    policy.allowedPurposes = {"research"};
    policy.minimumPatients = 1;
    policy.maximumEpsilon = 1e6;
    policy.requireMasking = false;
    policy.approveAutomatically = true;
    return policy;
  }
  void run(std::stop_token stop) {
    std::uint64_t heard = 0;
    while (!stop.stop_requested()) {
      site_->step(stop);
      notice(site_->status().lastProblem);
      const std::uint64_t now = bell_.wait(heard, kPollAtLeast, stop);
      if (now != heard) std::this_thread::sleep_for(kGathering);
      heard = now;
    }
  }
  void notice(const std::string& problem) {
    const std::lock_guard lock(mutex_);
    if (problem_.empty() && !problem.empty()) problemSince_ = steady_clock::now();
    problem_ = problem;
  }
  void note(const std::string& sentence) override {
    const std::lock_guard lock(mutex_);
    notes_.push_back(sentence);
  }
  void progress(const std::string&, std::string_view, int) override {}

  std::string name_;
  Bell& bell_;
  std::mutex mutex_;  // guards the three below
  std::vector<std::string> notes_;
  std::string problem_;
  steady_clock::time_point problemSince_;
  std::optional<federation::Site> site_;
  std::jthread thread_;  // last: it uses all above
};

}  // namespace

class LoopbackConsortium::Impl {
 public:
  Impl(const Settings& settings, const std::vector<Member>& members)
      : host_(settings.folder / "coordinator", settings.consortium, bell_) {
    for (const Member& member : members) {
      const json invited =
          host_.askJson("POST", "/v1/admin/sites", json{{"id", member.site}}.dump());
      sites_.push_back(std::make_unique<SiteThread>(
          federation::invitationFromText(invited.at("invitation").get<std::string>()),
          settings.folder / member.site, *member.trainer, bell_));
    }
  }

  PlanRun run(const federation::Plan& plan, const std::function<void(int)>& progress,
              std::stop_token stop) {
    const auto started = steady_clock::now();
    host_.meter().take();
    PlanRun done;
    done.planHash = host_.askJson("POST", "/v1/admin/plans", federation::toReadableJson(plan))
                        .at("hash")
                        .get<std::string>();
    const std::string address = "/v1/admin/plans/" + done.planHash;
    waitFor(address, stop, [&](const json& state) { return everybodyApproved(state); });
    host_.ask("POST", address + "/start");
    waitFor(address, stop, [&](const json& state) {
      progress(static_cast<int>(state.at("rounds").size()));
      return isFinished(state);
    });
    done.rounds = host_.meter().take();
    done.releaseHash =
        host_.askJson("POST", "/v1/admin/releases", json{{"planHash", done.planHash}}.dump())
            .at("hash")
            .get<std::string>();
    const json state = waitFor(address, stop, [&](const json&) {
      return std::all_of(sites_.begin(), sites_.end(),
                         [&](auto& site) { return site->hasNoted(done.releaseHash); });
    });
    const std::string parameters = blob(state.at("parameters").get<std::string>());
    done.outcome.values = federation::decodeRoundInput(federation::viewOf(parameters)).values;
    done.outcome.resultJson = blob(state.at("result").get<std::string>());
    for (const auto& site : sites_)
      done.epsilonSpent = std::max(done.epsilonSpent, site->status().epsilonSpent);
    done.time = steady_clock::now() - started;
    return done;
  }

 private:
  std::string blob(const std::string& sha256) {
    return host_.ask("GET", "/v1/admin/blobs/" + sha256);
  }

  template <typename Condition>
  json waitFor(const std::string& address, const std::stop_token& stop, Condition condition) {
    constexpr milliseconds kLookAtLeast{100}, kLookAtMost{20};
    std::uint64_t heard = 0;
    for (;;) {
      if (stop.stop_requested()) throw ConsortiumError("Stopped.");
      const json state = host_.askJson("GET", address);
      if (condition(state)) return state;
      for (const auto& site : sites_)
        if (const std::string problem = site->lastingProblem(); !problem.empty())
          throw ConsortiumError(fmt::format("Site {}: {}", site->name(), problem));
      std::this_thread::sleep_for(kLookAtMost);
      heard = bell_.wait(heard, kLookAtLeast, stop);
    }
  }

  bool everybodyApproved(const json& state) {
    for (const json& decision : state.at("decisions"))
      if (!decision.at("approved").get<bool>())
        throw ConsortiumError(fmt::format("Site {} rejected the plan: {}",
                                          decision.at("site").get<std::string>(),
                                          decision.at("reason").get<std::string>()));
    // A site that has objections does not decide by itself.
    for (const auto& site : sites_)
      for (const federation::KnownPlan& plan : site->status().plans)
        if (!plan.policyObjections.empty() && plan.hash == state.at("hash").get<std::string>())
          throw ConsortiumError(fmt::format("Site {} does not approve the plan: {}", site->name(),
                                            plan.policyObjections.front()));
    return state.at("decisions").size() == sites_.size();
  }

  bool isFinished(const json& state) {
    const auto status = state.at("status").get<std::string>();
    if (status == "finished") return true;
    if (status == "running") return false;
    std::string reasons =
        fmt::format("The plan is {}: {}", status, state.at("reason").get<std::string>());
    for (const auto& site : sites_) {
      for (const std::string& note : site->notes())
        reasons += fmt::format("\nSite {}: {}", site->name(), note);
      if (const std::string problem = site->status().lastProblem; !problem.empty())
        reasons += fmt::format("\nSite {}: {}", site->name(), problem);
    }
    if (const std::string troubles = host_.troubles(); !troubles.empty())
      reasons += "\nCoordinator: " + troubles;
    throw ConsortiumError(reasons);
  }

  Bell bell_;
  Host host_;
  std::vector<std::unique_ptr<SiteThread>> sites_;  // ended before the host
};

LoopbackConsortium::LoopbackConsortium(Settings settings, const std::vector<Member>& members)
    : impl_(std::make_unique<Impl>(settings, members)) {}
LoopbackConsortium::~LoopbackConsortium() = default;

PlanRun LoopbackConsortium::run(const federation::Plan& plan,
                                const std::function<void(int)>& progress, std::stop_token stop) {
  return impl_->run(plan, progress, std::move(stop));
}

}  // namespace fedpet::plugin
