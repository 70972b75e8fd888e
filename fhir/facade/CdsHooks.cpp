#include "fhir/facade/CdsHooks.h"

#include "fhir/Mapping.h"
#include "fhir/Terminology.h"
#include "fhir/facade/FacadeSearch.h"
#include "fhir/labels/CodeTable.h"

#include <algorithm>

namespace fedpet::fhir {
namespace {

constexpr std::size_t kLongestSummary = 139;  // "< 140 characters"
constexpr int kDeepest = 64;
constexpr std::size_t kMostIdentifiers = 100;

[[noreturn]] void wrong(const std::string& what) { throw FacadeError(400, "invalid", what); }

// Before it is parsed: a million brackets are no request.
void checkDepth(const std::string& text) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kDeepest) wrong("the request is nested too deeply");
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
}

const Json& objectIn(const Json& json, const char* key) {
  const auto it = json.find(key);
  if (it == json.end() || !it->is_object()) wrong(std::string(key) + ": an object is expected");
  return *it;
}

std::string textIn(const Json& json, const char* key) {
  const auto it = json.is_object() ? json.find(key) : json.end();
  return it != json.end() && it->is_string() ? it->get<std::string>() : std::string();
}

const Json& listIn(const Json& json, const char* key) {
  static const Json nothing = Json::array();
  const auto it = json.is_object() ? json.find(key) : json.end();
  return it != json.end() && it->is_array() ? *it : nothing;
}

std::vector<PatientKey> identifiersOf(const Json& patient) {
  const Json& list = listIn(patient, "identifier");
  if (list.size() > kMostIdentifiers) wrong("the patient has too many identifiers");
  std::vector<PatientKey> keys;
  for (const Json& identifier : list) {
    // A retired identifier may be another patient's by now.
    if (textIn(identifier, "use") == "old") continue;
    const PatientKey key{textIn(identifier, "system"), textIn(identifier, "value")};
    if (!key.system.empty() && !key.value.empty()) keys.push_back(key);
  }
  return keys;
}

std::string lastSegment(const std::string& reference) {
  return reference.substr(reference.rfind('/') == std::string::npos ? 0 : reference.rfind('/') + 1);
}

bool namesImmunotherapy(const Json& drug) {
  static const CodeTable table;
  for (const Json& coding : listIn(drug, "coding")) {
    const auto meaning = table.find(textIn(coding, "system"), textIn(coding, "code"));
    if (meaning && isImmunotherapy(*meaning)) return true;
  }
  return false;
}

// An order names its drug by a code, or by a Medication inside it or beside it.
bool ordersImmunotherapy(const Json& order, const Json& entries) {
  const auto code = order.find("medicationCodeableConcept");
  if (code != order.end() && namesImmunotherapy(*code)) return true;
  const auto named = order.find("medicationReference");
  if (named == order.end()) return false;
  const std::string reference = textIn(*named, "reference");
  const auto isMeant = [](const Json& resource, const std::string& id) {
    return textIn(resource, "resourceType") == "Medication" && textIn(resource, "id") == id &&
           resource.contains("code") && namesImmunotherapy(resource.at("code"));
  };
  if (reference.starts_with("#"))
    return std::any_of(
        listIn(order, "contained").begin(), listIn(order, "contained").end(),
        [&](const Json& resource) { return isMeant(resource, reference.substr(1)); });
  return std::any_of(entries.begin(), entries.end(), [&](const Json& entry) {
    return entry.is_object() && entry.contains("resource") &&
           isMeant(entry.at("resource"), lastSegment(reference));
  });
}

bool draftsImmunotherapy(const Json& context) {
  const Json& entries = listIn(objectIn(context, "draftOrders"), "entry");
  return std::any_of(entries.begin(), entries.end(), [&](const Json& entry) {
    return entry.is_object() && entry.contains("resource") && entry.at("resource").is_object() &&
           ordersImmunotherapy(entry.at("resource"), entries);
  });
}

// What a reader of Markdown would take for a sign of it.
std::string markdown(std::string_view text) {
  constexpr std::string_view kSigns = "\\`*_{}[]<>()#|~!&";
  std::string plain;
  for (const char c : text) {
    if (kSigns.find(c) != std::string_view::npos) plain += '\\';
    plain += c == '\n' || c == '\r' ? ' ' : c;
  }
  return plain;
}

// Not in the middle of a character of UTF-8.
std::string shortened(std::string text) {
  if (text.size() <= kLongestSummary) return text;
  std::size_t end = kLongestSummary - 3;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "...";
}

std::string horizonOf(const ResponsePrediction& prediction) {
  return std::string(title(prediction.endpoint)) + " at " +
         textOf(prediction.horizonMonths, 0, "{}") + " months";
}

std::string summaryOf(const ResponseAssessment& assessment) {
  const std::string date = dateOf(assessment);
  std::string text = "FDG-PET " + (date.empty() ? "of unknown date" : date) + ": ";
  if (!assessment.refusals.empty())
    return shortened(text + "not assessed, " + codeOf(assessment.refusals.front().code).meaning);
  if (assessment.predictions.empty()) return shortened(text + "measured, no prediction");
  const ResponsePrediction& first = assessment.predictions.front();
  return shortened(text + horizonOf(first) + " " + textOf(first) + ". Research use only");
}

std::string detailOf(const ResponseAssessment& assessment) {
  std::string text = "**" + markdown(kResearchUseOnly) + "**\n\n";
  for (const Refusal& refusal : assessment.refusals)
    text += "- The study was not assessed: " + markdown(explain(refusal.code)) + " " +
            markdown(refusal.detail) + "\n";
  for (const ResponsePrediction& prediction : assessment.predictions) {
    text += "- " + markdown(horizonOf(prediction)) + ", " + markdown(prediction.event) + ": " +
            markdown(textOf(prediction)) + "\n";
    if (!prediction.calibrationNote.empty())
      text += "  - Calibration: " + markdown(prediction.calibrationNote) + "\n";
  }
  text += "\nPreliminary result of a computer program, not validated by a physician.";
  if (const std::string note = syntheticNote(assessment); !note.empty())
    text += " **" + markdown(note) + "**";
  if (!assessment.model.name.empty())
    text += " Model " + markdown(assessment.model.name) + " " + markdown(assessment.model.version) +
            ", trained on: " + markdown(assessment.model.trainingData) + ".";
  if (!assessment.warnings.empty()) {
    text += "\n\nLimits of this study:\n";
    for (const std::string& warning : assessment.warnings) text += "- " + markdown(warning) + "\n";
  }
  return text;
}

Json serviceJson(const CdsService& service) {
  return {{"hook", service.hook},
          {"id", service.id},
          {"title", service.title},
          {"description", service.description},
          {"prefetch", {{"patient", "Patient/{{context.patientId}}"}}}};
}

}  // namespace

const std::vector<CdsService>& cdsServices() {
  static const std::vector<CdsService> services{
      {"patient-view", "fedpet-response", "FDG-PET: predicted response to immunotherapy",
       "Shows the newest FDG-PET result of the patient with its interval and limits. Research use "
       "only; suggests nothing."},
      {"order-select", "fedpet-response-order", "FDG-PET: predicted response to immunotherapy",
       "The same while an immune checkpoint inhibitor is among the draft orders. Research use "
       "only; "
       "suggests nothing."}};
  return services;
}

Json cdsDiscovery() {
  Json services = Json::array();
  for (const CdsService& service : cdsServices()) services.push_back(serviceJson(service));
  return {{"services", services}};
}

CdsRequest readCdsRequest(const CdsService& service, const std::string& body) {
  if (body.size() > kLargestCdsRequest)
    throw FacadeError(413, "too-long", "the request is too large");
  checkDepth(body);
  const Json request = Json::parse(body, nullptr, false);
  if (!request.is_object()) wrong("the request is not a JSON object");
  if (textIn(request, "hook") != service.hook)
    wrong("this service answers the hook " + std::string(service.hook));
  if (textIn(request, "hookInstance").empty()) wrong("hookInstance is missing");
  const Json& context = objectIn(request, "context");
  const std::string patientId = lastSegment(textIn(context, "patientId"));
  if (patientId.empty()) wrong("context.patientId is missing");
  CdsRequest read;
  if (std::string(service.hook) == "order-select")
    read.concernsImmunotherapy = draftsImmunotherapy(context);
  const auto prefetch = request.find("prefetch");
  const auto patient = prefetch == request.end() || !prefetch->is_object()
                           ? Json()
                           : prefetch->value("patient", Json());
  if (textIn(patient, "resourceType") != "Patient")
    throw FacadeError(
        412, "required",
        "the prefetch template \"patient\" is needed: this service asks no FHIR server");
  if (textIn(patient, "id") != patientId)
    wrong("prefetch.patient is not the patient of the context");
  read.patient = identifiersOf(patient);
  return read;
}

Json cdsCard(const ResponseAssessment& assessment, const std::string& resultPage) {
  Json card{{"summary", summaryOf(assessment)},
            {"indicator", "info"},
            {"source", {{"label", "fedpet (research use only)"}}},
            {"detail", detailOf(assessment)}};
  if (!resultPage.empty())
    card["links"].push_back({{"label", "Result with pictures and measurements"},
                             {"url", resultPage},
                             {"type", "absolute"}});
  return card;
}

}  // namespace fedpet::fhir
