#include "orthanc-plugin/Options.h"

#include <nlohmann/json.hpp>

#include <functional>
#include <optional>
#include <regex>
#include <stdexcept>

namespace fedpet::plugin {
namespace {

using nlohmann::json;

constexpr const char* kSection = "FedPet";

struct Wrong : std::runtime_error {
  using std::runtime_error::runtime_error;
};

[[noreturn]] void expected(const std::string& what, const json& got) {
  throw Wrong("expected " + what + ", got " + got.dump());
}

// How one kind of value is read from JSON. Each throws Wrong.
bool asBool(const json& v) {
  if (!v.is_boolean()) expected("true or false", v);
  return v.get<bool>();
}
std::string asText(const json& v) {
  if (!v.is_string()) expected("a text", v);
  return v.get<std::string>();
}
int asInteger(const json& v, int low, int high) {
  const std::string range = std::to_string(low) + " to " + std::to_string(high);
  if (!v.is_number_integer()) expected("an integer, " + range, v);
  const auto n = v.get<std::int64_t>();
  if (n < low || n > high) expected("an integer, " + range, v);
  return static_cast<int>(n);
}
double asNumber(const json& v, double low, double high) {
  if (!v.is_number() || !(v.get<double>() >= low && v.get<double>() <= high))
    expected("a number, " + json(low).dump() + " to " + json(high).dump(), v);
  return v.get<double>();
}
Seconds asSeconds(const json& v, int low = 1) { return Seconds(asInteger(v, low, 7 * 24 * 3600)); }
std::vector<std::string> asTextList(const json& v) {
  if (!v.is_array()) expected("a list of texts", v);
  std::vector<std::string> list;
  for (const json& item : v) list.push_back(asText(item));
  return list;
}
std::map<std::string, std::string> asTextMap(const json& v) {
  if (!v.is_object()) expected("an object of texts", v);
  std::map<std::string, std::string> map;
  for (const auto& [key, value] : v.items()) map[key] = asText(value);
  return map;
}
std::string asExpression(const std::string& text) {
  try {
    std::regex(text, std::regex::ECMAScript | std::regex::icase);
  } catch (const std::regex_error& e) {
    throw Wrong("\"" + text + "\" is not a regular expression (" + e.what() + ")");
  }
  return text;
}
std::vector<std::string> asExpressions(const json& v) {
  auto list = asTextList(v);
  for (const std::string& text : list) asExpression(text);
  return list;
}
std::string asOneOf(const json& v, const std::vector<std::string>& allowed) {
  const std::string text = asText(v);
  std::string list;
  for (const std::string& a : allowed) {
    if (a == text) return text;
    list += (list.empty() ? "\"" : ", \"") + a + "\"";
  }
  expected("one of " + list, v);
}

// Without a slash at its end.
std::string asWebUrl(const std::string& text) {
  const bool web = text.starts_with("https://") || text.starts_with("http://");
  if (!web || text.find_first_of(" \"'<>\\#;,\r\n\t") != std::string::npos)
    throw Wrong("\"" + text + "\" is no http:// or https:// URL");
  return text.substr(0, text.find_last_not_of('/') + 1);
}

struct Row {
  const char* key;  // below "FedPet"
  json standard;    // the default, as a site would write it
  const char* type;
  const char* unit;  // "" when there is none
  const char* text;
  std::function<void(Options&, const json&)> apply;
};

// clang-format off
const std::vector<Row>& rows() {
  static const std::vector<Row> table = {
    {"Enable", true, "boolean", "", "Whether the plugin does anything.",
     [](Options& o, const json& v) { o.enable = asBool(v); }},
    {"Database", "", "path", "", "SQLite file with jobs, results and outgoing messages. Empty: `fedpet.db` in Orthanc's `StorageDirectory`.",
     [](Options& o, const json& v) { o.databasePath = asText(v); }},
    {"StoreResults", true, "boolean", "", "Store the structured report (SR) and the segmentation (SEG) in Orthanc, in the study of the PET series.",
     [](Options& o, const json& v) { o.storeResults = asBool(v); }},
    {"StorePdf", true, "boolean", "", "With the results, store a report of a few pages for people (encapsulated PDF).",
     [](Options& o, const json& v) { o.storePdf = asBool(v); }},
    {"StoreMip", true, "boolean", "", "With the results, store a rotating picture of the whole body with the lesions outlined (secondary capture).",
     [](Options& o, const json& v) { o.storeMip = asBool(v); }},
    {"FollowUp", true, "boolean", "", "Compare with earlier studies of the same PatientID in this Orthanc that have a structured report: lesions keep their tracking UID, and the change is graded by PERCIST.",
     [](Options& o, const json& v) { o.followUp = asBool(v); }},
    {"LesionRule", "SUV4.0", "one of SUV4.0, 41%SUVmax, PERCIST", "", "How a lesion is outlined: SUVbw of at least 4.0; at least 41 % of the lesion's SUVmax; or above the PERCIST threshold of the liver.",
     [](Options& o, const json& v) { o.lesionRule = asOneOf(v, {"SUV4.0", "41%SUVmax", "PERCIST"}); }},
    {"Model", "", "path", "", "Folder of the response model bundle. Empty: the one shipped with the program. Without a usable one the measurements stand and the predictions are refused with ModelUnavailable.",
     [](Options& o, const json& v) { o.modelPath = asText(v); }},

    {"Intake.FromNow", true, "boolean", "", "At the very first start on a PACS that already holds studies: begin with what arrives from now on. False: every stored PET series is assessed.",
     [](Options& o, const json& v) { o.intake.fromNow = asBool(v); }},
    {"Intake.PollEvery", 10, "integer", "s", "Orthanc's log of changes is read this often, besides at every event.",
     [](Options& o, const json& v) { o.intake.pollEvery = asSeconds(v); }},

    {"Eligibility.MinimumBodyCoverage", 600.0, "number", "mm", "Shorter series are not whole-body studies and are skipped: their tumour volume would be a partial sum.",
     [](Options& o, const json& v) { o.eligibility.minimumBodyCoverageMm = asNumber(v, 0, 2500); }},
    {"Eligibility.SeriesDescriptionInclude", json::array(), "list of regular expressions", "", "When not empty, the series description must contain a match of at least one. Letter case is ignored.",
     [](Options& o, const json& v) { o.eligibility.seriesDescriptionInclude = asExpressions(v); }},
    {"Eligibility.SeriesDescriptionExclude", json::array(), "list of regular expressions", "", "A series whose description contains a match of any is skipped.",
     [](Options& o, const json& v) { o.eligibility.seriesDescriptionExclude = asExpressions(v); }},
    {"Eligibility.RequiredTags", json::object(), "object: tag keyword to regular expression", "", "Each named DICOM tag must contain a match, for example `{\"InstitutionName\": \"^Centre\"}`.",
     [](Options& o, const json& v) { o.eligibility.requiredTags = asTextMap(v); for (const auto& [tag, text] : o.eligibility.requiredTags) asExpression(text); }},

    {"Harmonisation.Scanners", "", "path", "", "JSON file that describes the site's scanners (docs/harmonisation.md). Empty: nothing is harmonised.",
     [](Options& o, const json& v) { o.harmonisation.scanners = asText(v); }},
    {"Harmonisation.Target", "", "empty or EARL-1", "", "Images of sharper scanners are filtered to this accreditation class before anything is measured. Empty: images are measured as they are.",
     [](Options& o, const json& v) { o.harmonisation.target = asOneOf(v, {"", "EARL-1"}); }},
    {"Harmonisation.ComBat", "", "path", "", "JSON file with ComBat parameters (made by `fedpet harmonise --estimate`), by which the inputs of the response model are adjusted. Empty: they are used as measured.",
     [](Options& o, const json& v) { o.harmonisation.combat = asText(v); }},

    {"Worker.Count", 1, "integer", "", "Worker processes on this machine. 0: none here, only remote ones.",
     [](Options& o, const json& v) { o.worker.count = asInteger(v, 0, 64); }},
    {"Worker.Path", "", "path", "", "The program `fedpet-worker`. Empty: beside the plugin.",
     [](Options& o, const json& v) { o.worker.path = asText(v); }},
    {"Worker.Threads", 0, "integer", "", "Threads of one worker. 0: the processor's threads divided by `Worker.Count`.",
     [](Options& o, const json& v) { o.worker.threads = asInteger(v, 0, 256); }},
    {"Worker.MemoryLimit", 4096, "integer", "MiB", "Address space of one worker; beyond it the attempt fails with WorkerOutOfMemory. 0: no limit.",
     [](Options& o, const json& v) { o.worker.memoryLimitMb = asInteger(v, 0, 1 << 20); }},
    {"Worker.JobsPerProcess", 50, "integer", "", "A worker is replaced by a fresh one after this many jobs.",
     [](Options& o, const json& v) { o.worker.jobsPerProcess = asInteger(v, 1, 1000000); }},
    {"Worker.IdleAfter", 60, "integer", "s", "A worker without work ends after this time and is started again when there is some.",
     [](Options& o, const json& v) { o.worker.idleAfter = asSeconds(v); }},
    {"Worker.LeaseFor", 30, "integer", "s", "A worker that gives no sign of life for this long has lost its job.",
     [](Options& o, const json& v) { o.worker.leaseFor = asSeconds(v, 3); }},
    {"Worker.StageDeadline", 300, "integer", "s", "A stage of a job (fetch, read, measure, predict, store, ...) that takes longer is ended.",
     [](Options& o, const json& v) { o.worker.stageDeadline = asSeconds(v); }},
    {"Worker.StageDeadlines", json::object(), "object: stage to integer", "s", "Deadlines of single stages, over `Worker.StageDeadline`.",
     [](Options& o, const json& v) { if (!v.is_object()) expected("an object of integers", v); for (const auto& [stage, s] : v.items()) o.worker.stageDeadlines[stage] = asSeconds(s); }},
    {"Worker.RestartBackOff", 2, "integer", "s", "Pause before a crashed worker is started again; doubled at each crash in a row.",
     [](Options& o, const json& v) { o.worker.restartBackOff = asSeconds(v); }},
    {"Worker.RestartBackOffMax", 60, "integer", "s", "Longest such pause.",
     [](Options& o, const json& v) { o.worker.restartBackOffMax = asSeconds(v); }},
    {"Worker.AllowRemote", false, "boolean", "", "Let workers on other machines take jobs. They log in as ordinary users of Orthanc.",
     [](Options& o, const json& v) { o.worker.allowRemote = asBool(v); }},
    {"Worker.OrthancUrl", "", "URL", "", "Where the workers of this machine reach Orthanc. Empty: 127.0.0.1 and Orthanc's `HttpPort`.",
     [](Options& o, const json& v) { o.worker.orthancUrl = asText(v); }},
    {"Worker.CaFile", "", "path", "", "PEM certificate that signs Orthanc's own, when Orthanc speaks HTTPS.",
     [](Options& o, const json& v) { o.worker.caFile = asText(v); }},

    {"Retry.MaxAttempts", 3, "integer", "", "A job fails for good after this many attempts.",
     [](Options& o, const json& v) { o.retry.maxAttempts = asInteger(v, 1, 100); }},
    {"Retry.BackOff", 30, "integer", "s", "Pause before the second attempt; doubled before each further one.",
     [](Options& o, const json& v) { o.retry.backOff = asSeconds(v, 0); }},
    {"Retry.BackOffMax", 3600, "integer", "s", "Longest pause between attempts.",
     [](Options& o, const json& v) { o.retry.backOffMax = asSeconds(v, 0); }},

    {"Fhir.BaseUrl", "", "URL", "", "FHIR R4 server that receives the results. Empty: nothing is sent.",
     [](Options& o, const json& v) { o.fhir.baseUrl = asText(v); }},
    {"Fhir.PatientIdentifierSystem", "", "URI", "", "`identifier.system` of the PatientID when the series names no issuer. Empty: results of such patients are not sent.",
     [](Options& o, const json& v) { o.fhir.patientIdentifierSystem = asText(v); }},
    {"Fhir.IssuerSystems", json::object(), "object: issuer to URI", "", "`identifier.system` by Issuer of Patient ID (0010,0021). Results of an issuer that is not listed are not sent.",
     [](Options& o, const json& v) { o.fhir.issuerSystems = asTextMap(v); }},
    {"Fhir.IdentifierBase", "", "URI", "", "Prefix of the identifiers that this site mints for runs and models. Empty: an OID of ours.",
     [](Options& o, const json& v) { o.fhir.identifierBase = asText(v); }},
    {"Fhir.AccessionSystem", "", "URI", "", "`identifier.system` of accession numbers.",
     [](Options& o, const json& v) { o.fhir.accessionSystem = asText(v); }},
    {"Fhir.Organization", "", "text", "", "Shown as the performer of the reports.",
     [](Options& o, const json& v) { o.fhir.organization = asText(v); }},
    {"Fhir.WadoRoot", "", "URL", "", "DICOMweb root under which readers of the EHR reach this PACS.",
     [](Options& o, const json& v) { o.fhir.wadoRoot = asText(v); }},
    {"Fhir.LesionGroups", false, "boolean", "", "Send the numbers of every lesion, besides those of the whole body.",
     [](Options& o, const json& v) { o.fhir.lesionGroups = asBool(v); }},
    {"Fhir.CaFile", "", "path", "", "PEM certificates that sign the server's. Empty: those of the system.",
     [](Options& o, const json& v) { o.fhir.caFile = asText(v); }},
    {"Fhir.ClientCertificateFile", "", "path", "", "PEM chain for mutual TLS.",
     [](Options& o, const json& v) { o.fhir.clientCertificateFile = asText(v); }},
    {"Fhir.ClientKeyFile", "", "path", "", "PEM key for mutual TLS.",
     [](Options& o, const json& v) { o.fhir.clientKeyFile = asText(v); }},
    {"Fhir.BearerTokenFile", "", "path", "", "File with a bearer token, read again before every attempt.",
     [](Options& o, const json& v) { o.fhir.bearerTokenFile = asText(v); }},
    {"Fhir.BasicUser", "", "text", "", "User of HTTP basic authentication.",
     [](Options& o, const json& v) { o.fhir.basicUser = asText(v); }},
    {"Fhir.BasicPasswordFile", "", "path", "", "File with the password of `Fhir.BasicUser`.",
     [](Options& o, const json& v) { o.fhir.basicPasswordFile = asText(v); }},
    {"Fhir.Timeout", 30, "integer", "s", "Longest time for one exchange with the server.",
     [](Options& o, const json& v) { o.fhir.timeout = asSeconds(v); }},
    {"Fhir.GiveUpAfter", 336, "integer", "h", "A message that its server never took is set aside after this time, and can be sent again by hand.",
     [](Options& o, const json& v) { o.fhir.giveUpAfter = std::chrono::hours(asInteger(v, 1, 24 * 365)); }},
    {"Fhir.BackOff", 30, "integer", "s", "Pause before a message's second attempt; doubled before each further one.",
     [](Options& o, const json& v) { o.fhir.backOff = asSeconds(v); }},
    {"Fhir.BackOffMax", 3600, "integer", "s", "Longest such pause.",
     [](Options& o, const json& v) { o.fhir.backOffMax = asSeconds(v); }},
    {"Fhir.ClientId", "", "text", "", "Name of this site at the server's authorization (SMART Backend Services). Empty: no such tokens are asked for.",
     [](Options& o, const json& v) { o.fhir.clientId = asText(v); }},
    {"Fhir.SigningKeyFile", "", "path", "", "Private key in PEM (P-384 or RSA) that signs the requests for tokens.",
     [](Options& o, const json& v) { o.fhir.signingKeyFile = asText(v); }},
    {"Fhir.TokenUrl", "", "URL", "", "Where tokens are given out. Empty: the server's `.well-known/smart-configuration` says so.",
     [](Options& o, const json& v) { o.fhir.tokenUrl = asText(v); }},
    {"Fhir.Proxy", "", "URL", "", "HTTP proxy on the way to the server: `http://proxy:3128`.",
     [](Options& o, const json& v) { o.fhir.proxy = asText(v); }},
    {"Fhir.Tier", "auto", "text", "", "`auto`: what the server's CapabilityStatement allows. `T1` transaction, `T2` single writes, `T3` measurements and a document, `T4` HL7 v2, `T5` nothing is sent.",
     [](Options& o, const json& v) { o.fhir.tier = asText(v); }},
    {"Fhir.Version", "R4", "text", "", "FHIR version of what is sent: `R4` or `R5`.",
     [](Options& o, const json& v) { o.fhir.version = asText(v); }},
    {"Fhir.MllpUrl", "", "URL", "", "HL7 v2 interface engine, `mllp://host:port` or `mllps://host:port` (TLS), for a server that takes no results by FHIR, or for a site without one.",
     [](Options& o, const json& v) { o.fhir.mllpUrl = asText(v); }},
    {"Fhir.Hl7ReceivingApplication", "", "text", "", "MSH-5 of HL7 v2 messages.",
     [](Options& o, const json& v) { o.fhir.hl7ReceivingApplication = asText(v); }},
    {"Fhir.Hl7ReceivingFacility", "", "text", "", "MSH-6 of HL7 v2 messages.",
     [](Options& o, const json& v) { o.fhir.hl7ReceivingFacility = asText(v); }},
    {"Fhir.AuditFile", "", "path", "", "An AuditEvent per delivery is appended here, one line each, one file a day: `audit.jsonl` becomes `audit-2026-11-24.jsonl`. Empty: no local copy.",
     [](Options& o, const json& v) { o.fhir.auditFile = asText(v); }},

    {"Webhooks.Urls", json::array(), "list of URLs", "", "Each gets a signed POST about every new result, which names it and holds none of it (docs/integrators.md).",
     [](Options& o, const json& v) { o.webhooks.urls = asTextList(v); for (const std::string& url : o.webhooks.urls) asWebUrl(url); }},
    {"Webhooks.SecretFile", "", "path", "", "File with the secret that signs them: at least 24 bytes, or `whsec_` and base64.",
     [](Options& o, const json& v) { o.webhooks.secretFile = asText(v); }},
    {"Webhooks.CaFile", "", "path", "", "PEM certificates that sign the receivers'. Empty: those of the system.",
     [](Options& o, const json& v) { o.webhooks.caFile = asText(v); }},
    {"Webhooks.Timeout", 10, "integer", "s", "Longest time for one POST.",
     [](Options& o, const json& v) { o.webhooks.timeout = asSeconds(v); }},
    {"Webhooks.BackOff", 30, "integer", "s", "Pause before a second attempt; doubled before each further one, up to an hour.",
     [](Options& o, const json& v) { o.webhooks.backOff = asSeconds(v); }},
    {"Webhooks.GiveUpAfter", 72, "integer", "h", "A notification that its receiver never took is set aside after this time, and can be sent again by hand.",
     [](Options& o, const json& v) { o.webhooks.giveUpAfter = std::chrono::hours(asInteger(v, 1, 24 * 365)); }},

    {"Smart.PublicUrl", "", "URL", "", "How browsers and integrators reach this Orthanc, for links in answers: `https://pacs.example.org/orthanc`. Empty: answers have no links to the page, and those between FHIR pages follow the request's Host.",
     [](Options& o, const json& v) { o.publicUrl = asText(v).empty() ? "" : asWebUrl(asText(v)); }},
    {"Smart.Issuers", json::object(), "object: URL to text", "", "EHRs that may open the page by SMART App Launch: the address of their FHIR server, and the client id under which fedpet is registered there. Empty: no launch.",
     [](Options& o, const json& v) { for (const auto& [issuer, client] : asTextMap(v)) o.smart.issuers[asWebUrl(issuer)] = client; }},
    {"Smart.Origins", json::array(), "list of URLs", "", "Further hosts that the launch page may ask, where an EHR's login is not on the host of its FHIR server.",
     [](Options& o, const json& v) { for (const std::string& origin : asTextList(v)) o.smart.origins.push_back(asWebUrl(origin)); }},

    {"CdsHooks.Enable", false, "boolean", "", "Offer the newest result of a patient as a CDS Hooks card under `/fedpet/cds-services`.",
     [](Options& o, const json& v) { o.cdsHooks = asBool(v); }},

    {"Federation.Folder", "", "path", "", "Folder for this site's key, certificate and journal of a consortium; for Orthanc's account only. Empty: this site takes part in none.",
     [](Options& o, const json& v) { o.federation.folder = asText(v); }},
    {"Federation.CohortTable", "", "path", "", "CSV table with this site's patients: the columns that a plan names, one row per patient.",
     [](Options& o, const json& v) { o.federation.cohortTable = asText(v); }},
    {"Federation.AllowedPurposes", json::array(), "list of texts", "", "Plans with another purpose cannot be approved. Empty: any purpose; a person decides in every case.",
     [](Options& o, const json& v) { o.federation.allowedPurposes = asTextList(v); }},
    {"Federation.MinimumPatients", 10, "integer", "", "With fewer patients this site sits a plan out.",
     [](Options& o, const json& v) { o.federation.minimumPatients = asInteger(v, 1, 1000000); }},
    {"Federation.MaximumEpsilon", 0.0, "number", "", "Privacy budget of this site's patients over all plans (differential privacy, epsilon). 0: plans without noise only; such plans have no budget.",
     [](Options& o, const json& v) { o.federation.maximumEpsilon = asNumber(v, 0, 1e6); }},
    {"Federation.RequireNoise", false, "boolean", "", "Take part only in plans with differential privacy.",
     [](Options& o, const json& v) { o.federation.requireNoise = asBool(v); }},
    {"Federation.RequireMasking", true, "boolean", "", "Take part only in plans with secure aggregation, where the coordinator sees sums and nothing of a single site.",
     [](Options& o, const json& v) { o.federation.requireMasking = asBool(v); }},
    {"Federation.TrainFromHour", 0, "integer", "h", "Computing for a round starts at or after this hour of the day, local time. Equal to `Federation.TrainUntilHour`: at any hour.",
     [](Options& o, const json& v) { o.federation.trainFromHour = asInteger(v, 0, 23); }},
    {"Federation.TrainUntilHour", 0, "integer", "h", "Computing for a round starts before this hour.",
     [](Options& o, const json& v) { o.federation.trainUntilHour = asInteger(v, 0, 24); }},
    {"Federation.Proxy", "", "URL", "", "HTTP proxy to the coordinator, `http://proxy.example.org:3128`.",
     [](Options& o, const json& v) { o.federation.proxy = asText(v); }},
    {"Federation.AuthorizationFile", "", "path", "", "File with the value of an `Authorization` header (`Basic ...`, `Bearer ...`) for a coordinator behind a reverse proxy or another Orthanc's authentication. Read for every request.",
     [](Options& o, const json& v) { o.federation.authorizationFile = asText(v); }},
    {"Federation.ServerCaFile", "", "path", "", "PEM file with authorities that may vouch for the coordinator's HTTPS server beside the consortium's own, for example `/etc/ssl/certs/ca-certificates.crt` for a public certificate. Empty: the consortium's alone.",
     [](Options& o, const json& v) { o.federation.serverCaFile = asText(v); }},
    {"Federation.TrainingDeadline", 3600, "integer", "s", "A worker that computes longer for one round is ended.",
     [](Options& o, const json& v) { o.federation.trainingDeadline = asSeconds(v); }},

    {"Consortium.Folder", "", "path", "", "Folder of a consortium (made by `fedpet-coordinator init`) that this Orthanc hosts under `/fedpet/consortium`. Empty: none.",
     [](Options& o, const json& v) { o.consortium.folder = asText(v); }},
    {"Consortium.Database", "", "path or URL", "", "SQLite file or `postgresql://...` of the consortium. Empty: in its folder.",
     [](Options& o, const json& v) { o.consortium.database = asText(v); }},
    {"Consortium.Url", "", "URL", "", "How sites reach it, written into invitations: `https://pacs.example.org:8042/fedpet/consortium`.",
     [](Options& o, const json& v) { o.consortium.url = asText(v); }},
    {"Consortium.PollEvery", 30, "integer", "s", "Sites are told to ask this often.",
     [](Options& o, const json& v) { o.consortium.pollEvery = asSeconds(v); }},
  };
  return table;
}
// clang-format on

const Row* findRow(const std::string& key) {
  for (const Row& row : rows())
    if (key == row.key) return &row;
  return nullptr;
}

bool isGroup(const std::string& prefix) {
  for (const Row& row : rows())
    if (std::string_view(row.key).starts_with(prefix + ".")) return true;
  return false;
}

void applySection(const json& section, const std::string& prefix, ParsedOptions& result) {
  for (const auto& [name, value] : section.items()) {
    const std::string key = prefix.empty() ? name : prefix + "." + name;
    const std::string path = std::string(kSection) + "." + key;
    if (const Row* row = findRow(key)) {
      try {
        row->apply(result.options, value);
      } catch (const Wrong& e) {
        result.errors.push_back(path + ": " + e.what());
      }
    } else if (isGroup(key)) {
      if (value.is_object())
        applySection(value, key, result);
      else
        result.errors.push_back(path + ": expected an object, got " + value.dump());
    } else {
      result.unknownKeys.push_back(path);
    }
  }
}

// Orthanc has checked its own options; a surprise here keeps the documented default.
OrthancSettings orthancSettings(const json& configuration) {
  OrthancSettings s;
  const auto text = [&](const char* key, std::string& target) {
    if (const auto it = configuration.find(key); it != configuration.end() && it->is_string())
      target = it->get<std::string>();
  };
  const auto flag = [&](const char* key, bool& target) {
    if (const auto it = configuration.find(key); it != configuration.end() && it->is_boolean())
      target = it->get<bool>();
  };
  const auto integer = [&](const char* key, int& target) {
    if (const auto it = configuration.find(key);
        it != configuration.end() && it->is_number_integer())
      target = it->get<int>();
  };
  int stableAge = static_cast<int>(s.stableAge.count());
  text("StorageDirectory", s.storageDirectory);
  integer("HttpPort", s.httpPort);
  flag("HttpServerEnabled", s.httpServerEnabled);
  flag("SslEnabled", s.sslEnabled);
  flag("OverwriteInstances", s.overwriteInstances);
  integer("StableAge", stableAge);
  s.stableAge = Seconds(stableAge > 0 ? stableAge : 60);  // what Orthanc itself does with 0
  return s;
}

}  // namespace

ParsedOptions parseOptions(std::string_view orthancConfiguration) {
  ParsedOptions result;
  const json configuration = json::parse(orthancConfiguration, nullptr, false, true);
  if (!configuration.is_object()) {
    result.errors.push_back("the configuration of Orthanc is not a JSON object");
    return result;
  }
  result.orthanc = orthancSettings(configuration);
  if (const auto section = configuration.find(kSection); section != configuration.end()) {
    if (section->is_object())
      applySection(*section, "", result);
    else
      result.errors.push_back(std::string(kSection) + ": expected an object");
  }
  if (!result.orthanc.httpServerEnabled && result.options.worker.count > 0 &&
      result.options.worker.orthancUrl.empty())
    result.errors.push_back("HttpServerEnabled is false: the workers could not reach Orthanc");
  const HarmonisationOptions& harmonisation = result.options.harmonisation;
  if (harmonisation.scanners.empty() &&
      !(harmonisation.target.empty() && harmonisation.combat.empty()))
    result.errors.push_back(
        "FedPet.Harmonisation.Scanners: Target and ComBat need a description of the scanners");
  return result;
}

Seconds stageDeadline(const WorkerOptions& options, const std::string& stage) {
  const auto it = options.stageDeadlines.find(stage);
  return it == options.stageDeadlines.end() ? options.stageDeadline : it->second;
}

std::filesystem::path databasePath(const ParsedOptions& parsed) {
  if (!parsed.options.databasePath.empty()) return parsed.options.databasePath;
  return std::filesystem::path(parsed.orthanc.storageDirectory) / "fedpet.db";
}

std::string renderConfigurationPage() {
  std::string page =
      "# Configuration\n\n"
      "All options stand in the section `FedPet` of Orthanc's configuration; a dot is one level "
      "of nesting:\n\n"
      "```json\n"
      "{ \"FedPet\": { \"Worker\": { \"Count\": 2 }, \"Fhir\": { \"BaseUrl\": "
      "\"https://ehr.example.org/fhir\" } } }\n"
      "```\n\n"
      "An unknown key is reported in Orthanc's log and under `GET /fedpet/status`. A value of the "
      "wrong kind disables the plugin, never Orthanc: the log and the status say which one.\n\n"
      "This page is rendered from the table in `orthanc-plugin/Options.cpp`; a test compares.\n\n"
      "| option | default | type | unit | meaning |\n|---|---|---|---|---|\n";
  for (const Row& row : rows()) {
    page += std::string("| `") + row.key + "` | `" + row.standard.dump() + "` | " + row.type +
            " | " + row.unit + " | " + row.text + " |\n";
  }
  return page;
}

}  // namespace fedpet::plugin
