// Durable state in one SQLite file. One connection behind one mutex: every transaction is a few
// rows, and SQLite has one writer anyway. WAL with synchronous=FULL: what is committed survives a
// power cut, so that an effect may follow.
#pragma once

#include <soci/soci.h>

#include <filesystem>
#include <mutex>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

namespace fedpet::storage {

struct DatabaseError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Database {
 public:
  // Creates the file when absent and brings the schema up to date. `migrations`: one script per
  // schema version; a released one is never edited, a new one is added. Throws DatabaseError, also
  // for a schema newer than this program.
  Database(const std::filesystem::path&, std::span<const char* const> migrations);

  // Runs f(session) as one transaction: it happens wholly or not at all.
  template <typename F>
  auto transaction(F f) {
    const std::lock_guard lock(mutex_);
    Scope scope(session_);
    if constexpr (std::is_void_v<decltype(f(session_))>) {
      f(session_);
      scope.commit();
    } else {
      auto result = f(session_);
      scope.commit();
      return result;
    }
  }

 private:
  // soci::transaction begins DEFERRED, which can fail half-way with SQLITE_BUSY when a person has
  // the file open; IMMEDIATE waits at the start instead.
  class Scope {
   public:
    explicit Scope(soci::session& session) : session_(session) { session_ << "BEGIN IMMEDIATE"; }
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

  std::mutex mutex_;  // guards session_
  soci::session session_;
};

}  // namespace fedpet::storage
