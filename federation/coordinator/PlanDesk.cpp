#include "federation/coordinator/PlanDesk.h"

#include "federation/coordinator/RoundEngine.h"
#include "federation/privacy/RdpAccountant.h"

#include <nlohmann/json.hpp>

#include <set>

namespace fedpet::federation {
namespace {

using nlohmann::json;

constexpr std::size_t kReleasesTold = 64;
constexpr std::size_t kMostPlans = 10'000;

std::string sentence(const std::vector<std::string>& faults) {
  std::string text;
  for (const auto& fault : faults) text += (text.empty() ? "" : "; ") + fault;
  return text;
}

}  // namespace

PlanDesk::PlanDesk(storage::Database& database, Members& members, BlobStore& blobs,
                   const SigningKey& key)
    : database_(database), members_(members), blobs_(blobs), key_(key) {}

std::string PlanDesk::propose(const Plan& plan, Seconds now) {
  if (const auto faults = faultsOf(plan); !faults.empty())
    throw Refusal(400, "PlanFaulty", sentence(faults));
  if (plan.task == TaskKind::Evaluate && !blobs_.sizeOf(plan.evaluation.modelSha256))
    throw Refusal(409, "NotFound", "upload the model that the plan evaluates first (POST blobs)");
  const SignedDocument document = signDocument("plan", encode(plan), "coordinator", key_);
  PlanRow row;
  row.hash = document.hashHex();
  row.document = toBase64Url(encode(document));
  row.title = storable(plan.title, 200);
  row.status = "proposed";
  row.proposedAt = row.changedAt = toRow(now);
  database_.transaction([&](soci::session& sql) {
    Records records(sql);
    if (records.plan(row.hash)) return;  // proposed before
    if (records.plans().size() >= kMostPlans)
      throw Refusal(409, "TooMany", "the coordinator holds as many plans as it can");
    records.insert(row);
    if (plan.task == TaskKind::Evaluate)  // sites fetch the model themselves
      records.save(BlobRow{plan.evaluation.modelSha256,
                           static_cast<long long>(*blobs_.sizeOf(plan.evaluation.modelSha256)), 1},
                   now);
    records.audit(now, "plan-proposed", json{{"plan", row.hash}, {"title", row.title}}.dump());
  });
  return row.hash;
}

SignedDocument PlanDesk::plan(const std::string& hash) {
  const auto row = read([&](Records& records) { return records.plan(hash); });
  if (!row) throw Refusal(404, "NotFound", "there is no such plan");
  return documentOf(row->document);
}

MessageReply PlanDesk::decide(const std::string& site, const std::string& planHash,
                              const SignedDocument& document, Seconds now, bool& withdrawn) {
  withdrawn = false;
  const auto key = members_.documentKey(site);
  if (!key) throw Refusal(401, "UnknownSite", "the consortium has no member of that id");
  requireSignature(document, "decision", site, *key);
  const auto decision = decode<Decision>(document.payload);
  if (decision.planHash != planHash || decision.site != site)
    throw Refusal(400, "Malformed", "the decision is of another plan or site than its address");
  return database_.transaction([&](soci::session& sql) -> MessageReply {
    Records records(sql);
    const auto plan = records.plan(planHash);
    if (!plan) throw Refusal(404, "NotFound", "there is no such plan");
    const auto before = records.decision(planHash, site);
    if (before && before->hash == document.hashHex()) return {Verdict::Duplicate, ""};
    if (before && toRow(decision.time) <= before->decidedAt)
      return {Verdict::TooLate, "this site has decided otherwise since"};
    if (plan->status == "finished" || plan->status == "cancelled")
      return {Verdict::TooLate, "the plan is " + plan->status};
    DecisionRow row;
    row.plan = planHash;
    row.site = site;
    row.approved = decision.approved ? 1 : 0;
    row.by = storable(decision.by, 200);
    row.reason = storable(decision.reason);
    row.decidedAt = toRow(decision.time);
    row.hash = document.hashHex();
    row.document = toBase64Url(encode(document));
    members_.flushNonces(records);
    records.save(row);
    records.audit(now, "decision",
                  json{{"plan", planHash},
                       {"site", site},
                       {"approved", decision.approved},
                       {"document", row.hash}}
                      .dump());
    withdrawn = before && before->approved != 0 && !decision.approved;
    return {Verdict::Accepted, ""};
  });
}

std::vector<std::string> PlanDesk::undecidedBy(const std::string& site) {
  return read([&](Records& records) {
    std::vector<std::string> hashes;
    for (const PlanRow& plan : records.plans())
      if ((plan.status == "proposed" || plan.status == "running" || plan.status == "paused") &&
          !records.decision(plan.hash, site))
        hashes.push_back(plan.hash);
    return hashes;
  });
}

std::string PlanDesk::pseudonymOf(const std::string& site) {
  const auto salt = read([](Records& records) { return records.meta("salt"); });
  return "site-" + sha256Hex(viewOf(salt.value_or("") + "/" + site)).substr(0, 16);
}

Release PlanDesk::releaseOf(const PlanRow& row, const ReleaseTerms& terms, Seconds now) {
  const Plan plan = planOf(row);
  Release release;
  release.planHash = row.hash;
  release.title = terms.title.empty() ? row.title : storable(terms.title, 200);
  release.synthetic = terms.synthetic;
  release.time = now;
  release.files = {{"parameters.cbor", row.outcomeBlob}, {"outcome.json", row.resultBlob}};
  const Bytes planBytes = encode(documentOf(row.document));
  release.files["plan.cbor"] = blobs_.put(planBytes);
  json result = {{"result", json::parse(textOf(blobs_.readAll(row.resultBlob)), nullptr, false)},
                 {"rounds", json::array()}};
  std::set<std::string> contributors;
  for (const ProgressRow& progress :
       read([&](Records& records) { return records.progress(row.hash); })) {
    const auto sites = json::parse(progress.contributorsJson);
    for (const auto& site : sites) contributors.insert(pseudonymOf(site.get<std::string>()));
    result["rounds"].push_back({{"number", progress.number},
                                {"contributors", sites.size()},
                                {"metrics", json::parse(progress.metricsJson, nullptr, false)}});
  }
  release.rounds = static_cast<int>(result["rounds"].size());
  release.contributors = {contributors.begin(), contributors.end()};
  release.resultJson = result.dump();
  if (plan.privacy.noise != NoiseKind::None) {
    release.epsilonSpent = epsilonOf(spendingOf(plan, release.rounds), plan.privacy.delta);
    release.delta = plan.privacy.delta;
  }
  release.auditHead = read([](Records& records) { return records.auditHead(); });
  return release;
}

std::string PlanDesk::release(const std::string& planHash, const ReleaseTerms& terms, Seconds now) {
  const auto row = read([&](Records& records) { return records.plan(planHash); });
  if (!row) throw Refusal(404, "NotFound", "there is no such plan");
  if (row->status != "finished")
    throw Refusal(409, "NotFinished", "this plan is " + row->status + ": nothing to release yet");
  for (const ReleaseRow& known : read([](Records& records) { return records.releases(); }))
    if (known.plan == planHash) return known.hash;
  const Release release = releaseOf(*row, terms, now);
  const SignedDocument document = signDocument("release", encode(release), "coordinator", key_);
  database_.transaction([&](soci::session& sql) {
    Records records(sql);
    for (const auto& [name, sha256] : release.files)
      records.save(BlobRow{sha256, static_cast<long long>(blobs_.sizeOf(sha256).value_or(0)), 1},
                   now);
    records.insert(ReleaseRow{document.hashHex(), planHash, toBase64Url(encode(document)),
                              release.title, toRow(now)});
    records.audit(now, "release",
                  json{{"plan", planHash},
                       {"release", document.hashHex()},
                       {"parameters", release.files.at("parameters.cbor")},
                       {"epsilon", release.epsilonSpent}}
                      .dump());
  });
  return document.hashHex();
}

SignedDocument PlanDesk::releaseDocument(const std::string& hash) {
  for (const ReleaseRow& row : read([](Records& records) { return records.releases(); }))
    if (row.hash == hash) return documentOf(row.document);
  throw Refusal(404, "NotFound", "there is no such release");
}

std::vector<std::string> PlanDesk::newestReleases() {
  const auto rows = read([](Records& records) { return records.releases(); });
  std::vector<std::string> hashes;
  for (std::size_t i = rows.size() > kReleasesTold ? rows.size() - kReleasesTold : 0;
       i < rows.size(); ++i)
    hashes.push_back(rows[i].hash);
  return hashes;
}

}  // namespace fedpet::federation
