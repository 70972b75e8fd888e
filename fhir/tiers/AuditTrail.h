// Who was told what about whom, and when: an IHE BALP AuditEvent per delivery, kept in local files
// that only grow, for many EHRs have no place for it. No measured value is in it.
#pragma once

#include "fhir/tiers/Tier.h"

#include <chrono>
#include <filesystem>
#include <string>

namespace fedpet::fhir {

struct AuditedDelivery {
  std::chrono::system_clock::time_point at;
  Tier tier = Tier::Transaction;
  std::string server;                    // its address
  std::string site;                      // our side; empty: "fedpet"
  std::string patientSystem, patientId;  // whose record
  std::string requestId;
  bool isDelivered = true;
  std::string failure;  // why not
};

std::string auditEventOf(const AuditedDelivery&);  // as JSON, one line

// "audit.jsonl" grows as "audit-2026-11-24.jsonl", one file a day (UTC), one event a line, readable
// by their owner alone.
class AuditTrail {
 public:
  // Its folder may not exist yet. Empty: nothing is kept.
  explicit AuditTrail(std::filesystem::path file);
  // The line is on the disk when this returns. Otherwise gives the reason, for the status.
  std::string append(const std::string& event, std::chrono::system_clock::time_point at);

 private:
  std::filesystem::path file_;
};

}  // namespace fedpet::fhir
