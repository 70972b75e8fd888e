#include "fhir/EhrClient.h"

#include "fhir/labels/JsonView.h"

namespace fedpet::fhir {
namespace {

using nlohmann::json;

DeliveryOutcome judgeConfirmation(const std::string& bundle, const std::string& answerBody) {
  const json sent = json::parse(bundle, nullptr, false);
  const json answer = json::parse(answerBody, nullptr, false);
  if (textAt(answer, "resourceType") != "Bundle" ||
      textAt(answer, "type") != "transaction-response")
    return unintelligible("the answer is not a transaction-response Bundle");
  const json& entries = at(answer, "entry");
  const std::size_t expected = at(sent, "entry").size();
  if (!entries.is_array() || entries.size() != expected)
    return unintelligible("the answer confirms " + std::to_string(entries.size()) + " of " +
                          std::to_string(expected) + " entries");
  Delivered delivered;
  for (const json& entry : entries) {
    const json& response = at(entry, "response");
    const std::string status = textAt(response, "status");
    if (!status.starts_with("2"))
      return unintelligible("an entry was answered with status \"" + status.substr(0, 60) + "\"");
    delivered.locations.push_back(textAt(response, "location"));
  }
  return delivered;
}

}  // namespace

EhrClient::EhrClient(EhrOptions options) : connection_(std::move(options)) {}

DeliveryOutcome EhrClient::deliver(const std::string& bundle, const std::string& requestId,
                                   std::stop_token stop) {
  return postTransaction(connection_, bundle, requestId, stop);
}

DeliveryOutcome postTransaction(EhrConnection& connection, const std::string& bundle,
                                const std::string& requestId, const std::stop_token& stop) {
  try {
    const net::HttpResponse answer = connection.send(
        "POST", "", bundle, {{"Prefer", "return=minimal"}, {"X-Request-Id", requestId}}, stop);
    if (answer.status / 100 == 2) return judgeConfirmation(bundle, answer.body);
    return failureOf(answer, connection.now());
  } catch (...) {
    return failureOfCurrentException();
  }
}

}  // namespace fedpet::fhir
