#include "fhir/tiers/Parcel.h"

#include "fhir/Terminology.h"
#include "fhir/resources/Attachment.h"
#include "fhir/resources/DocumentReference.h"

#include <algorithm>
#include <span>
#include <stdexcept>

namespace fedpet::fhir {
namespace {

[[noreturn]] void notOurs(const char* why) {
  throw std::invalid_argument(std::string("not a bundle of ours: ") + why);
}

template <typename Visit>
void eachReference(Json& node, const Visit& visit) {
  if (node.is_object()) {
    const auto found = node.find("reference");
    if (found != node.end() && found->is_string()) return visit(node);
  }
  if (node.is_structured())
    for (Json& child : node) eachReference(child, visit);
}

std::string patientIn(Json& resource) {
  std::string query;
  eachReference(resource, [&](Json& reference) {
    const auto& text = reference["reference"].get_ref<const std::string&>();
    if (!text.starts_with("Patient?")) return;
    if (!query.empty() && query != text) notOurs("it refers to two patients");
    query = text;
  });
  return query;
}

Write writeOf(const Json& entry) {
  const Json& request = entry.at("request");
  Write write;
  write.self = entry.at("fullUrl").get<std::string>();
  write.resource = entry.at("resource");
  write.type = write.resource.at("resourceType").get<std::string>();
  write.isOurs = request.at("method") == "PUT";
  const std::string url = request.at("url").get<std::string>();
  const std::size_t query = url.find('?');
  if (write.isOurs && query == std::string::npos)
    notOurs("an entry is written without a condition");
  write.condition =
      write.isOurs ? url.substr(query + 1) : request.at("ifNoneExist").get<std::string>();
  return write;
}

std::set<std::string> namedBy(const Write& write) {
  std::set<std::string> names;
  Json resource = write.resource;
  eachReference(resource,
                [&](Json& reference) { names.insert(reference["reference"].get<std::string>()); });
  return names;
}

int hexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  notOurs("its patient is not percent-encoded");
}

std::string percentDecoded(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      plain += text[i];
      continue;
    }
    if (i + 2 >= text.size()) notOurs("its patient is not percent-encoded");
    plain += static_cast<char>(16 * hexDigit(text[i + 1]) + hexDigit(text[i + 2]));
    i += 2;
  }
  return plain;
}

Json reportForm(const Json& report) {
  const auto forms = report.find("presentedForm");
  if (forms != report.end() && !forms->empty()) return forms->front();
  const std::string text = report.value("conclusion", "");
  return Attachment{"text/plain; charset=utf-8",
                    "fedpet report",
                    report.value("issued", ""),
                    std::as_bytes(std::span(text)),
                    {}};
}

Json documentOf(const Json& report) {
  DocumentReference document;
  const Json& identifier = report.at("identifier").front();
  // Another one than the SR's: this is a document about it.
  document.identifier = {
      {{}, groupSystem(), identifier.at("value").get<std::string>() + ":report"}};
  document.type = {{{"http://loinc.org", "18748-4", "Diagnostic imaging study"}}, {}};
  document.docStatus = "preliminary";
  document.subject = report.at("subject");
  document.date = report.value("issued", "");
  document.description = report.at("code").value("text", "");
  document.securityLabel = {aiAsserted()};
  document.attachment = reportForm(report);
  if (report.contains("imagingStudy")) document.related = report["imagingStudy"];
  return document;
}

}  // namespace

Parcel parcelOf(const std::string& bundle) {
  Json json = Json::parse(bundle, nullptr, false);
  if (!json.is_object() || !json.contains("entry")) notOurs("it has no entries");
  Parcel parcel;
  try {
    for (Json& entry : json["entry"]) {
      parcel.writes.push_back(writeOf(entry));
      const std::string patient = patientIn(parcel.writes.back().resource);
      if (patient.empty()) continue;
      if (!parcel.patientQuery.empty() && parcel.patientQuery != patient)
        notOurs("it refers to two patients");
      parcel.patientQuery = patient;
    }
  } catch (const Json::exception& e) {
    notOurs(e.what());
  }
  if (parcel.patientQuery.empty()) notOurs("it refers to no patient");
  return parcel;
}

void orderByReference(Parcel& parcel) {
  std::set<std::string> waiting;
  for (const Write& write : parcel.writes) waiting.insert(write.self);
  std::vector<Write> ordered;
  auto& left = parcel.writes;
  while (!left.empty()) {
    const auto ready = std::find_if(left.begin(), left.end(), [&](const Write& write) {
      for (const std::string& name : namedBy(write))
        if (name != write.self && waiting.contains(name)) return false;
      return true;
    });
    if (ready == left.end()) notOurs("its entries refer to each other in a circle");
    waiting.erase(ready->self);
    ordered.push_back(std::move(*ready));
    left.erase(ready);
  }
  left = std::move(ordered);
}

void replaceReferences(Json& node, const Replacements& replacements) {
  eachReference(node, [&](Json& reference) {
    const auto found = replacements.find(reference["reference"].get<std::string>());
    if (found == replacements.end()) return;
    Json replaced = found->second;
    if (reference.contains("display")) replaced["display"] = reference["display"];
    reference = std::move(replaced);
  });
}

Json logicalReference(const Write& write) {
  Json reference = {{"type", write.type}};
  const auto identifiers = write.resource.find("identifier");
  if (identifiers != write.resource.end() && identifiers->is_array() && !identifiers->empty())
    reference["identifier"] = identifiers->front();
  return reference;
}

std::string withoutTypes(const std::string& bundle, const std::set<std::string>& types) {
  if (types.empty()) return bundle;
  Replacements replacements;
  for (const Write& write : parcelOf(bundle).writes)
    if (types.contains(write.type)) replacements[write.self] = logicalReference(write);
  Json json = Json::parse(bundle), kept = Json::array();
  for (Json& entry : json["entry"])
    if (!types.contains(entry["resource"]["resourceType"].get<std::string>()))
      kept.push_back(std::move(entry));
  json["entry"] = std::move(kept);
  for (Json& entry : json["entry"]) replaceReferences(entry["resource"], replacements);
  return json.dump();
}

void reportAsDocument(Parcel& parcel) {
  for (Write& write : parcel.writes) {
    if (write.type != "DiagnosticReport") continue;
    write.resource = documentOf(write.resource);
    write.type = "DocumentReference";
    const Json& identifier = write.resource["identifier"].front();
    write.condition = tokenQuery("identifier", identifier["system"].get<std::string>(),
                                 identifier["value"].get<std::string>());
  }
}

std::pair<std::string, std::string> patientIdentifier(const std::string& patientQuery) {
  constexpr std::string_view prefix = "Patient?identifier=";
  if (!patientQuery.starts_with(prefix)) notOurs("its patient has no identifier");
  std::pair<std::string, std::string> found;
  std::string* part = &found.first;
  const std::string text = percentDecoded(std::string_view(patientQuery).substr(prefix.size()));
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '|' && part == &found.first)
      part = &found.second;
    else
      *part += text[i] == '\\' && i + 1 < text.size() ? text[++i] : text[i];
  }
  return found;
}

}  // namespace fedpet::fhir
