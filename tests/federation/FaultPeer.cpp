// One process of a consortium that a test kills: its coordinator, or a site.
//   fedpet_fault_peer coordinator FOLDER tls|plain PUBLIC_URL|- [KILL...]
//   fedpet_fault_peer site FOLDER SEED CLOCK_ERROR_SECONDS normal|slow|nan|huge|liar
// KILL is VICTIM:REQUEST:before|after:COUNT. The coordinator kills VICTIM ("coordinator", a site,
// or "all") with SIGKILL before it handles the COUNT-th such request, or after it has handled it
// and before it answers; each KILL happens once, also over restarts.
// Beside FOLDER lie FOLDER.pid, FOLDER.invitation (of a site) and FOLDER.url (of the coordinator).
#include "federation/Clock.h"
#include "federation/coordinator/Coordinator.h"
#include "federation/coordinator/Keys.h"
#include "federation/coordinator/OverHttp.h"
#include "federation/site/Site.h"
#include "federation/wire/RequestSignature.h"
#include "net/HttpServer.h"
#include "tests/federation/FaultPlan.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <limits>
#include <map>
#include <mutex>
#include <thread>

namespace fedpet::federation::testing {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

void say(const std::string& line) {
  std::fprintf(stderr, "%s\n", line.c_str());
  std::fflush(stderr);
}

std::string textIn(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}
void writeText(const fs::path& path, const std::string& text) {
  std::ofstream(path.string() + ".new") << text;
  fs::rename(path.string() + ".new", path);
}

// --- the coordinator ---------------------------------------------------------------------------

struct Kill {
  std::string text, victim, request, when;
  int count = 1;
};

Kill killFrom(const std::string& text) {
  std::vector<std::string> parts{""};
  for (const char c : text) {
    if (c == ':')
      parts.emplace_back();
    else
      parts.back() += c;
  }
  if (parts.size() != 4) throw std::invalid_argument("no such kill: " + text);
  return {text, parts[0], parts[1], parts[2], std::stoi(parts[3])};
}

std::string siteOf(const net::ServerRequest& request) {
  const auto header = net::headerValue(request.headers, kSignatureHeader);
  const auto signature = header ? parseSignatureHeader(*header) : std::nullopt;
  return signature ? signature->site : "";
}

// "join", "share", ... of a round's messages; "upload", "decision"; empty: any other.
std::string kindOf(const net::ServerRequest& request) {
  if (request.method == "PUT" && request.target.starts_with("/v1/uploads/")) return "upload";
  if (request.target.ends_with("/decisions")) return "decision";
  if (!request.target.ends_with("/messages")) return "";
  try {
    const auto document = decodeSignedDocument(viewOf(request.body));
    const auto body = decode<RoundMessage>(document.payload).body;
    constexpr const char* kNames[] = {"join",    "share",  "contribute",
                                      "confirm", "reveal", "withdraw"};
    return kNames[body.index()];
  } catch (const WireError&) {
    return "";
  }
}

class Killer {
 public:
  Killer(fs::path root, const std::vector<std::string>& kills) : root_(std::move(root)) {
    for (const std::string& text : kills) kills_.push_back(killFrom(text));
  }

  // The kills that this request brings about.
  std::vector<Kill> due(const std::string& site, const std::string& request) {
    const std::lock_guard lock(mutex_);
    std::vector<Kill> result;
    for (Kill& kill : kills_) {
      const bool isOfAnyone = kill.victim == "coordinator" || kill.victim == "all";
      if (kill.request != request || (!isOfAnyone && kill.victim != site)) continue;
      if (--kill.count == 0 && isFirst(kill)) result.push_back(kill);
    }
    return result;
  }

  void strike(const std::vector<Kill>& kills, const std::string& now) {
    for (const Kill& kill : kills) {
      if (kill.when != now) continue;
      say("killing " + kill.text);
      for (const auto& entry : fs::directory_iterator(root_)) {
        if (entry.path().extension() != ".pid") continue;
        const std::string name = entry.path().stem();
        if (name == kill.victim || (kill.victim == "all" && name != "coordinator"))
          ::kill(std::stoi(textIn(entry.path())), SIGKILL);
      }
      if (kill.victim == "coordinator" || kill.victim == "all") ::kill(::getpid(), SIGKILL);
    }
  }

 private:
  bool isFirst(const Kill& kill) const {
    const int file = ::open((root_ / ("killed-" + kill.text)).c_str(), O_CREAT | O_EXCL | O_CLOEXEC,
                            S_IRUSR | S_IWUSR);
    if (file >= 0) ::close(file);
    return file >= 0;
  }

  fs::path root_;
  std::mutex mutex_;  // guards kills_
  std::vector<Kill> kills_;
};

void issueServerCertificate(const fs::path& folder) {
  const Keys keys = Keys::load(folder);
  const SigningKey key = SigningKey::generate();
  CertificateTerms terms;
  terms.commonName = "coordinator";
  terms.notBefore = systemSeconds() - 1h;
  terms.notAfter = systemSeconds() + 24h;
  terms.forServer = true;
  terms.ipAddresses = {"127.0.0.1"};
  std::ofstream(folder / "server.pem") << keys.authority.issue(key.publicKey(), terms);
  std::ofstream(folder / "server-key.pem") << textOf(key.toPem().view());
}

net::HttpServerOptions serverOptions(const fs::path& folder, bool tls, std::uint16_t port) {
  net::HttpServerOptions options;
  options.port = port;
  options.handlerThreads = 8;
  options.maxBodyBytes = kMaxMessageBytes;
  options.onTrouble = say;
  if (!tls) return options;
  options.certificateFile = folder / "server.pem";
  options.keyFile = folder / "server-key.pem";
  options.clientCaFile = KeyFiles{folder}.authority();
  options.clientCertificates = net::HttpServerOptions::ClientCertificates::Optional;
  return options;
}

net::HttpResponse answered(Coordinator& coordinator, const net::ServerRequest& request, bool tls) {
  const std::string& target = request.target;
  const bool isOpen =
      target == "/v1/consortium" || target == "/v1/enrol" || target.starts_with("/v1/admin/");
  if (tls && !request.peer && !isOpen) return {403, {}, R"({"code":"CertificateNeeded"})"};
  return answerOverHttp(coordinator, request, target);
}

int runCoordinator(const std::vector<std::string>& arguments) {
  const fs::path folder = arguments.at(0);
  const bool tls = arguments.at(1) == "tls";
  Killer killer(folder.parent_path(), {arguments.begin() + 3, arguments.end()});
  CoordinatorSettings settings;
  settings.folder = folder;
  settings.database = (folder / "coordinator.db").string();
  settings.pollInterval = 1s;
  settings.now = systemSeconds;
  settings.log = say;
  settings.publicUrl = "http://127.0.0.1";  // until the port is known
  if (!fs::exists(folder)) {
    Coordinator::create("consortium of faults", settings);
    issueServerCertificate(folder);
  }
  const fs::path urlFile = folder.string() + ".url";
  const std::string before = textIn(urlFile);
  const std::uint16_t port = before.empty() ? std::uint16_t{0} : net::parseUrl(before).port;

  std::atomic<Coordinator*> ready{nullptr};
  net::HttpServer server(serverOptions(folder, tls, port), [&](const net::ServerRequest& request) {
    Coordinator* coordinator = ready;
    if (coordinator == nullptr) return net::HttpResponse{503, {}, "{}"};
    const auto kills = killer.due(siteOf(request), kindOf(request));
    killer.strike(kills, "before");
    net::HttpResponse response = answered(*coordinator, request, tls);
    killer.strike(kills, "after");
    return response;
  });
  settings.publicUrl = arguments.at(2) == "-" ? server.url() : arguments.at(2);
  Coordinator coordinator(settings);
  ready = &coordinator;
  writeText(urlFile, server.url());
  for (;;) {
    std::this_thread::sleep_for(200ms);
    coordinator.tick();
  }
}

// --- a site ------------------------------------------------------------------------------------

class FaultyTrainer : public LocalTrainer {
 public:
  FaultyTrainer(unsigned seed, std::string variant) : seed_(seed), variant_(std::move(variant)) {}

  tl::expected<int, CannotTakePart> patients(const Plan& plan) override {
    return static_cast<int>(someCohort(plan, seed_).rows);
  }
  tl::expected<LocalResult, CannotTakePart> compute(const Plan& plan, int, const RoundInput& input,
                                                    int, const std::function<void(int)>&,
                                                    std::stop_token) override {
    auto result = localSums(plan, input, someCohort(plan, seed_));
    if (!result) return result;
    auto& values = result->values;
    if (variant_ == "slow") std::this_thread::sleep_for(4s);
    if (variant_ == "nan") values.front() = std::numeric_limits<double>::quiet_NaN();
    if (variant_ == "huge") values.back() = 1e300;
    if (variant_ == "liar")  // as if each patient had been here a thousand times
      for (double& x : values) x *= 1000;
    return result;
  }

 private:
  unsigned seed_;
  std::string variant_;
};

class LoggingObserver : public SiteObserver {
 public:
  void note(const std::string& sentence) override { say(sentence); }
  void progress(const std::string& round, std::string_view stage, int percent) override {
    say(round + " " + std::string(stage) + " " + std::to_string(percent));
  }
};

void enrolPatiently(const fs::path& folder, const SiteSettings& settings) {
  const Invitation invitation = invitationFromText(textIn(folder.string() + ".invitation"));
  for (;;) {
    try {
      return Site::enrol(invitation, settings);
    } catch (const net::NetError& e) {
      say(e.what());
      std::this_thread::sleep_for(200ms);
    }
  }
}

int runSite(const std::vector<std::string>& arguments) {
  SiteSettings settings;
  settings.folder = arguments.at(0);
  settings.policy.minimumPatients = 1;
  settings.policy.approveAutomatically = true;
  settings.http.ioTimeout = 20s;
  settings.now = [error = std::chrono::seconds(std::stoi(arguments.at(2)))] {
    return systemSeconds() + error;
  };
  enrolPatiently(settings.folder, settings);
  FaultyTrainer trainer(static_cast<unsigned>(std::stoi(arguments.at(1))), arguments.at(3));
  LoggingObserver observer;
  Site site(settings, trainer, observer);
  for (std::string problem;;) {
    const auto wait = site.step({});
    if (const auto now = site.status().lastProblem; now != problem) say(problem = now);
    if (wait > 30min) return 0;  // revoked
    // Oftener than asked for: a test does not wait as a hospital does.
    std::this_thread::sleep_for(std::min<std::chrono::milliseconds>(wait, 250ms));
  }
}

}  // namespace
}  // namespace fedpet::federation::testing

int main(int count, char** values) try {
  using namespace fedpet::federation::testing;
  const std::vector<std::string> arguments(values + 1, values + count);
  writeText(arguments.at(1) + ".pid", std::to_string(::getpid()));
  const std::vector<std::string> rest(arguments.begin() + 1, arguments.end());
  return arguments.front() == "coordinator" ? runCoordinator(rest) : runSite(rest);
} catch (const std::exception& e) {
  std::fprintf(stderr, "ended: %s\n", e.what());
  return 1;
}
