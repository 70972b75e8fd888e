// Everything the plugin must not forget, in one SQLite file: how far Orthanc's log of changes has
// been acted on, the series that are still arriving, every job, the result of every series, and
// the messages to the EHRs. Every call is one durable transaction; SIGKILL between two calls
// leaves a state from which the plugin goes on.
#pragma once

#include "fhir/Outbox.h"
#include "orthanc-plugin/Schema.h"
#include "orthanc-plugin/Job.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace fedpet::plugin {

struct IntakePosition {
  std::string archiveId;             // of the Orthanc database that `sequence` belongs to
  std::int64_t sequence = 0;         // every change up to here has been acted on
  std::int64_t settledSequence = 0;  // no series touched before this was still arriving
};

struct PendingSeries {
  std::string seriesId;
  UtcTime noticedAt{};
};

// A series in one content that was judged: to be assessed, or skipped with a reason.
struct NewJob {
  std::string seriesId, studyId, seriesInstanceUid, fingerprint, trigger;
  std::optional<Reason> skip;
};

struct IntakeBatch {
  std::vector<std::string> arriving;  // into pending_series
  std::vector<std::string> settled;   // out of it
  std::vector<std::string> reborn;    // new in the archive: jobs of an earlier life do not count
  std::vector<NewJob> jobs;
  std::optional<IntakePosition> position;
};

struct Assessment {
  std::int64_t jobId = 0;
  int attempt = 0;
  UtcTime createdAt{};
  std::string json;
};

enum class ReportOutcome {
  Accepted,
  Repeated,  // this attempt has reported the same before: fine, nothing changed
  Stale,     // the job belongs to another attempt or has ended otherwise
  Unknown,   // no such job
};

// Names of workers that are children of the plugin begin with this.
inline constexpr const char* kLocalWorkerPrefix = "local-";

struct JobFilter {
  std::optional<JobState> state;
  std::string seriesId;       // empty: all
  std::int64_t beforeId = 0;  // 0: newest; else only jobs with a smaller id
  std::size_t limit = 100;
};

class Ledger {
 public:
  explicit Ledger(Database& database) : database_(database) {}  // borrowed

  std::optional<IntakePosition> position();
  std::vector<PendingSeries> pendingSeries();
  // Everything of the batch or nothing. A job that exists with the same content is left alone; a
  // new content of a series cancels the unfinished jobs of its older contents. Returns the workers
  // whose job was cancelled under them.
  std::vector<std::string> apply(const IntakeBatch&, const RetryOptions&, UtcTime now);
  // The series is gone from the archive, and so goes what we keep of the patient: its result, and
  // the bodies of its messages as soon as they are delivered. Its unfinished jobs are cancelled;
  // returns their workers.
  std::vector<std::string> forget(const std::string& seriesId, UtcTime now);
  std::vector<std::string> seriesWithResult();
  // The job of this content: as it is when new or under way, waiting again when it had ended.
  std::int64_t demand(const NewJob&, const RetryOptions&, UtcTime now);

  // The waiting job that is due and oldest, now running under this worker.
  std::optional<Job> lease(const std::string& worker, Seconds leaseFor, UtcTime now);
  ReportOutcome heartbeat(std::int64_t jobId, int attempt, const std::string& stage, int percent,
                          Seconds leaseFor, UtcTime now);
  // Job ended + result + messages to the EHRs, at once. An empty `assessmentJson` keeps none.
  ReportOutcome complete(std::int64_t jobId, int attempt, const Completion&,
                         const std::string& assessmentJson, const std::vector<fhir::OutboxMessage>&,
                         UtcTime now);
  ReportOutcome fail(std::int64_t jobId, int attempt, const Reason&, bool retryable,
                     const RetryOptions&, UtcTime now);
  // The attempt of a dead worker, when it had one.
  std::optional<Job> failAttemptOf(const std::string& worker, const Reason&, const RetryOptions&,
                                   UtcTime now);
  // Workers of this machine die with the plugin: their jobs wait again, at no cost. To be called
  // once their processes cannot be alive.
  void releaseLocal(UtcTime now);
  // Takes every overdue job from its worker; returns them as they were.
  std::vector<Job> revokeOverdue(const WorkerOptions&, const RetryOptions&, UtcTime now);

  enum class Demand { Done, WrongState, Unknown };
  Demand retry(std::int64_t jobId, const RetryOptions&, UtcTime now);
  // `worker` receives the holder of a running job, else is left alone.
  Demand cancel(std::int64_t jobId, UtcTime now, std::string& worker);

  std::optional<Job> find(std::int64_t jobId);
  std::vector<Job> list(const JobFilter&);  // newest first
  std::map<JobState, std::size_t> counts();
  // When the next waiting job becomes due; nullopt when none waits.
  std::optional<UtcTime> nextDue();
  std::optional<Assessment> assessment(const std::string& seriesId);

 private:
  Database& database_;
};

}  // namespace fedpet::plugin
