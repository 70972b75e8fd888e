#include "orthanc-plugin/cli/SiteCommand.h"

#include "federation/Clock.h"
#include "federation/audit/AuditLog.h"
#include "federation/files/DurableFiles.h"
#include "federation/site/Policy.h"
#include "federation/site/Site.h"
#include "orthanc-plugin/cli/CommandJson.h"
#include "orthanc-plugin/cli/Terminal.h"
#include "orthanc-plugin/training/TableTrainer.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <signal.h>

#include <csignal>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>

namespace fedpet::plugin {
namespace {

namespace fed = federation;
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct Asked {
  std::string dir, invitation, proxy, authorizationFile, serverCaFile, hash, by, reason, csv, out;
  bool json = false, once = false;
};

// What a person decides or reads needs no patients.
class NoTrainer final : public fed::LocalTrainer {
 public:
  tl::expected<int, fed::CannotTakePart> patients(const fed::Plan&) override {
    return tl::unexpected(fed::CannotTakePart("this command knows no patients"));
  }
  tl::expected<fed::LocalResult, fed::CannotTakePart> compute(const fed::Plan&, int,
                                                              const fed::RoundInput&, int,
                                                              const std::function<void(int)>&,
                                                              std::stop_token) override {
    return tl::unexpected(fed::CannotTakePart("this command knows no patients"));
  }
};

// One line for each thing that happened, as a service's log wants it.
class Teller final : public fed::SiteObserver {
 public:
  explicit Teller(bool withBar) : bar_(withBar) {}
  void note(const std::string& sentence) override {
    const std::lock_guard lock(mutex_);
    fmt::print(stderr, "{:%Y-%m-%dT%H:%M:%SZ} {}\n", fmt::gmtime(fed::systemSeconds()), sentence);
  }
  void progress(const std::string&, std::string_view stage, int percent) override {
    const std::lock_guard lock(mutex_);
    bar_.show(stage, percent);
  }

 private:
  std::mutex mutex_;  // a training reports beside the site's own thread
  ProgressBar bar_;
};

fs::path policyFile(const Asked& asked) { return fs::path(asked.dir) / "policy.json"; }

fed::SitePolicy policyOf(const Asked& asked) {
  std::ifstream file(policyFile(asked), std::ios::binary);
  if (!file) return {};
  return fed::policyFromJson(std::string{std::istreambuf_iterator<char>(file), {}});
}

fed::SiteSettings settingsOf(const Asked& asked) {
  fed::SiteSettings settings;
  settings.folder = asked.dir;
  settings.policy = policyOf(asked);
  settings.http.proxyUrl = asked.proxy;
  settings.http.caFile = asked.serverCaFile;
  settings.authorizationFile = asked.authorizationFile;
  settings.now = fed::systemSeconds;
  return settings;
}

// The site as it stands in its folder, whether or not another program runs it.
struct OpenSite {
  explicit OpenSite(const Asked& asked) : site(settingsOf(asked), trainer, teller) {}
  NoTrainer trainer;
  Teller teller{false};
  fed::Site site;
};

std::string timeText(std::chrono::sys_seconds time) {
  return time.time_since_epoch().count() == 0
             ? "never"
             : fmt::format("{:%Y-%m-%d %H:%M}Z", fmt::gmtime(time));
}
Json timeJson(std::chrono::sys_seconds time) {
  return time.time_since_epoch().count() == 0
             ? Json()
             : Json(fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(time)));
}

// --- enrol -------------------------------------------------------------------------------------

// The text itself, a file that holds it, or - for standard input.
std::string invitationText(const std::string& given) {
  if (given == "-") return {std::istreambuf_iterator<char>(std::cin), {}};
  if (given.starts_with("fedpet-invitation:")) return given;
  std::ifstream file(given, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read the invitation from " + given);
  return {std::istreambuf_iterator<char>(file), {}};
}

int enrol(const Asked& asked) {
  const auto invitation = fed::invitationFromText(invitationText(asked.invitation));
  try {
    fed::Site::enrol(invitation, settingsOf(asked));
  } catch (const fed::EnrolmentRefused& refusal) {
    fmt::print(stderr, "fedpet: not enrolled: {}\n", refusal.what());
    return kExitRefused;
  }
  if (!fs::exists(policyFile(asked)))
    fed::writeOwnerFile(policyFile(asked), fed::viewOf(fed::toReadableJson(fed::SitePolicy())));
  if (asked.json)
    print({{"site", invitation.site},
           {"consortium", invitation.consortium},
           {"policy", policyFile(asked).string()}});
  else
    fmt::print("enrolled as {} in {}; what this site allows stands in {}\n", invitation.site,
               invitation.consortium, policyFile(asked).string());
  return kExitOk;
}

// --- status and plans --------------------------------------------------------------------------

std::string decisionText(const fed::KnownPlan& plan) {
  if (!plan.decision) return "waits for a decision";
  return std::string(plan.decision->approved ? "approved" : "rejected") + " by " +
         plan.decision->by;
}

Json toJson(const fed::KnownPlan& plan) {
  Json json{{"hash", plan.hash},
            {"title", plan.plan.title},
            {"purpose", plan.plan.purpose},
            {"task", fed::toString(plan.plan.task)},
            {"masking", fed::toString(plan.plan.masking)},
            {"objections", plan.policyObjections},
            {"epsilonAllowed", plan.plan.privacy.epsilon},
            {"epsilonSpent", plan.epsilonSpent},
            {"decision", nullptr}};
  if (plan.decision)
    json["decision"] = {{"approved", plan.decision->approved},
                        {"by", plan.decision->by},
                        {"reason", plan.decision->reason},
                        {"time", timeJson(plan.decision->time)}};
  return json;
}

Json plansJson(const fed::SiteStatus& status) {
  Json plans = Json::array();
  for (const auto& plan : status.plans) plans.push_back(toJson(plan));
  return plans;
}

void tell(const fed::KnownPlan& plan) {
  fmt::print("{}\n  {} ({}, {}): {}\n", plan.hash, plan.plan.title, fed::toString(plan.plan.task),
             plan.plan.purpose, decisionText(plan));
  if (plan.plan.privacy.epsilon > 0)
    fmt::print("  epsilon {:.4g} of {:.4g} spent\n", plan.epsilonSpent, plan.plan.privacy.epsilon);
  if (!plan.decision)
    for (const auto& objection : plan.policyObjections)
      fmt::print("  the policy objects: {}\n", objection);
}

int showStatus(const Asked& asked) {
  const fed::SiteStatus status = OpenSite(asked).site.status();
  if (asked.json) {
    print({{"site", status.site},
           {"consortium", status.consortium},
           {"coordinator", status.coordinatorUrl},
           {"certificateEnds", timeJson(status.certificateEnds)},
           {"lastContact", timeJson(status.lastContact)},
           {"lastProblem", status.lastProblem},
           {"epsilonSpent", status.epsilonSpent},
           {"epsilonAllowed", status.epsilonAllowed},
           {"plans", plansJson(status)},
           {"rounds", status.rounds}});
    return kExitOk;
  }
  fmt::print("site {} of {}, coordinator {}\n", status.site, status.consortium,
             status.coordinatorUrl);
  fmt::print("certificate until {}, last contact {}\n", timeText(status.certificateEnds),
             timeText(status.lastContact));
  fmt::print("epsilon {:.4g} of {:.4g} spent\n", status.epsilonSpent, status.epsilonAllowed);
  if (!status.lastProblem.empty()) fmt::print("problem: {}\n", status.lastProblem);
  for (const auto& plan : status.plans) tell(plan);
  for (const auto& round : status.rounds) fmt::print("round {}\n", round);
  return kExitOk;
}

int showPlans(const Asked& asked) {
  const fed::SiteStatus status = OpenSite(asked).site.status();
  if (asked.hash.empty()) {
    if (asked.json) {
      print(plansJson(status));
    } else {
      for (const auto& plan : status.plans) tell(plan);
      if (status.plans.empty()) fmt::print("no plan has been proposed\n");
    }
    return kExitOk;
  }
  for (const auto& plan : status.plans)
    if (plan.hash == asked.hash) {
      Json json = toJson(plan);
      json["plan"] = Json::parse(fed::toReadableJson(plan.plan));
      fmt::print("{}\n",
                 json.dump(asked.json ? -1 : 2, ' ', false, Json::error_handler_t::replace));
      return kExitOk;
    }
  throw std::runtime_error("no plan with this hash has been proposed to this site");
}

int decide(const Asked& asked, bool approve) {
  OpenSite open(asked);
  try {
    open.site.decide(asked.hash, approve, asked.by, asked.reason);
  } catch (const std::invalid_argument& refusal) {
    if (asked.json)
      print({{"status", "refused"}, {"reason", refusal.what()}});
    else
      fmt::print(stderr, "fedpet: not decided: {}\n", refusal.what());
    return kExitRefused;
  }
  if (asked.json)
    print({{"hash", asked.hash}, {"approved", approve}, {"by", asked.by}});
  else
    fmt::print("{} by {}; it is sent with the next contact (`fedpet site run`)\n",
               approve ? "approved" : "rejected", asked.by);
  return kExitOk;
}

// --- run ---------------------------------------------------------------------------------------

// SIGINT and SIGTERM ask to stop; the program then ends by itself, between two steps or within
// training. A handler, because libraries have threads by now that no mask of ours reaches.
volatile std::sig_atomic_t signalCame = 0;

class StopOnSignal {
 public:
  StopOnSignal() {
    struct sigaction action {};
    action.sa_handler = [](int) { signalCame = 1; };
    for (const int signal : {SIGINT, SIGTERM}) sigaction(signal, &action, nullptr);
    waiter_ = std::jthread([this](std::stop_token ended) {
      while (!ended.stop_requested() && signalCame == 0)
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
      if (signalCame != 0) stop_.request_stop();
    });
  }
  std::stop_token token() const { return stop_.get_token(); }

 private:
  std::stop_source stop_;
  std::jthread waiter_;
};

int run(const Asked& asked) {
  const StopOnSignal signals;
  if (!fs::exists(asked.csv)) throw std::runtime_error("cannot read " + asked.csv);
  Teller teller(true);
  const auto trainer = lastingTrainer(asked.csv, fs::path(asked.dir) / "computing" / "state");
  fed::Site site(settingsOf(asked), *trainer, teller);
  if (asked.once)
    site.step(signals.token());
  else
    site.run(signals.token());
  const std::string problem = site.status().lastProblem;
  if (problem.empty() || signals.token().stop_requested()) return kExitOk;
  fmt::print(stderr, "fedpet: {}\n", problem);
  return kExitFailed;
}

int exportLog(const Asked& asked) {
  OpenSite open(asked);
  const auto entries = open.site.audit();
  if (asked.out.empty()) {
    fed::exportAudit(std::cout, open.site.status().site, entries);
    return kExitOk;
  }
  std::ofstream file(asked.out, std::ios::binary);
  fed::exportAudit(file, open.site.status().site, entries);
  file.close();
  if (!file) throw std::runtime_error("cannot write " + asked.out);
  return kExitOk;
}

int renew(const Asked& asked) {
  OpenSite open(asked);
  open.site.renewCertificate({});
  const auto ends = open.site.status().certificateEnds;
  if (asked.json)
    print({{"certificateEnds", timeJson(ends)}});
  else
    fmt::print("renewed with a new key, until {}\n", timeText(ends));
  return kExitOk;
}

// --- registration ------------------------------------------------------------------------------

CLI::App* add(CLI::App& site, const std::string& name, const std::string& what,
              const std::shared_ptr<Asked>& asked) {
  CLI::App* command = site.add_subcommand(name, what);
  command->add_option("--dir", asked->dir, "The site's folder: key, certificate, journal, policy")
      ->required();
  return command;
}

void addWay(CLI::App* command, const std::shared_ptr<Asked>& asked) {
  command->add_option("--proxy", asked->proxy, "http://host:port of the hospital's HTTP proxy");
  command->add_option("--authorization-file", asked->authorizationFile,
                      "File with the value of an Authorization header, for a coordinator behind a "
                      "reverse proxy or Orthanc's authentication");
  command->add_option("--server-ca-file", asked->serverCaFile,
                      "PEM file with authorities that may vouch for the coordinator's server "
                      "beside the consortium's own");
}

void addDecision(CLI::App& site, const std::string& name, const std::string& what, bool approve,
                 const std::shared_ptr<Asked>& asked, ExitCode& exitCode) {
  CLI::App* command = add(site, name, what, asked);
  command->add_option("HASH", asked->hash, "The plan's whole hash: the decision is on these bytes")
      ->required();
  command->add_option("--by", asked->by, "Name of the person who decides")->required();
  command->add_option("--reason", asked->reason, "For the consortium to read");
  command->add_flag("--json", asked->json, "Print JSON");
  command->callback([=, &exitCode] { exitCode = decide(*asked, approve); });
}

}  // namespace

void addSiteCommand(CLI::App& app, ExitCode& exitCode) {
  CLI::App* site = app.add_subcommand(
      "site", "Take part in a consortium: connects outwards only, nothing is opened here");
  site->require_subcommand(1);
  auto asked = std::make_shared<Asked>();

  CLI::App* command = add(*site, "enrol", "Become a member, with an invitation", asked);
  command
      ->add_option("--invitation", asked->invitation,
                   "The text fedpet-invitation:..., a file that holds it, or - for standard input")
      ->required();
  addWay(command, asked);
  command->add_flag("--json", asked->json, "Print JSON");
  command->callback([=, &exitCode] { exitCode = enrol(*asked); });

  command = add(*site, "status", "Membership, plans, budget and rounds", asked);
  command->add_flag("--json", asked->json, "Print JSON");
  command->callback([=, &exitCode] { exitCode = showStatus(*asked); });

  command = add(*site, "plans", "Plans that were proposed, and what the policy says", asked);
  command->add_option("HASH", asked->hash, "Show this one as a whole");
  command->add_flag("--json", asked->json, "Print JSON");
  command->callback([=, &exitCode] { exitCode = showPlans(*asked); });

  addDecision(*site, "approve", "Let this site take part in a plan", true, asked, exitCode);
  addDecision(*site, "reject", "Keep this site out of a plan", false, asked, exitCode);

  command = add(*site, "run", "Poll the coordinator and train, until stopped", asked);
  command
      ->add_option("--csv", asked->csv,
                   "Table of this site's patients; its columns are named as in the plans")
      ->required();
  addWay(command, asked);
  command->add_flag("--once", asked->once, "One contact, and all that follows from it now");
  command->callback([=, &exitCode] { exitCode = run(*asked); });

  command = add(*site, "audit", "Write the log; check it with `fedpet audit verify`", asked);
  command->add_option("--out", asked->out, "File; else standard output");
  command->callback([=, &exitCode] { exitCode = exportLog(*asked); });

  command = add(*site, "renew", "Ask for a new certificate with a new key now", asked);
  addWay(command, asked);
  command->add_flag("--json", asked->json, "Print JSON");
  command->callback([=, &exitCode] { exitCode = renew(*asked); });
}

}  // namespace fedpet::plugin
