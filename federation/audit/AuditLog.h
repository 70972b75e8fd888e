// What happened, in an order that nobody can change afterwards: each entry holds the hash of the
// one before. Both ends keep one; the coordinator's head is in every signed release, and a site's
// decisions and contribution hashes appear in both, so that two logs can be compared.
#pragma once

#include "federation/crypto/Bytes.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

namespace fedpet::federation {

struct AuditEntry {
  std::uint64_t sequence = 0;  // from 1, without gaps
  std::chrono::sys_seconds time{};
  std::string kind;       // "plan-proposed", "decision", "contribution", "budget", "release", ...
  std::string factsJson;  // one flat JSON object: ids and hashes, no patient, no secret
  Hash256 previous{};     // zero for the first
  Hash256 hash{};         // SHA-256 over sequence, time, kind, facts and previous, length-prefixed
};

// Facts that both ends must write down with the same members, for compareAudits(): "decision"
// {"plan": hash, "approved": bool}, "contribution" {"round": id, "blob": sha256}; the coordinator
// adds "site".

// The entry after `last` (nullptr: the first). Storage is the caller's.
AuditEntry nextEntry(const AuditEntry* last, std::chrono::sys_seconds, std::string kind,
                     std::string factsJson);

// One JSON object per line, first line a header with format and owner.
void exportAudit(std::ostream&, const std::string& owner, const std::vector<AuditEntry>&);

struct AuditVerdict {
  bool intact = false;
  std::uint64_t entries = 0;
  std::string head;                          // hex
  std::optional<std::uint64_t> firstBroken;  // sequence
  std::string problem;                       // a sentence
};
AuditVerdict verifyAudit(std::istream&);  // never throws for bad content

// Facts that both logs tell (decisions, contribution hashes): those of `site` missing or different
// on either side, as sentences; empty: they agree.
std::vector<std::string> compareAudits(std::istream& coordinator, std::istream& site);

}  // namespace fedpet::federation
