#include "orthanc-plugin/protocol/FollowUpJson.h"

#include "orthanc-plugin/protocol/AssessmentJson.h"

namespace fedpet::plugin {
namespace {

using plugin::toJson;  // beside the overloads below

Json toJson(const tl::expected<MetabolicResponse, Refusal>& response) {
  if (!response) return {{"refusal", toJson(response.error())}};
  return {{"category", toString(*response)}, {"title", title(*response)}};
}

tl::expected<MetabolicResponse, Refusal> responseFrom(const Json& json) {
  if (json.contains("refusal")) return tl::make_unexpected(refusalFrom(json.at("refusal")));
  return metabolicResponseFromString(json.at("category").get<std::string>());
}

void putResponse(Json& json, const char* key, const std::optional<MetabolicResponse>& response) {
  if (response) json[key] = toString(*response);
}

std::optional<MetabolicResponse> getResponse(const Json& json, const char* key) {
  const auto name = getOptional<std::string>(json, key);
  if (!name) return std::nullopt;
  return metabolicResponseFromString(*name);
}

Json toJson(const PercistReading& reading) {
  return {{"reference", toString(reading.reference)},
          {"definition", reading.definition},
          {"numbers", toJson(reading.numbers)},
          {"measurable", reading.measurable},
          {"hottestTrackingUid", reading.hottestTrackingUid}};
}

PercistReading readingFrom(const Json& json) {
  PercistReading reading;
  reading.reference = organFromString(json.at("reference").get<std::string>());
  json.at("definition").get_to(reading.definition);
  reading.numbers = measurementsFrom(json.at("numbers"));
  json.at("measurable").get_to(reading.measurable);
  json.at("hottestTrackingUid").get_to(reading.hottestTrackingUid);
  return reading;
}

Json toJson(const StudySummary& study) {
  Json json{{"studyInstanceUid", study.studyInstanceUid},
            {"seriesInstanceUid", study.seriesInstanceUid},
            {"srSopInstanceUid", study.srSopInstanceUid},
            {"srSopClassUid", study.srSopClassUid},
            {"scannedAt", wallClockToText(study.scannedAt)},
            {"producer", study.producer},
            {"lesionDefinition", study.lesionDefinition}};
  putOptional(json, "tmtvMl", study.tmtvMl);
  putOptional(json, "tlgG", study.tlgG);
  putOptional(json, "suvMax", study.suvMax);
  putOptional(json, "sulPeak", study.sulPeak);
  putOptional(json, "lesionCount", study.lesionCount);
  putResponse(json, "percist", study.percist);
  putResponse(json, "iPercist", study.iPercist);
  return json;
}

StudySummary summaryFrom(const Json& json) {
  StudySummary study;
  json.at("studyInstanceUid").get_to(study.studyInstanceUid);
  json.at("seriesInstanceUid").get_to(study.seriesInstanceUid);
  json.at("srSopInstanceUid").get_to(study.srSopInstanceUid);
  study.srSopClassUid = json.value("srSopClassUid", "");
  study.scannedAt = wallClockFromText(json.at("scannedAt").get<std::string>());
  json.at("producer").get_to(study.producer);
  json.at("lesionDefinition").get_to(study.lesionDefinition);
  study.tmtvMl = getOptional<double>(json, "tmtvMl");
  study.tlgG = getOptional<double>(json, "tlgG");
  study.suvMax = getOptional<double>(json, "suvMax");
  study.sulPeak = getOptional<double>(json, "sulPeak");
  study.lesionCount = getOptional<int>(json, "lesionCount");
  study.percist = getResponse(json, "percist");
  study.iPercist = getResponse(json, "iPercist");
  return study;
}

Json toJson(const LesionChange& change) {
  Json json{{"fate", toString(change.fate)},
            {"trackingId", change.trackingId},
            {"trackingUid", change.trackingUid},
            {"distanceMm", change.distanceMm},
            {"note", change.note}};
  putOptional(json, "earlierVolumeMl", change.earlierVolumeMl);
  putOptional(json, "volumeMl", change.volumeMl);
  putOptional(json, "earlierSulPeak", change.earlierSulPeak);
  putOptional(json, "sulPeak", change.sulPeak);
  putOptional(json, "earlierSuvMax", change.earlierSuvMax);
  putOptional(json, "suvMax", change.suvMax);
  return json;
}

LesionChange changeFrom(const Json& json) {
  LesionChange change;
  change.fate = lesionFateFromString(json.at("fate").get<std::string>());
  json.at("trackingId").get_to(change.trackingId);
  json.at("trackingUid").get_to(change.trackingUid);
  json.at("distanceMm").get_to(change.distanceMm);
  json.at("note").get_to(change.note);
  change.earlierVolumeMl = getOptional<double>(json, "earlierVolumeMl");
  change.volumeMl = getOptional<double>(json, "volumeMl");
  change.earlierSulPeak = getOptional<double>(json, "earlierSulPeak");
  change.sulPeak = getOptional<double>(json, "sulPeak");
  change.earlierSuvMax = getOptional<double>(json, "earlierSuvMax");
  change.suvMax = getOptional<double>(json, "suvMax");
  return change;
}

Json toJson(const Comparison& comparison) {
  Json lesions = Json::array();
  for (const LesionChange& change : comparison.lesions) lesions.push_back(toJson(change));
  return {{"earlier", toJson(comparison.earlier)},   {"percist", toJson(comparison.percist)},
          {"iPercist", toJson(comparison.iPercist)}, {"reasons", comparison.reasons},
          {"changes", toJson(comparison.changes)},   {"lesions", std::move(lesions)},
          {"alignment", comparison.alignment},       {"warnings", comparison.warnings},
          {"percistUid", comparison.percistUid},     {"iPercistUid", comparison.iPercistUid}};
}

Comparison comparisonFrom(const Json& json) {
  Comparison comparison;
  comparison.earlier = summaryFrom(json.at("earlier"));
  comparison.percist = responseFrom(json.at("percist"));
  comparison.iPercist = responseFrom(json.at("iPercist"));
  json.at("reasons").get_to(comparison.reasons);
  comparison.changes = measurementsFrom(json.at("changes"));
  for (const Json& item : json.at("lesions")) comparison.lesions.push_back(changeFrom(item));
  json.at("alignment").get_to(comparison.alignment);
  json.at("warnings").get_to(comparison.warnings);
  json.at("percistUid").get_to(comparison.percistUid);
  json.at("iPercistUid").get_to(comparison.iPercistUid);
  return comparison;
}

Json toJson(const Harmonisation& done) {
  Json adjusted = Json::array();
  for (const auto& [input, measured, value] : done.adjusted)
    adjusted.push_back({{"input", input}, {"measured", measured}, {"adjusted", value}});
  Json json{{"scanner", done.scanner},
            {"scannerClass", done.scannerClass},
            {"targetClass", done.targetClass},
            {"adjusted", std::move(adjusted)},
            {"statement", done.statement}};
  putOptional(json, "filterFwhmMm", done.filterFwhmMm);
  return json;
}

Harmonisation harmonisationFrom(const Json& json) {
  Harmonisation done;
  json.at("scanner").get_to(done.scanner);
  json.at("scannerClass").get_to(done.scannerClass);
  json.at("targetClass").get_to(done.targetClass);
  done.filterFwhmMm = getOptional<double>(json, "filterFwhmMm");
  for (const Json& item : json.at("adjusted"))
    done.adjusted.push_back({item.at("input"), item.at("measured"), item.at("adjusted")});
  json.at("statement").get_to(done.statement);
  return done;
}

// nullptr: absent or null.
const Json* present(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found == json.end() || found->is_null() ? nullptr : &*found;
}

}  // namespace

void putFollowUp(Json& json, const ResponseAssessment& a) {
  json["percist"] = a.percist          ? toJson(*a.percist)
                    : a.percistRefusal ? Json{{"refusal", toJson(*a.percistRefusal)}}
                                       : Json(nullptr);
  Json priors = Json::array();
  for (const StudySummary& study : a.priors) priors.push_back(toJson(study));
  json["priors"] = std::move(priors);
  json["comparison"] = a.comparison ? toJson(*a.comparison) : Json(nullptr);
  json["harmonisation"] = a.harmonisation ? toJson(*a.harmonisation) : Json(nullptr);
}

void getFollowUp(const Json& json, ResponseAssessment& a) {
  if (const Json* percist = present(json, "percist")) {
    if (percist->contains("refusal"))
      a.percistRefusal = refusalFrom(percist->at("refusal"));
    else
      a.percist = readingFrom(*percist);
  }
  if (const Json* priors = present(json, "priors"))
    for (const Json& item : *priors) a.priors.push_back(summaryFrom(item));
  if (const Json* comparison = present(json, "comparison"))
    a.comparison = comparisonFrom(*comparison);
  if (const Json* done = present(json, "harmonisation")) a.harmonisation = harmonisationFrom(*done);
}

}  // namespace fedpet::plugin
