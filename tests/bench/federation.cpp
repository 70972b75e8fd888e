// What the protocol of the federation costs without any training, as JSON on stdout:
//   rounds   8 sites, 1.3 M parameters, through TLS on loopback: seconds and bytes of a round
//   scale    n simulated sites with 1 M parameters each at one coordinator, without sockets: its
//            memory above that with one site, and time per site
// usage: fedpet-federation-bench [rounds | scale]    (and, for itself, "simulate SITES")
#include "federation/Clock.h"
#include "federation/coordinator/Coordinator.h"
#include "federation/coordinator/Keys.h"
#include "federation/learning/CohortTrainer.h"
#include "federation/learning/LocalSums.h"
#include "federation/learning/Phases.h"
#include "federation/secagg/FixedPoint.h"
#include "federation/wire/RequestSignature.h"
#include "orthanc-plugin/training/LoopbackConsortium.h"
#include "tests/support/TemporaryDirectory.h"

#include <nlohmann/json.hpp>
#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

namespace {

namespace fs = std::filesystem;
using namespace fedpet::federation;
using fedpet::plugin::LoopbackConsortium;
using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;

double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

Plan perceptronPlan(int features, std::vector<int> hidden, Masking masking) {
  Plan plan;
  plan.title = "bench";
  plan.purpose = "research";
  plan.model = {"mlp", std::move(hidden)};
  for (int i = 0; i < features; ++i) plan.features.push_back({"x" + std::to_string(i), "", {}});
  plan.endpoint.column = "y";
  plan.masking = masking;
  plan.minimumPatients = 2;
  plan.maximumPatients = 1000;
  return plan;
}

Cohort smallCohort(const Plan& plan) {
  Cohort cohort;
  cohort.names = columnsOf(plan);
  cohort.rows = 20;
  for (std::size_t i = 0; i < cohort.rows * cohort.names.size(); ++i)
    cohort.features.push_back(static_cast<double>((i * 7919) % 101) / 50 - 1);
  for (std::size_t i = 0; i < cohort.rows; ++i) cohort.label.push_back(static_cast<int>(i % 2));
  return cohort;
}

// Trains in no time: what it has answered to one round with a model it answers to all.
class InstantTrainer : public LocalTrainer {
 public:
  explicit InstantTrainer(const Plan& plan)
      : sums_({[cohort = smallCohort(plan)](const Plan&) -> tl::expected<Cohort, CannotTakePart> {
                 return cohort;
               },
               pretendToTrain,
               SecretBytes::random(32),
               {}}) {}

  tl::expected<int, CannotTakePart> patients(const Plan& plan) override {
    return sums_.patients(plan);
  }
  tl::expected<LocalResult, CannotTakePart> compute(const Plan& plan, int roundNumber,
                                                    const RoundInput& input,
                                                    int contributorsAtLeast,
                                                    const std::function<void(int)>& progress,
                                                    std::stop_token stop) override {
    if (input.phase == phase::kTrain && answer_) return *answer_;
    auto result =
        sums_.compute(plan, roundNumber, input, contributorsAtLeast, progress, std::move(stop));
    if (input.phase == phase::kTrain && result) answer_ = *result;
    return result;
  }

 private:
  static TrainingAnswer pretendToTrain(const TrainingCall& call) {
    TrainingAnswer answer{call.start, {}, 0.5};
    for (double& parameter : answer.parameters) parameter += 1e-4;
    return answer;
  }
  CohortTrainer sums_;
  std::optional<LocalResult> answer_;
};

// --- rounds -------------------------------------------------------------------------------------

Json measureRounds(Masking masking) {
  constexpr int kSites = 8, kRounds = 7;
  Plan plan = perceptronPlan(39, {1150, 1090}, masking);
  plan.quorum = kSites;
  plan.training.rounds = kRounds;
  fedpet::testing::TemporaryDirectory folder;
  std::vector<std::unique_ptr<InstantTrainer>> trainers;
  std::vector<LoopbackConsortium::Member> members;
  for (int i = 0; i < kSites; ++i) {
    trainers.push_back(std::make_unique<InstantTrainer>(plan));
    members.push_back({"site-" + std::to_string(i), trainers.back().get()});
  }
  LoopbackConsortium consortium({folder.path()}, members);
  const std::clock_t cpuBefore = std::clock();
  const auto run = consortium.run(plan, [](int) {});
  const double cpuSeconds = static_cast<double>(std::clock() - cpuBefore) / CLOCKS_PER_SEC;

  std::vector<double> seconds, sent, received;
  for (std::size_t i = 3; i < run.rounds.size(); ++i) {  // two without a model, one that trains
    seconds.push_back(run.rounds[i].time.count());
    sent.push_back(static_cast<double>(run.rounds[i].traffic.sentBytes) / kSites);
    received.push_back(static_cast<double>(run.rounds[i].traffic.receivedBytes) / kSites);
  }
  const auto median = [](std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
  };
  const double plain = 4.0 * static_cast<double>(run.outcome.values.size());
  return {{"parameters", run.outcome.values.size()},
          {"rounds", seconds.size()},
          {"secondsPerRound", median(seconds)},
          {"fastestSeconds", *std::min_element(seconds.begin(), seconds.end())},
          {"slowestSeconds", *std::max_element(seconds.begin(), seconds.end())},
          {"cpuSecondsPerRound", cpuSeconds / kRounds},  // of all nine members together
          {"sentBytesPerSite", median(sent)},
          {"receivedBytesPerSite", median(received)},
          {"sentPerFloat32Update", median(sent) / plain}};
}

Json roundsReport() {
  Json report{{"sites", 8}};
  for (const Masking masking : {Masking::None, Masking::Ring64, Masking::Ring32}) {
    std::fprintf(stderr, "rounds: %s\n", std::string(toString(masking)).c_str());
    Json figures = measureRounds(masking);
    if (masking == Masking::Ring64) figures["limitSeconds"] = 1.0;
    if (masking == Masking::Ring64) figures["limitSentPerFloat32Update"] = 2.1;
    if (masking == Masking::Ring32) figures["limitSentPerFloat32Update"] = 1.1;
    report[std::string(toString(masking))] = std::move(figures);
  }
  return report;
}

// --- scale --------------------------------------------------------------------------------------

double peakMemoryMb() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::stod(line.substr(6)) / 1024;
  return 0;
}

// The coordinator without sockets, asked as its sites would ask it.
class Simulation {
 public:
  explicit Simulation(int sites) {
    CoordinatorSettings settings;
    settings.folder = folder_.path();
    settings.database = (folder_.path() / "coordinator.db").string();
    settings.publicUrl = "https://127.0.0.1:1";
    settings.now = systemSeconds;
    settings.log = [](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); };
    Coordinator::create("bench", settings);
    coordinator_.emplace(settings);
    std::ifstream token(KeyFiles{folder_.path()}.token());
    std::getline(token, token_);
    for (int i = 0; i < sites; ++i) enrol("site-" + std::to_string(i));
  }

  // Two rounds to standardise and one with the model; seconds of the last one.
  double run(Plan plan) {
    plan.quorum = static_cast<int>(sites_.size());
    plan.training.rounds = 1;
    const std::string hash =
        admin("POST", "/v1/admin/plans", toReadableJson(plan)).at("hash").get<std::string>();
    for (const Member& site : sites_) {
      const Decision decision{hash, site.name, "policy", true, "", systemSeconds()};
      say(site, "POST", "/v1/plans/" + hash + "/decisions",
          encode(signDocument("decision", encode(decision), site.name, site.key)));
    }
    admin("POST", "/v1/admin/plans/" + hash + "/start", "");
    double seconds = 0;
    for (int number = 1; number <= 3; ++number) {
      const auto start = Clock::now();
      playRound(plan, hash.substr(0, 16) + "-" + std::to_string(number) + "-1");
      seconds = secondsSince(start);
    }
    const auto state = admin("GET", "/v1/admin/plans/" + hash, "");
    if (state.at("status") != "finished")
      throw std::runtime_error("the plan is " + state.at("status").get<std::string>() + ": " +
                               state.at("reason").get<std::string>());
    return seconds;
  }

 private:
  struct Member {
    std::string name;
    SigningKey key;
  };

  Bytes ask(ApiRequest request) {
    ApiResponse answer = coordinator_->handle(request);
    if (answer.status / 100 != 2)
      throw std::runtime_error(request.method + " " + request.target + ": " +
                               std::string(textOf(answer.body)));
    return std::move(answer.body);
  }
  nlohmann::json admin(const std::string& method, const std::string& target,
                       const std::string& body) {
    ApiRequest request{method, target, {{"Authorization", "Bearer " + token_}}, {}, {}};
    request.body.assign(body.begin(), body.end());
    return nlohmann::json::parse(ask(std::move(request)));
  }
  Bytes say(const Member& site, const std::string& method, const std::string& target, Bytes body,
            std::vector<std::pair<std::string, std::string>> headers = {}) {
    headers.emplace_back(kSignatureHeader, makeSignatureHeader({method, target, body}, site.name,
                                                               systemSeconds(), site.key));
    return ask({method, target, std::move(headers), std::move(body), {}});
  }
  void enrol(const std::string& name) {
    const auto invited =
        admin("POST", "/v1/admin/sites", nlohmann::json{{"id", name}}.dump()).at("invitation");
    Member site{name, SigningKey::generate()};
    const EnrolRequest wish{invitationFromText(invited.get<std::string>()).token,
                            makeSigningRequest(site.key, name)};
    ask({"POST", "/v1/enrol", {}, encode(wish), {}});
    say(site, "POST", "/v1/poll", {});  // proves the key
    sites_.push_back(std::move(site));
  }

  void speak(const Member& site, const std::string& roundId, decltype(RoundMessage::body) body) {
    const RoundMessage message{roundId, site.name, std::move(body)};
    const auto reply = decode<MessageReply>(
        say(site, "POST", "/v1/rounds/" + roundId + "/messages",
            encode(signDocument("round-message", encode(message), site.name, site.key))));
    if (reply.verdict != Verdict::Accepted) throw std::runtime_error(reply.reason);
  }

  // All sites send the same numbers, so that making them costs nothing.
  Bytes uploadFor(const Plan& plan, const RoundInput& input, const RoundStart& start) {
    const auto result =
        InstantTrainer(plan).compute(plan, start.number, input, start.quorum, [](int) {}, {});
    if (!result) throw std::runtime_error(result.error());
    const FixedPoint fixed(layoutOf(plan, input), static_cast<int>(start.invited.size()),
                           plan.masking);
    return packWords(fixed.encode(result->values), fixed.wordBytes());
  }
  Bytes download(const Member& site, const std::string& sha256, std::uint64_t size) {
    Bytes whole;
    while (whole.size() < size) {
      const auto last = std::min<std::uint64_t>(whole.size() + kChunkBytes, size) - 1;
      const Bytes piece =
          say(site, "GET", "/v1/blobs/" + sha256, {},
              {{"Range", "bytes=" + std::to_string(whole.size()) + "-" + std::to_string(last)}});
      whole.insert(whole.end(), piece.begin(), piece.end());
    }
    return whole;
  }
  void upload(const Member& site, const Bytes& whole, const std::string& sha256,
              const std::vector<std::string>& chunkHashes) {
    for (std::size_t i = 0; i < chunkHashes.size(); ++i) {
      const auto from = whole.begin() + static_cast<std::ptrdiff_t>(i * kChunkBytes);
      const auto size = std::min(kChunkBytes, whole.size() - i * kChunkBytes);
      say(site, "PUT",
          "/v1/uploads/" + sha256 + "/" + std::to_string(whole.size()) + "/" +
              std::to_string(i * kChunkBytes),
          Bytes(from, from + static_cast<std::ptrdiff_t>(size)),
          {{"FedPET-Chunk-SHA256", chunkHashes[i]}});
    }
  }
  void playRound(const Plan& plan, const std::string& roundId) {
    const auto view = decode<RoundView>(say(sites_.front(), "GET", "/v1/rounds/" + roundId, {}));
    const auto start = decode<RoundStart>(view.start.payload);
    const RoundInput input =
        decodeRoundInput(download(sites_.front(), start.inputSha256, start.inputBytes));
    const Bytes whole = uploadFor(plan, input, start);
    const std::string sha256 = sha256Hex(whole);
    std::vector<std::string> chunkHashes;
    for (std::size_t at = 0; at < whole.size(); at += kChunkBytes)
      chunkHashes.push_back(
          sha256Hex(ByteView(whole).subspan(at, std::min(kChunkBytes, whole.size() - at))));
    for (const Member& site : sites_) speak(site, roundId, JoinBody{});
    for (const Member& site : sites_) {
      upload(site, whole, sha256, chunkHashes);
      speak(site, roundId, ContributeBody{sha256, whole.size(), "{}"});
    }
    coordinator_->tick();
  }

  fedpet::testing::TemporaryDirectory folder_;
  std::optional<Coordinator> coordinator_;
  std::string token_;
  std::vector<Member> sites_;
};

void simulate(int sites) {
  Simulation simulation(sites);
  const double seconds =
      simulation.run(perceptronPlan(10, {990, 1000}, Masking::None));  // 1.0 M parameters
  std::cout << Json{{"sites", sites},
                    {"secondsPerRound", seconds},
                    {"peakMemoryMb", peakMemoryMb()}}
            << "\n";
}

Json simulateInAnotherProcess(int sites) {
  std::fprintf(stderr, "scale: %d sites\n", sites);
  const std::string command =
      fs::read_symlink("/proc/self/exe").string() + " simulate " + std::to_string(sites);
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("cannot start " + command);
  std::string output;
  char buffer[1024];
  while (fgets(buffer, sizeof buffer, pipe) != nullptr) output += buffer;
  if (pclose(pipe) != 0) throw std::runtime_error("failed: " + command);
  return Json::parse(output);
}

Json scaleReport() {
  const Json one = simulateInAnotherProcess(1);
  Json report{{"parameters", 1'003'881}, {"oneSite", one}, {"limitMemoryAboveOneSiteMb", 100}};
  report["runs"] = Json::array();
  for (const int sites : {250, 500, 1000}) {
    Json figures = simulateInAnotherProcess(sites);
    figures["memoryAboveOneSiteMb"] =
        figures["peakMemoryMb"].get<double>() - one["peakMemoryMb"].get<double>();
    figures["secondsPerSite"] = figures["secondsPerRound"].get<double>() / sites;
    report["runs"].push_back(std::move(figures));
  }
  return report;
}

}  // namespace

int main(int argc, char** argv) try {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "simulate" && argc > 2) {
    simulate(std::stoi(argv[2]));
    return 0;
  }
  Json report;
  if (what != "scale") report["rounds"] = roundsReport();
  if (what != "rounds") report["scale"] = scaleReport();
  std::cout << report.dump(2) << "\n";
} catch (const std::exception& error) {
  std::fprintf(stderr, "fedpet-federation-bench: %s\n", error.what());
  return 1;
}
