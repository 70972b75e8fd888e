// How much of a result one EHR can take, and how it is told. docs/fhir.md has the table.
#pragma once

#include "fhir/tiers/Capability.h"

#include <set>
#include <string>
#include <string_view>

namespace fedpet::fhir {

enum class Tier {
  Transaction,   // T1: one transaction bundle of conditional writes
  SingleWrites,  // T2: the same resources one by one, in the order of their references
  Observations,  // T3: Observations and the report as a DocumentReference
  Hl7v2,         // T4: one ORU^R01 message over MLLP
  DicomOnly,     // T5: nothing is sent; the DICOM objects in the PACS are the result
};
std::string_view toString(Tier);  // "T1": stable, stands in the configuration and the status
std::string_view describe(Tier);  // "one transaction of conditional writes"

struct TierWishes {
  std::string tier = "auto";  // or "T1" to "T5"
  bool hasBaseUrl = false, hasMllpUrl = false;
  std::string fhirVersion = "R4";  // what we would write: "R4" or "R5"
};

struct TierChoice {
  Tier tier = Tier::DicomOnly;
  std::string why;  // one sentence for the status and the page
  // Types of our bundle that this server cannot create. They stay out, and what refers to them does
  // so by their identifier.
  std::set<std::string> omitted;
};

// Throws std::invalid_argument, with a sentence for the person who configured it, for wishes that
// cannot be: an unknown tier, T4 without an MLLP address, T1 to T3 without a base URL.
void check(const TierWishes&);

// The highest tier that the server claims to support. Precondition: check() passed.
// `server` is null when it gives no CapabilityStatement: then T1 is tried, because a transaction
// either is taken whole or leaves nothing behind.
TierChoice chooseTier(const TierWishes&, const ServerCapability* server);

}  // namespace fedpet::fhir
