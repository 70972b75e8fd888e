// Inside of fhir/: a transaction bundle of ours, taken apart for the tiers that cannot send it
// whole. The bundle stays what the outbox keeps; each tier derives its messages from it.
#pragma once

#include "fhir/resources/Json.h"

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace fedpet::fhir {

struct Write {
  std::string self;       // "urn:uuid:...", by which the others refer to it
  std::string type;       // "Observation"
  bool isOurs = false;    // PUT: the newest run replaces it; else POST: created where missing
  std::string condition;  // "identifier=...", percent-encoded
  Json resource;
};

struct Parcel {
  std::string patientQuery;  // "Patient?identifier=..."; the one patient of the bundle
  std::vector<Write> writes;
};

// Throws std::invalid_argument when the text is no bundle as TransactionBundle writes it.
Parcel parcelOf(const std::string& bundle);

// Each write after those that it refers to, else in their order. Throws std::invalid_argument for
// references in a circle.
void orderByReference(Parcel&);

// What stands in the place of a reference: a Reference with `reference` or, where the server does
// not hold the resource, with `type` and `identifier`.
using Replacements = std::map<std::string, Json>;
void replaceReferences(Json& node, const Replacements&);
Json logicalReference(const Write&);

// The bundle without the writes of these types.
std::string withoutTypes(const std::string& bundle, const std::set<std::string>& types);

// T3: the report becomes a DocumentReference with the same `self`: its PDF, or its conclusion.
void reportAsDocument(Parcel&);

// System and value of "Patient?identifier=<system>%7C<value>", decoded and unescaped.
std::pair<std::string, std::string> patientIdentifier(const std::string& patientQuery);

}  // namespace fedpet::fhir
