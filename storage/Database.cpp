#include "storage/Database.h"

#include <fcntl.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <unistd.h>

namespace fedpet::storage {
namespace {

// The file may hold results of patients: for its owner only. SQLite gives its journal the same
// rights. Orthanc makes its storage folder only after the plugins are up.
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

void migrate(soci::session& session, const std::filesystem::path& path,
             std::span<const char* const> migrations) {
  int version = 0;
  session << "PRAGMA user_version", soci::into(version);
  if (version > static_cast<int>(migrations.size()))
    throw DatabaseError(path.string() + " was written by a newer version (schema " +
                        std::to_string(version) + ")");
  for (auto v = static_cast<std::size_t>(version); v < migrations.size(); ++v) {
    session << "BEGIN IMMEDIATE";
    runScript(session, migrations[v]);
    session << "PRAGMA user_version = " + std::to_string(v + 1);
    session << "COMMIT";
  }
}

}  // namespace

Database::Database(const std::filesystem::path& path, std::span<const char* const> migrations) try {
  prepareFile(path);
  session_.open(soci::sqlite3, "dbname=\"" + path.string() + "\" timeout=10");
  session_ << "PRAGMA synchronous = FULL";
  std::string mode;
  session_ << "PRAGMA journal_mode = WAL", soci::into(mode);
  migrate(session_, path, migrations);
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

}  // namespace fedpet::storage
