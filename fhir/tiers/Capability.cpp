#include "fhir/tiers/Capability.h"

#include "fhir/labels/JsonView.h"

namespace fedpet::fhir {
namespace {

using nlohmann::json;

constexpr std::size_t kShown = 80;  // characters of a name that a peer chose

bool isTrue(const json& value) { return value.is_boolean() && value.get<bool>(); }

ServerCapability::Resource resourceOf(const json& listed) {
  ServerCapability::Resource resource;
  for (const json& interaction : listAt(listed, "interaction")) {
    const std::string code = textAt(interaction, "code");
    resource.create |= code == "create";
    resource.update |= code == "update";
    resource.search |= code == "search-type";
  }
  resource.conditionalCreate = isTrue(at(listed, "conditionalCreate"));
  resource.conditionalUpdate = isTrue(at(listed, "conditionalUpdate"));
  for (const json& parameter : listAt(listed, "searchParam"))
    resource.searchParameters.insert(textAt(parameter, "name"));
  return resource;
}

}  // namespace

const ServerCapability::Resource* ServerCapability::find(const std::string& type) const {
  const auto found = resources.find(type);
  return found == resources.end() ? nullptr : &found->second;
}

std::optional<ServerCapability> readCapability(const std::string& text) {
  const json statement = json::parse(text, nullptr, false);
  if (textAt(statement, "resourceType") != "CapabilityStatement") return std::nullopt;
  ServerCapability server;
  server.fhirVersion = textAt(statement, "fhirVersion").substr(0, kShown);
  const json& software = at(statement, "software");
  server.software =
      (textAt(software, "name") + " " + textAt(software, "version")).substr(0, kShown);
  if (server.software == " ") server.software.clear();
  for (const json& rest : listAt(statement, "rest")) {
    if (textAt(rest, "mode") != "server") continue;
    for (const json& interaction : listAt(rest, "interaction"))
      server.transaction |= textAt(interaction, "code") == "transaction";
    for (const json& listed : listAt(rest, "resource"))
      server.resources[textAt(listed, "type")] = resourceOf(listed);
    return server;
  }
  return std::nullopt;
}

}  // namespace fedpet::fhir
