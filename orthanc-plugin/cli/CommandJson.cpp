#include "orthanc-plugin/cli/CommandJson.h"

#include <fmt/format.h>

#include "orthanc-plugin/cli/Commands.h"
#include "orthanc-plugin/cli/Terminal.h"

namespace fedpet::plugin {

using Json = nlohmann::ordered_json;

Json refusedJson(const std::vector<Refusal>& refusals) {
  Json reasons = Json::array();
  for (const Refusal& refusal : refusals)
    reasons.push_back({{"code", toString(refusal.code)},
                       {"detail", refusal.detail},
                       {"explanation", explain(refusal.code)}});
  return {{"status", "refused"}, {"reasons", std::move(reasons)}};
}

int refuse(const std::vector<Refusal>& refusals, bool asJson) {
  if (asJson) {
    print(refusedJson(refusals));
  } else {
    for (const Refusal& refusal : refusals) fmt::print(stderr, "Refused. {}\n", refusalLine(refusal));
  }
  return kExitRefused;
}

void print(const Json& json) {
  fmt::print("{}\n", json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace fedpet::plugin
