#include "orthanc-plugin/RestSchemas.h"

#include "clinical/ResponseAssessment.h"
#include "orthanc-plugin/Job.h"

#include <nlohmann/json.hpp>

namespace fedpet::plugin {
namespace {

using nlohmann::json;

json type(const char* name) { return {{"type", name}}; }
const json kText = type("string"), kNumber = type("number"), kFlag = type("boolean"),
           kInteger = type("integer"), kCount = {{"type", "integer"}, {"minimum", 0}},
           kTime = {{"type", "string"}, {"format", "date-time"}},
           kCategory = {{"enum", {"CMR", "PMR", "SMD", "PMD", "UPMD", "CPMD"}}};

json reference(const char* name) { return {{"$ref", std::string("#/components/schemas/") + name}}; }
json listOf(json items) { return {{"type", "array"}, {"items", std::move(items)}}; }
json orNull(json schema) { return {{"anyOf", {std::move(schema), type("null")}}}; }
json described(json schema, const char* description) {
  schema["description"] = description;
  return schema;
}

// An object with exactly these keys, those of `optional` where they apply.
json object(const json& required, const json& optional = json::object()) {
  json schema{{"type", "object"},
              {"properties", required},
              {"required", json::array()},
              {"additionalProperties", false}};
  for (const auto& [key, unused] : required.items()) schema["required"].push_back(key);
  schema["properties"].update(optional);
  return schema;
}

json jobStates() {
  json states = json::array();
  for (const JobState s : {JobState::Waiting, JobState::Running, JobState::Done, JobState::Failed,
                           JobState::Skipped, JobState::Cancelled})
    states.push_back(toString(s));
  return states;
}

json jobCounts() {
  json counts = json::object();
  for (const json& state : jobStates()) counts[state.get<std::string>()] = kCount;
  return object(counts);
}

// Enabled, or not: then only why. The page and monitoring read "enabled" first.
json statusSchema() {
  const json configuration = object({{"unknownKeys", listOf(kText)}, {"errors", listOf(kText)}});
  return object(
      {{"version", kText}, {"enabled", kFlag}, {"configuration", configuration}},
      {{"researchUseOnly", kText},
       {"intake",
        object({{"sequence", described(orNull(kInteger), "last change of Orthanc acted on")},
                {"arrivingSeries", kCount}})},
       {"workers", object({{"running", kCount}, {"configured", kCount}, {"crashes", kCount}})},
       {"jobs", jobCounts()},
       {"ehr", object({{"tier", described(orNull(kText), "T1 to T5; null before the EHR was asked")},
                       {"way", described(kText, "the tier in words")},
                       {"why", orNull(kText)},
                       {"leftOut", described(listOf(kText), "types that the EHR cannot create")},
                       {"server", orNull(kText)},
                       {"trouble", orNull(kText)},
                       {"auditTrouble", orNull(kText)}})},
       {"outbox", object({{"pending", kCount},
                          {"delivering", kCount},
                          {"delivered", kCount},
                          {"deadLetter", kCount}})}});
}

json jobSchema() {
  return object({{"id", kInteger},
                 {"orthancSeriesId", kText},
                 {"orthancStudyId", kText},
                 {"seriesInstanceUid", kText},
                 {"trigger", described(kText, "what made the job: stable, reconciled, manual")},
                 {"state", {{"enum", jobStates()}}},
                 {"attempt", kCount},
                 {"triesLeft", kCount},
                 {"stage", kText},
                 {"percent", {{"type", "integer"}, {"minimum", 0}, {"maximum", 100}}},
                 {"reason", described(orNull(reference("Reason")),
                                      "of a skip, a failure, or the last failed attempt")},
                 {"worker", kText},
                 {"modelVersion", kText},
                 {"timingsMs", {{"type", "object"}, {"additionalProperties", kNumber}}},
                 {"createdAt", kTime},
                 {"updatedAt", kTime},
                 {"notBefore", kTime},
                 {"startedAt", orNull(kTime)},
                 {"finishedAt", orNull(kTime)}});
}

json messageSchema() {
  return object({{"id", kInteger},
                 {"destination", kText},
                 {"key", kText},
                 {"state", {{"enum", {"Pending", "Delivering", "Delivered", "DeadLetter"}}}},
                 {"attempts", kCount},
                 {"reason", kText},
                 {"enqueuedAt", kTime},
                 {"dueAt", kTime},
                 {"settledAt", orNull(kTime)},
                 {"locations", listOf(kText)}});
}

// Either the first keys or "refusal": a refused number is not there in any form.
json eitherRefusalOr(json required, const json& whenGiven) {
  json optional = whenGiven;
  optional["refusal"] = reference("Refusal");
  json schema = object(std::move(required), optional);
  json given{{"required", json::array()}, {"not", {{"required", {"refusal"}}}}};
  json anyOfThem = json::array();
  for (const auto& [key, unused] : whenGiven.items()) {
    given["required"].push_back(key);
    anyOfThem.push_back({{"required", {key}}});
  }
  json refused{{"required", {"refusal"}}, {"not", {{"anyOf", std::move(anyOfThem)}}}};
  schema["oneOf"] = {std::move(given), std::move(refused)};
  return schema;
}

json regionSchema() {
  return object({{"label", kInteger},
                 {"role", {{"enum", {"Lesion", "Physiological", "Reference"}}}},
                 {"name", kText},
                 {"trackingId", kText},
                 {"trackingUid", kText},
                 {"confidence", {{"type", "number"}, {"minimum", 0}, {"maximum", 1}}},
                 {"centroidMm", described(listOf(kNumber), "x, y, z in DICOM coordinates")},
                 {"definition", kText},
                 {"measurements", listOf(reference("Measurement"))}},
                {{"organ", kText}});
}

json predictionSchema() {
  const json share = object({{"input", kText}, {"unit", kText}, {"logOdds", kNumber}},
                            {{"value", described(kNumber, "absent: imputed")}});
  const json probability{{"type", "number"}, {"minimum", 0}, {"maximum", 1}};
  return eitherRefusalOr({{"endpoint", kText},
                          {"title", kText},
                          {"horizonMonths", kNumber},
                          {"event", kText},
                          {"contributions", listOf(share)},
                          {"calibrationNote", kText},
                          {"observationUid", kText}},
                         {{"probability", probability},
                          {"lower", probability},
                          {"upper", probability},
                          {"intervalLevel", probability}});
}

json suvSchema() {
  return object(
      {{"suvBwPerUnit", kNumber}, {"method", kText}, {"warnings", listOf(kText)}},
      {{"sulPerSuvBw", kNumber}, {"uptakeMinutes", kNumber}, {"sulRefusal", reference("Refusal")}});
}

json mipSchema() {
  const json bytes{{"type", "string"}, {"contentEncoding", "base64"}};
  return object({{"name", kText},
                 {"width", kCount},
                 {"height", kCount},
                 {"pixelWidthMm", kNumber},
                 {"pixelHeightMm", kNumber},
                 {"suvAtWhite", kNumber},
                 {"suv", bytes},
                 {"role", bytes}});
}

// ---- follow-up: orthanc-plugin/protocol/FollowUpJson.h ------------------------------------------

json priorSchema() {
  return object({{"studyInstanceUid", kText},
                 {"seriesInstanceUid", described(kText, "of the report")},
                 {"srSopInstanceUid", kText},
                 {"scannedAt", described(kText, "the scanner's clock, without a zone")},
                 {"producer", described(kText, "the program that wrote the report")},
                 {"lesionDefinition", described(kText, "empty: the report does not say")}},
                {{"srSopClassUid", kText},
                 {"tmtvMl", kNumber},
                 {"tlgG", kNumber},
                 {"suvMax", kNumber},
                 {"sulPeak", described(kNumber, "of the hottest lesion")},
                 {"lesionCount", kCount},
                 {"percist", kCategory},
                 {"iPercist", kCategory}});
}

json lesionChangeSchema() {
  return object({{"fate", {{"enum", {"Matched", "NewLesion", "Resolved"}}}},
                 {"trackingId", kText},
                 {"trackingUid", kText},
                 {"distanceMm", described(kNumber, "after alignment; 0 unless matched")},
                 {"note", kText}},
                {{"earlierVolumeMl", kNumber},
                 {"volumeMl", kNumber},
                 {"earlierSulPeak", kNumber},
                 {"sulPeak", kNumber},
                 {"earlierSuvMax", kNumber},
                 {"suvMax", kNumber}});
}

json comparisonSchema() {
  const json response =
      eitherRefusalOr(json::object(), {{"category", kCategory}, {"title", kText}});
  return object({{"earlier", priorSchema()},
                 {"percist", response},
                 {"iPercist", response},
                 {"reasons", listOf(kText)},
                 {"changes", listOf(reference("Measurement"))},
                 {"lesions", listOf(lesionChangeSchema())},
                 {"alignment", kText},
                 {"warnings", listOf(kText)},
                 {"percistUid", kText},
                 {"iPercistUid", kText}});
}

json percistSchema() {
  return eitherRefusalOr(
      json::object(),
      {{"reference", {{"enum", {"Liver", "BloodPool"}}}},
       {"definition", kText},
       {"numbers", listOf(reference("Measurement"))},
       {"measurable", kFlag},
       {"hottestTrackingUid", described(kText, "of a region; empty: there is no lesion")}});
}

json harmonisationSchema() {
  const json adjusted = object({{"input", kText}, {"measured", kNumber}, {"adjusted", kNumber}});
  return object({{"scanner", kText},
                 {"scannerClass", described(kText, "empty: unknown")},
                 {"targetClass", described(kText, "empty: unknown")},
                 {"adjusted", described(listOf(adjusted), "inputs of the model")},
                 {"statement", kText}},
                {{"filterFwhmMm", described(kNumber, "absent: the image was not filtered")}});
}

json identitySchema() {
  return object({{"srSeriesUid", kText},
                 {"srSopInstanceUid", kText},
                 {"segSeriesUid", kText},
                 {"segSopInstanceUid", kText},
                 {"deviceUid", kText}},
                {{"pdfSeriesUid", described(kText, "empty: there is no PDF report")},
                 {"pdfSopInstanceUid", kText},
                 {"mipSeriesUid", described(kText, "empty: there is no rotating MIP")},
                 {"mipSopInstanceUid", kText}});
}

// The optional keys are absent in results that an older release has written: they stay as they are.
json assessmentSchema() {
  return object(
      {{"schemaVersion", {{"const", 1}}},
       {"status", {{"enum", {"assessed", "refused"}}}},
       {"researchUseOnly", {{"const", kResearchUseOnly}}},
       {"assessedAt", described(kText, "UTC, without a zone")},
       {"softwareVersion", kText},
       {"model", object({{"name", kText},
                         {"version", kText},
                         {"sha256", kText},
                         {"trainingData", kText},
                         {"trainedOnSyntheticData", kFlag}})},
       {"series", described(type("object"), "patient, study and acquisition, as the source says")},
       {"identity", identitySchema()},
       {"refusals", listOf(reference("Refusal"))},
       {"suv", orNull(suvSchema())},
       {"lesionDefinition", kText},
       {"wholeBody", listOf(reference("Measurement"))},
       {"regions", listOf(regionSchema())},
       {"missingRegions", listOf(object({{"organ", kText}, {"refusal", reference("Refusal")}}))},
       {"predictions", listOf(predictionSchema())},
       {"warnings", listOf(kText)},
       {"mips", listOf(mipSchema())}},
      {{"percist", orNull(percistSchema())},
       {"priors", described(listOf(priorSchema()), "of the same patient, oldest first")},
       {"comparison", orNull(comparisonSchema())},
       {"harmonisation", orNull(harmonisationSchema())}});
}

}  // namespace

json restSchemas() {
  return {
      {"Error", object({{"error", kText}})},
      {"Nothing", object(json::object())},
      {"Reason", object({{"code", kText}, {"text", kText}})},
      {"Refusal", object({{"code", kText}, {"detail", kText}, {"explanation", kText}})},
      {"Measurement", eitherRefusalOr({{"quantity", kText},
                                       {"title", kText},
                                       {"unit", described(kText, "UCUM")},
                                       {"definition", kText},
                                       {"observationUid", kText}},
                                      {{"value", kNumber}})},
      {"Status", statusSchema()},
      {"Job", jobSchema()},
      {"JobId", object({{"id", kInteger}})},
      {"JobPage", object({{"jobs", listOf(reference("Job"))},
                          {"nextBefore", described(orNull(kInteger), "to ask for older ones")}})},
      {"Message", messageSchema()},
      {"MessageList", object({{"messages", listOf(reference("Message"))}})},
      {"Assessment", assessmentSchema()}};
}

}  // namespace fedpet::plugin
