#include "orthanc-plugin/cli/FederateReport.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>

namespace fedpet::plugin {
namespace {

using federation::EndpointKind;
using federation::NoiseKind;
using federation::Plan;
using Json = nlohmann::ordered_json;

bool isSurvival(const FederateReport& r) {
  return r.result.plan.endpoint.kind == EndpointKind::Survival;
}

Json finite(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json estimateJson(const std::optional<response::Estimate>& e) {
  if (!e) return nullptr;
  return {{"value", finite(e->value)}, {"lower", finite(e->lower)}, {"upper", finite(e->upper)}};
}

Json figuresJson(const SiteFigures& figures, bool isSite) {
  Json json;
  json["site"] = figures.name;
  if (isSite) json["id"] = figures.id;
  json["trainPatients"] = figures.trainPatients;
  json["testPatients"] = figures.testPatients;
  json["testEvents"] = figures.testEvents;
  json["federated"] = estimateJson(figures.federated);
  json["local"] = estimateJson(figures.local);
  json["pooled"] = estimateJson(figures.pooled);
  return json;
}

double meanRoundSeconds(const PlanRun& run) {
  if (run.rounds.empty()) return 0;
  double sum = 0;
  for (const RoundFigures& round : run.rounds) sum += round.time.count();
  return sum / static_cast<double>(run.rounds.size());
}

// Mean over rounds and sites.
struct BytesPerSite {
  double sent = 0, received = 0;
};
BytesPerSite bytesPerSiteAndRound(const ExperimentResult& result) {
  BytesPerSite mean;
  const double shares =
      static_cast<double>(result.run.rounds.size()) * static_cast<double>(result.sites.size());
  for (const RoundFigures& round : result.run.rounds) {
    mean.sent += static_cast<double>(round.traffic.sentBytes) / shares;
    mean.received += static_cast<double>(round.traffic.receivedBytes) / shares;
  }
  return mean;
}

Json roundsJson(const ExperimentResult& result) {
  Json rounds = Json::array();
  const auto sites = static_cast<std::uint64_t>(result.sites.size());
  for (const RoundFigures& round : result.run.rounds)
    rounds.push_back({{"round", round.roundId},
                      {"seconds", round.time.count()},
                      {"sentBytesPerSite", round.traffic.sentBytes / sites},
                      {"receivedBytesPerSite", round.traffic.receivedBytes / sites}});
  return rounds;
}

std::string cell(const std::optional<response::Estimate>& e) {
  if (!e || !std::isfinite(e->value)) return "-";
  if (!std::isfinite(e->lower)) return fmt::format("{:.3f}", e->value);
  return fmt::format("{:.3f} ({:.3f} to {:.3f})", e->value, e->lower, e->upper);
}

void figuresRow(std::string& out, const SiteFigures& f, std::size_t width, bool baselines) {
  fmt::format_to(std::back_inserter(out), "  {:<{}} {:>6} {:>6} {:>6}  {:<24}", f.name, width,
                 f.trainPatients, f.testPatients, f.testEvents, cell(f.federated));
  if (baselines) fmt::format_to(std::back_inserter(out), "{:<24}{}", cell(f.local), cell(f.pooled));
  out += '\n';
}

std::string figuresTable(const FederateReport& report) {
  const ExperimentResult& r = report.result;
  const bool baselines = r.all.pooled.has_value();
  std::size_t width = r.all.name.size();
  for (const SiteFigures& site : r.sites) width = std::max(width, site.name.size());
  std::string out = fmt::format(
      "{} on the test rows (95 % bootstrap interval)\n\n  {:<{}} {:>6} {:>6} {:>6}  {:<24}",
      isSurvival(report) ? "C-index" : "AUC", "site", width, "train", "test", "events",
      "federated");
  out += baselines ? fmt::format("{:<24}{}\n", "this site alone", "all data pooled") : "\n";
  for (const SiteFigures& site : r.sites) figuresRow(out, site, width, baselines);
  figuresRow(out, r.all, width, baselines);
  if (baselines && r.all.local)
    fmt::format_to(std::back_inserter(out),
                   "\n  The sites' own models reach {:.3f} to {:.3f} on all test rows; their mean "
                   "stands in the last line.\n",
                   r.lowestLocal, r.highestLocal);
  return out;
}

std::string bytesText(double bytes) {
  if (bytes < 10'000) return fmt::format("{:.0f} bytes", bytes);
  if (bytes < 10'000'000) return fmt::format("{:.1f} kB", bytes / 1e3);
  return fmt::format("{:.1f} MB", bytes / 1e6);
}

std::string methodText(const Plan& plan) {
  if (plan.task == federation::TaskKind::Newton)
    return plan.endpoint.kind == EndpointKind::Survival
               ? "exact Cox regression (Newton steps)"
               : "exact logistic regression (Newton steps)";
  return fmt::format("{} of {}, {} rounds of {} steps", toString(plan.training.strategy),
                     plan.model.architecture, plan.training.rounds, plan.training.localSteps);
}

}  // namespace

std::string readable(const FederateReport& report) {
  const ExperimentResult& r = report.result;
  std::string out = fmt::format("{}: {} sites, {} columns, {}\n", report.file, r.sites.size(),
                                r.plan.features.size(), report.split);
  for (const std::string& note : report.notes)
    fmt::format_to(std::back_inserter(out), "Note: {}\n", note);
  fmt::format_to(std::back_inserter(out), "{}, secure aggregation: {}\n\n", methodText(r.plan),
                 toString(r.plan.masking));
  out += figuresTable(report);
  const BytesPerSite bytes = bytesPerSiteAndRound(r);
  fmt::format_to(std::back_inserter(out),
                 "\n  {} rounds, {:.3f} s each; a site sends {} and receives {} in a round\n",
                 r.run.rounds.size(), meanRoundSeconds(r.run), bytesText(bytes.sent),
                 bytesText(bytes.received));
  if (r.plan.privacy.noise != NoiseKind::None)
    fmt::format_to(std::back_inserter(out),
                   "  epsilon {:.3f} of {:g} at delta {:g}, noise multiplier {:.3f} ({})\n",
                   r.run.epsilonSpent, r.plan.privacy.epsilon, r.plan.privacy.delta,
                   r.plan.privacy.noiseMultiplier,
                   r.plan.privacy.noise == NoiseKind::Distributed ? "distributed" : "at each site");
  fmt::format_to(std::back_inserter(out), "  plan {}\n  release {}\n", r.run.planHash,
                 r.run.releaseHash);
  return out;
}

Json toJson(const FederateReport& report) {
  const ExperimentResult& r = report.result;
  const BytesPerSite bytes = bytesPerSiteAndRound(r);
  Json json;
  json["table"] = {{"file", report.file}, {"split", report.split}, {"notes", report.notes}};
  json["plan"] = Json::parse(federation::toReadableJson(r.plan));
  json["planSha256"] = r.run.planHash;
  json["releaseSha256"] = r.run.releaseHash;
  json["metric"] = isSurvival(report) ? "c-index" : "auc";
  json["sites"] = Json::array();
  for (const SiteFigures& site : r.sites) json["sites"].push_back(figuresJson(site, true));
  json["all"] = figuresJson(r.all, false);
  if (r.all.local) json["all"]["localRange"] = {finite(r.lowestLocal), finite(r.highestLocal)};
  json["rounds"] = roundsJson(r);
  json["secondsPerRound"] = meanRoundSeconds(r.run);
  json["sentBytesPerSiteAndRound"] = std::round(bytes.sent);
  json["receivedBytesPerSiteAndRound"] = std::round(bytes.received);
  json["privacy"] = nullptr;
  if (r.plan.privacy.noise != NoiseKind::None)
    json["privacy"] = {{"epsilon", r.run.epsilonSpent},
                       {"delta", r.plan.privacy.delta},
                       {"noiseMultiplier", r.plan.privacy.noiseMultiplier}};
  json["model"] = {{"parameters", r.run.outcome.values},
                   {"description", Json::parse(r.run.outcome.resultJson)}};
  return json;
}

}  // namespace fedpet::plugin
