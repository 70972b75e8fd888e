// Durable state in one SQLite file or one PostgreSQL database. One connection behind one mutex:
// every transaction is a few rows, and transactions of one database never run side by side, in
// whichever process (SQLite has one writer anyway; in PostgreSQL an advisory lock makes it so).
// What is committed survives a power cut, so that an effect may follow.
#pragma once

#include <soci/soci.h>

#include <mutex>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace fedpet::storage {

struct DatabaseError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

enum class Dialect { Sqlite, PostgreSql };

class Database {
 public:
  // `location`: a file, created when absent, or "postgresql://..." (libpq's URI) or
  // "postgresql:dbname=... host=..." (its key words), a database that exists. Brings the schema up
  // to date. `migrations`: one script per schema version; a released one is never edited, a new
  // one is added. Throws DatabaseError, also for a schema newer than this program; its text never
  // holds a password.
  //
  // A script that is meant for both dialects keeps to TEXT and BIGINT, writes {AUTOKEY} for a
  // column that numbers its rows, and has no ';' inside a statement.
  Database(const std::string& location, std::span<const char* const> migrations);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  Dialect dialect() const { return dialect_; }

  // Runs f(session) as one transaction: it happens wholly or not at all. What the database refuses
  // becomes a DatabaseError whose text holds no value of any row: SOCI's own would repeat them.
  template <typename F>
  auto transaction(F f) {
    const std::lock_guard lock(mutex_);
    try {
      return run(f);
    } catch (const soci::soci_error& e) {
      refuse(e);
    }
  }

 private:
  class Scope {
   public:
    Scope(soci::session& session, Dialect);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    void commit() {
      session_ << "COMMIT";
      committed_ = true;
    }

   private:
    soci::session& session_;
    bool committed_ = false;
  };

  template <typename F>
  auto run(F& f) {
    Scope scope(session_, dialect_);
    if constexpr (std::is_void_v<decltype(f(session_))>) {
      f(session_);
      scope.commit();
    } else {
      auto result = f(session_);
      scope.commit();
      return result;
    }
  }
  [[noreturn]] static void refuse(const soci::soci_error&);

  void openSqlite(const std::string& path);
  void openPostgreSql(const std::string& location);
  void migrate(const std::string& name, std::span<const char* const> migrations);

  std::mutex mutex_;  // guards session_
  soci::session session_;
  Dialect dialect_;
};

// True for locations that name a PostgreSQL database.
bool isPostgreSql(std::string_view location);

}  // namespace fedpet::storage
