// One suite against SQLite and a real PostgreSQL server.
#include "storage/Database.h"
#include "tests/storage/PostgresServer.h"
#include "tests/support/TemporaryDirectory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <thread>

namespace {

using fedpet::storage::Database;
using fedpet::storage::DatabaseError;
using fedpet::storage::Dialect;
using fedpet::testing::PostgresServer;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kFirst = R"sql(
    CREATE TABLE notes (id {AUTOKEY}, text TEXT NOT NULL, size BIGINT NOT NULL, UNIQUE (text));
    CREATE INDEX notes_by_size ON notes (size);
)sql";
constexpr const char* kSecond = "ALTER TABLE notes ADD COLUMN colour TEXT NOT NULL DEFAULT 'red';";
constexpr const char* kBroken =
    "ALTER TABLE notes ADD COLUMN a TEXT; SELECT nonsense FROM nowhere;";

constexpr std::array kOne{kFirst};
constexpr std::array kTwo{kFirst, kSecond};
constexpr std::array kTwoBroken{kFirst, kBroken};

PostgresServer* postgres() {  // one server for all tests of this process
  static const auto server = PostgresServer::start();
  return server.get();
}

class Storage : public ::testing::TestWithParam<Dialect> {
 protected:
  void SetUp() override {
    if (GetParam() == Dialect::PostgreSql) {
      if (postgres() == nullptr) GTEST_SKIP() << "the package postgresql is not installed";
      location_ = postgres()->createDatabase();
      return;
    }
    location_ = (folder_.path() / "notes.db").string();
  }

  static void add(soci::session& sql, const std::string& text, long long size) {
    sql << "INSERT INTO notes (text, size) VALUES (:t, :s)", soci::use(text), soci::use(size);
  }
  static int count(Database& db) {
    return db.transaction([](soci::session& sql) {
      int n = 0;
      sql << "SELECT COUNT(*) FROM notes", soci::into(n);
      return n;
    });
  }

  const fedpet::testing::TemporaryDirectory folder_;
  std::string location_;
};

TEST_P(Storage, KeepsWhatWasCommittedForTheNextProgram) {
  const long long large = 1LL << 53;
  {
    Database(location_, kOne).transaction([&](soci::session& sql) { add(sql, "é \"'", large); });
  }
  Database again(location_, kOne);
  EXPECT_EQ(again.dialect(), GetParam());
  again.transaction([&](soci::session& sql) {
    std::string text;
    long long id = 0, size = 0;
    sql << "SELECT id, text, size FROM notes", soci::into(id), soci::into(text), soci::into(size);
    EXPECT_EQ(id, 1);
    EXPECT_EQ(text, "é \"'");
    EXPECT_EQ(size, large);
  });
}

TEST_P(Storage, UndoesAllOfATransactionThatThrows) {
  Database db(location_, kOne);
  EXPECT_THROW(db.transaction([](soci::session& sql) {
    add(sql, "half", 1);
    throw std::runtime_error("no");
  }),
               std::runtime_error);
  EXPECT_EQ(count(db), 0);
}

TEST_P(Storage, GoesOnAfterAStatementWasRefused) {
  Database db(location_, kOne);
  db.transaction([](soci::session& sql) { add(sql, "a", 1); });
  EXPECT_THROW(db.transaction([](soci::session& sql) { add(sql, "a", 2); }), DatabaseError);
  db.transaction([](soci::session& sql) { add(sql, "b", 3); });
  EXPECT_EQ(count(db), 2);
}

TEST_P(Storage, KeepsTheValuesOfRowsOutOfItsErrors) {
  Database db(location_, kOne);
  db.transaction([](soci::session& sql) { add(sql, "s3cret", 1); });
  try {
    db.transaction([](soci::session& sql) { add(sql, "s3cret", 2); });
    FAIL() << "the text is unique";
  } catch (const DatabaseError& e) {
    EXPECT_THAT(e.what(), HasSubstr("the database refused"));
    EXPECT_THAT(e.what(), Not(HasSubstr("s3cret")));
  }
}

TEST_P(Storage, BringsAnOldSchemaUpToDateAndKeepsItsRows) {
  {
    Database(location_, kOne).transaction([](soci::session& sql) { add(sql, "old", 1); });
  }
  Database(location_, kTwo).transaction([](soci::session& sql) {
    std::string colour;
    sql << "SELECT colour FROM notes", soci::into(colour);
    EXPECT_EQ(colour, "red");
  });
}

TEST_P(Storage, LeavesTheSchemaAloneWhenAMigrationFails) {
  {
    Database(location_, kOne).transaction([](soci::session& sql) { add(sql, "old", 1); });
  }
  EXPECT_THROW(Database(location_, kTwoBroken), DatabaseError);
  Database db(location_, kTwo);  // would fail if column "a" or the version had stayed
  EXPECT_EQ(count(db), 1);
}

TEST_P(Storage, RefusesTheSchemaOfANewerProgram) {
  { Database(location_, kTwo); }
  try {
    Database(location_, kOne);
    FAIL() << "opened";
  } catch (const DatabaseError& e) {
    EXPECT_THAT(e.what(), HasSubstr("newer version (schema 2)"));
  }
}

// Each reads, then writes one more: without one writer at a time increments would be lost, or one
// side would get "database is locked" or a serialisation failure.
TEST_P(Storage, LetsTransactionsOfTwoProgramsWaitForEachOther) {
  Database first(location_, kOne), second(location_, kOne);
  first.transaction([](soci::session& sql) { add(sql, "counter", 0); });
  const auto countUp = [](Database& db) {
    for (int i = 0; i < 50; ++i)
      db.transaction([](soci::session& sql) {
        long long n = 0;
        sql << "SELECT size FROM notes WHERE text = 'counter'", soci::into(n);
        ++n;
        sql << "UPDATE notes SET size = :n WHERE text = 'counter'", soci::use(n);
      });
  };
  {
    std::jthread one([&] { countUp(first); });
    std::jthread two([&] { countUp(second); });
  }
  first.transaction([](soci::session& sql) {
    long long n = 0;
    sql << "SELECT size FROM notes", soci::into(n);
    EXPECT_EQ(n, 100);
  });
}

INSTANTIATE_TEST_SUITE_P(Dialects, Storage, ::testing::Values(Dialect::Sqlite, Dialect::PostgreSql),
                         [](const auto& test) {
                           return test.param == Dialect::Sqlite ? "Sqlite" : "PostgreSql";
                         });

TEST(SqliteFile, IsReadableByItsOwnerAlone) {
  const fedpet::testing::TemporaryDirectory folder;
  const std::string file = (folder.path() / "sub" / "notes.db").string();
  {
    Database db(file, kOne);
    struct stat facts {};
    ASSERT_EQ(stat(file.c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777, 0600U);
  }
}

TEST(PostgreSql, ReconnectsAfterTheServerWasRestarted) {
  const auto server = PostgresServer::start();
  if (server == nullptr) GTEST_SKIP() << "the package postgresql is not installed";
  Database db(server->createDatabase(), kOne);
  server->restart();
  db.transaction(
      [](soci::session& sql) { sql << "INSERT INTO notes (text, size) VALUES ('after', 1)"; });
  db.transaction([](soci::session& sql) {
    int n = 0;
    sql << "SELECT COUNT(*) FROM notes", soci::into(n);
    EXPECT_EQ(n, 1);
  });
}

TEST(PostgreSql, TakesLibpqsUriToo) {
  if (postgres() == nullptr) GTEST_SKIP() << "the package postgresql is not installed";
  EXPECT_NO_THROW(Database(postgres()->asUri("postgres"), kOne));
}

TEST(PostgreSql, KeepsThePasswordOutOfTheError) {
  for (const char* location :
       {"postgresql://fedpet:s3cret@127.0.0.1:1/db",
        "postgresql:host=127.0.0.1 port=1 "
        "password=s3cret dbname=x",
        "postgresql://fedpet:s3cret@[broken/db", "postgresql:password=s3cret nonsense"}) {
    try {
      Database(location, kOne);
      FAIL() << "opened " << location;
    } catch (const DatabaseError& e) {
      EXPECT_THAT(e.what(), HasSubstr("cannot open the PostgreSQL database"));
      EXPECT_THAT(e.what(), Not(HasSubstr("s3cret")));
    }
  }
}

}  // namespace
