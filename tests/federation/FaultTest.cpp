// A consortium of real processes on the loopback interface that are killed, disturbed and lied to.
// Whatever happens: the sum is exact, each site counts once, the logs of both ends agree, and no
// secret is in any output.
#include "federation/Clock.h"
#include "federation/coordinator/Keys.h"
#include "federation/secagg/FixedPoint.h"
#include "federation/secagg/SecureSum.h"
#include "federation/site/Identity.h"
#include "federation/site/SiteStore.h"
#include "tests/federation/FaultPlan.h"
#include "tests/support/LoopbackServer.h"
#include "tests/support/TemporaryDirectory.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <mutex>
#include <set>
#include <sstream>
#include <thread>

namespace fedpet::federation::testing {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using fedpet::testing::Answer;
using fedpet::testing::LoopbackServer;
using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Clock = std::chrono::steady_clock;

std::string textIn(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// --- processes ---------------------------------------------------------------------------------

struct Process {
  std::string name;
  std::vector<std::string> arguments;
  bool mayEnd = false;  // with status 0
  pid_t pid = -1;       // -1: does not run
  int killed = 0;
};

// Starts again whoever was killed, and complains about any other end.
class Processes {
 public:
  explicit Processes(fs::path root) : root_(std::move(root)) {}
  ~Processes() { killAll(); }
  Processes(const Processes&) = delete;
  Processes& operator=(const Processes&) = delete;

  Process& add(Process process) {
    all_.push_back(std::make_unique<Process>(std::move(process)));
    start(*all_.back());
    return *all_.back();
  }
  void supervise() {
    for (auto& process : all_) {
      int status = 0;
      if (process->pid < 0 || ::waitpid(process->pid, &status, WNOHANG) != process->pid) continue;
      process->pid = -1;
      if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
        ++process->killed;
        start(*process);
      } else if (!process->mayEnd || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        ADD_FAILURE() << process->name << " ended with " << status << "\n" << output(process->name);
      }
    }
  }
  void killAll() {
    for (auto& process : all_) {
      if (process->pid < 0) continue;
      ::kill(process->pid, SIGKILL);
      ::waitpid(process->pid, nullptr, 0);
      process->pid = -1;
    }
  }
  std::string output(const std::string& name) const { return textIn(root_ / (name + ".log")); }
  std::string allOutput() const {
    std::string text;
    for (const auto& process : all_) text += output(process->name);
    return text;
  }
  const Process& of(const std::string& name) const {
    for (const auto& process : all_)
      if (process->name == name) return *process;
    throw std::out_of_range(name);
  }

 private:
  void start(Process& process) {
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    const std::string log = root_ / (process.name + ".log");
    posix_spawn_file_actions_addopen(&files, 1, log.c_str(), O_CREAT | O_APPEND | O_WRONLY, 0600);
    posix_spawn_file_actions_adddup2(&files, 1, 2);
    std::vector<char*> arguments;
    std::string program = FEDPET_FAULT_PEER;
    arguments.push_back(program.data());
    for (std::string& argument : process.arguments) arguments.push_back(argument.data());
    arguments.push_back(nullptr);
    const int outcome =
        ::posix_spawn(&process.pid, program.c_str(), &files, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&files);
    if (outcome != 0) throw std::runtime_error("cannot start " + program);
  }

  fs::path root_;
  std::vector<std::unique_ptr<Process>> all_;
};

// --- the consortium ----------------------------------------------------------------------------

struct SiteTerms {
  std::string variant = "normal";
  int clockErrorSeconds = 0;
};

struct World {
  bool tls = true;
  std::vector<std::string> kills;
  std::string publicUrl = "-";      // where sites go instead of to the coordinator
  std::vector<SiteTerms> sites{4};  // h1, h2, ...
};

class Consortium {
 public:
  explicit Consortium(World world) : world_(std::move(world)), processes(root) {
    std::vector<std::string> arguments{"coordinator", folderOf("coordinator"),
                                       world_.tls ? "tls" : "plain", world_.publicUrl};
    arguments.insert(arguments.end(), world_.kills.begin(), world_.kills.end());
    processes.add({"coordinator", arguments});
    waitFor("the coordinator", [&] { return !url().empty(); });
    token = textIn(root / "coordinator" / "admin-token");
    while (!token.empty() && token.back() == '\n') token.pop_back();
  }

  void addSites() {
    for (std::size_t i = 0; i < world_.sites.size(); ++i) {
      const std::string name = "h" + std::to_string(i + 1);
      const SiteTerms& terms = world_.sites[i];
      const auto answer = admin("POST", "sites", json{{"id", name}}.dump());
      const auto invitation = answer.at("invitation").get<std::string>();
      secrets.insert(invitationFromText(invitation).token);
      std::ofstream(root / (name + ".invitation")) << invitation;
      processes.add({name,
                     {"site", folderOf(name), std::to_string(i + 1),
                      std::to_string(terms.clockErrorSeconds), terms.variant}});
      names.push_back(name);
    }
  }
  // Proposes the plan, waits for all approvals, starts it.
  void startPlan() {
    addSites();
    waitFor("enrolment", [&] {
      int members = 0;
      for (const auto& site : admin("GET", "sites")) members += site.at("status") == "member";
      return members == static_cast<int>(names.size());
    });
    hash = admin("POST", "plans", toReadableJson(plan)).at("hash").get<std::string>();
    waitFor("approval", [&] { return facts().at("decisions").size() == names.size(); });
    rememberKeys();
    admin("POST", "plans/" + hash + "/start");
  }
  void finish(const std::function<void()>& meanwhile = [] {}) {
    waitFor("the end of the plan", [&] {
      meanwhile();
      return facts().at("status") != "running";
    });
    ASSERT_EQ(facts().at("status"), "finished") << facts().dump(2);
  }

  // The answer, however often the coordinator dies meanwhile.
  json admin(const std::string& method, const std::string& path, const std::string& body = {}) {
    return json::parse(adminText(method, path, body));
  }
  std::string adminText(const std::string& method, const std::string& path,
                        const std::string& body = {}) {
    std::string last;
    for (const auto end = Clock::now() + 60s; Clock::now() < end;) {
      processes.supervise();
      try {
        net::HttpClientOptions options;
        if (world_.tls) options.caFile = KeyFiles{root / "coordinator"}.authority();
        net::HttpClient client(url(), options);
        const auto response = client.send(
            {method, "/v1/admin/" + path, {{"Authorization", "Bearer " + token}}, body});
        if (response.status == 200) return response.body;
        last = response.body;
        if (response.status != 503) break;
      } catch (const net::NetError& e) {
        last = e.what();
      }
      std::this_thread::sleep_for(20ms);
    }
    throw std::runtime_error(method + " " + path + ": " + last);
  }
  json facts() { return admin("GET", "plans/" + hash); }
  std::string url() const { return textIn(root / "coordinator.url"); }

  void waitFor(const std::string& what, const std::function<bool()>& reached) {
    for (const auto end = Clock::now() + 150s; Clock::now() < end;) {
      processes.supervise();
      if (!hash.empty()) rememberRoundSecrets();
      if (reached()) return;
      std::this_thread::sleep_for(50ms);
    }
    throw std::runtime_error("waited in vain for " + what + "\n" + processes.allOutput());
  }

  // Nothing is lost and nothing is counted twice: `honest` made the sums of all rounds.
  void expectExactResult(const std::vector<std::string>& honest);
  void expectLogsAgree();
  void expectNoSecretTold();

  fedpet::testing::TemporaryDirectory temporary;
  fs::path root = temporary.path();

 private:
  World world_;

  std::string folderOf(const std::string& name) const { return root / name; }
  void rememberForms(ByteView secret);
  void rememberKeyFile(const fs::path& path);
  void rememberKeys();
  void rememberRoundSecrets();

 public:
  Processes processes;
  Plan plan = faultPlan();
  std::string token, hash, coordinatorAudit;
  std::vector<std::string> names;
  std::set<std::string> secrets;  // in every form that a log could show
  std::size_t roundSecrets = 0;
};

// --- what must hold in the end -----------------------------------------------------------------

unsigned seedOf(const std::string& site) {
  return static_cast<unsigned>(std::stoi(site.substr(1)));
}

// What the sums of these sites make of the plan, computed here in the same fixed point.
json resultOfSums(const Plan& plan, const std::vector<std::string>& contributing,
                  const std::map<int, int>& invitedByRound) {
  Progress progress = begin(plan);
  while (!progress.outcome) {
    const SumLayout layout = layoutOf(plan, progress.input);
    const FixedPoint fixed(layout, invitedByRound.at(progress.round), plan.masking);
    std::vector<std::uint64_t> sum(layout.length());
    for (const std::string& site : contributing) {
      const auto own = localSums(plan, progress.input, someCohort(plan, seedOf(site)));
      const auto words = fixed.encode(own.value().values);
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += words[i];
    }
    RoundSum total;
    total.values = fixed.decode(sum);
    total.contributors = static_cast<int>(contributing.size());
    progress = proceed(plan, progress, total);
  }
  return json::parse(progress.outcome->resultJson);
}

void Consortium::expectExactResult(const std::vector<std::string>& honest) {
  const json end = facts();
  std::map<int, int> invited;
  std::set<std::string> done;
  for (const auto& round : admin("GET", "rounds")) {
    if (round.at("status") != "done") continue;
    const int number = round.at("number");
    EXPECT_FALSE(invited.contains(number)) << "round " << number << " was summed twice";
    invited[number] = static_cast<int>(round.at("invited").size());
    done.insert(round.at("id").get<std::string>());
  }
  ASSERT_EQ(invited.size(), end.at("rounds").size());
  for (const auto& round : end.at("rounds")) {
    auto who = round.at("contributors").get<std::vector<std::string>>();
    std::sort(who.begin(), who.end());
    EXPECT_EQ(who, honest) << "round " << round.at("number");
  }
  // Not served before its release.
  const json result =
      json::parse(textIn(root / "coordinator" / "blobs" / end.at("result").get<std::string>()));
  EXPECT_EQ(result, resultOfSums(plan, honest, invited));

  coordinatorAudit = adminText("GET", "audit");
  std::map<std::string, int> counted;  // by round and site
  std::istringstream lines(coordinatorAudit);
  for (std::string line; std::getline(lines, line);) {
    const json entry = json::parse(line);
    if (entry.value("kind", "") != "contribution") continue;
    const json& told = entry.at("facts");
    const json said = told.is_string() ? json::parse(told.get<std::string>()) : told;
    ++counted[said.at("round").get<std::string>() + " " + said.at("site").get<std::string>()];
  }
  for (const std::string& round : done)
    for (const std::string& site : honest)
      EXPECT_EQ(counted[round + " " + site], 1) << round << " " << site;
}

void Consortium::expectLogsAgree() {
  if (coordinatorAudit.empty()) coordinatorAudit = adminText("GET", "audit");
  const int rounds = static_cast<int>(facts().at("rounds").size());
  // Sites still have to hear of the end; a kill then leaves nothing half said.
  waitFor("the sites' last word", [&] {
    return std::all_of(names.begin(), names.end(), [&](const std::string& name) {
      SiteStore store(root / name, systemSeconds);
      return processes.of(name).pid < 0 || store.unfinishedRounds().empty();
    });
  });
  processes.killAll();
  std::istringstream whole(coordinatorAudit);
  const auto verdict = verifyAudit(whole);
  EXPECT_TRUE(verdict.intact) << verdict.problem;
  for (const std::string& name : names) {
    SiteStore store(root / name, systemSeconds);
    std::stringstream own;
    exportAudit(own, name, store.audit());
    const std::string text = own.str();
    std::istringstream first(text), second(text), theirs(coordinatorAudit);
    EXPECT_TRUE(verifyAudit(first).intact) << name;
    EXPECT_THAT(compareAudits(theirs, second), IsEmpty()) << name;
    EXPECT_LE(store.roundsCharged(hash), rounds) << name;
  }
}

void Consortium::rememberForms(ByteView secret) {
  if (secret.size() < 16) return;  // not a secret, and found anywhere
  std::string base64 = toBase64Url(secret);
  secrets.insert({std::string(textOf(secret)), toHex(secret), base64});
  std::replace(base64.begin(), base64.end(), '-', '+');
  std::replace(base64.begin(), base64.end(), '_', '/');
  secrets.insert(base64);
}
// PKCS#8 of Ed25519 ends with the 32 bytes of the key (RFC 8410, section 7).
void Consortium::rememberKeyFile(const fs::path& path) {
  const std::string text = textIn(path), start = "-----BEGIN PRIVATE KEY-----\n";
  const auto at = text.find(start);
  ASSERT_NE(at, std::string::npos) << path;
  std::string line = text.substr(at + start.size());
  line = line.substr(0, line.find('\n'));
  ASSERT_EQ(line.size(), 64U);
  secrets.insert(line);
  std::replace(line.begin(), line.end(), '+', '-');
  std::replace(line.begin(), line.end(), '/', '_');
  const Bytes der = fromBase64Url(line);
  rememberForms(ByteView(der).last(32));
}
void Consortium::rememberKeys() {
  const KeyFiles files{root / "coordinator"};
  rememberKeyFile(files.authorityKey());
  rememberKeyFile(files.signingKey());
  for (const std::string& name : names) rememberKeyFile(SiteFiles{root / name}.identity());
  secrets.insert(token);
}
void Consortium::rememberRoundSecrets() {
  for (const std::string& name : names) {
    SiteStore store(root / name, systemSeconds);
    for (const std::string& round : store.unfinishedRounds()) {
      const SecretBytes journal = store.secrets(round);
      if (journal.empty()) continue;
      const SiteSecrets all = SiteSecrets::parse(journal.view());
      for (const SecretBytes* one :
           {&all.encryptionKey, &all.maskKey, &all.selfMaskSeed, &all.shareSeed})
        rememberForms(one->view());
      ++roundSecrets;
    }
  }
}

void Consortium::expectNoSecretTold() {
  ASSERT_GE(secrets.size(), 20U);
  ASSERT_GT(roundSecrets, 0U);
  std::string told = processes.allOutput() + coordinatorAudit;
  for (const std::string& name : names) {
    std::ostringstream own;
    exportAudit(own, name, SiteStore(root / name, systemSeconds).audit());
    told += own.str();
  }
  ASSERT_GT(told.size(), 1000U);
  ASSERT_THAT(told, HasSubstr(hash));  // it is the output that is searched
  for (const std::string& secret : secrets)
    EXPECT_EQ(told.find(secret), std::string::npos) << "a secret of " << secret.size() << " bytes";
}

std::vector<std::string> sitesUpTo(int count) {
  std::vector<std::string> names;
  for (int i = 1; i <= count; ++i) names.push_back("h" + std::to_string(i));
  return names;
}

// --- killed ------------------------------------------------------------------------------------

struct Deaths {
  std::string victim, when;
};
void PrintTo(const Deaths& deaths, std::ostream* out) { *out << deaths.victim << deaths.when; }

class Killed : public ::testing::TestWithParam<Deaths> {};

// Each at the first request of its kind but where several have to be there: the third share, and
// the fourth reveal, upon which the sum is made.
TEST_P(Killed, AtEveryStepLosesNothingAndCountsNothingTwice) {
  const auto& [victim, when] = GetParam();
  World world;
  const bool isSite = victim == "h2";
  const std::vector<std::pair<std::string, int>> requests{
      {"decision", 1},   {"join", 2},    {"share", 3}, {"upload", 2},
      {"contribute", 3}, {"confirm", 1}, {"reveal", 4}};
  for (const auto& [request, count] : requests)
    world.kills.push_back(victim + ":" + request + ":" + when + ":" +
                          std::to_string(isSite ? 1 : count));
  Consortium consortium(world);
  consortium.startPlan();
  ASSERT_NO_FATAL_FAILURE(consortium.finish());
  consortium.expectExactResult(sitesUpTo(4));
  EXPECT_EQ(consortium.processes.of(isSite ? "h2" : "coordinator").killed, 7);
  EXPECT_EQ(consortium.processes.of("h3").killed > 0, victim == "all");
  consortium.expectLogsAgree();
  consortium.expectNoSecretTold();
}

INSTANTIATE_TEST_SUITE_P(Processes, Killed,
                         ::testing::Values(Deaths{"coordinator", "before"},
                                           Deaths{"coordinator", "after"}, Deaths{"h2", "before"},
                                           Deaths{"h2", "after"}, Deaths{"all", "before"},
                                           Deaths{"all", "after"}),
                         ::testing::PrintToStringParamName());

// --- wrong numbers, wrong clocks, and a revocation ---------------------------------------------

class Untrue : public ::testing::TestWithParam<const char*> {};

TEST_P(Untrue, NumbersOfOneSiteAreLeftOutOfTheSum) {
  World world;
  world.sites[3].variant = GetParam();
  Consortium consortium(world);
  consortium.startPlan();
  ASSERT_NO_FATAL_FAILURE(consortium.finish());
  consortium.expectExactResult(sitesUpTo(3));
  EXPECT_THAT(consortium.coordinatorAudit, HasSubstr("TrainerFailed"));
  consortium.expectLogsAgree();
  consortium.expectNoSecretTold();
}

INSTANTIATE_TEST_SUITE_P(Sites, Untrue, ::testing::Values("nan", "huge", "liar"));

TEST(Faults, OfClocksByAnHourAreCorrected) {
  World world;
  world.sites[2].clockErrorSeconds = 3600;
  world.sites[3].clockErrorSeconds = -55 * 60;  // a certificate is valid from an hour ago
  Consortium consortium(world);
  consortium.startPlan();
  ASSERT_NO_FATAL_FAILURE(consortium.finish());
  consortium.expectExactResult(sitesUpTo(4));
  consortium.expectLogsAgree();
  for (const char* name : {"h3", "h4"})
    EXPECT_THAT(consortium.processes.output(name), HasSubstr("by the coordinator's clock"));
}

TEST(Faults, OfARevokedSiteEndWithItsRound) {
  World world;
  world.sites[3].variant = "slow";
  Consortium consortium(world);
  consortium.startPlan();
  bool revoked = false;
  ASSERT_NO_FATAL_FAILURE(consortium.finish([&] {
    if (revoked) return;
    for (const auto& round : consortium.admin("GET", "rounds"))
      if (round.contains("now") && round["now"]["step"] == "contribute") {
        const_cast<Process&>(consortium.processes.of("h4")).mayEnd = true;
        consortium.admin("POST", "sites/h4/revocation", json{{"reason", "a test"}}.dump());
        revoked = true;
      }
  }));
  EXPECT_TRUE(revoked);
  consortium.expectExactResult(sitesUpTo(3));
  EXPECT_THAT(consortium.processes.output("h4"), HasSubstr("no longer accepts"));
  consortium.expectLogsAgree();
}

// --- a man in the middle -----------------------------------------------------------------------

// Between the sites and the coordinator, as a proxy that ends TLS would be: it hands requests over
// late, so that those of different sites change their order; twice; cut; with another site's body;
// and again long after.
class Meddler {
 public:
  Answer operator()(const net::HttpRequest& request) {
    std::string mixture;
    std::vector<net::HttpRequest> again;
    {
      const std::lock_guard lock(mutex_);
      if (target.empty()) return {503, {}, "{}"};
      ++count_;
      if (!request.body.empty()) {
        mixture = otherBody_;
        otherBody_ = request.body;
      }
      for (int i = 0; i < 2 && !seen_.empty(); ++i) again.push_back(seen_[next_++ % seen_.size()]);
    }
    const bool isMessage = request.target.ends_with("/messages");
    if (!request.body.empty()) {
      forge(request, request.body.substr(0, request.body.size() / 2));
      forge(request, mixture);
    }
    if (isMessage) std::this_thread::sleep_for(std::chrono::milliseconds(count_ * 37 % 300));
    const Answer answer = forward(request);
    if (!request.body.empty() || request.method == "POST") repeat(request);
    for (const auto& old : again) repeat(old);
    const std::lock_guard lock(mutex_);
    if (request.method != "GET" && answer.status == 200) seen_.push_back(request);
    return answer;
  }
  // All that was ever accepted.
  void repeatEverything() {
    std::vector<net::HttpRequest> all;
    {
      const std::lock_guard lock(mutex_);
      all = seen_;
    }
    for (const auto& request : all) repeat(request);
  }
  std::string target;  // the coordinator's address
  std::atomic<int> repeated{0}, forged{0}, believed{0};

 private:
  Answer forward(const net::HttpRequest& request) {
    net::HttpRequest copy{request.method, request.target, {}, request.body};
    for (const auto& header : request.headers)
      if (header.name.starts_with("FedPET") || header.name == "Content-Type" ||
          header.name == "Range" || header.name == "Authorization")
        copy.headers.push_back(header);
    try {
      const auto response = net::HttpClient(target).send(copy);
      Answer answer{response.status, {}, response.body};
      for (const auto& header : response.headers)
        if (header.name == "Content-Type" || header.name == "Content-Range" ||
            header.name == "Retry-After")
          answer.headers.push_back(header);
      return answer;
    } catch (const net::NetError&) {
      return {503, {}, "{}"};
    }
  }
  void repeat(const net::HttpRequest& request) {
    ++repeated;
    const Answer answer = forward(request);
    // An upload has no effect twice; anything else must not be taken again.
    if (answer.status == 200 && request.method != "PUT" && !request.target.ends_with("/enrol"))
      ++believed;
  }
  void forge(net::HttpRequest request, const std::string& body) {
    if (body == request.body || request.target.ends_with("/enrol")) return;  // that is not signed
    ++forged;
    request.body = body;
    if (forward(request).status / 100 == 2) ++believed;
  }

  std::mutex mutex_;  // guards all below
  std::vector<net::HttpRequest> seen_;
  std::size_t next_ = 0;
  int count_ = 0;
  std::string otherBody_;
};

TEST(Faults, OfALineThatCutsRepeatsReordersAndReplaysChangeNothing) {
  Meddler meddler;
  LoopbackServer between([&](const net::HttpRequest& request) { return meddler(request); });
  World world;
  world.tls = false;
  world.publicUrl = between.url();
  Consortium consortium(world);
  meddler.target = consortium.url();
  consortium.startPlan();
  ASSERT_NO_FATAL_FAILURE(consortium.finish());
  meddler.repeatEverything();
  consortium.expectExactResult(sitesUpTo(4));
  EXPECT_GT(meddler.repeated, 100);
  EXPECT_GT(meddler.forged, 50);
  EXPECT_EQ(meddler.believed, 0);
  consortium.expectLogsAgree();
  consortium.expectNoSecretTold();
}

// --- those who only want to disturb ------------------------------------------------------------

class RawConnection {
 public:
  explicit RawConnection(const std::string& url) : file_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(net::parseUrl(url).port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval patience{2, 0};
    ::setsockopt(file_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (::connect(file_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      throw std::runtime_error("cannot connect");
  }
  ~RawConnection() { ::close(file_); }
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;
  bool send(std::string_view bytes) {
    return ::send(file_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size());
  }

 private:
  int file_;
};

long peakKilobytes(pid_t pid) {
  const std::string status = textIn("/proc/" + std::to_string(pid) + "/status");
  return std::stol(status.substr(status.find("VmHWM:") + 6));
}

// Sends until the coordinator no longer takes it.
void sendGigabyte(const std::string& url, const std::string& head) {
  constexpr std::size_t kGigabyte = std::size_t{1} << 30;
  RawConnection connection(url);
  connection.send(head);
  const std::string piece(std::size_t{1} << 16, 'x');
  for (std::size_t sent = 0; sent < kGigabyte && connection.send(piece);) sent += piece.size();
}

TEST(Faults, OfSlowAndHugeRequestsDoNotHoldUpARound) {
  World world;
  world.tls = false;
  Consortium consortium(world);
  std::vector<std::unique_ptr<RawConnection>> slow;
  for (int i = 0; i < 150; ++i) {
    slow.push_back(std::make_unique<RawConnection>(consortium.url()));
    slow.back()->send("POST /v1/poll HTTP/1.1\r\nHost: x\r\nX-Slow: ");
  }
  std::vector<std::jthread> senders;
  // The last in one chunk, without a length known before.
  for (const std::string size :
       {"Content-Length: 1073741824\r\n\r\n", "Content-Length: 1073741824\r\n\r\n",
        "Content-Length: 1073741824\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n40000000\r\n"})
    senders.emplace_back([size, url = consortium.url()] {
      sendGigabyte(url, "POST /v1/poll HTTP/1.1\r\nHost: x\r\n" + size);
    });
  consortium.startPlan();
  ASSERT_NO_FATAL_FAILURE(consortium.finish([&] {
    for (auto& connection : slow) connection->send("x");
  }));
  senders.clear();
  EXPECT_LT(peakKilobytes(consortium.processes.of("coordinator").pid), 300 * 1024);
  consortium.expectExactResult(sitesUpTo(4));
  consortium.expectLogsAgree();
}

// What a client with this certificate is answered; 0: not let in at all.
int statusFor(Consortium& consortium, const std::string& pem) {
  net::HttpClientOptions options;
  options.caFile = KeyFiles{consortium.root / "coordinator"}.authority();
  options.clientCertificatePem = options.clientKeyPem = pem;
  try {
    return net::HttpClient(consortium.url(), options).send({"GET", "/v1/roster", {}, ""}).status;
  } catch (const net::NetError&) {
    return 0;
  }
}

std::string memberPem(const CertificateAuthority& authority, std::chrono::sys_seconds until) {
  const SigningKey key = SigningKey::generate();
  CertificateTerms terms;
  terms.commonName = "h1";
  terms.notBefore = until - std::chrono::hours(48);
  terms.notAfter = until;
  return std::string(textOf(key.toPem().view())) + authority.issue(key.publicKey(), terms);
}

TEST(Faults, OfCertificatesAndHandshakesAreNotLetIn) {
  Consortium consortium(World{});
  std::vector<std::unique_ptr<RawConnection>> silent;
  for (int i = 0; i < 100; ++i) silent.push_back(std::make_unique<RawConnection>(consortium.url()));
  consortium.startPlan();
  const auto now = systemSeconds();
  const Keys keys = Keys::load(consortium.root / "coordinator");
  const auto foreign = CertificateAuthority::create("consortium of faults", now - 72h, now + 72h);
  EXPECT_EQ(statusFor(consortium, ""), 403);
  EXPECT_EQ(statusFor(consortium, memberPem(foreign, now + 24h)), 0);
  EXPECT_EQ(statusFor(consortium, memberPem(keys.authority, now - 1h)), 0);
  // A key that the consortium never admitted opens TLS, but signs nothing.
  EXPECT_EQ(statusFor(consortium, memberPem(keys.authority, now + 24h)), 401);
  ASSERT_NO_FATAL_FAILURE(consortium.finish());
  consortium.expectExactResult(sitesUpTo(4));
  consortium.expectLogsAgree();
}

}  // namespace
}  // namespace fedpet::federation::testing
