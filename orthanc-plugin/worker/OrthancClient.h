// Orthanc and the plugin in it, as a worker sees them over HTTP.
#pragma once

#include "clinical/PetSeries.h"
#include "net/HttpClient.h"
#include "orthanc-plugin/worker/WorkerSettings.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace fedpet::plugin {

// The plugin does not count on this attempt any more: whatever it does is in vain.
struct LeaseLost : std::runtime_error {
  using std::runtime_error::runtime_error;
};
// The series was deleted while the job waited: another attempt would not find it either.
struct SeriesGone : std::runtime_error {
  using std::runtime_error::runtime_error;
};
// Orthanc answered, but not what was asked for.
struct OrthancRefused : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct LeasedJob {
  std::int64_t id = 0;
  int attempt = 0;
  std::string seriesId, studyId;
  std::string lesionRule = "SUV4.0";
  double minimumBodyCoverageMm = 600;
  std::string modelPath;
  // Files of the site on the worker's machine; empty: none.
  std::string harmonisationScanners, harmonisationCombat, harmonisationTarget;
  bool storeResults = true;
  bool storePdf = true, storeMip = true;      // beside the results, when those are stored
  bool followUp = true;                       // look for earlier studies of the patient
  std::string previousSrUid, previousSegUid;  // of the result that this one replaces
};

// A structured report in another study of the patient: perhaps what a follow-up is compared with.
struct StoredReport {
  std::string studyDate;  // "20240305"; empty when the study has none
  std::string instanceId;
};

// Not thread-safe: one per thread, as its connection. Every call throws net::NetError when Orthanc
// cannot be reached.
class OrthancClient {
 public:
  explicit OrthancClient(const WorkerSettings&);

  // nullopt: no work within `patience`. Throws OrthancRefused.
  std::optional<LeasedJob> lease(std::chrono::milliseconds patience);
  void heartbeat(const LeasedJob&, const std::string& stage, int percent);  // throws LeaseLost
  // `pdf`, the report for people, goes on to the EHR; it may be empty.
  void complete(const LeasedJob&, const std::string& assessmentJson,
                const std::map<std::string, double>& timingsMs,
                std::span<const std::byte> pdf);  // throws LeaseLost
  void completeSkipped(const LeasedJob&, const std::string& code, const std::string& text,
                       const std::map<std::string, double>& timingsMs);  // throws LeaseLost
  void fail(const LeasedJob&, const std::string& code, const std::string& text, bool retryable);

  std::vector<std::string> instancesOf(const std::string& seriesId);  // throws SeriesGone
  std::string instanceFile(const std::string& instanceId);            // throws SeriesGone
  // What Orthanc knows of a series whose files cannot be read as one: who and which, no pixels.
  PetSeries headerOf(const std::string& seriesId);  // throws SeriesGone
  // The SR instances of the patient's other studies, newest study first. A patient is who has the
  // same PatientID in this Orthanc; whether the issuer is the same too is for the reader to check.
  std::vector<StoredReport> reportsOfOtherStudies(
      const std::string& seriesId);                                         // throws SeriesGone
  std::optional<std::string> fileOfSop(const std::string& sopInstanceUid);  // nullopt: not here
  // Stores the file under its SOP Instance UID: an equal one is left, another one is replaced.
  void storeInstance(const std::string& sopInstanceUid, std::span<const std::byte> file);
  void removeInstance(const std::string& sopInstanceUid);

 private:
  net::HttpResponse call(const std::string& method, const std::string& target,
                         const std::string& body = {}, const char* contentType = nullptr);
  void report(const LeasedJob&, const char* what, const std::string& body);
  std::optional<std::string> lookUp(const std::string& sopInstanceUid);

  WorkerSettings settings_;
  net::HttpClient http_;
};

}  // namespace fedpet::plugin
