#include "fhir/facade/FacadeAnswers.h"

#include "fhir/facade/FacadeSearch.h"

namespace fedpet::fhir {

Json operationOutcome(std::string_view severity, std::string_view code, std::string_view text) {
  return {
      {"resourceType", "OperationOutcome"},
      {"issue", Json::array({{{"severity", severity}, {"code", code}, {"diagnostics", text}}})}};
}

Json capabilityStatement(const std::string& version, const std::string& baseUrl,
                         const std::string& since) {
  Json resources = Json::array();
  for (const std::string& type : facadeTypes()) {
    Json parameters = Json::array();
    for (const FacadeParameter& p : parametersOf(type))
      parameters.push_back({{"name", p.name}, {"type", p.type}, {"documentation", p.text}});
    resources.push_back(
        {{"type", type},
         {"interaction", Json::array({{{"code", "read"}}, {{"code", "search-type"}}})},
         {"versioning", "versioned"},
         {"readHistory", false},
         {"updateCreate", false},
         {"searchParam", parameters}});
  }
  return {
      {"resourceType", "CapabilityStatement"},
      {"status", "active"},
      {"date", since},
      {"publisher", "fedpet"},
      {"kind", "instance"},
      {"software", {{"name", "fedpet"}, {"version", version}}},
      {"implementation",
       {{"description", "Results of fedpet at this site, to read. Research use only."},
        {"url", baseUrl}}},
      {"fhirVersion", "4.0.1"},
      {"format", Json::array({"application/fhir+json"})},
      {"rest",
       Json::array(
           {{{"mode", "server"},
             {"documentation",
              "Read only. Patients are logical references (identifier), never resources. A "
              "parameter that is not listed is an error, unless Prefer: handling=lenient. Pages "
              "follow the order in which results were stored: a result that is made anew while "
              "they are read comes again at the end, and none is missed."},
             {"security", {{"description", "Orthanc's own: its users, or a proxy before it."}}},
             {"resource", resources}}})}};
}

Json searchset(const std::string& baseUrl, const std::vector<Json>& resources,
               const SearchLinks& links, const std::vector<std::string>& ignoredParameters) {
  Json bundle{{"resourceType", "Bundle"}, {"type", "searchset"}, {"link", Json::array()}};
  bundle["link"].push_back({{"relation", "self"}, {"url", links.self}});
  if (!links.next.empty()) bundle["link"].push_back({{"relation", "next"}, {"url", links.next}});
  Json entries = Json::array();
  for (const Json& resource : resources)
    entries.push_back({{"fullUrl", baseUrl + "/" + resource.at("resourceType").get<std::string>() +
                                       "/" + resource.at("id").get<std::string>()},
                       {"resource", resource},
                       {"search", {{"mode", "match"}}}});
  for (const std::string& name : ignoredParameters)
    entries.push_back(
        {{"resource", operationOutcome("warning", "not-supported",
                                       name + " was ignored: no such parameter here")},
         {"search", {{"mode", "outcome"}}}});
  if (!entries.empty()) bundle["entry"] = entries;
  return bundle;
}

}  // namespace fedpet::fhir
