#include "federation/coordinator/Schema.h"

#include <array>

namespace fedpet::federation {
namespace {

// One entry per schema version; a released entry is never edited, a new one is added.
constexpr std::array<const char*, 1> kMigrations = {
    // 1
    R"sql(
    CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);

    CREATE TABLE members (
      site TEXT PRIMARY KEY,
      invited_at BIGINT NOT NULL, enrolled_at BIGINT NOT NULL,
      revoked_at BIGINT NOT NULL, revocation_reason TEXT NOT NULL);
    CREATE TABLE invitations (
      token_hash TEXT PRIMARY KEY,
      site TEXT NOT NULL, expires BIGINT NOT NULL,
      serial TEXT NOT NULL);
    CREATE TABLE certificates (
      sequence {AUTOKEY},
      serial TEXT NOT NULL UNIQUE,
      site TEXT NOT NULL, public_key TEXT NOT NULL, pem TEXT NOT NULL,
      issued_at BIGINT NOT NULL, not_after BIGINT NOT NULL,
      activated_at BIGINT NOT NULL, ended_at BIGINT NOT NULL);
    CREATE INDEX certificates_by_site ON certificates (site);
    CREATE TABLE nonces (
      site TEXT NOT NULL, nonce TEXT NOT NULL, signed_at BIGINT NOT NULL,
      PRIMARY KEY (site, nonce));
    CREATE INDEX nonces_by_time ON nonces (signed_at);

    CREATE TABLE plans (
      id {AUTOKEY},
      hash TEXT NOT NULL UNIQUE, document TEXT NOT NULL, title TEXT NOT NULL,
      status TEXT NOT NULL, reason TEXT NOT NULL,
      proposed_at BIGINT NOT NULL, changed_at BIGINT NOT NULL,
      number BIGINT NOT NULL, attempt BIGINT NOT NULL,
      failures BIGINT NOT NULL, retry_at BIGINT NOT NULL,
      state_blob TEXT NOT NULL, input_blob TEXT NOT NULL,
      outcome_blob TEXT NOT NULL, result_blob TEXT NOT NULL);
    CREATE TABLE decisions (
      plan TEXT NOT NULL, site TEXT NOT NULL,
      approved BIGINT NOT NULL, decider TEXT NOT NULL, reason TEXT NOT NULL,
      decided_at BIGINT NOT NULL, hash TEXT NOT NULL, document TEXT NOT NULL,
      PRIMARY KEY (plan, site));
    CREATE TABLE progress (
      plan TEXT NOT NULL, number BIGINT NOT NULL,
      contributors TEXT NOT NULL, metrics TEXT NOT NULL,
      seconds BIGINT NOT NULL, closed_at BIGINT NOT NULL,
      PRIMARY KEY (plan, number));

    CREATE TABLE rounds (
      sequence {AUTOKEY},
      id TEXT NOT NULL UNIQUE, plan TEXT NOT NULL,
      number BIGINT NOT NULL, attempt BIGINT NOT NULL, part BIGINT NOT NULL,
      start_document TEXT NOT NULL, status TEXT NOT NULL, failure TEXT NOT NULL,
      opened_at BIGINT NOT NULL, closed_at BIGINT NOT NULL);
    CREATE INDEX rounds_by_plan ON rounds (plan, number, attempt);
    CREATE INDEX rounds_by_status ON rounds (status);
    CREATE TABLE round_events (
      sequence {AUTOKEY},
      round TEXT NOT NULL, happened_at BIGINT NOT NULL,
      kind TEXT NOT NULL, site TEXT NOT NULL, step BIGINT NOT NULL, reason TEXT NOT NULL);
    CREATE INDEX round_events_by_round ON round_events (round, sequence);
    CREATE TABLE messages (
      round TEXT NOT NULL, site TEXT NOT NULL, step BIGINT NOT NULL,
      hash TEXT NOT NULL, document TEXT NOT NULL,
      PRIMARY KEY (round, site, step));
    CREATE TABLE packets (
      round TEXT NOT NULL, sender TEXT NOT NULL, receiver TEXT NOT NULL, sealed TEXT NOT NULL,
      PRIMARY KEY (round, receiver, sender));

    CREATE TABLE blobs (
      sha256 TEXT PRIMARY KEY,
      size BIGINT NOT NULL, readable BIGINT NOT NULL, added_at BIGINT NOT NULL);
    CREATE TABLE releases (
      id {AUTOKEY},
      hash TEXT NOT NULL UNIQUE, plan TEXT NOT NULL UNIQUE, document TEXT NOT NULL,
      title TEXT NOT NULL, released_at BIGINT NOT NULL);
    CREATE TABLE audit (
      sequence BIGINT PRIMARY KEY,
      happened_at BIGINT NOT NULL, kind TEXT NOT NULL, facts TEXT NOT NULL,
      previous TEXT NOT NULL, hash TEXT NOT NULL);
    )sql",
};

}  // namespace

std::span<const char* const> coordinatorSchema() { return kMigrations; }

}  // namespace fedpet::federation
