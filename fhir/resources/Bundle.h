#pragma once

#include <string>
#include <vector>

#include "fhir/resources/DataTypes.h"

namespace fedpet::fhir {

// R4 Bundle of type transaction: all entries happen, or none.
struct TransactionEntry {
  Reference self;           // urn:uuid: of this entry, for references between entries
  Json resource;
  std::string method, url;  // "PUT", "Observation?identifier=..."
  std::string ifNoneExist;  // of a POST: create only where this search finds nothing
};

struct Transaction {
  std::vector<TransactionEntry> entry;
};

void to_json(Json&, const Transaction&);

}  // namespace fedpet::fhir
