#include "federation/audit/AuditLog.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <istream>
#include <map>
#include <ostream>
#include <set>

namespace fedpet::federation {
namespace {

using nlohmann::json;
constexpr const char* kFormat = "fedpet-audit-1";
constexpr std::size_t kLongestLine = 1u << 20;

void appendWithLength(Bytes& to, std::string_view text) {
  for (int shift = 56; shift >= 0; shift -= 8)
    to.push_back(static_cast<std::uint8_t>(static_cast<std::uint64_t>(text.size()) >> shift));
  to.insert(to.end(), text.begin(), text.end());
}

Hash256 hashOf(const AuditEntry& entry) {
  Bytes all;
  appendWithLength(all, kFormat);
  appendWithLength(all, std::to_string(entry.sequence));
  appendWithLength(all, std::to_string(entry.time.time_since_epoch().count()));
  appendWithLength(all, entry.kind);
  appendWithLength(all, entry.factsJson);
  appendWithLength(all, textOf(entry.previous));
  return sha256(all);
}

bool nextLine(std::istream& in, std::string& line) {
  if (!std::getline(in, line)) return false;
  if (line.size() > kLongestLine) throw std::runtime_error("a line is longer than any of ours");
  return true;
}

Hash256 hashFromHex(const std::string& text) {
  const Bytes bytes = fromHex(text);
  Hash256 hash{};
  if (bytes.size() != hash.size()) throw std::runtime_error("a hash of the wrong length");
  std::copy(bytes.begin(), bytes.end(), hash.begin());
  return hash;
}

AuditEntry entryOf(const std::string& line) {
  const json object = json::parse(line);
  AuditEntry entry;
  entry.sequence = object.at("sequence").get<std::uint64_t>();
  entry.time =
      std::chrono::sys_seconds(std::chrono::seconds(object.at("time").get<std::int64_t>()));
  entry.kind = object.at("kind").get<std::string>();
  entry.factsJson = object.at("facts").get<std::string>();
  entry.previous = hashFromHex(object.at("previous").get<std::string>());
  entry.hash = hashFromHex(object.at("hash").get<std::string>());
  return entry;
}

void requireHeader(std::istream& in) {
  std::string line;
  if (!nextLine(in, line)) throw std::runtime_error("the file is empty");
  const json header = json::parse(line);
  if (header.value("format", "") != kFormat)
    throw std::runtime_error("the first line does not say " + std::string(kFormat));
}

// Facts that both ends write down, as text: kind and what identifies it.
std::multiset<std::string> sharedFacts(std::istream& in, const std::string& site) {
  static const std::map<std::string, std::vector<std::string>> kShared{
      {"decision", {"plan", "approved"}}, {"contribution", {"round", "blob"}}};
  std::multiset<std::string> facts;
  requireHeader(in);
  for (std::string line; nextLine(in, line);) {
    const AuditEntry entry = entryOf(line);
    const auto members = kShared.find(entry.kind);
    if (members == kShared.end()) continue;
    const json object = json::parse(entry.factsJson);
    if (object.value("site", site) != site) continue;
    std::string text = entry.kind;
    for (const auto& member : members->second)
      text += " " + member + " " + (object.contains(member) ? object[member].dump() : "?");
    facts.insert(text);
  }
  return facts;
}

}  // namespace

AuditEntry nextEntry(const AuditEntry* last, std::chrono::sys_seconds time, std::string kind,
                     std::string factsJson) {
  AuditEntry entry;
  entry.sequence = last == nullptr ? 1 : last->sequence + 1;
  entry.time = time;
  entry.kind = std::move(kind);
  entry.factsJson = std::move(factsJson);
  if (last != nullptr) entry.previous = last->hash;
  entry.hash = hashOf(entry);
  return entry;
}

void exportAudit(std::ostream& out, const std::string& owner,
                 const std::vector<AuditEntry>& entries) {
  out << json{{"format", kFormat}, {"owner", owner}}.dump() << '\n';
  for (const AuditEntry& e : entries)
    out << json{{"sequence", e.sequence},
                {"time", e.time.time_since_epoch().count()},
                {"kind", e.kind},
                {"facts", e.factsJson},
                {"previous", toHex(e.previous)},
                {"hash", toHex(e.hash)}}
               .dump()
        << '\n';
}

AuditVerdict verifyAudit(std::istream& in) {
  AuditVerdict verdict;
  std::optional<AuditEntry> last;
  const auto broken = [&](const std::string& problem) {
    verdict.firstBroken = verdict.entries + 1;
    verdict.problem = "entry " + std::to_string(verdict.entries + 1) + ": " + problem;
    return verdict;
  };
  try {
    requireHeader(in);
    for (std::string line; nextLine(in, line);) {
      const AuditEntry entry = entryOf(line);
      const AuditEntry right =
          nextEntry(last ? &*last : nullptr, entry.time, entry.kind, entry.factsJson);
      if (entry.sequence != right.sequence) return broken("an entry is missing or moved");
      if (entry.previous != right.previous) return broken("does not follow the entry before it");
      if (entry.hash != right.hash) return broken("was altered: its hash does not fit");
      verdict.entries = entry.sequence;
      last = entry;
    }
  } catch (const std::exception& e) {
    return broken(std::string("cannot be read: ") + e.what());
  }
  verdict.intact = true;
  if (last) verdict.head = toHex(last->hash);
  return verdict;
}

std::vector<std::string> compareAudits(std::istream& coordinator, std::istream& site) {
  std::vector<std::string> differences;
  try {
    std::string first;
    nextLine(site, first);
    const std::string owner = json::parse(first).at("owner").get<std::string>();
    site.seekg(0);
    const auto theirs = sharedFacts(coordinator, owner), ours = sharedFacts(site, owner);
    std::multiset<std::string> onlyTheirs, onlyOurs;
    std::set_difference(theirs.begin(), theirs.end(), ours.begin(), ours.end(),
                        std::inserter(onlyTheirs, onlyTheirs.end()));
    std::set_difference(ours.begin(), ours.end(), theirs.begin(), theirs.end(),
                        std::inserter(onlyOurs, onlyOurs.end()));
    for (const auto& fact : onlyTheirs)
      differences.push_back("only the coordinator tells of " + owner + ": " + fact);
    for (const auto& fact : onlyOurs) differences.push_back("only " + owner + " tells: " + fact);
  } catch (const std::exception& e) {
    differences.push_back(std::string("cannot be compared: ") + e.what());
  }
  return differences;
}

}  // namespace fedpet::federation
