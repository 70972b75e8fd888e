// A coordinator without sockets and sites that speak to it through handle(): the real keys, codecs
// and masks, a clock moved by hand, and a coordinator that can be killed at any moment.
#pragma once

#include "federation/coordinator/Coordinator.h"
#include "federation/learning/CohortTrainer.h"
#include "federation/secagg/FixedPoint.h"
#include "federation/secagg/SecureSum.h"
#include "federation/wire/RequestSignature.h"
#include "tests/federation/SomeCohort.h"
#include "tests/support/TemporaryDirectory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>

namespace fedpet::federation::testing {

using namespace std::chrono_literals;
using nlohmann::json;

class TestConsortium {
 public:
  explicit TestConsortium(const std::string& database = {}) {
    settings.folder = root / "coordinator";
    settings.database = database.empty() ? (settings.folder / "coordinator.db").string() : database;
    settings.publicUrl = "https://consortium.example/fedpet";
    settings.pollInterval = 10s;
    settings.now = [this] { return now; };
    settings.log = [this](const std::string& line) { log += line + "\n"; };
    Coordinator::create("test consortium", settings);
    restart();
    std::ifstream(settings.folder / "admin-token") >> token;
  }
  TestConsortium(const TestConsortium&) = delete;
  TestConsortium& operator=(const TestConsortium&) = delete;

  // As after a kill: whatever was not committed is gone.
  void restart() {
    coordinator.reset();
    coordinator = std::make_unique<Coordinator>(settings);
  }
  ApiResponse handle(const ApiRequest& request) {
    ApiResponse response = coordinator->handle(request);
    if (restartAfterEachRequest) restart();
    return response;
  }
  void wait(std::chrono::seconds time) {
    now += time;
    coordinator->tick();
  }

  ApiResponse admin(const std::string& method, const std::string& path,
                    const std::string& body = {}) {
    return handle({method,
                   "/v1/admin/" + path,
                   {{"Authorization", "Bearer " + token}},
                   Bytes(body.begin(), body.end()),
                   {}});
  }
  json adminJson(const std::string& method, const std::string& path, const std::string& body = {}) {
    const ApiResponse response = admin(method, path, body);
    EXPECT_EQ(response.status, 200) << textOf(response.body);
    return json::parse(textOf(response.body), nullptr, false);
  }
  json planFacts(const std::string& hash) { return adminJson("GET", "plans/" + hash); }
  std::string auditText() {
    const ApiResponse response = admin("GET", "audit");
    return std::string(textOf(response.body));
  }

  fedpet::testing::TemporaryDirectory folder;
  const std::filesystem::path& root = folder.path();
  std::chrono::sys_seconds now{1'800'000'000s};
  CoordinatorSettings settings;
  std::unique_ptr<Coordinator> coordinator;
  std::string token, log;
  bool restartAfterEachRequest = false;
};

inline std::string codeOf(const ApiResponse& response) {
  const json object = json::parse(textOf(response.body), nullptr, false);
  return object.is_object() ? object.value("code", "") : "no problem";
}
template <typename Message>
Message answerOf(const ApiResponse& response) {
  if (response.status != 200)
    throw std::runtime_error("answered " + std::to_string(response.status) + " " +
                             std::string(textOf(response.body)));
  return decode<Message>(response.body);
}

class TestSite {
 public:
  TestSite(TestConsortium& c, std::string id)
      : consortium(c), name(std::move(id)), key(SigningKey::generate()) {}

  // --- talking
  ApiRequest request(const std::string& method, const std::string& target, Bytes body = {}) {
    const std::string header =
        makeSignatureHeader({method, target, body}, name, consortium.now + clockError, key);
    return {method, target, {{kSignatureHeader, header}}, std::move(body), {}};
  }
  ApiResponse call(const std::string& method, const std::string& target, Bytes body = {}) {
    return consortium.handle(request(method, target, std::move(body)));
  }
  PollReply poll() { return answerOf<PollReply>(call("POST", "/v1/poll")); }
  SignedDocument sign(const std::string& type, Bytes payload) {
    return signDocument(type, std::move(payload), name, key);
  }

  // --- membership and plans
  Invitation invitation() {
    const json answer = consortium.adminJson("POST", "sites", json{{"id", name}}.dump());
    return invitationFromText(answer.at("invitation").get<std::string>());
  }
  ApiResponse enrolWith(const std::string& token) {
    return consortium.handle(
        {"POST", "/v1/enrol", {}, encode(EnrolRequest{token, makeSigningRequest(key, name)}), {}});
  }
  void enrol() { certificate = answerOf<EnrolReply>(enrolWith(invitation().token)).certificatePem; }
  ApiResponse decide(const std::string& plan, bool approved) {
    Decision decision{plan, name, "a person", approved, "", consortium.now};
    return call("POST", "/v1/plans/" + plan + "/decisions",
                encode(sign("decision", encode(decision))));
  }

  // --- rounds
  RoundView view(const std::string& round) {
    return answerOf<RoundView>(call("GET", "/v1/rounds/" + round));
  }
  ApiResponse tell(const std::string& round, RoundMessage message) {
    message.roundId = round;
    message.site = name;
    return call("POST", "/v1/rounds/" + round + "/messages",
                encode(sign("round-message", encode(message))));
  }
  template <typename Body>
  MessageReply say(const std::string& round, Body body) {
    RoundMessage message;
    message.body = std::move(body);
    return answerOf<MessageReply>(tell(round, std::move(message)));
  }
  // Whatever the round wants of this site now.
  MessageReply act(const std::string& round) { return say(round, view(round)); }
  MessageReply say(const std::string& round, const RoundView& seen) {
    return answerOf<MessageReply>(tell(round, messageFor(round, seen)));
  }

  RoundMessage messageFor(const std::string& round, const RoundView& seen) {
    RoundMessage message;
    const Plan plan = planOf(seen);
    const bool masked = plan.masking != Masking::None;
    if (!secrets.contains(round)) secrets.emplace(round, SiteSecrets::generate());
    const SiteSecrets& own = secrets.at(round);
    switch (seen.step) {
      case Step::Join:
        message.body = masked ? makeJoin(own) : JoinBody{};
        break;
      case Step::Share:
        message.body = makeShares(own, secureRound(round, seen, plan));
        break;
      case Step::Contribute:
        message.body = contribution(round, seen, plan);
        break;
      case Step::Confirm:
        message.body = confirmation(round, {seen.survivors.begin(), seen.survivors.end()});
        break;
      case Step::Reveal:
        message.body = makeReveal(own, secureRound(round, seen, plan),
                                  {seen.sharers.begin(), seen.sharers.end()},
                                  {seen.survivors.begin(), seen.survivors.end()}, seen.packets);
        break;
      default:
        throw std::logic_error("the round is over");
    }
    return message;
  }
  ConfirmBody confirmation(const std::string& round, const std::set<std::string>& survivors) {
    const Signature signature = key.sign(survivorsDocument(round, survivors));
    return {Bytes(signature.begin(), signature.end())};
  }
  ContributeBody contribution(const std::string& round, const RoundView& seen, const Plan& plan) {
    const Bytes packed = vectorFor(round, seen, plan);
    upload(packed);
    return {sha256Hex(packed), packed.size(), metrics};
  }
  Bytes vectorFor(const std::string& round, const RoundView& seen, const Plan& plan) {
    const auto start = decode<RoundStart>(seen.start.payload);
    const RoundInput input = decodeRoundInput(download(start.inputSha256));
    const FixedPoint fixed(layoutOf(plan, input), static_cast<int>(start.invited.size()),
                           plan.masking);
    auto words = fixed.encode(valuesFor(plan, input));
    if (plan.masking != Masking::None)
      words = maskValues(secrets.at(round), secureRound(round, seen, plan),
                         {seen.sharers.begin(), seen.sharers.end()}, words);
    return packWords(words, fixed.wordBytes());
  }
  // Sums as they are; what stands for training moves every parameter by the number of patients.
  std::vector<double> valuesFor(const Plan& plan, const RoundInput& input) const {
    CohortTrainer trainer({[this](const Plan&) { return cohort; },
                           [](const TrainingCall& call) {
                             TrainingAnswer answer;
                             answer.parameters = call.start;
                             for (double& p : answer.parameters)
                               p += static_cast<double>(call.design.rows) / 100;
                             return answer;
                           },
                           SecretBytes(32),
                           {}});
    const auto result = trainer.compute(plan, 1, input, 3, [](int) {}, {});
    if (!result) throw std::runtime_error(result.error());
    return result->values;
  }
  SecureRound secureRound(const std::string& round, const RoundView& seen, const Plan& plan) const {
    SecureRound secure;
    secure.roundId = round;
    secure.site = name;
    secure.wordBytes = plan.masking == Masking::Ring32 ? 4 : 8;
    for (const auto& document : seen.joins) {
      const auto message = decode<RoundMessage>(document.payload);
      secure.joins[message.site] = std::get<JoinBody>(message.body);
    }
    secure.threshold = shamirThreshold(static_cast<int>(secure.joins.size()), plan.thresholdShare);
    return secure;
  }
  Plan planOf(const RoundView& seen) {
    const std::string hash = decode<RoundStart>(seen.start.payload).planHash;
    return decodePlan(decodeSignedDocument(call("GET", "/v1/plans/" + hash).body).payload);
  }

  // --- blobs
  Bytes download(const std::string& sha256) {
    const ApiResponse response = call("GET", "/v1/blobs/" + sha256);
    if (response.status != 200) throw std::runtime_error("blob " + codeOf(response));
    return response.body;
  }
  ApiResponse sendPiece(const std::string& sha256, std::size_t size, std::size_t offset,
                        Bytes piece) {
    const std::string target =
        "/v1/uploads/" + sha256 + "/" + std::to_string(size) + "/" + std::to_string(offset);
    const std::string hash = sha256Hex(piece);
    ApiRequest r = request("PUT", target, std::move(piece));
    r.headers.emplace_back("FedPET-Chunk-SHA256", hash);
    return consortium.handle(r);
  }
  std::size_t received(const std::string& sha256, std::size_t size) {
    const auto response = call("GET", "/v1/uploads/" + sha256 + "/" + std::to_string(size));
    return json::parse(textOf(response.body)).value("received", std::size_t{9999999});
  }
  void upload(const Bytes& whole) {
    const ApiResponse response = sendPiece(sha256Hex(whole), whole.size(), 0, whole);
    if (response.status != 200) throw std::runtime_error("upload " + codeOf(response));
  }

  TestConsortium& consortium;
  std::string name, certificate, metrics = "{}";
  SigningKey key;
  std::chrono::seconds clockError{0};
  Cohort cohort;
  std::map<std::string, SiteSecrets> secrets;
};

// An exact logistic regression with one feature: deterministic, a few rounds, known to learning/.
inline Plan smallPlan(Masking masking, int quorum) {
  Plan plan;
  plan.title = "Does age matter?";
  plan.purpose = "research";
  plan.task = TaskKind::Newton;
  plan.features = {{"age", "a", {}}};
  plan.endpoint.column = "response";
  plan.masking = masking;
  plan.quorum = quorum;
  plan.minimumPatients = 1;
  plan.maximumPatients = 1000;
  plan.stepTimeout = 100s;
  plan.trainingTimeout = 1000s;
  plan.newton.l2 = 0.01;
  plan.training.rounds = 2;
  if (masking == Masking::Ring32) plan.task = TaskKind::Train;  // an exact fit needs 64 bits
  return plan;
}

// Enrolled sites s1, s2, ... and a plan that all have approved and that runs.
class RunningConsortium : public TestConsortium {
 public:
  RunningConsortium(int count, const Plan& p, const std::string& database = {})
      : TestConsortium(database), plan(p) {
    for (int i = 1; i <= count; ++i) {
      auto site = std::make_unique<TestSite>(*this, "s" + std::to_string(i));
      site->cohort = someCohort(plan, static_cast<unsigned>(i));
      site->enrol();
      sites.push_back(std::move(site));
    }
    hash = adminJson("POST", "plans", toReadableJson(plan)).at("hash").get<std::string>();
    for (auto& site : sites) EXPECT_EQ(site->decide(hash, true).status, 200);
  }
  void start() { adminJson("POST", "plans/" + hash + "/start"); }
  TestSite& site(int number) { return *sites.at(static_cast<std::size_t>(number - 1)); }

  void runPlan() {
    for (int i = 0; i < 20 && status() == "running"; ++i) runRound();
  }

  // The round that waits for a site; empty: none.
  std::string roundOf(TestSite& who) {
    for (const auto& a : who.poll().assignments)
      if (a.kind == Assignment::Kind::Round) return a.roundId;
    return {};
  }
  std::string openRound() {
    for (const auto& round : adminJson("GET", "rounds"))
      if (round.at("status") == "open") return round.at("id").get<std::string>();
    return {};
  }
  std::string statusOf(const std::string& round) {
    for (const auto& r : adminJson("GET", "rounds"))
      if (r.at("id") == round) return r.at("status").get<std::string>();
    return "unknown";
  }
  json stateOf(const std::string& round) {
    for (const auto& r : adminJson("GET", "rounds"))
      if (r.at("id") == round) return r.value("now", json::object());
    return {};
  }
  std::string status() { return planFacts(hash).at("status").get<std::string>(); }

  // Every site acts until the round is over, but those that fall silent at some step.
  std::string runRound(const std::map<std::string, Step>& silentFrom = {}) {
    const std::string round = openRound();
    for (int turn = 0; turn < 20 && statusOf(round) == "open"; ++turn) {
      const Step step = site(1).view(round).step;
      for (auto& who : sites) {
        const auto silent = silentFrom.find(who->name);
        if (silent != silentFrom.end() && step >= silent->second) continue;
        const RoundView seen = who->view(round);
        if (seen.step != step) continue;
        EXPECT_NE(who->say(round, seen).verdict, Verdict::TooLate);
      }
      if (statusOf(round) == "open" && site(1).view(round).step == step)
        wait(step == Step::Contribute ? 1000s : 100s);
    }
    return round;
  }

  // What learning makes of the sum of these sites, computed without any coordinator: in the same
  // fixed point, because a real number has no exact sum.
  Progress expectedAfter(const Progress& before, const std::vector<int>& contributing) {
    const SumLayout layout = layoutOf(plan, before.input);
    const FixedPoint fixed(layout, static_cast<int>(sites.size()), plan.masking);
    std::vector<std::uint64_t> sum(layout.length());
    RoundSum total;
    for (const int number : contributing) {
      const auto words = fixed.encode(site(number).valuesFor(plan, before.input));
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += words[i];
      if (plan.training.robust != RobustRule::None) total.single.push_back(fixed.decode(words));
    }
    total.values = fixed.decode(sum);
    total.contributors = static_cast<int>(contributing.size());
    return proceed(plan, before, total);
  }

  Plan plan;
  std::string hash;
  std::vector<std::unique_ptr<TestSite>> sites;
};

}  // namespace fedpet::federation::testing
