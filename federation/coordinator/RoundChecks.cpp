// What a message must be like before it counts.
#include "federation/coordinator/RoundEngine.h"
#include "federation/secagg/SecureSum.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace fedpet::federation {
namespace {

std::set<std::string> namesOf(const std::map<std::string, Bytes>& byName) {
  std::set<std::string> names;
  for (const auto& [name, bytes] : byName) names.insert(name);
  return names;
}

std::set<std::string> without(std::set<std::string> sites, const std::string& site) {
  sites.erase(site);
  return sites;
}

// A site's own vector, which only a round without masks shows: no number beyond what the plan
// allows one site to send.
std::string faultOfValues(const LiveRound& round, const Bytes& packed) {
  const auto words = unpackWords(packed, round.fixed->wordBytes());
  const auto values = round.fixed->decode(words);
  std::size_t at = 0;
  for (std::size_t f = 0; f < round.layout.fields.size(); ++f) {
    const SumField& field = round.layout.fields[f];
    const double most = field.bound + round.fixed->step(f);  // rounded once
    for (std::size_t i = 0; i < field.length; ++i, ++at)
      if (!(std::abs(values[at]) <= most))
        return "field " + field.name + " is beyond what the plan allows one site";
  }
  return {};
}

std::string faultOfMetrics(const Plan& plan, const std::string& text) {
  const auto metrics = nlohmann::json::parse(text, nullptr, false);
  if (!metrics.is_object()) return "the metrics are not a JSON object";
  const auto patients = metrics.find("patients");
  if (patients == metrics.end()) return {};
  // Figures are real numbers, and so 40 patients may be 40.0 of them.
  if (!patients->is_number() || *patients < 0 ||
      patients->get<double>() != std::floor(patients->get<double>()))
    return "the number of patients in the metrics is none";
  if (*patients > plan.maximumPatients)
    return "more patients than the plan allows one site (" + std::to_string(plan.maximumPatients) +
           ")";
  return {};
}

}  // namespace

std::string RoundEngine::faultOf(const LiveRound& round, const RoundMessage& message) const {
  const std::string& site = message.site;
  if (const auto* join = std::get_if<JoinBody>(&message.body))
    return faultOfJoin(round, site, *join);
  if (const auto* share = std::get_if<ShareBody>(&message.body)) {
    if (namesOf(share->sealed) != without(round.state.joined, site))
      return "shares must be for every other site that joined, and for no one else";
    for (const auto& [receiver, packet] : share->sealed)
      if (packet.empty()) return "the share for " + receiver + " is empty";
    return {};
  }
  if (const auto* contribution = std::get_if<ContributeBody>(&message.body))
    return faultOfContribution(round, site, *contribution);
  if (const auto* confirm = std::get_if<ConfirmBody>(&message.body)) {
    const auto key = members_.documentKey(site);
    const Bytes expected = survivorsDocument(round.row.id, round.state.contributed);
    if (!key || !verifies(*key, expected, confirm->survivorsSignature))
      return "the signature does not fit the list of survivors";
    return {};
  }
  if (const auto* reveal = std::get_if<RevealBody>(&message.body))
    return faultOfReveal(round, *reveal);
  return {};
}

std::string RoundEngine::faultOfJoin(const LiveRound& round, const std::string& site,
                                     const JoinBody& join) const {
  if (!round.terms.masked)
    return join.encryptionKey.empty() && join.maskKey.empty()
               ? ""
               : "a round without masks takes no keys";
  try {
    requireWellFormed(join);
  } catch (const ProtocolViolation& e) {
    return e.what();
  }
  const auto others = database_.transaction(
      [&](soci::session& sql) { return Records(sql).messages(round.row.id, Step::Join); });
  for (const MessageRow& row : others) {
    if (row.site == site) continue;
    const auto body = decode<RoundMessage>(documentOf(row.document).payload).body;
    const auto& other = std::get<JoinBody>(body);
    for (const Bytes* key : {&join.encryptionKey, &join.maskKey})
      if (*key == other.encryptionKey || *key == other.maskKey)
        return "another site joined with the same key";
  }
  return {};
}

std::string RoundEngine::faultOfContribution(const LiveRound& round, const std::string& site,
                                             const ContributeBody& contribution) const {
  if (contribution.blobBytes != round.uploadBytes())
    return "the vector of this round has " + std::to_string(round.uploadBytes()) + " bytes, not " +
           std::to_string(contribution.blobBytes);
  if (!contributions_.isComplete(site, contribution.blobSha256, contribution.blobBytes))
    return "the upload is not complete: send it first";
  if (const auto fault = faultOfMetrics(round.plan, contribution.metricsJson); !fault.empty())
    return fault;
  if (round.terms.masked) return {};
  return faultOfValues(round, contributions_.readAll(site, contribution.blobSha256));
}

std::string RoundEngine::faultOfReveal(const LiveRound& round, const RevealBody& reveal) const {
  try {
    requireWellFormed(reveal, round.state.sharers, round.state.contributed);
    return {};
  } catch (const ProtocolViolation& e) {
    return e.what();
  }
}

}  // namespace fedpet::federation
