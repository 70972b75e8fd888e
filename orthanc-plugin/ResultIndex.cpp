#include "orthanc-plugin/ResultIndex.h"

#include "orthanc-plugin/protocol/AssessmentJson.h"

#include <chrono>

namespace fedpet::plugin {
namespace {

using soci::into;
using soci::use;

std::string textOf(fhir::FacadeKey::Kind kind) {
  return kind == fhir::FacadeKey::Kind::Id ? "id" : "identifier";
}

std::int64_t dayOf(const ResponseAssessment& assessment) {
  using namespace std::chrono;
  if (const auto& time = assessment.series.seriesDateTime)
    return floor<days>(time->time_since_epoch()).count();
  const std::string& date = assessment.series.study.studyDate;
  if (date.size() != 8 || date.find_first_not_of("0123456789") != std::string::npos)
    return std::numeric_limits<std::int64_t>::min();
  const year_month_day day{year{std::stoi(date.substr(0, 4))},
                           month{static_cast<unsigned>(std::stoi(date.substr(4, 2)))},
                           std::chrono::day{static_cast<unsigned>(std::stoi(date.substr(6, 2)))}};
  return day.ok() ? sys_days(day).time_since_epoch().count()
                  : std::numeric_limits<std::int64_t>::min();
}

// " AND column IN (:a, ...)"; the texts are to be bound in the same order.
std::string oneOf(const char* column, const std::vector<std::string>& texts, int& number) {
  if (texts.empty()) return {};
  std::string clause = std::string(" AND ") + column + " IN (";
  for (std::size_t i = 0; i < texts.size(); ++i)
    clause += (i == 0 ? ":v" : ", :v") + std::to_string(number++);
  return clause + ")";
}

void insertKey(soci::session& sql, const std::string& seriesId, const fhir::FacadeKey& key) {
  const std::string kind = textOf(key.kind);
  sql << "INSERT INTO result_keys (kind, type, value, series_id, current) "
         "VALUES (:a, :b, :c, :d, 1) ON CONFLICT (kind, type, value, series_id) "
         "DO UPDATE SET current = 1",
      use(kind), use(key.type), use(key.value), use(seriesId);
}

// Ids stay, so that whoever has one is told that the resource is gone; they are hashes.
void retireKeys(soci::session& sql, const std::string& seriesId) {
  sql << "DELETE FROM result_keys WHERE series_id = :s AND kind = 'identifier'", use(seriesId);
  sql << "UPDATE result_keys SET current = 0 WHERE series_id = :s", use(seriesId);
}

struct Older {
  std::string seriesId, json;
  long long createdAt = 0, attempt = 0, jobId = 0;
};

std::vector<Older> withoutIndex(soci::session& sql, std::size_t atMost) {
  Older row;
  const auto limit = static_cast<long long>(atMost);
  std::vector<Older> rows;
  soci::statement s = (sql.prepare << "SELECT a.series_id, a.json, a.created_at, a.attempt, "
                                      "a.job_id FROM assessments a WHERE NOT EXISTS (SELECT 1 FROM "
                                      "results r WHERE r.series_id = a.series_id) LIMIT :l",
                       into(row.seriesId), into(row.json), into(row.createdAt), into(row.attempt),
                       into(row.jobId), use(limit));
  s.execute();
  while (s.fetch()) rows.push_back(row);
  return rows;
}

bool isStillThat(soci::session& sql, const Older& older) {
  long long found = 0;
  sql << "SELECT COUNT(*) FROM assessments a WHERE series_id = :s AND created_at = :c AND "
         "attempt = :t AND job_id = :j AND NOT EXISTS (SELECT 1 FROM results r WHERE "
         "r.series_id = a.series_id)",
      into(found), use(older.seriesId), use(older.createdAt), use(older.attempt), use(older.jobId);
  return found == 1;
}

}  // namespace

IndexEntry indexEntryOf(const ResponseAssessment& assessment) {
  const PetSeries& series = assessment.series;
  return {series.patient.patientId, series.patient.issuerOfPatientId,
          fhir::studyResourceId(series.study.studyInstanceUid), dayOf(assessment),
          fhir::keysOf(assessment)};
}

IndexEntry indexEntryOf(const std::string& assessmentJson) {
  try {
    return indexEntryOf(assessmentFromJson(assessmentJson).assessment);
  } catch (const AssessmentJsonError&) {
    return {};
  }
}

void ResultIndex::writeIn(soci::session& sql, const std::string& seriesId, const IndexEntry& entry,
                          UtcTime now) {
  const long long day = entry.scanDay, stored = toMillis(now);
  sql << "DELETE FROM results WHERE series_id = :s", use(seriesId);
  sql << "INSERT INTO results (series_id, patient_id, issuer, study_id, scan_day, stored_at) "
         "VALUES (:a, :b, :c, :d, :e, :f)",
      use(seriesId), use(entry.patientId), use(entry.issuerOfPatientId), use(entry.studyId),
      use(day), use(stored);
  retireKeys(sql, seriesId);
  for (const fhir::FacadeKey& key : entry.keys) insertKey(sql, seriesId, key);
}

void ResultIndex::forgetIn(soci::session& sql, const std::string& seriesId) {
  sql << "DELETE FROM results WHERE series_id = :s", use(seriesId);
  retireKeys(sql, seriesId);
}

std::vector<IndexedResult> ResultIndex::find(const IndexFilter& filter) {
  return database_.transaction([&](soci::session& sql) {
    int number = 0;
    std::string clause = oneOf("patient_id", filter.patientIds, number);
    clause += oneOf("study_id", filter.studyIds, number);
    clause += oneOf("series_id", filter.seriesIds, number);
    IndexedResult row;
    long long revision = 0, day = 0, stored = 0;
    const long long numbers[] = {filter.fromRevision,  filter.lowestDay,
                                 filter.highestDay,    filter.lowestMillis,
                                 filter.highestMillis, static_cast<long long>(filter.limit)};
    soci::statement s(sql);
    s.exchange(into(revision));
    for (std::string* text : {&row.seriesId, &row.patientId, &row.issuerOfPatientId, &row.studyId})
      s.exchange(into(*text));
    s.exchange(into(day));
    s.exchange(into(stored));
    for (const auto* list : {&filter.patientIds, &filter.studyIds, &filter.seriesIds})
      for (const std::string& text : *list) s.exchange(use(text));
    for (const long long& n : numbers) s.exchange(use(n));
    s.alloc();
    s.prepare(
        "SELECT revision, series_id, patient_id, issuer, study_id, scan_day, stored_at "
        "FROM results WHERE 1 = 1" +
        clause +
        " AND revision >= :n0 AND scan_day >= :n1 AND scan_day <= :n2 AND stored_at >= :n3 AND "
        "stored_at <= :n4 ORDER BY revision LIMIT :n5");
    s.define_and_bind();
    s.execute();
    std::vector<IndexedResult> found;
    while (s.fetch()) {
      row.revision = revision;
      row.scanDay = day;
      row.storedAt = fromMillis(stored);
      found.push_back(row);
    }
    return found;
  });
}

std::vector<ResultIndex::Holder> ResultIndex::holders(fhir::FacadeKey::Kind kind,
                                                      const std::string& type,
                                                      const std::string& value) {
  return database_.transaction([&](soci::session& sql) {
    const std::string kindText = textOf(kind);
    std::string seriesId;
    int current = 0;
    std::vector<Holder> all;
    soci::statement s = (sql.prepare << "SELECT series_id, current FROM result_keys WHERE "
                                        "kind = :a AND type = :b AND value = :c",
                         into(seriesId), into(current), use(kindText), use(type), use(value));
    s.execute();
    while (s.fetch()) all.push_back({seriesId, current == 1});
    return all;
  });
}

bool ResultIndex::indexOlder(std::size_t atMost) {
  const auto rows =
      database_.transaction([&](soci::session& sql) { return withoutIndex(sql, atMost); });
  for (const Older& row : rows) {
    const IndexEntry entry = indexEntryOf(row.json);
    database_.transaction([&](soci::session& sql) {
      if (isStillThat(sql, row)) writeIn(sql, row.seriesId, entry, fromMillis(row.createdAt));
    });
  }
  return rows.size() < atMost;
}

}  // namespace fedpet::plugin
