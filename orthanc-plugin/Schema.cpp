#include "orthanc-plugin/Schema.h"

#include <array>

namespace fedpet::plugin {
namespace {

// One entry per schema version; a released entry is never edited, a new one is added.
constexpr std::array<const char*, 4> kMigrations = {
    // 1
    R"sql(
    CREATE TABLE intake (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      archive_id TEXT NOT NULL,
      sequence INTEGER NOT NULL,
      settled_sequence INTEGER NOT NULL);
    CREATE TABLE pending_series (
      series_id TEXT PRIMARY KEY,
      noticed_at INTEGER NOT NULL);
    CREATE TABLE jobs (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      series_id TEXT NOT NULL, study_id TEXT NOT NULL, series_uid TEXT NOT NULL,
      fingerprint TEXT NOT NULL, trigger TEXT NOT NULL, state TEXT NOT NULL,
      attempt INTEGER NOT NULL, tries_left INTEGER NOT NULL,
      stage TEXT NOT NULL, percent INTEGER NOT NULL,
      reason_code TEXT NOT NULL, reason_text TEXT NOT NULL,
      worker TEXT NOT NULL, model_version TEXT NOT NULL, timings TEXT NOT NULL,
      created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, not_before INTEGER NOT NULL,
      started_at INTEGER NOT NULL, finished_at INTEGER NOT NULL,
      stage_started_at INTEGER NOT NULL, lease_until INTEGER NOT NULL,
      UNIQUE (series_id, fingerprint));
    CREATE INDEX jobs_by_state ON jobs (state, not_before);
    CREATE TABLE assessments (
      series_id TEXT PRIMARY KEY,
      job_id INTEGER NOT NULL, attempt INTEGER NOT NULL,
      created_at INTEGER NOT NULL, json TEXT NOT NULL);
    CREATE TABLE outbox (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      destination TEXT NOT NULL, key TEXT NOT NULL, ordering_key TEXT NOT NULL,
      body TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL,
      enqueued_at INTEGER NOT NULL, due_at INTEGER NOT NULL, revision INTEGER NOT NULL,
      reason TEXT NOT NULL, settled_at INTEGER NOT NULL, locations TEXT NOT NULL,
      UNIQUE (destination, key));
    CREATE INDEX outbox_by_state ON outbox (state, due_at);
    CREATE INDEX outbox_by_order ON outbox (destination, ordering_key);
    )sql",
    // 2: which series a message is about, and whether that has left the archive
    R"sql(
    ALTER TABLE outbox ADD COLUMN series_id TEXT NOT NULL DEFAULT '';
    ALTER TABLE outbox ADD COLUMN source_deleted INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX outbox_by_series ON outbox (series_id);
    )sql",
    // 3: what results are found by; those of older releases are filled in while the plugin runs
    R"sql(
    CREATE TABLE results (
      revision INTEGER PRIMARY KEY AUTOINCREMENT,
      series_id TEXT NOT NULL UNIQUE,
      patient_id TEXT NOT NULL, issuer TEXT NOT NULL, study_id TEXT NOT NULL,
      scan_day BIGINT NOT NULL, stored_at BIGINT NOT NULL);
    CREATE INDEX results_by_patient ON results (patient_id);
    CREATE INDEX results_by_study ON results (study_id);
    CREATE INDEX results_by_day ON results (scan_day);
    CREATE TABLE result_keys (
      kind TEXT NOT NULL, type TEXT NOT NULL, value TEXT NOT NULL, series_id TEXT NOT NULL,
      current INTEGER NOT NULL,
      PRIMARY KEY (kind, type, value, series_id));
    CREATE INDEX result_keys_by_series ON result_keys (series_id);
    )sql",
    // 4: the next message without sorting those that wait: ten thousand after a long outage
    R"sql(
    CREATE INDEX outbox_unsettled ON outbox (id, due_at) WHERE state IN ('Pending', 'Delivering');
    )sql",
};

}  // namespace

std::span<const char* const> schema() { return kMigrations; }

}  // namespace fedpet::plugin
