#include "fhir/facade/FacadeResources.h"

#include "fhir/Mapping.h"
#include "fhir/TransactionBundle.h"

#include <boost/uuid/detail/sha1.hpp>

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>
#include <tuple>

namespace fedpet::fhir {
namespace {

constexpr std::string_view kUrn = "urn:uuid:";

Reference logicalPatient(const PatientIdentity& patient, const FhirSite& site) {
  const auto key = patientKeyOf(patient, site);
  if (!key) return {{}, "Patient", {}, "not named: " + key.error().detail};
  return {{}, "Patient", Identifier{{}, key->system, key->value}, {}};
}

using Names = std::map<std::string, std::string>;  // "urn:uuid:..." -> "Observation/..."

void renameReferences(Json& json, const Names& names) {
  if (json.is_object()) {
    const auto reference = json.find("reference");
    if (reference != json.end() && reference->is_string())
      if (const auto name = names.find(reference->get<std::string>()); name != names.end())
        *reference = name->second;
  }
  if (json.is_structured())
    for (Json& child : json) renameReferences(child, names);
}

std::string idOf(const Reference& self) { return self.reference.substr(kUrn.size()); }

Json withId(const Json& resource, const std::string& id) {
  Json named{{"resourceType", resource.at("resourceType")}, {"id", id}};
  for (const auto& [key, value] : resource.items())
    if (key != "resourceType") named[key] = value;
  return named;
}

std::string hashOf(const std::string& text) {
  boost::uuids::detail::sha1 sha;
  sha.process_bytes(text.data(), text.size());
  unsigned int digest[5];
  sha.get_digest(digest);
  char hex[9];
  std::snprintf(hex, sizeof hex, "%08x", digest[0]);
  return hex;
}

std::string textOf(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::vector<FacadeResource> resourcesOf(const ResponseAssessment& assessment,
                                        const FhirSite& site) {
  const Transaction transaction =
      transactionOf(assessment, site, {}, logicalPatient(assessment.series.patient, site));
  Names names;
  for (const TransactionEntry& entry : transaction.entry)
    names[entry.self.reference] =
        entry.resource.at("resourceType").get<std::string>() + "/" + idOf(entry.self);
  std::vector<FacadeResource> resources;
  for (const TransactionEntry& entry : transaction.entry) {
    const std::string id = idOf(entry.self);
    Json resource = withId(entry.resource, id);
    renameReferences(resource, names);
    resources.push_back({resource.at("resourceType").get<std::string>(), id, std::move(resource)});
  }
  return resources;
}

std::vector<FacadeKey> keysOf(const ResponseAssessment& assessment) {
  FhirSite everything;
  everything.lesionGroups = true;
  everything.wadoRoot = "https://pacs.invalid";  // its address is in no key
  std::set<std::tuple<FacadeKey::Kind, std::string, std::string>> unique;
  for (const FacadeResource& r : resourcesOf(assessment, everything)) {
    unique.insert({FacadeKey::Kind::Id, r.type, r.id});
    const auto identifiers = r.resource.find("identifier");
    if (identifiers == r.resource.end()) continue;
    for (const Json& identifier : *identifiers)
      unique.insert({FacadeKey::Kind::Identifier, r.type, identifier.value("value", "")});
  }
  std::vector<FacadeKey> keys;
  for (const auto& [kind, type, value] : unique) keys.push_back({kind, type, value});
  return keys;
}

std::string studyResourceId(std::string_view uid) {
  return idOf(bundleReference("study " + std::string(uid)));
}

std::string reportResourceId(std::string_view uid) {
  return idOf(bundleReference("report " + std::string(uid)));
}

void addSeries(Json& study, const Json& other) {
  if (!other.contains("series")) return;
  Json& all = study["series"];
  for (const Json& series : other.at("series")) {
    const bool known = std::any_of(all.begin(), all.end(), [&](const Json& one) {
      return one.value("uid", "") == series.value("uid", "");
    });
    if (!known) all.push_back(series);
  }
}

Json versioned(const Json& resource, std::string_view revision, std::string_view lastUpdated) {
  Json made{{"resourceType", resource.at("resourceType")},
            {"id", resource.at("id")},
            {"meta",
             {{"versionId", std::string(revision) + "." + hashOf(textOf(resource))},
              {"lastUpdated", lastUpdated}}}};
  for (const auto& [key, value] : resource.items()) {
    if (key == "meta")
      for (const auto& [name, content] : value.items()) made["meta"][name] = content;
    else if (key != "resourceType" && key != "id")
      made[key] = value;
  }
  return made;
}

}  // namespace fedpet::fhir
