#include "orthanc-plugin/worker/OrthancClient.h"

#include "net/NetError.h"
#include "orthanc-plugin/protocol/JsonParts.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace fedpet::plugin {
namespace {

using nlohmann::json;

net::HttpClientOptions httpOptions(const WorkerSettings& settings) {
  net::HttpClientOptions options;
  options.caFile = settings.caFile;
  options.userAgent = "fedpet-worker";
  return options;
}

[[noreturn]] void refused(const std::string& what, const net::HttpResponse& response) {
  throw OrthancRefused(what + " answered " + std::to_string(response.status));
}

json parsed(const std::string& what, const net::HttpResponse& response) {
  if (response.status != 200) refused(what, response);
  json body = json::parse(response.body, nullptr, false);
  if (body.is_discarded()) throw OrthancRefused(what + " did not answer JSON");
  return body;
}

std::string text(const json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

LeasedJob jobFrom(const json& j) {
  LeasedJob job;
  job.id = j.at("id").get<std::int64_t>();
  job.attempt = j.at("attempt").get<int>();
  job.seriesId = j.at("orthancSeriesId").get<std::string>();
  job.studyId = text(j, "orthancStudyId");
  const json& options = j.at("options");
  job.lesionRule = options.value("lesionRule", job.lesionRule);
  job.minimumBodyCoverageMm = options.value("minimumBodyCoverageMm", job.minimumBodyCoverageMm);
  job.modelPath = options.value("model", "");
  job.storeResults = options.value("storeResults", true);
  if (const auto harmonisation = options.find("harmonisation");
      harmonisation != options.end() && harmonisation->is_object()) {
    job.harmonisationScanners = text(*harmonisation, "scanners");
    job.harmonisationTarget = text(*harmonisation, "target");
    job.harmonisationCombat = text(*harmonisation, "combat");
  }
  job.storePdf = options.value("storePdf", true);
  job.storeMip = options.value("storeMip", true);
  job.followUp = options.value("followUp", true);
  if (const auto previous = j.find("previous"); previous != j.end() && previous->is_object()) {
    job.previousSrUid = text(*previous, "srSopInstanceUid");
    job.previousSegUid = text(*previous, "segSopInstanceUid");
  }
  return job;
}

// Orthanc's JSON is UTF-8 whatever the files are in.
PetSeries headerFromTags(const json& tags) {
  PetSeries h;
  h.patient.patientId = text(tags, "PatientID");
  h.patient.issuerOfPatientId = text(tags, "IssuerOfPatientID");
  h.patient.patientName = text(tags, "PatientName");
  h.patient.birthDate = text(tags, "PatientBirthDate");
  h.patient.sex = text(tags, "PatientSex");
  h.study.studyInstanceUid = text(tags, "StudyInstanceUID");
  h.study.studyId = text(tags, "StudyID");
  h.study.studyDate = text(tags, "StudyDate");
  h.study.studyTime = text(tags, "StudyTime");
  h.study.studyDescription = text(tags, "StudyDescription");
  h.study.accessionNumber = text(tags, "AccessionNumber");
  h.study.referringPhysicianName = text(tags, "ReferringPhysicianName");
  h.seriesInstanceUid = text(tags, "SeriesInstanceUID");
  h.frameOfReferenceUid = text(tags, "FrameOfReferenceUID");
  h.sopClassUid = text(tags, "SOPClassUID");
  h.seriesDescription = text(tags, "SeriesDescription");
  h.manufacturer = text(tags, "Manufacturer");
  h.manufacturerModel = text(tags, "ManufacturerModelName");
  h.stationName = text(tags, "StationName");
  h.institutionName = text(tags, "InstitutionName");
  return h;
}

}  // namespace

OrthancClient::OrthancClient(const WorkerSettings& settings)
    : settings_(settings), http_(settings.orthancUrl, httpOptions(settings)) {}

net::HttpResponse OrthancClient::call(const std::string& method, const std::string& target,
                                      const std::string& body, const char* contentType) {
  net::HttpRequest request;
  request.method = method;
  request.target = target;
  request.body = body;
  if (!settings_.authorization.empty())
    request.headers.push_back({"Authorization", settings_.authorization});
  if (!settings_.secret.empty())
    request.headers.push_back({"X-Fedpet-Worker-Secret", settings_.secret});
  if (contentType != nullptr) request.headers.push_back({"Content-Type", contentType});
  return http_.send(request);
}

std::optional<LeasedJob> OrthancClient::lease(std::chrono::milliseconds patience) {
  const json body = {{"worker", settings_.name}, {"waitMs", patience.count()}};
  const json answer =
      parsed("lease", call("POST", "/fedpet/worker/lease", body.dump(), "application/json"));
  const auto job = answer.find("job");
  if (job == answer.end() || job->is_null()) return std::nullopt;
  try {
    return jobFrom(*job);
  } catch (const json::exception& e) {
    throw OrthancRefused(std::string("lease answered a job that cannot be read: ") + e.what());
  }
}

void OrthancClient::report(const LeasedJob& job, const char* what, const std::string& body) {
  const auto response = call("POST", "/fedpet/worker/jobs/" + std::to_string(job.id) + "/" + what,
                             body, "application/json");
  // 403: another life of the plugin, which does not know our secret.
  if (response.status == 409 || response.status == 404 || response.status == 403)
    throw LeaseLost(std::string(what) + " was answered with " + std::to_string(response.status));
  if (response.status != 200) refused(what, response);
}

void OrthancClient::heartbeat(const LeasedJob& job, const std::string& stage, int percent) {
  report(job, "heartbeat",
         json{{"attempt", job.attempt}, {"stage", stage}, {"percent", percent}}.dump());
}

void OrthancClient::complete(const LeasedJob& job, const std::string& assessmentJson,
                             const std::map<std::string, double>& timingsMs,
                             std::span<const std::byte> pdf) {
  json head = {{"attempt", job.attempt}, {"timingsMs", timingsMs}};
  if (!pdf.empty()) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(pdf.data());
    head["pdf"] = toBase64({bytes, bytes + pdf.size()});
  }
  // The assessment is large and already text: it is not parsed again only to be nested.
  const std::string text = head.dump();
  report(job, "complete",
         text.substr(0, text.size() - 1) + ",\"assessment\":" + assessmentJson + "}");
}

void OrthancClient::completeSkipped(const LeasedJob& job, const std::string& code,
                                    const std::string& why,
                                    const std::map<std::string, double>& timingsMs) {
  report(job, "complete",
         json{{"attempt", job.attempt},
              {"timingsMs", timingsMs},
              {"skipped", {{"code", code}, {"text", why}}}}
             .dump());
}

void OrthancClient::fail(const LeasedJob& job, const std::string& code, const std::string& why,
                         bool retryable) {
  report(
      job, "fail",
      json{{"attempt", job.attempt}, {"code", code}, {"text", why}, {"retryable", retryable}}.dump(
          -1, ' ', false, json::error_handler_t::replace));
}

std::vector<std::string> OrthancClient::instancesOf(const std::string& seriesId) {
  const auto response = call("GET", "/series/" + seriesId);
  if (response.status == 404) throw SeriesGone("the series is not in Orthanc any more");
  const json series = parsed("series", response);
  std::vector<std::string> ids;
  for (const json& id : series.value("Instances", json::array()))
    if (id.is_string()) ids.push_back(id.get<std::string>());
  return ids;
}

std::string OrthancClient::instanceFile(const std::string& instanceId) {
  auto response = call("GET", "/instances/" + instanceId + "/file");
  if (response.status == 404) throw SeriesGone("an instance is not in Orthanc any more");
  if (response.status != 200) refused("instance", response);
  return std::move(response.body);
}

PetSeries OrthancClient::headerOf(const std::string& seriesId) {
  const auto response = call("GET", "/series/" + seriesId + "/instances");
  if (response.status == 404) throw SeriesGone("the series is not in Orthanc any more");
  const json instances = parsed("instances", response);
  if (!instances.is_array() || instances.empty()) throw SeriesGone("the series is empty");
  const json tags =
      parsed("tags", call("GET", "/instances/" + text(instances.front(), "ID") + "/tags?simplify"));
  PetSeries header = headerFromTags(tags);
  for (const json& instance : instances) {
    PetSlice slice;
    slice.sopInstanceUid = text(instance.value("MainDicomTags", json::object()), "SOPInstanceUID");
    header.slices.push_back(std::move(slice));
  }
  return header;
}

std::optional<std::string> OrthancClient::lookUp(const std::string& sopInstanceUid) {
  const json found = parsed("lookup", call("POST", "/tools/lookup", sopInstanceUid, "text/plain"));
  for (const json& item : found)
    if (item.value("Type", "") == "Instance") return item.value("ID", "");
  return std::nullopt;
}

std::vector<StoredReport> OrthancClient::reportsOfOtherStudies(const std::string& seriesId) {
  const auto response = call("GET", "/series/" + seriesId + "/patient");
  if (response.status == 404) throw SeriesGone("the series is not in Orthanc any more");
  const std::string patient = "/patients/" + text(parsed("patient", response), "ID");
  const std::string own = text(parsed("series", call("GET", "/series/" + seriesId)), "ParentStudy");
  std::map<std::string, std::string> dates;  // by study
  for (const json& study : parsed("studies", call("GET", patient + "/studies")))
    dates[text(study, "ID")] = text(study.value("MainDicomTags", json::object()), "StudyDate");
  std::vector<StoredReport> reports;
  for (const json& series : parsed("series", call("GET", patient + "/series"))) {
    const std::string study = text(series, "ParentStudy");
    if (study == own || text(series.value("MainDicomTags", json::object()), "Modality") != "SR")
      continue;
    for (const json& id : series.value("Instances", json::array()))
      if (id.is_string()) reports.push_back({dates[study], id.get<std::string>()});
  }
  std::stable_sort(
      reports.begin(), reports.end(),
      [](const StoredReport& a, const StoredReport& b) { return a.studyDate > b.studyDate; });
  return reports;
}

std::optional<std::string> OrthancClient::fileOfSop(const std::string& sopInstanceUid) {
  const auto id = lookUp(sopInstanceUid);
  if (!id) return std::nullopt;
  return instanceFile(*id);
}

void OrthancClient::storeInstance(const std::string& sopInstanceUid,
                                  std::span<const std::byte> file) {
  const std::string bytes(reinterpret_cast<const char*>(file.data()), file.size());
  if (const auto old = lookUp(sopInstanceUid)) {
    const auto stored = call("GET", "/instances/" + *old + "/file");
    if (stored.status == 200 && stored.body == bytes) return;
    removeInstance(sopInstanceUid);
  }
  const auto response = call("POST", "/instances", bytes, "application/dicom");
  if (response.status != 200) refused("storing a result", response);
}

void OrthancClient::removeInstance(const std::string& sopInstanceUid) {
  const auto id = lookUp(sopInstanceUid);
  if (!id) return;
  const auto response = call("DELETE", "/instances/" + *id);
  if (response.status != 200 && response.status != 404) refused("deleting a result", response);
}

}  // namespace fedpet::plugin
