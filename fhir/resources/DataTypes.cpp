#include "fhir/resources/DataTypes.h"

#include <cassert>
#include <cmath>
#include <cstdint>
#include <string_view>

#include "net/Url.h"

namespace fedpet::fhir {
namespace {

// ':' and '/' are legal inside a query and keep OIDs and URLs readable.
std::string encodeQueryValue(std::string_view text) {
  std::string encoded;
  for (const char c : text)
    encoded += c == ':' || c == '/' ? std::string(1, c) : net::percentEncode({&c, 1});
  return encoded;
}

std::string escapeSearchValue(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == ',' || c == '|' || c == '$' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

}  // namespace

Json decimal(double value, int decimals) {
  assert(std::isfinite(value));
  if (decimals == 0) return static_cast<std::int64_t>(std::llround(value));
  const double scale = std::pow(10.0, decimals);
  const double rounded = std::round(value * scale) / scale;
  return rounded == 0 ? 0.0 : rounded;  // no "-0.0"
}

void to_json(Json& json, const Coding& coding) {
  json = Json::object();
  put(json, "system", coding.system);
  put(json, "code", coding.code);
  put(json, "display", coding.display);
}

void to_json(Json& json, const CodeableConcept& concept_) {
  json = Json::object();
  put(json, "coding", concept_.coding);
  put(json, "text", concept_.text);
}

void to_json(Json& json, const Identifier& identifier) {
  json = Json::object();
  put(json, "type", identifier.type);
  put(json, "system", identifier.system);
  put(json, "value", identifier.value);
}

void to_json(Json& json, const Reference& reference) {
  json = Json::object();
  put(json, "reference", reference.reference);
  put(json, "type", reference.type);
  put(json, "identifier", reference.identifier);
  put(json, "display", reference.display);
}

void to_json(Json& json, const Quantity& quantity) {
  json = {{"value", decimal(quantity.value, quantity.decimals)},
          {"unit", readableUnit(quantity.ucum)},
          {"system", "http://unitsofmeasure.org"},
          {"code", quantity.ucum}};
}

void to_json(Json& json, const Range& range) { json = {{"low", range.low}, {"high", range.high}}; }

void to_json(Json& json, const Annotation& annotation) { json = {{"text", annotation.text}}; }

void to_json(Json& json, const Extension& extension) {
  json = {{"url", extension.url}, {extension.valueName, extension.value}};
}

void to_json(Json& json, const Meta& meta) {
  json = Json::object();
  put(json, "security", meta.security);
  put(json, "tag", meta.tag);
}

void to_json(Json& json, const Narrative& narrative) {
  json = {{"status", "generated"}, {"div", narrative.div}};
}

std::string readableUnit(const std::string& ucum) {
  const auto open = ucum.find('{'), close = ucum.find('}');
  if (open == std::string::npos || close == std::string::npos || close < open) return ucum;
  const std::string annotation = ucum.substr(open + 1, close - open - 1);
  return open > 0 ? ucum.substr(0, open) + ' ' + annotation : annotation;
}

Identifier dicomUid(const std::string& uid, std::optional<CodeableConcept> type) {
  return {std::move(type), "urn:dicom:uid", "urn:oid:" + uid};
}

std::string tokenQuery(const std::string& parameter, const std::string& system,
                       const std::string& value) {
  return parameter + "=" + encodeQueryValue(escapeSearchValue(system)) + "%7C" +
         encodeQueryValue(escapeSearchValue(value));
}

std::string identifierQuery(const Identifier& identifier) {
  return tokenQuery("identifier", identifier.system, identifier.value);
}

}  // namespace fedpet::fhir
