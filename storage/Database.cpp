#include "storage/Database.h"

#include <fcntl.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <unistd.h>

#include <filesystem>

// SOCI's entry point to the back end. Its header wants libpq's, which nothing here needs.
extern "C" const soci::backend_factory* factory_postgresql();

namespace fedpet::storage {
namespace {

constexpr std::string_view kScheme = "postgresql:";

// The file may hold results of patients: for its owner only. SQLite gives its journal the same
// rights. Orthanc makes its storage folder only after the plugins are up.
void prepareFile(const std::filesystem::path& path) {
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path());
  const int file = open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (file < 0) throw DatabaseError("cannot open " + path.string());
  close(file);
}

std::string inDialect(std::string script, Dialect dialect) {
  constexpr std::string_view kMark = "{AUTOKEY}";
  const std::string key =
      dialect == Dialect::Sqlite ? "INTEGER PRIMARY KEY AUTOINCREMENT" : "BIGSERIAL PRIMARY KEY";
  for (std::size_t at = 0; (at = script.find(kMark, at)) != std::string::npos; at += key.size())
    script.replace(at, kMark.size(), key);
  return script;
}

void runScript(soci::session& session, const std::string& script) {
  std::size_t begin = 0;
  for (std::size_t end; (end = script.find(';', begin)) != std::string::npos; begin = end + 1)
    session << script.substr(begin, end - begin);
}

int schemaVersion(soci::session& session, Dialect dialect) {
  int version = 0;
  if (dialect == Dialect::Sqlite) {
    session << "PRAGMA user_version", soci::into(version);
    return version;
  }
  session << "CREATE TABLE IF NOT EXISTS fedpet_schema (version INTEGER NOT NULL)";
  session << "SELECT COALESCE(MAX(version), 0) FROM fedpet_schema", soci::into(version);
  return version;
}

void setSchemaVersion(soci::session& session, Dialect dialect, int version) {
  if (dialect == Dialect::Sqlite) {
    session << "PRAGMA user_version = " + std::to_string(version);
    return;
  }
  session << "DELETE FROM fedpet_schema";
  session << "INSERT INTO fedpet_schema (version) VALUES (:v)", soci::use(version);
}

// libpq repeats parts of what it could not read, and a connection string may hold a password.
std::string withoutSecrets(std::string text, const std::string& connection) {
  const auto hide = [&text](const std::string& secret) {
    if (secret.empty()) return;
    for (std::size_t at = 0; (at = text.find(secret, at)) != std::string::npos;)
      text.replace(at, secret.size(), "***"), at += 3;
  };
  hide(connection);
  if (const auto at = connection.find("password="); at != std::string::npos)
    hide(connection.substr(at + 9, connection.find_first_of(" &", at) - at - 9));
  const auto user = connection.find("//");
  const auto host = connection.rfind('@');
  if (user != std::string::npos && host != std::string::npos && user < host) {
    const auto colon = connection.find(':', user);
    if (colon < host) hide(connection.substr(colon + 1, host - colon - 1));
  }
  return text;
}

}  // namespace

bool isPostgreSql(std::string_view location) { return location.starts_with(kScheme); }

Database::Database(const std::string& location, std::span<const char* const> migrations)
    : dialect_(isPostgreSql(location) ? Dialect::PostgreSql : Dialect::Sqlite) {
  const std::string name = dialect_ == Dialect::Sqlite ? location : "the PostgreSQL database";
  try {
    dialect_ == Dialect::Sqlite ? openSqlite(location) : openPostgreSql(location);
    migrate(name, migrations);
  } catch (const soci::soci_error& e) {
    throw DatabaseError("cannot open " + name + ": " + withoutSecrets(e.what(), location));
  } catch (const std::filesystem::filesystem_error& e) {
    throw DatabaseError(e.what());
  }
}

Database::~Database() = default;

void Database::refuse(const soci::soci_error& e) {
  // Without the statement and its parameters; PostgreSQL's second line tells the offending row.
  const std::string text = e.get_error_message();
  throw DatabaseError("the database refused: " + text.substr(0, text.find('\n')));
}

void Database::openSqlite(const std::string& path) {
  prepareFile(path);
  session_.open(soci::sqlite3, "dbname=\"" + path + "\" timeout=10");
  session_ << "PRAGMA synchronous = FULL";
  std::string mode;
  session_ << "PRAGMA journal_mode = WAL", soci::into(mode);
}

void Database::openPostgreSql(const std::string& location) {
  // SOCI hands the text on to libpq, which knows both forms; ours says which server it is.
  const bool isUri = location.starts_with("postgresql://");
  session_.open(*factory_postgresql(), isUri ? location : location.substr(kScheme.size()));
  session_ << "SET client_min_messages TO WARNING";  // notices would go to standard error
}

void Database::migrate(const std::string& name, std::span<const char* const> migrations) {
  Scope scope(session_, dialect_);  // one: two programs may start at the same moment
  const int version = schemaVersion(session_, dialect_);
  if (version > static_cast<int>(migrations.size()))
    throw DatabaseError(name + " was written by a newer version (schema " +
                        std::to_string(version) + ")");
  for (auto v = static_cast<std::size_t>(version); v < migrations.size(); ++v) {
    runScript(session_, inDialect(migrations[v], dialect_));
    setSchemaVersion(session_, dialect_, static_cast<int>(v + 1));
  }
  scope.commit();
}

Database::Scope::Scope(soci::session& session, Dialect dialect) : session_(session) {
  if (dialect == Dialect::Sqlite) {
    // soci::transaction begins DEFERRED, which can fail half-way with SQLITE_BUSY when a person
    // has the file open; IMMEDIATE waits at the start instead.
    session_ << "BEGIN IMMEDIATE";
    return;
  }
  try {
    session_ << "BEGIN";
  } catch (const soci::soci_error&) {  // the server was restarted since the last transaction
    session_.reconnect();
    session_ << "BEGIN";
  }
  try {
    // Any constant will do; other programs that share the database do not know it.
    session_ << "SELECT pg_advisory_xact_lock(7021365890451)";
  } catch (...) {
    session_ << "ROLLBACK";
    throw;
  }
}

Database::Scope::~Scope() {
  if (committed_) return;
  try {
    session_ << "ROLLBACK";
  } catch (const std::exception&) {
    // SQLite has rolled back by itself (disk full, I/O error), or the server is gone: nothing is
    // left to undo.
  }
}

}  // namespace fedpet::storage
