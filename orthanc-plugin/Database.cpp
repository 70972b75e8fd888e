#include "orthanc-plugin/Database.h"

#include <fcntl.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <unistd.h>

#include <array>

namespace fedpet::plugin {
namespace {

// One entry per schema version; a released entry is never edited, a new one is added.
constexpr std::array kMigrations = {
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
};

// The file holds results of patients: for the account of Orthanc only. SQLite gives its journal
// the same rights. Orthanc makes its storage folder only after the plugins are up.
void prepareFile(const std::filesystem::path& path) {
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path());
  const int file = open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (file < 0) throw DatabaseError("cannot open " + path.string());
  close(file);
}

void runScript(soci::session& session, const std::string& script) {
  std::size_t begin = 0;
  for (std::size_t end; (end = script.find(';', begin)) != std::string::npos; begin = end + 1)
    session << script.substr(begin, end - begin);
}

void migrate(soci::session& session, const std::filesystem::path& path) {
  int version = 0;
  session << "PRAGMA user_version", soci::into(version);
  if (version > static_cast<int>(kMigrations.size()))
    throw DatabaseError(path.string() + " was written by a newer version (schema " +
                        std::to_string(version) + ")");
  for (auto v = static_cast<std::size_t>(version); v < kMigrations.size(); ++v) {
    session << "BEGIN IMMEDIATE";
    runScript(session, kMigrations[v]);
    session << "PRAGMA user_version = " + std::to_string(v + 1);
    session << "COMMIT";
  }
}

}  // namespace

Database::Database(const std::filesystem::path& path) try {
  prepareFile(path);
  session_.open(soci::sqlite3, "dbname=\"" + path.string() + "\" timeout=10");
  session_ << "PRAGMA synchronous = FULL";
  std::string mode;
  session_ << "PRAGMA journal_mode = WAL", soci::into(mode);
  migrate(session_, path);
} catch (const soci::soci_error& e) {
  throw DatabaseError("cannot open " + path.string() + ": " + e.what());
} catch (const std::filesystem::filesystem_error& e) {
  throw DatabaseError(e.what());
}

Database::Scope::~Scope() {
  if (committed_) return;
  try {
    session_ << "ROLLBACK";
  } catch (const std::exception&) {
    // SQLite has rolled back by itself (disk full, I/O error): nothing is left to undo.
  }
}

}  // namespace fedpet::plugin
