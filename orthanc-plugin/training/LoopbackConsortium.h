// A whole consortium in one process: a coordinator behind HTTPS with mutual TLS on 127.0.0.1, and
// sites in threads that were invited, have enrolled, poll, and approve by policy. Nothing is
// shortened: what runs here is what runs between hospitals.
#pragma once

#include "federation/learning/Task.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <vector>

namespace fedpet::plugin {

// The plan did not come to its end. what() has the reasons of coordinator and sites, a line each.
struct ConsortiumError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Bodies, targets and headers of HTTP, as the coordinator's handler sees them; TLS adds 2 % or
// less.
struct Traffic {
  std::uint64_t sentBytes = 0, receivedBytes = 0;  // by all sites together
};
struct RoundFigures {
  std::string roundId;
  std::chrono::duration<double> time{};  // from its opening to the next one's, or to its end
  Traffic traffic;
};

struct PlanRun {
  std::string planHash, releaseHash;
  federation::Outcome outcome;
  std::vector<RoundFigures> rounds;  // in order, failed attempts included
  std::chrono::duration<double> time{};
  double epsilonSpent = 0;  // the largest of any site, by its own journal
};

class LoopbackConsortium {
 public:
  struct Member {
    std::string site;                             // id: a-z, 0-9 and "-"
    federation::LocalTrainer* trainer = nullptr;  // borrowed; called from the member's thread only
  };
  struct Settings {
    std::filesystem::path folder;  // empty or absent; everything stands in it
    std::string consortium = "loopback";
  };

  // Makes the CA, starts the server, invites and enrols. Throws what these throw.
  LoopbackConsortium(Settings, const std::vector<Member>&);
  ~LoopbackConsortium();
  LoopbackConsortium(const LoopbackConsortium&) = delete;
  LoopbackConsortium& operator=(const LoopbackConsortium&) = delete;

  // Proposes the plan, waits for every approval, starts it, releases what it gives, and waits until
  // every site has fetched the release and verified it. Throws ConsortiumError; after a stop too.
  PlanRun run(const federation::Plan&, const std::function<void(int roundsDone)>& progress,
              std::stop_token = {});

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fedpet::plugin
