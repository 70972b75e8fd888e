// What the consortium's administrator asks of the coordinator.
#include "federation/coordinator/Core.h"

#include <nlohmann/json.hpp>

#include <sstream>

namespace fedpet::federation {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr const char* kJson = "application/json";
constexpr const char* kBytes = "application/octet-stream";

template <typename F>
auto read(Core& core, F f) {
  return core.database.transaction([&](soci::session& sql) {
    Records records(sql);
    return f(records);
  });
}

ordered_json timeOrNull(long long seconds) {
  return seconds == 0 ? ordered_json(nullptr) : ordered_json(seconds);
}

json objectOf(const ApiCall& call, const std::set<std::string>& known) {
  const std::string_view text = textOf(call.request.body);
  const json object = text.empty() ? json::object() : json::parse(text, nullptr, false);
  if (!object.is_object()) throw Refusal(400, "Malformed", "the body must be one JSON object");
  for (const auto& [name, value] : object.items())
    if (!known.contains(name))
      throw Refusal(400, "Malformed", "unknown member \"" + storable(name, 60) + "\"");
  return object;
}

std::string textMember(const json& object, const std::string& name) {
  const auto found = object.find(name);
  if (found == object.end()) return {};
  if (!found->is_string()) throw Refusal(400, "Malformed", "\"" + name + "\" must be text");
  return storable(found->get<std::string>());
}

// --- sites -------------------------------------------------------------------------------------

ApiResponse invite(Core& core, const ApiCall& call) {
  const auto body = objectOf(call, {"id"});
  const Invitation invitation = core.members.invite(textMember(body, "id"), core.now());
  return jsonAnswer(200, ordered_json{{"site", invitation.site},
                                      {"invitation", toText(invitation)},
                                      {"expires", toRow(invitation.expires)}}
                             .dump());
}

ApiResponse sites(Core& core) {
  const auto seen = core.members.lastSeen();
  const auto certificates = core.members.certificates();
  ordered_json list = ordered_json::array();
  for (const MemberRow& row : core.members.all()) {
    long long ends = 0;
    std::string key;
    for (const auto& certificate : certificates)
      if (certificate.site == row.site && certificate.activatedAt != 0) {
        ends = certificate.notAfter;
        key = certificate.publicKeyHex;
      }
    const auto last = seen.find(row.site);
    const char* status = row.revokedAt != 0                            ? "revoked"
                         : row.enrolledAt == 0                         ? "invited"
                         : core.members.isActive(row.site, core.now()) ? "member"
                                                                       : "expired";
    list.push_back({{"site", row.site},
                    {"status", status},
                    {"enrolled", timeOrNull(row.enrolledAt)},
                    {"lastSeen", last == seen.end() ? ordered_json(nullptr)
                                                    : ordered_json(toRow(last->second))},
                    {"certificateEnds", timeOrNull(ends)},
                    {"key", key},
                    {"pseudonym", core.plans.pseudonymOf(row.site)},
                    {"revocationReason", row.revocationReason}});
  }
  return jsonAnswer(200, list.dump());
}

ApiResponse revoke(Core& core, const ApiCall& call) {
  const auto body = objectOf(call, {"reason"});
  core.members.revoke(call.at("id"), textMember(body, "reason"), core.now());
  const std::lock_guard lock(core.mutex);
  core.engine.letGo(call.at("id"), "was revoked", core.now());
  return jsonAnswer(200, ordered_json{{"site", call.at("id")}, {"status", "revoked"}}.dump());
}

// --- plans -------------------------------------------------------------------------------------

ordered_json planFacts(Records& records, const PlanRow& row) {
  ordered_json decisions = ordered_json::array();
  for (const DecisionRow& d : records.decisions(row.hash))
    decisions.push_back({{"site", d.site},
                         {"approved", d.approved != 0},
                         {"by", d.by},
                         {"reason", d.reason},
                         {"time", d.decidedAt}});
  ordered_json rounds = ordered_json::array();
  for (const ProgressRow& p : records.progress(row.hash))
    rounds.push_back({{"number", p.number},
                      {"contributors", json::parse(p.contributorsJson)},
                      {"metrics", json::parse(p.metricsJson, nullptr, false)},
                      {"seconds", p.seconds},
                      {"closed", p.closedAt}});
  return {{"hash", row.hash},
          {"title", row.title},
          {"status", row.status},
          {"reason", row.reason},
          {"proposed", row.proposedAt},
          {"changed", row.changedAt},
          {"round", row.number},
          {"attempt", row.attempt},
          {"retryAt", timeOrNull(row.retryAt)},
          {"parameters", row.outcomeBlob},
          {"result", row.resultBlob},
          {"decisions", decisions},
          {"rounds", rounds}};
}

ApiResponse propose(Core& core, const ApiCall& call) {
  Plan plan;
  try {
    plan = planFromJson(textOf(call.request.body));
  } catch (const std::exception& e) {
    throw Refusal(400, "PlanFaulty", e.what());
  }
  return jsonAnswer(200, ordered_json{{"hash", core.plans.propose(plan, core.now())}}.dump());
}

ApiResponse plans(Core& core) {
  return jsonAnswer(200, read(core, [](Records& records) {
                           ordered_json list = ordered_json::array();
                           for (const PlanRow& row : records.plans())
                             list.push_back(planFacts(records, row));
                           return list;
                         }).dump());
}

ApiResponse plan(Core& core, const ApiCall& call) {
  const auto facts = read(core, [&](Records& records) -> std::optional<ordered_json> {
    const auto row = records.plan(call.at("hash"));
    if (!row) return std::nullopt;
    ordered_json object = planFacts(records, *row);
    object["plan"] = ordered_json::parse(toReadableJson(planOf(*row)));
    return object;
  });
  if (!facts) throw Refusal(404, "NotFound", "there is no such plan");
  return jsonAnswer(200, facts->dump());
}

ApiResponse start(Core& core, const ApiCall& call) {
  const std::lock_guard lock(core.mutex);
  core.engine.start(call.at("hash"), core.now());
  return jsonAnswer(200, ordered_json{{"hash", call.at("hash")}, {"status", "running"}}.dump());
}

ApiResponse cancel(Core& core, const ApiCall& call) {
  const auto body = objectOf(call, {"reason"});
  const std::lock_guard lock(core.mutex);
  core.engine.cancel(call.at("hash"), textMember(body, "reason"), core.now());
  return jsonAnswer(200, ordered_json{{"hash", call.at("hash")}, {"status", "cancelled"}}.dump());
}

ApiResponse rounds(Core& core) {
  const std::lock_guard lock(core.mutex);
  ordered_json list = ordered_json::array();
  for (const RoundRow& row : read(core, [](Records& records) { return records.rounds(); })) {
    const auto start = decode<RoundStart>(documentOf(row.startDocument).payload);
    const auto state = core.engine.stateOf(row.id);
    ordered_json object = {{"id", row.id},
                           {"plan", row.plan},
                           {"number", row.number},
                           {"attempt", row.attempt},
                           {"status", row.status},
                           {"failure", row.failure},
                           {"opened", row.openedAt},
                           {"closed", timeOrNull(row.closedAt)},
                           {"invited", start.invited}};
    if (state)
      object["now"] = {{"step", toString(state->step)},     {"deadline", toRow(state->deadline)},
                       {"joined", state->joined},           {"sharers", state->sharers},
                       {"contributed", state->contributed}, {"confirmed", state->confirmed},
                       {"revealed", state->revealed},       {"withdrawn", state->withdrawn}};
    list.push_back(std::move(object));
  }
  return jsonAnswer(200, list.dump());
}

// --- releases, blobs, audit --------------------------------------------------------------------

ApiResponse release(Core& core, const ApiCall& call) {
  const auto body = objectOf(call, {"planHash", "title", "synthetic"});
  PlanDesk::ReleaseTerms terms;
  terms.title = textMember(body, "title");
  terms.synthetic = body.value("synthetic", json(false)) == json(true);
  const auto hash = core.plans.release(textMember(body, "planHash"), terms, core.now());
  return jsonAnswer(200, ordered_json{{"hash", hash}}.dump());
}

ApiResponse releases(Core& core) {
  ordered_json list = ordered_json::array();
  for (const ReleaseRow& row : read(core, [](Records& r) { return r.releases(); })) {
    const auto facts = decode<Release>(documentOf(row.document).payload);
    list.push_back({{"hash", row.hash},
                    {"plan", row.plan},
                    {"title", row.title},
                    {"rounds", facts.rounds},
                    {"contributors", facts.contributors},
                    {"files", facts.files},
                    {"epsilon", facts.epsilonSpent},
                    {"delta", facts.delta},
                    {"released", row.releasedAt}});
  }
  return jsonAnswer(200, list.dump());
}

ApiResponse addBlob(Core& core, const ApiCall& call) {
  if (call.request.body.empty()) throw Refusal(400, "Malformed", "the body is empty");
  const std::string hash = core.blobs.put(call.request.body);
  const auto size = static_cast<long long>(call.request.body.size());
  read(core, [&](Records& records) {
    records.save(BlobRow{hash, size, 1}, core.now());
    records.audit(core.now(), "blob", json{{"sha256", hash}, {"bytes", size}}.dump());
  });
  return jsonAnswer(200, ordered_json{{"sha256", hash}, {"bytes", size}}.dump());
}

ApiResponse downloadBlob(Core& core, const ApiCall& call) {
  const std::string& hash = call.at("sha256");
  const auto row = read(core, [&](Records& records) { return records.blob(hash); });
  if (!row || row->readable == 0) throw Refusal(404, "NotFound", "there is no such blob");
  return {200, kBytes, {}, core.blobs.readAll(hash)};
}

ApiResponse audit(Core& core) {
  std::ostringstream lines;
  exportAudit(lines, "coordinator",
              read(core, [](Records& records) { return records.auditEntries(); }));
  const std::string text = lines.str();
  return {200, "application/x-ndjson", {}, Bytes(text.begin(), text.end())};
}

}  // namespace

void addAdminRoutes(Router& router, Core& core) {
  const auto add = [&](std::string method, const std::string& path, std::string summary,
                       std::pair<std::string, std::string> request,
                       std::pair<std::string, std::string> response, auto handler) {
    router.add({std::move(method), "/v1/admin/" + path, std::move(summary), Access::Administrator,
                request.first, response.first, request.second, response.second,
                [&core, handler](ApiCall& call) { return handler(core, call); }});
  };
  const std::pair<std::string, std::string> nothing;
  add("POST", "sites", "Invite a site", {kJson, "id"}, {kJson, "site, invitation, expires"},
      [](Core& c, ApiCall& call) { return invite(c, call); });
  add("GET", "sites", "All sites", nothing, {kJson, "A list"},
      [](Core& c, ApiCall&) { return sites(c); });
  add("POST", "sites/{id}/revocation", "Exclude a site at once", {kJson, "reason (optional)"},
      {kJson, "site, status"}, [](Core& c, ApiCall& call) { return revoke(c, call); });
  add("POST", "plans", "Propose a plan", {kJson, "The plan"}, {kJson, "hash"},
      [](Core& c, ApiCall& call) { return propose(c, call); });
  add("GET", "plans", "All plans with decisions and progress", nothing, {kJson, "A list"},
      [](Core& c, ApiCall&) { return plans(c); });
  add("GET", "plans/{hash}", "One plan, whole", nothing, {kJson, "The plan and its progress"},
      [](Core& c, ApiCall& call) { return plan(c, call); });
  add("POST", "plans/{hash}/start", "Start a plan, or go on with a paused one", nothing,
      {kJson, "hash, status"}, [](Core& c, ApiCall& call) { return start(c, call); });
  add("POST", "plans/{hash}/cancel", "End a plan for good", {kJson, "reason (optional)"},
      {kJson, "hash, status"}, [](Core& c, ApiCall& call) { return cancel(c, call); });
  add("GET", "rounds", "All rounds", nothing, {kJson, "A list"},
      [](Core& c, ApiCall&) { return rounds(c); });
  add("GET", "releases", "All releases", nothing, {kJson, "A list"},
      [](Core& c, ApiCall&) { return releases(c); });
  add("POST", "releases", "Publish what a finished plan produced",
      {kJson, "planHash, title (optional), synthetic (optional)"}, {kJson, "hash"},
      [](Core& c, ApiCall& call) { return release(c, call); });
  add("POST", "blobs", "Store a file that plans may name", {kBytes, "The file"},
      {kJson, "sha256, bytes"}, [](Core& c, ApiCall& call) { return addBlob(c, call); });
  add("GET", "blobs/{sha256}", "A file", nothing, {kBytes, "The bytes"},
      [](Core& c, ApiCall& call) { return downloadBlob(c, call); });
  add("GET", "audit", "The audit log", nothing, {"application/x-ndjson", "JSON lines"},
      [](Core& c, ApiCall&) { return audit(c); });
}

}  // namespace fedpet::federation
