#include "orthanc-plugin/protocol/AssessmentJson.h"


#include "orthanc-plugin/protocol/FollowUpJson.h"
#include "orthanc-plugin/protocol/JsonParts.h"

namespace fedpet::plugin {
namespace {

using plugin::toJson;  // beside the overloads below

// ---- small values ---------------------------------------------------------------------------

Json toJson(const std::optional<Code>& code) {
  if (!code) return nullptr;
  return {{"value", code->value}, {"scheme", code->scheme}, {"meaning", code->meaning}};
}

std::optional<Code> codeFrom(const Json& json) {
  if (json.is_null()) return std::nullopt;
  return Code{json.at("value"), json.at("scheme"), json.at("meaning")};
}

// ---- the source series ----------------------------------------------------------------------

Json toJson(const PatientIdentity& patient) {
  Json json{{"patientId", patient.patientId},
            {"issuerOfPatientId", patient.issuerOfPatientId},
            {"patientName", patient.patientName},
            {"birthDate", patient.birthDate},
            {"sex", patient.sex},
            {"identityRemoved", patient.identityRemoved}};
  putOptional(json, "ageYears", patient.ageYears);
  return json;
}

PatientIdentity patientFrom(const Json& json) {
  return {json.at("patientId"), json.at("issuerOfPatientId"), json.at("patientName"),
          json.at("birthDate"), json.at("sex"), getOptional<double>(json, "ageYears"),
          json.value("identityRemoved", false)};  // absent in results of version 0.1.0
}

Json toJson(const StudyIdentity& study) {
  return {{"studyInstanceUid", study.studyInstanceUid},
          {"studyId", study.studyId},
          {"studyDate", study.studyDate},
          {"studyTime", study.studyTime},
          {"studyDescription", study.studyDescription},
          {"accessionNumber", study.accessionNumber},
          {"referringPhysicianName", study.referringPhysicianName}};
}

StudyIdentity studyFrom(const Json& json) {
  return {json.at("studyInstanceUid"), json.at("studyId"), json.at("studyDate"),
          json.at("studyTime"), json.at("studyDescription"), json.at("accessionNumber"),
          json.at("referringPhysicianName")};
}

Json toJson(const Radiopharmaceutical& agent) {
  Json json{{"name", agent.name},
            {"agentCode", toJson(agent.agentCode)},
            {"nuclideCode", toJson(agent.nuclideCode)},
            {"startDateTime", toJson(agent.startDateTime)}};
  putOptional(json, "injectedActivityBq", agent.injectedActivityBq);
  putOptional(json, "halfLifeSeconds", agent.halfLifeSeconds);
  if (agent.startTimeOfDay) json["startTimeOfDayMicroseconds"] = agent.startTimeOfDay->count();
  return json;
}

Radiopharmaceutical agentFrom(const Json& json) {
  Radiopharmaceutical agent{json.at("name"), codeFrom(json.at("agentCode")),
                            codeFrom(json.at("nuclideCode")),
                            getOptional<double>(json, "injectedActivityBq"),
                            getOptional<double>(json, "halfLifeSeconds"),
                            timeFrom(json.at("startDateTime")), std::nullopt};
  if (const auto micros = getOptional<std::int64_t>(json, "startTimeOfDayMicroseconds"))
    agent.startTimeOfDay = std::chrono::microseconds(*micros);
  return agent;
}

Json toJson(const VolumeGeometry& geometry) {
  return {{"size", geometry.size},
          {"spacingMm", geometry.spacingMm},
          {"originMm", geometry.originMm},
          {"rowDirection", geometry.rowDirection},
          {"columnDirection", geometry.columnDirection},
          {"sliceDirection", geometry.sliceDirection}};
}

VolumeGeometry geometryFrom(const Json& json) {
  VolumeGeometry geometry;
  json.at("size").get_to(geometry.size);
  json.at("spacingMm").get_to(geometry.spacingMm);
  json.at("originMm").get_to(geometry.originMm);
  json.at("rowDirection").get_to(geometry.rowDirection);
  json.at("columnDirection").get_to(geometry.columnDirection);
  json.at("sliceDirection").get_to(geometry.sliceDirection);
  return geometry;
}

Json toJson(const PetSeries& series) {
  Json instances = Json::array();
  for (const PetSlice& slice : series.slices) instances.push_back(slice.sopInstanceUid);
  Json json{{"patient", toJson(series.patient)},
            {"study", toJson(series.study)},
            {"seriesInstanceUid", series.seriesInstanceUid},
            {"frameOfReferenceUid", series.frameOfReferenceUid},
            {"sopClassUid", series.sopClassUid},
            {"seriesDescription", series.seriesDescription},
            {"manufacturer", series.manufacturer},
            {"manufacturerModel", series.manufacturerModel},
            {"stationName", series.stationName},
            {"institutionName", series.institutionName},
            {"softwareVersions", series.softwareVersions},
            {"imageType", series.imageType},
            {"seriesType", series.seriesType},
            {"correctedImage", series.correctedImage},
            {"attenuationCorrectionMethod", series.attenuationCorrectionMethod},
            {"units", series.units},
            {"suvType", series.suvType},
            {"decayCorrection", series.decayCorrection},
            {"reconstructionMethod", series.reconstructionMethod},
            {"radiopharmaceutical", toJson(series.radiopharmaceutical)},
            {"seriesDateTime", toJson(series.seriesDateTime)},
            {"geometry", toJson(series.geometry)},
            {"instances", std::move(instances)},
            {"warnings", series.warnings}};
  putOptional(json, "patientWeightKg", series.patientWeightKg);
  putOptional(json, "patientHeightM", series.patientHeightM);
  return json;
}

PetSeries seriesFrom(const Json& json) {
  PetSeries series;
  series.patient = patientFrom(json.at("patient"));
  series.study = studyFrom(json.at("study"));
  json.at("seriesInstanceUid").get_to(series.seriesInstanceUid);
  json.at("frameOfReferenceUid").get_to(series.frameOfReferenceUid);
  json.at("sopClassUid").get_to(series.sopClassUid);
  json.at("seriesDescription").get_to(series.seriesDescription);
  json.at("manufacturer").get_to(series.manufacturer);
  json.at("manufacturerModel").get_to(series.manufacturerModel);
  json.at("stationName").get_to(series.stationName);
  json.at("institutionName").get_to(series.institutionName);
  json.at("softwareVersions").get_to(series.softwareVersions);
  json.at("imageType").get_to(series.imageType);
  json.at("seriesType").get_to(series.seriesType);
  json.at("correctedImage").get_to(series.correctedImage);
  json.at("attenuationCorrectionMethod").get_to(series.attenuationCorrectionMethod);
  json.at("units").get_to(series.units);
  json.at("suvType").get_to(series.suvType);
  json.at("decayCorrection").get_to(series.decayCorrection);
  json.at("reconstructionMethod").get_to(series.reconstructionMethod);
  series.radiopharmaceutical = agentFrom(json.at("radiopharmaceutical"));
  series.seriesDateTime = timeFrom(json.at("seriesDateTime"));
  series.geometry = geometryFrom(json.at("geometry"));
  for (const Json& uid : json.at("instances")) {
    PetSlice slice;
    uid.get_to(slice.sopInstanceUid);
    series.slices.push_back(std::move(slice));
  }
  json.at("warnings").get_to(series.warnings);
  series.patientWeightKg = getOptional<double>(json, "patientWeightKg");
  series.patientHeightM = getOptional<double>(json, "patientHeightM");
  return series;
}

// ---- regions --------------------------------------------------------------------------------

Json toJson(const Region& region) {
  Json json{{"label", region.label},
            {"role", toString(region.role)},
            {"name", region.name},
            {"trackingId", region.trackingId},
            {"trackingUid", region.trackingUid},
            {"confidence", region.confidence},
            {"centroidMm", region.centroidMm},
            {"definition", region.definition},
            {"measurements", toJson(region.measurements)}};
  if (region.organ) json["organ"] = toString(*region.organ);
  return json;
}

Region regionFrom(const Json& json) {
  Region region;
  json.at("label").get_to(region.label);
  region.role = regionRoleFromString(json.at("role").get<std::string>());
  if (json.contains("organ")) region.organ = organFromString(json.at("organ").get<std::string>());
  json.at("name").get_to(region.name);
  json.at("trackingId").get_to(region.trackingId);
  json.at("trackingUid").get_to(region.trackingUid);
  json.at("confidence").get_to(region.confidence);
  json.at("centroidMm").get_to(region.centroidMm);
  json.at("definition").get_to(region.definition);
  region.measurements = measurementsFrom(json.at("measurements"));
  return region;
}

// ---- predictions ----------------------------------------------------------------------------

Json toJson(const ResponsePrediction& prediction) {
  Json json{{"endpoint", toString(prediction.endpoint)},
            {"title", title(prediction.endpoint)},
            {"horizonMonths", prediction.horizonMonths},
            {"event", prediction.event}};
  if (prediction.result) {
    json["probability"] = prediction.result->probability;
    json["lower"] = prediction.result->lower;
    json["upper"] = prediction.result->upper;
    json["intervalLevel"] = prediction.result->intervalLevel;
  } else {
    json["refusal"] = toJson(prediction.result.error());
  }
  Json contributions = Json::array();
  for (const Contribution& share : prediction.contributions) {
    Json item{{"input", share.input}, {"unit", share.unit}, {"logOdds", share.logOdds}};
    putOptional(item, "value", share.value);
    contributions.push_back(std::move(item));
  }
  json["contributions"] = std::move(contributions);
  json["calibrationNote"] = prediction.calibrationNote;
  json["observationUid"] = prediction.observationUid;
  return json;
}

ResponsePrediction predictionFrom(const Json& json) {
  ResponsePrediction prediction;
  prediction.endpoint = endpointFromString(json.at("endpoint").get<std::string>());
  json.at("horizonMonths").get_to(prediction.horizonMonths);
  json.at("event").get_to(prediction.event);
  if (json.contains("refusal"))
    prediction.result = tl::make_unexpected(refusalFrom(json.at("refusal")));
  else
    prediction.result = Probability{json.at("probability"), json.at("lower"), json.at("upper"),
                                    json.at("intervalLevel")};
  for (const Json& item : json.at("contributions"))
    prediction.contributions.push_back({item.at("input"), getOptional<double>(item, "value"),
                                        item.at("unit"), item.at("logOdds")});
  json.at("calibrationNote").get_to(prediction.calibrationNote);
  json.at("observationUid").get_to(prediction.observationUid);
  return prediction;
}

// ---- the rest -------------------------------------------------------------------------------

Json toJson(const SuvScaling& suv) {
  Json json{{"suvBwPerUnit", suv.suvBwPerUnit}, {"method", suv.method}, {"warnings", suv.warnings}};
  putOptional(json, "sulPerSuvBw", suv.sulPerSuvBw);
  putOptional(json, "uptakeMinutes", suv.uptakeMinutes);
  if (suv.sulRefusal) json["sulRefusal"] = toJson(*suv.sulRefusal);
  return json;
}

SuvScaling suvFrom(const Json& json) {
  SuvScaling suv;
  json.at("suvBwPerUnit").get_to(suv.suvBwPerUnit);
  json.at("method").get_to(suv.method);
  json.at("warnings").get_to(suv.warnings);
  suv.sulPerSuvBw = getOptional<double>(json, "sulPerSuvBw");
  suv.uptakeMinutes = getOptional<double>(json, "uptakeMinutes");
  if (json.contains("sulRefusal")) suv.sulRefusal = refusalFrom(json.at("sulRefusal"));
  return suv;
}

Json toJson(const MipView& view) {
  return {{"name", view.name},
          {"width", view.width},
          {"height", view.height},
          {"pixelWidthMm", view.pixelWidthMm},
          {"pixelHeightMm", view.pixelHeightMm},
          {"suvAtWhite", view.suvAtWhite},
          {"suv", toBase64(view.suv)},
          {"role", toBase64(view.role)}};
}

MipView mipFrom(const Json& json) {
  MipView view{json.at("name"), json.at("width"), json.at("height"), json.at("pixelWidthMm"),
               json.at("pixelHeightMm"), json.at("suvAtWhite"), {}, {}};
  if (view.width < 1 || view.height < 1 || view.width > 8192 || view.height > 8192)
    throw AssessmentJsonError("a MIP's width or height is out of range");
  const auto pixels = static_cast<std::size_t>(view.width) * static_cast<std::size_t>(view.height);
  view.suv = fromBase64(json.at("suv"));
  view.role = fromBase64(json.at("role"));
  if (view.suv.size() != pixels || view.role.size() != pixels)
    throw AssessmentJsonError("a MIP's pixels do not fit its width and height");
  return view;
}

Json toJson(const AssessedStudy& study) {
  const ResponseAssessment& assessment = study.assessment;
  Json regions = Json::array(), missing = Json::array(), predictions = Json::array(),
       mips = Json::array();
  for (const Region& region : assessment.regions) regions.push_back(toJson(region));
  for (const MissingRegion& region : assessment.missingRegions)
    missing.push_back({{"organ", toString(region.organ)}, {"refusal", toJson(region.refusal)}});
  for (const ResponsePrediction& p : assessment.predictions) predictions.push_back(toJson(p));
  for (const MipView& view : study.mips) mips.push_back(toJson(view));
  const ResultIdentity& identity = assessment.identity;
  const ModelIdentity& model = assessment.model;
  Json json{{"schemaVersion", kAssessmentSchemaVersion},
          {"status", assessment.refusals.empty() ? "assessed" : "refused"},
          {"researchUseOnly", kResearchUseOnly},
          {"assessedAt", wallClockToText(assessment.assessedAt)},
          {"softwareVersion", assessment.softwareVersion},
          {"model",
           {{"name", model.name},
            {"version", model.version},
            {"sha256", model.sha256},
            {"trainingData", model.trainingData},
            {"trainedOnSyntheticData", model.trainedOnSyntheticData}}},
          {"series", toJson(assessment.series)},
          {"identity",
           {{"srSeriesUid", identity.srSeriesUid},
            {"srSopInstanceUid", identity.srSopInstanceUid},
            {"segSeriesUid", identity.segSeriesUid},
            {"segSopInstanceUid", identity.segSopInstanceUid},
            {"deviceUid", identity.deviceUid},
            {"pdfSeriesUid", identity.pdfSeriesUid},
            {"pdfSopInstanceUid", identity.pdfSopInstanceUid},
            {"mipSeriesUid", identity.mipSeriesUid},
            {"mipSopInstanceUid", identity.mipSopInstanceUid}}},
          {"refusals", toJson(assessment.refusals)},
          {"suv", assessment.suv ? toJson(*assessment.suv) : Json(nullptr)},
          {"lesionDefinition", assessment.lesionDefinition},
          {"wholeBody", toJson(assessment.wholeBody)},
          {"regions", std::move(regions)},
          {"missingRegions", std::move(missing)},
          {"predictions", std::move(predictions)},
          {"warnings", assessment.warnings},
          {"mips", std::move(mips)}};
  putFollowUp(json, assessment);
  return json;
}

AssessedStudy studyFrom(const Json& json, int schemaVersion) {
  if (schemaVersion != kAssessmentSchemaVersion)
    throw AssessmentJsonError("assessment schema version " + std::to_string(schemaVersion) +
                              " is not known to this release; update the plugin and the worker together");
  AssessedStudy study;
  ResponseAssessment& assessment = study.assessment;
  assessment.assessedAt = wallClockFromText(json.at("assessedAt").get<std::string>());
  json.at("softwareVersion").get_to(assessment.softwareVersion);
  const Json& model = json.at("model");
  assessment.model = {model.at("name"), model.at("version"), model.at("sha256"),
                      model.at("trainingData"), model.at("trainedOnSyntheticData")};
  assessment.series = seriesFrom(json.at("series"));
  const Json& identity = json.at("identity");
  assessment.identity = {identity.at("srSeriesUid"), identity.at("srSopInstanceUid"),
                         identity.at("segSeriesUid"), identity.at("segSopInstanceUid"),
                         identity.at("deviceUid"),
                         // absent in results of version 0.1.0
                         identity.value("pdfSeriesUid", ""), identity.value("pdfSopInstanceUid", ""),
                         identity.value("mipSeriesUid", ""), identity.value("mipSopInstanceUid", "")};
  for (const Json& item : json.at("refusals")) assessment.refusals.push_back(refusalFrom(item));
  if (!json.at("suv").is_null()) assessment.suv = suvFrom(json.at("suv"));
  json.at("lesionDefinition").get_to(assessment.lesionDefinition);
  assessment.wholeBody = measurementsFrom(json.at("wholeBody"));
  for (const Json& item : json.at("regions")) assessment.regions.push_back(regionFrom(item));
  for (const Json& item : json.at("missingRegions"))
    assessment.missingRegions.push_back(
        {organFromString(item.at("organ").get<std::string>()), refusalFrom(item.at("refusal"))});
  for (const Json& item : json.at("predictions"))
    assessment.predictions.push_back(predictionFrom(item));
  json.at("warnings").get_to(assessment.warnings);
  getFollowUp(json, assessment);
  for (const Json& item : json.at("mips")) study.mips.push_back(mipFrom(item));
  return study;
}

}  // namespace

std::string assessmentToJson(const AssessedStudy& study, int indent) {
  // A text attribute of a broken file may still hold bytes that are not UTF-8: shown as U+FFFD.
  return toJson(study).dump(indent, ' ', false, Json::error_handler_t::replace);
}

AssessedStudy assessmentFromJson(std::string_view text) {
  try {
    const Json json = Json::parse(text);
    return studyFrom(json, json.at("schemaVersion").get<int>());
  } catch (const Json::exception& error) {
    throw AssessmentJsonError(std::string("not an assessment: ") + error.what());
  } catch (const std::invalid_argument& error) {
    throw AssessmentJsonError(std::string("not an assessment: ") + error.what());
  }
}

}  // namespace fedpet::plugin
