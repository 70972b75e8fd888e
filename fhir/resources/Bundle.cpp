#include "fhir/resources/Bundle.h"

namespace fedpet::fhir {

void to_json(Json& json, const TransactionEntry& entry) {
  json = {{"fullUrl", entry.self.reference},
          {"resource", entry.resource},
          {"request", {{"method", entry.method}, {"url", entry.url}}}};
  put(json["request"], "ifNoneExist", entry.ifNoneExist);
}

void to_json(Json& json, const Transaction& transaction) {
  json = {{"resourceType", "Bundle"}, {"type", "transaction"}, {"entry", transaction.entry}};
}

}  // namespace fedpet::fhir
