// What a FHIR server says of itself (CapabilityStatement, hl7.org/fhir/R4/capabilitystatement),
// as far as a writer of results has to know it.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace fedpet::fhir {

struct ServerCapability {
  struct Resource {
    bool create = false, update = false, search = false;
    bool conditionalCreate = false, conditionalUpdate = false;
    std::set<std::string> searchParameters;  // "identifier"; empty: the server does not list them
  };
  std::string fhirVersion;  // "4.0.1"; empty: not said
  std::string software;     // "HAPI FHIR Server 8.4.0", for a person; empty: not said
  bool transaction = false;
  // By type. Empty: the server lists none, which says nothing about them.
  std::map<std::string, Resource> resources;

  // nullptr when the server lists types and this is none of them.
  const Resource* find(const std::string& type) const;
};

// The first `rest` of mode "server". nullopt when the text is no CapabilityStatement with one.
std::optional<ServerCapability> readCapability(const std::string& text);

}  // namespace fedpet::fhir
