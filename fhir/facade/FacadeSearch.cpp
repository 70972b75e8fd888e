#include "fhir/facade/FacadeSearch.h"

#include "fhir/facade/DateRange.h"
#include "fhir/facade/FacadeResources.h"

#include <algorithm>
#include <array>

namespace fedpet::fhir {
namespace {

constexpr FacadeParameter kId{"_id", "token", "id of the resource"};
constexpr FacadeParameter kUpdated{"_lastUpdated", "date", "when the result was stored here"};
constexpr FacadeParameter kIdentifier{"identifier", "token", "system|value"};
constexpr FacadeParameter kPatient{"patient.identifier", "token",
                                   "identifier of the patient, system|value; also as "
                                   "patient:identifier, subject:identifier, subject.identifier"};
constexpr FacadeParameter kDate{"date", "date", "day of the examination: eq, ge, gt, le, lt"};
constexpr FacadeParameter kStarted{"started", "date", "day of the examination: eq, ge, gt, le, lt"};
constexpr FacadeParameter kCode{"code", "token", "what was measured or reported"};
constexpr FacadeParameter kStatus{"status", "token", "status of the resource"};
constexpr FacadeParameter kStudy{
    "study", "reference", "ImagingStudy/<id>, or the Study Instance UID, with urn:oid: or without"};
constexpr FacadeParameter kTarget{"target", "reference", "<type>/<id> of a resource it is about"};

struct TypeRow {
  std::string type;
  std::vector<FacadeParameter> parameters;
};

const std::vector<TypeRow>& table() {
  static const std::vector<TypeRow> rows{
      {"Device", {kId, kUpdated, kIdentifier}},
      {"DiagnosticReport", {kId, kUpdated, kIdentifier, kPatient, kDate, kCode, kStatus, kStudy}},
      {"DocumentReference", {kId, kUpdated, kIdentifier, kPatient, kStatus, kStudy}},
      {"ImagingStudy", {kId, kUpdated, kIdentifier, kPatient, kStarted, kStatus, kStudy}},
      {"Observation", {kId, kUpdated, kIdentifier, kPatient, kDate, kCode, kStatus, kStudy}},
      {"Provenance", {kId, kUpdated, kPatient, kStudy, kTarget}},
      {"RiskAssessment", {kId, kUpdated, kIdentifier, kPatient, kDate, kStudy}}};
  return rows;
}

[[noreturn]] void wrong(const std::string& parameter, const std::string& what) {
  throw FacadeError(400, "invalid", parameter + ": " + what);
}

// At separators that no backslash escapes (hl7.org/fhir/R4/search.html#escaping).
std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts{""};
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      parts.back() += text[i];
      parts.back() += text[++i];
    } else if (text[i] == separator) {
      parts.emplace_back();
    } else {
      parts.back() += text[i];
    }
  }
  return parts;
}

std::string unescaped(const std::string& text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    plain += text[i];
  }
  return plain;
}

Token tokenOf(const std::string& parameter, const std::string& text) {
  const auto parts = split(text, '|');
  if (parts.size() > 2) wrong(parameter, "more than one | in a token");
  if (parts.size() == 1) return {std::nullopt, unescaped(parts[0])};
  if (parts[0].empty() && parts[1].empty()) wrong(parameter, "a token without content");
  return {unescaped(parts[0]), unescaped(parts[1])};
}

std::vector<std::string> alternatives(const std::string& parameter, const std::string& value) {
  auto parts = split(value, ',');
  for (const std::string& part : parts)
    if (part.empty()) wrong(parameter, "has an empty value");
  return parts;
}

std::vector<Token> tokens(const std::string& parameter, const std::string& value) {
  std::vector<Token> all;
  for (const std::string& part : alternatives(parameter, value))
    all.push_back(tokenOf(parameter, part));
  return all;
}

std::string studyIdOf(const std::string& text) {
  for (const std::string_view prefix : {"ImagingStudy/", "urn:oid:", ""}) {
    if (!text.starts_with(prefix)) continue;
    const std::string rest = text.substr(prefix.size());
    return prefix == "ImagingStudy/" ? rest : studyResourceId(rest);
  }
  return text;
}

std::int64_t number(const std::string& parameter, std::string_view text) {
  const bool digits = !text.empty() && text.size() < 18 &&
                      text.find_first_not_of("0123456789") == std::string_view::npos;
  if (!digits) wrong(parameter, "not a number of ours");
  return std::stoll(std::string(text));
}

class QueryReader {
 public:
  QueryReader(const std::string& type, bool lenient)
      : parameters_(parametersOf(type)), lenient_(lenient) {
    query_.type = type;
  }

  void read(const std::string& name, const std::string& value) {
    if (name == "_format" || name == "_pretty") return checkFormat(name, value);
    if (name == "_cursor") return readCursor(value);
    if (name == "_count") {
      const std::int64_t count = number(name, value);
      if (count < 1) wrong(name, "at least 1");
      query_.count = std::min(static_cast<std::size_t>(count), kLargestFacadePage);
    } else if (!readSearch(canonical(name), value)) {
      return unknown(name);
    }
    query_.repeated +=
        (query_.repeated.empty() ? "" : "&") + percentEncoded(name) + "=" + percentEncoded(value);
  }

  FacadeQuery take() { return std::move(query_); }

 private:
  static std::string canonical(const std::string& name) {
    for (const char* spelling : {"patient:identifier", "subject:identifier", "subject.identifier"})
      if (name == spelling) return "patient.identifier";
    return name;
  }

  // False: this type has no such parameter.
  bool readSearch(const std::string& name, const std::string& value) {
    const bool known = std::any_of(parameters_.begin(), parameters_.end(),
                                   [&](const FacadeParameter& p) { return name == p.name; });
    if (!known) return false;
    if (name == "patient.identifier") query_.patients.push_back(tokens(name, value));
    if (name == "identifier") query_.identifiers.push_back(tokens(name, value));
    if (name == "code") query_.codes.push_back(tokens(name, value));
    if (name == "status") query_.statuses.push_back(tokens(name, value));
    if (name == "_id") query_.ids.push_back(alternatives(name, value));
    if (name == "target") readTarget(value);
    if (name == "study") {
      query_.studies.emplace_back();
      for (const std::string& one : alternatives(name, value))
        query_.studies.back().push_back(studyIdOf(one));
    }
    if (name == "date" || name == "started") {
      const DateCondition condition = dateCondition(name, value);
      restrict(query_.scanDay, condition.days());
    }
    if (name == "_lastUpdated") restrict(query_.updatedMillis, dateCondition(name, value).millis());
    return true;
  }

  void readTarget(const std::string& value) {
    query_.targets.emplace_back();
    for (const std::string& one : alternatives("target", value)) {
      const auto slash = one.find('/');
      if (slash == std::string::npos) wrong("target", "write it as <type>/<id>");
      query_.targets.back().push_back(one);
    }
  }

  static void restrict(Bounds<std::int64_t>& all, const Bounds<std::int64_t>& one) {
    all.low = std::max(all.low, one.low);
    all.high = std::min(all.high, one.high);
  }

  static void checkFormat(const std::string& name, const std::string& value) {
    if (name == "_format" && value.find("json") == std::string::npos)
      throw FacadeError(406, "not-supported", "only JSON is given: application/fhir+json");
  }

  void readCursor(const std::string& value) {
    const auto parts = split(value, '-');
    if (parts.size() != 2) wrong("_cursor", "take it from the next link of an answer");
    query_.revision = number("_cursor", parts[0]);
    query_.offset = number("_cursor", parts[1]);
  }

  void unknown(const std::string& name) {
    const auto end = name.find(':');
    if (end != std::string::npos && readable(name.substr(0, end)))
      throw FacadeError(400, "not-supported", name + ": this modifier is not supported");
    if (!lenient_)
      throw FacadeError(
          400, "not-supported",
          name + ": no search parameter of " + query_.type +
              " here, see metadata; a patient is named by patient.identifier=<system>|<value>");
    query_.ignored.push_back(name);
  }

  bool readable(const std::string& name) const {
    return std::any_of(parameters_.begin(), parameters_.end(),
                       [&](const FacadeParameter& p) { return name == p.name; });
  }

  FacadeQuery query_;
  std::vector<FacadeParameter> parameters_;
  bool lenient_;
};

// Every condition of `wanted` has an alternative that fits one of `pairs` (system, value).
bool allMatch(const std::vector<std::vector<Token>>& wanted,
              const std::vector<std::pair<std::string, std::string>>& pairs) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const std::vector<Token>& any) {
    return std::any_of(any.begin(), any.end(), [&](const Token& token) {
      return std::any_of(pairs.begin(), pairs.end(),
                         [&](const auto& pair) { return matches(token, pair.first, pair.second); });
    });
  });
}

std::vector<std::pair<std::string, std::string>> pairsIn(const Json& list, const char* value) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const Json& one : list) pairs.emplace_back(one.value("system", ""), one.value(value, ""));
  return pairs;
}

const Json& member(const Json& json, const char* key) {
  static const Json nothing = Json::array();
  const auto it = json.find(key);
  return it == json.end() ? nothing : *it;
}

}  // namespace

bool matches(const Token& token, const std::string& system, const std::string& value) {
  return (!token.system || *token.system == system) &&
         (token.value.empty() || token.value == value);
}

std::vector<FacadeParameter> parametersOf(std::string_view type) {
  for (const TypeRow& row : table())
    if (row.type == type) return row.parameters;
  return {};
}

const std::vector<std::string>& facadeTypes() {
  static const std::vector<std::string> types = [] {
    std::vector<std::string> all;
    for (const TypeRow& row : table()) all.push_back(row.type);
    return all;
  }();
  return types;
}

FacadeQuery readQuery(const std::string& type, const FacadeParameters& parameters, bool lenient) {
  QueryReader reader(type, lenient);
  for (const auto& [name, value] : parameters) reader.read(name, value);
  return reader.take();
}

bool matches(const FacadeQuery& query, const Json& resource) {
  const std::string id = resource.value("id", "");
  for (const auto& any : query.ids)
    if (std::find(any.begin(), any.end(), id) == any.end()) return false;
  for (const auto& any : query.targets) {
    const Json& targets = member(resource, "target");
    const bool found = std::any_of(targets.begin(), targets.end(), [&](const Json& target) {
      return std::find(any.begin(), any.end(), target.value("reference", "")) != any.end();
    });
    if (!found) return false;
  }
  const Json& code = member(resource, "code");
  return allMatch(query.identifiers, pairsIn(member(resource, "identifier"), "value")) &&
         allMatch(query.codes, pairsIn(member(code, "coding"), "code")) &&
         allMatch(query.statuses, {{"", resource.value("status", "")}});
}

std::string percentEncoded(std::string_view text) {
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (kPlain.find(c) != std::string_view::npos)
      encoded += c;
    else
      encoded.append({'%', kHex[byte >> 4], kHex[byte & 15]});
  }
  return encoded;
}

}  // namespace fedpet::fhir
