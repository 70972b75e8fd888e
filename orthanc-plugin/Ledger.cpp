#include "orthanc-plugin/Ledger.h"

#include "orthanc-plugin/ResultIndex.h"
#include "orthanc-plugin/SociOutbox.h"

#include <nlohmann/json.hpp>

namespace fedpet::plugin {
namespace {

using soci::into;
using soci::use;

long long millis(const std::optional<UtcTime>& t) { return t ? toMillis(*t) : 0; }  // 0: none
std::optional<UtcTime> instant(long long ms) {
  return ms == 0 ? std::nullopt : std::optional(fromMillis(ms));
}

// A job as its row; the same struct is bound for reading and for writing.
struct JobRow {
  long long id = 0;
  std::string seriesId, studyId, seriesUid, fingerprint, trigger, state, stage, reasonCode,
      reasonText, worker, modelVersion, timings;
  int attempt = 0, triesLeft = 0, percent = 0;
  long long createdAt = 0, updatedAt = 0, notBefore = 0, startedAt = 0, finishedAt = 0,
            stageStartedAt = 0, leaseUntil = 0;
};

constexpr const char* kColumns =
    "id, series_id, study_id, series_uid, fingerprint, trigger, state, attempt, tries_left, stage, "
    "percent, reason_code, reason_text, worker, model_version, timings, created_at, updated_at, "
    "not_before, started_at, finished_at, stage_started_at, lease_until";

void bindForReading(soci::statement& statement, JobRow& r) {
  statement.exchange(into(r.id));
  for (std::string* text :
       {&r.seriesId, &r.studyId, &r.seriesUid, &r.fingerprint, &r.trigger, &r.state})
    statement.exchange(into(*text));
  statement.exchange(into(r.attempt));
  statement.exchange(into(r.triesLeft));
  statement.exchange(into(r.stage));
  statement.exchange(into(r.percent));
  for (std::string* text : {&r.reasonCode, &r.reasonText, &r.worker, &r.modelVersion, &r.timings})
    statement.exchange(into(*text));
  for (long long* ms : {&r.createdAt, &r.updatedAt, &r.notBefore, &r.startedAt, &r.finishedAt,
                        &r.stageStartedAt, &r.leaseUntil})
    statement.exchange(into(*ms));
}

Job toJob(const JobRow& r) {
  Job job;
  job.id = r.id;
  job.seriesId = r.seriesId;
  job.studyId = r.studyId;
  job.seriesInstanceUid = r.seriesUid;
  job.fingerprint = r.fingerprint;
  job.trigger = r.trigger;
  const auto state = jobStateFromString(r.state);
  if (!state) throw DatabaseError("job " + std::to_string(r.id) + " has state " + r.state);
  job.state = *state;
  job.attempt = r.attempt;
  job.triesLeft = r.triesLeft;
  job.stage = r.stage;
  job.percent = r.percent;
  if (!r.reasonCode.empty()) job.reason = Reason{r.reasonCode, r.reasonText};
  job.worker = r.worker;
  job.modelVersion = r.modelVersion;
  job.timings = nlohmann::json::parse(r.timings).get<StageTimings>();
  job.createdAt = fromMillis(r.createdAt);
  job.updatedAt = fromMillis(r.updatedAt);
  job.notBefore = fromMillis(r.notBefore);
  job.startedAt = instant(r.startedAt);
  job.finishedAt = instant(r.finishedAt);
  job.stageStartedAt = instant(r.stageStartedAt);
  job.leaseUntil = instant(r.leaseUntil);
  return job;
}

// `clause` is ours, never a user's text; `texts` and `numbers` are bound in order, texts first.
std::vector<Job> select(soci::session& sql, const std::string& clause,
                        const std::vector<std::string>& texts = {},
                        const std::vector<long long>& numbers = {}) {
  JobRow row;
  soci::statement statement(sql);
  bindForReading(statement, row);
  for (const std::string& text : texts) statement.exchange(use(text));
  for (const long long& number : numbers) statement.exchange(use(number));
  statement.alloc();
  statement.prepare(std::string("SELECT ") + kColumns + " FROM jobs " + clause);
  statement.define_and_bind();
  statement.execute();
  std::vector<Job> jobs;
  while (statement.fetch()) jobs.push_back(toJob(row));
  return jobs;
}

std::optional<Job> selectOne(soci::session& sql, std::int64_t id) {
  auto jobs = select(sql, "WHERE id = :id", {}, {id});
  return jobs.empty() ? std::nullopt : std::optional(std::move(jobs.front()));
}

void insert(soci::session& sql, const Job& job) {
  const std::string state(toString(job.state)), code = job.reason ? job.reason->code : "",
                                                text = job.reason ? job.reason->text : "";
  const long long created = toMillis(job.createdAt), notBefore = toMillis(job.notBefore),
                  finished = millis(job.finishedAt);
  sql << "INSERT INTO jobs (series_id, study_id, series_uid, fingerprint, trigger, state, attempt, "
         "tries_left, stage, percent, reason_code, reason_text, worker, model_version, timings, "
         "created_at, updated_at, not_before, started_at, finished_at, stage_started_at, "
         "lease_until) VALUES (:a, :b, :c, :d, :e, :f, 0, :g, '', 0, :h, :i, '', '', '{}', :j, :k, "
         ":l, 0, :m, 0, 0)",
      use(job.seriesId), use(job.studyId), use(job.seriesInstanceUid), use(job.fingerprint),
      use(job.trigger), use(state), use(job.triesLeft), use(code), use(text), use(created),
      use(created), use(notBefore), use(finished);
}

void update(soci::session& sql, const Job& job) {
  const std::string state(toString(job.state)), code = job.reason ? job.reason->code : "",
                                                text = job.reason ? job.reason->text : "",
                                                timings = nlohmann::json(job.timings).dump();
  const long long updated = toMillis(job.updatedAt), notBefore = toMillis(job.notBefore),
                  started = millis(job.startedAt), finished = millis(job.finishedAt),
                  stageStarted = millis(job.stageStartedAt), leaseUntil = millis(job.leaseUntil),
                  id = job.id;
  sql << "UPDATE jobs SET state = :a, attempt = :b, tries_left = :c, stage = :d, percent = :e, "
         "reason_code = :f, reason_text = :g, worker = :h, model_version = :i, timings = :j, "
         "updated_at = :k, not_before = :l, started_at = :m, finished_at = :n, "
         "stage_started_at = :o, lease_until = :p WHERE id = :q",
      use(state), use(job.attempt), use(job.triesLeft), use(job.stage), use(job.percent), use(code),
      use(text), use(job.worker), use(job.modelVersion), use(timings), use(updated), use(notBefore),
      use(started), use(finished), use(stageStarted), use(leaseUntil), use(id);
}

Job freshJob(const NewJob& n, const RetryOptions& retry, UtcTime now) {
  Job job;
  job.seriesId = n.seriesId;
  job.studyId = n.studyId;
  job.seriesInstanceUid = n.seriesInstanceUid;
  job.fingerprint = n.fingerprint;
  job.trigger = n.trigger;
  job.triesLeft = retry.maxAttempts;
  job.createdAt = job.updatedAt = job.notBefore = now;
  if (n.skip) {
    job.state = JobState::Skipped;
    job.reason = n.skip;
    job.finishedAt = now;
  }
  return job;
}

// What is not worth finishing: jobs of an older content, or of a series that is gone.
void cancelUnfinished(soci::session& sql, const std::string& seriesId, const Reason& reason,
                      UtcTime now, std::vector<std::string>& workers) {
  for (const Job& old :
       select(sql, "WHERE series_id = :s AND state IN ('waiting', 'running')", {seriesId})) {
    if (!old.worker.empty()) workers.push_back(old.worker);
    update(sql, cancelled(old, reason, now));
  }
}

const Reason kSuperseded{"Superseded", "the series has changed since"};

std::optional<Job> sameContent(soci::session& sql, const NewJob& n) {
  auto jobs = select(sql, "WHERE series_id = :s AND fingerprint = :f", {n.seriesId, n.fingerprint});
  return jobs.empty() ? std::nullopt : std::optional(std::move(jobs.front()));
}

void storePosition(soci::session& sql, const IntakePosition& p) {
  const long long sequence = p.sequence, settled = p.settledSequence;
  sql << "INSERT INTO intake (id, archive_id, sequence, settled_sequence) VALUES (1, :a, :b, :c) "
         "ON CONFLICT (id) DO UPDATE SET archive_id = excluded.archive_id, "
         "sequence = excluded.sequence, settled_sequence = excluded.settled_sequence",
      use(p.archiveId), use(sequence), use(settled);
}

void storeAssessment(soci::session& sql, const Job& job, const std::string& json, UtcTime now) {
  const long long jobId = job.id, created = toMillis(now);
  sql << "INSERT INTO assessments (series_id, job_id, attempt, created_at, json) "
         "VALUES (:a, :b, :c, :d, :e) ON CONFLICT (series_id) DO UPDATE SET "
         "job_id = excluded.job_id, attempt = excluded.attempt, "
         "created_at = excluded.created_at, json = excluded.json",
      use(job.seriesId), use(jobId), use(job.attempt), use(created), use(json);
}

}  // namespace

std::optional<IntakePosition> Ledger::position() {
  return database_.transaction([](soci::session& sql) {
    IntakePosition p;
    long long sequence = 0, settled = 0;
    sql << "SELECT archive_id, sequence, settled_sequence FROM intake", into(p.archiveId),
        into(sequence), into(settled);
    p.sequence = sequence;
    p.settledSequence = settled;
    return sql.got_data() ? std::optional(p) : std::nullopt;
  });
}

std::vector<PendingSeries> Ledger::pendingSeries() {
  return database_.transaction([](soci::session& sql) {
    std::vector<PendingSeries> all;
    std::string id;
    long long noticed = 0;
    soci::statement statement =
        (sql.prepare << "SELECT series_id, noticed_at FROM pending_series ORDER BY noticed_at",
         into(id), into(noticed));
    statement.execute();
    while (statement.fetch()) all.push_back({id, fromMillis(noticed)});
    return all;
  });
}

std::vector<std::string> Ledger::apply(const IntakeBatch& batch, const RetryOptions& retry,
                                       UtcTime now) {
  return database_.transaction([&](soci::session& sql) {
    std::vector<std::string> workers;
    const long long noticed = toMillis(now);
    for (const std::string& id : batch.arriving)
      sql << "INSERT INTO pending_series (series_id, noticed_at) VALUES (:i, :t) "
             "ON CONFLICT (series_id) DO UPDATE SET noticed_at = excluded.noticed_at",
          use(id), use(noticed);
    for (const std::string& id : batch.settled)
      sql << "DELETE FROM pending_series WHERE series_id = :i", use(id);
    for (const std::string& id : batch.reborn) {
      cancelUnfinished(sql, id, kSuperseded, now, workers);
      sql << "UPDATE jobs SET fingerprint = 'earlier life ' || id WHERE series_id = :s", use(id);
    }
    for (const NewJob& n : batch.jobs) {
      if (sameContent(sql, n)) continue;
      cancelUnfinished(sql, n.seriesId, kSuperseded, now, workers);
      insert(sql, freshJob(n, retry, now));
    }
    if (batch.position) storePosition(sql, *batch.position);
    return workers;
  });
}

std::vector<std::string> Ledger::forget(const std::string& seriesId, UtcTime now) {
  return database_.transaction([&](soci::session& sql) {
    std::vector<std::string> workers;
    cancelUnfinished(sql, seriesId, {"SeriesGone", "the series was deleted"}, now, workers);
    sql << "DELETE FROM assessments WHERE series_id = :s", use(seriesId);
    ResultIndex::forgetIn(sql, seriesId);
    sql << "DELETE FROM pending_series WHERE series_id = :s", use(seriesId);
    SociOutbox::forgetIn(sql, seriesId);
    return workers;
  });
}

std::vector<std::string> Ledger::seriesWithResult() {
  return database_.transaction([](soci::session& sql) {
    std::vector<std::string> all;
    std::string id;
    soci::statement statement = (sql.prepare << "SELECT series_id FROM assessments", into(id));
    statement.execute();
    while (statement.fetch()) all.push_back(id);
    return all;
  });
}

std::int64_t Ledger::demand(const NewJob& n, const RetryOptions& retry, UtcTime now) {
  return database_.transaction([&](soci::session& sql) -> std::int64_t {
    if (const auto old = sameContent(sql, n)) {
      if (isFinal(old->state)) {
        Job again = retried(*old, retry, now);
        again.trigger = n.trigger;
        update(sql, again);
      }
      return old->id;
    }
    std::vector<std::string> workers;
    cancelUnfinished(sql, n.seriesId, kSuperseded, now, workers);
    insert(sql, freshJob(n, retry, now));
    return sameContent(sql, n).value().id;
  });
}

std::optional<Job> Ledger::lease(const std::string& worker, Seconds leaseFor, UtcTime now) {
  return database_.transaction([&](soci::session& sql) -> std::optional<Job> {
    const auto due = select(sql, "WHERE state = 'waiting' AND not_before <= :t ORDER BY id LIMIT 1",
                            {}, {toMillis(now)});
    if (due.empty()) return std::nullopt;
    const Job job = leased(due.front(), worker, leaseFor, now);
    update(sql, job);
    return job;
  });
}

ReportOutcome Ledger::heartbeat(std::int64_t jobId, int attempt, const std::string& stage,
                                int percent, Seconds leaseFor, UtcTime now) {
  return database_.transaction([&](soci::session& sql) {
    const auto job = selectOne(sql, jobId);
    if (!job) return ReportOutcome::Unknown;
    if (!holdsLease(*job, attempt)) return ReportOutcome::Stale;
    update(sql, progressed(*job, stage, percent, leaseFor, now));
    return ReportOutcome::Accepted;
  });
}

ReportOutcome Ledger::complete(std::int64_t jobId, int attempt, const Completion& completion,
                               const std::string& assessmentJson,
                               const std::vector<fhir::OutboxMessage>& messages, UtcTime now) {
  const IndexEntry index = assessmentJson.empty() ? IndexEntry{} : indexEntryOf(assessmentJson);
  return database_.transaction([&](soci::session& sql) {
    const auto job = selectOne(sql, jobId);
    if (!job) return ReportOutcome::Unknown;
    if (job->attempt == attempt && job->state == completion.state) return ReportOutcome::Repeated;
    if (!holdsLease(*job, attempt)) return ReportOutcome::Stale;
    update(sql, completed(*job, completion, now));
    if (!assessmentJson.empty()) {
      storeAssessment(sql, *job, assessmentJson, now);
      ResultIndex::writeIn(sql, job->seriesId, index, now);
    }
    for (const fhir::OutboxMessage& message : messages)
      SociOutbox::enqueueIn(sql, message, now, job->seriesId);
    return ReportOutcome::Accepted;
  });
}

ReportOutcome Ledger::fail(std::int64_t jobId, int attempt, const Reason& reason, bool retryable,
                           const RetryOptions& retry, UtcTime now) {
  return database_.transaction([&](soci::session& sql) {
    const auto job = selectOne(sql, jobId);
    if (!job) return ReportOutcome::Unknown;
    if (!holdsLease(*job, attempt)) {
      const bool sameReport = job->attempt == attempt && job->reason &&
                              job->reason->code == reason.code &&
                              (job->state == JobState::Failed || job->state == JobState::Waiting);
      return sameReport ? ReportOutcome::Repeated : ReportOutcome::Stale;
    }
    update(sql, attemptFailed(*job, reason, retryable, retry, now));
    return ReportOutcome::Accepted;
  });
}

std::optional<Job> Ledger::failAttemptOf(const std::string& worker, const Reason& reason,
                                         const RetryOptions& retry, UtcTime now) {
  return database_.transaction([&](soci::session& sql) -> std::optional<Job> {
    const auto jobs = select(sql, "WHERE state = 'running' AND worker = :w", {worker});
    for (const Job& job : jobs) update(sql, attemptFailed(job, reason, true, retry, now));
    return jobs.empty() ? std::nullopt : std::optional(jobs.front());
  });
}

void Ledger::releaseLocal(UtcTime now) {
  database_.transaction([&](soci::session& sql) {
    for (const Job& job : select(sql, "WHERE state = 'running'"))
      if (job.worker.starts_with(kLocalWorkerPrefix)) update(sql, interrupted(job, now));
  });
}

std::vector<Job> Ledger::revokeOverdue(const WorkerOptions& worker, const RetryOptions& retry,
                                       UtcTime now) {
  return database_.transaction([&](soci::session& sql) {
    std::vector<Job> revoked;
    for (const Job& job : select(sql, "WHERE state = 'running'")) {
      const auto reason = overdue(job, worker, now);
      if (!reason) continue;
      update(sql, attemptFailed(job, *reason, true, retry, now));
      revoked.push_back(job);
    }
    return revoked;
  });
}

Ledger::Demand Ledger::retry(std::int64_t jobId, const RetryOptions& retry, UtcTime now) {
  return database_.transaction([&](soci::session& sql) {
    const auto job = selectOne(sql, jobId);
    if (!job) return Demand::Unknown;
    if (!isFinal(job->state)) return Demand::WrongState;
    update(sql, retried(*job, retry, now));
    return Demand::Done;
  });
}

Ledger::Demand Ledger::cancel(std::int64_t jobId, UtcTime now, std::string& worker) {
  return database_.transaction([&](soci::session& sql) {
    const auto job = selectOne(sql, jobId);
    if (!job) return Demand::Unknown;
    if (isFinal(job->state)) return Demand::WrongState;
    worker = job->worker;
    update(sql, cancelled(*job, {"Cancelled", "by a person"}, now));
    return Demand::Done;
  });
}

std::optional<Job> Ledger::find(std::int64_t jobId) {
  return database_.transaction([&](soci::session& sql) { return selectOne(sql, jobId); });
}

std::vector<Job> Ledger::list(const JobFilter& filter) {
  return database_.transaction([&](soci::session& sql) {
    std::string clause = "WHERE 1 = 1";
    std::vector<std::string> texts;
    std::vector<long long> numbers;
    if (filter.state) {
      clause += " AND state = :s";
      texts.emplace_back(toString(*filter.state));
    }
    if (!filter.seriesId.empty()) {
      clause += " AND series_id = :i";
      texts.push_back(filter.seriesId);
    }
    if (filter.beforeId > 0) {
      clause += " AND id < :b";
      numbers.push_back(filter.beforeId);
    }
    numbers.push_back(static_cast<long long>(filter.limit));
    return select(sql, clause + " ORDER BY id DESC LIMIT :l", texts, numbers);
  });
}

std::map<JobState, std::size_t> Ledger::counts() {
  return database_.transaction([](soci::session& sql) {
    std::map<JobState, std::size_t> counts;
    std::string state;
    long long n = 0;
    soci::statement statement =
        (sql.prepare << "SELECT state, COUNT(*) FROM jobs GROUP BY state", into(state), into(n));
    statement.execute();
    while (statement.fetch())
      if (const auto s = jobStateFromString(state)) counts[*s] = static_cast<std::size_t>(n);
    return counts;
  });
}

std::optional<UtcTime> Ledger::nextDue() {
  return database_.transaction([](soci::session& sql) {
    long long due = -1;
    sql << "SELECT COALESCE(MIN(not_before), -1) FROM jobs WHERE state = 'waiting'", into(due);
    return due < 0 ? std::nullopt : std::optional(fromMillis(due));
  });
}

std::optional<Assessment> Ledger::assessment(const std::string& seriesId) {
  return database_.transaction([&](soci::session& sql) {
    Assessment a;
    long long jobId = 0, created = 0;
    sql << "SELECT job_id, attempt, created_at, json FROM assessments WHERE series_id = :s",
        into(jobId), into(a.attempt), into(created), into(a.json), use(seriesId);
    a.jobId = jobId;
    a.createdAt = fromMillis(created);
    return sql.got_data() ? std::optional(a) : std::nullopt;
  });
}

}  // namespace fedpet::plugin
