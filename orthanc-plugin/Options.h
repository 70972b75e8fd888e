// What a site can configure: section "FedPet" of Orthanc's configuration. The table in Options.cpp
// is the only place that knows keys, defaults, units and explanations; docs/configuration.md is
// rendered from it.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fedpet::plugin {

using Seconds = std::chrono::seconds;

struct WorkerOptions {
  std::string path;  // empty: "fedpet-worker" beside the plugin
  int count = 1;
  int threads = 0;  // per worker; 0: cores divided by `count`
  int memoryLimitMb = 4096;
  int jobsPerProcess = 50;
  Seconds idleAfter{60};
  Seconds leaseFor{30};
  Seconds stageDeadline{300};
  std::map<std::string, Seconds> stageDeadlines;  // by stage, over `stageDeadline`
  Seconds restartBackOff{2}, restartBackOffMax{60};
  bool allowRemote = false;
  std::string orthancUrl;  // empty: http(s)://127.0.0.1:HttpPort
  std::string caFile;
};

struct IntakeOptions {
  bool fromNow = true;
  Seconds pollEvery{10};
};

struct RetryOptions {
  int maxAttempts = 3;
  Seconds backOff{30};
  Seconds backOffMax{3600};
};

struct EligibilityOptions {
  double minimumBodyCoverageMm = 600;
  std::vector<std::string> seriesDescriptionInclude;  // regular expressions, any may match
  std::vector<std::string> seriesDescriptionExclude;  // none may match
  std::map<std::string, std::string> requiredTags;    // tag keyword -> regular expression
};

struct HarmonisationOptions {
  std::string scanners;  // JSON file; empty: the site's scanners are not described
  std::string target;    // "" or "EARL-1"
  std::string combat;    // JSON file; empty: no ComBat
};

struct FhirOptions {
  std::string baseUrl;  // empty: nothing is sent
  std::string patientIdentifierSystem;
  std::map<std::string, std::string> issuerSystems;  // Issuer of Patient ID -> identifier.system
  std::string organization, accessionSystem, identifierBase;
  std::string wadoRoot;  // DICOMweb root that readers of the EHR can reach
  bool lesionGroups = false;
  std::string caFile, clientCertificateFile, clientKeyFile;
  std::string bearerTokenFile;  // read before each attempt
  std::string basicUser, basicPasswordFile;
  std::string clientId, signingKeyFile, tokenUrl;  // SMART Backend Services
  std::string proxy;
  std::string tier = "auto", version = "R4";
  std::string mllpUrl, hl7ReceivingApplication, hl7ReceivingFacility;
  std::string auditFile;
  Seconds timeout{30};
  std::chrono::hours giveUpAfter{14 * 24};
  Seconds backOff{30};
  Seconds backOffMax{3600};
};

struct WebhookOptions {
  std::vector<std::string> urls;  // empty: nobody is told
  std::string secretFile;         // read before each attempt
  std::string caFile;
  Seconds timeout{10};
  Seconds backOff{30};
  std::chrono::hours giveUpAfter{72};
};

struct SmartOptions {
  std::map<std::string, std::string> issuers;  // FHIR address of an EHR -> our client id there
  std::vector<std::string> origins;            // whom else the launch page may ask
};

struct FederationOptions {
  std::string folder;  // of key, certificate and journal; empty: no membership
  std::string cohortTable;
  std::vector<std::string> allowedPurposes;
  int minimumPatients = 10;
  double maximumEpsilon = 0;
  bool requireNoise = false, requireMasking = true;
  int trainFromHour = 0, trainUntilHour = 0;  // equal: at any hour
  std::string proxy;
  std::string authorizationFile, serverCaFile;
  Seconds trainingDeadline{3600};
};

struct ConsortiumOptions {
  std::string folder;    // empty: this Orthanc hosts none
  std::string database;  // empty: SQLite in the folder
  std::string url;       // how sites reach kConsortiumBase
  Seconds pollEvery{30};
};

struct Options {
  bool enable = true;
  std::string databasePath;  // empty: StorageDirectory/fedpet.db
  bool storeResults = true;
  bool storePdf = true, storeMip = true;  // where results are stored at all
  bool followUp = true;
  std::string lesionRule = "SUV4.0";
  std::string modelPath;
  WorkerOptions worker;
  IntakeOptions intake;
  RetryOptions retry;
  EligibilityOptions eligibility;
  HarmonisationOptions harmonisation;
  FhirOptions fhir;
  WebhookOptions webhooks;
  std::string publicUrl;  // of this Orthanc, as browsers and integrators reach it; or empty
  bool cdsHooks = false;
  SmartOptions smart;
  FederationOptions federation;
  ConsortiumOptions consortium;
};

// What we need to know of Orthanc itself.
struct OrthancSettings {
  std::string storageDirectory = "OrthancStorage";
  int httpPort = 8042;
  bool httpServerEnabled = true;
  bool sslEnabled = false;
  bool overwriteInstances = false;
  Seconds stableAge{60};
};

struct ParsedOptions {
  Options options;
  OrthancSettings orthanc;
  std::vector<std::string> unknownKeys;  // "FedPet.Worker.Cuont"
  std::vector<std::string> errors;       // "FedPet.Worker.Count: expected an integer, got \"two\""
};

// `orthancConfiguration` is the whole configuration of Orthanc as JSON text. Never throws for what
// a person wrote: the PACS must start, so mistakes are listed and the plugin stays disabled.
ParsedOptions parseOptions(std::string_view orthancConfiguration);

// Name of the worker's deadline: that of the stage, else the general one.
Seconds stageDeadline(const WorkerOptions&, const std::string& stage);

std::filesystem::path databasePath(const ParsedOptions&);

// docs/configuration.md
std::string renderConfigurationPage();

}  // namespace fedpet::plugin
