// What the stored results are found by: patient, study, day, FHIR id and identifier, so that no
// search reads all results. In the plugin's database; a row is written in the transaction that
// stores the result, and goes with it.
#pragma once

#include "clinical/ResponseAssessment.h"
#include "fhir/facade/FacadeResources.h"
#include "orthanc-plugin/Schema.h"
#include "orthanc-plugin/Time.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace fedpet::plugin {

// Computed before the transaction begins: it takes milliseconds.
struct IndexEntry {
  std::string patientId, issuerOfPatientId, studyId;                // studyId: of the ImagingStudy
  std::int64_t scanDay = std::numeric_limits<std::int64_t>::min();  // since 1970; least: unknown
  std::vector<fhir::FacadeKey> keys;
};
IndexEntry indexEntryOf(const ResponseAssessment&);
// Of a stored result; without keys when it cannot be read (it is of a newer release).
IndexEntry indexEntryOf(const std::string& assessmentJson);

struct IndexedResult {
  std::int64_t revision = 0;  // grows with every result that is stored; none is used twice
  std::string seriesId, patientId, issuerOfPatientId, studyId;
  std::int64_t scanDay = 0;
  UtcTime storedAt{};
};

struct IndexFilter {
  // Each list is an "or"; an empty one is no condition.
  std::vector<std::string> patientIds, studyIds, seriesIds;
  std::int64_t lowestDay = std::numeric_limits<std::int64_t>::min(),
               highestDay = std::numeric_limits<std::int64_t>::max();
  std::int64_t lowestMillis = std::numeric_limits<std::int64_t>::min(),
               highestMillis = std::numeric_limits<std::int64_t>::max();
  std::int64_t fromRevision = 0;  // inclusive
  std::size_t limit = 100;
};

class ResultIndex {
 public:
  explicit ResultIndex(Database& database) : database_(database) {}  // borrowed

  // Inside a transaction that is open.
  static void writeIn(soci::session&, const std::string& seriesId, const IndexEntry&, UtcTime);
  static void forgetIn(soci::session&, const std::string& seriesId);

  std::vector<IndexedResult> find(const IndexFilter&);  // by revision
  // Series whose result has, or had, such a key.
  struct Holder {
    std::string seriesId;
    bool current = false;  // false: the resource has been replaced or has left the archive
  };
  std::vector<Holder> holders(fhir::FacadeKey::Kind, const std::string& type,
                              const std::string& value);

  // Results of releases that had no index; true when none is left. In small steps, so that nobody
  // waits for it.
  bool indexOlder(std::size_t atMost);

 private:
  Database& database_;
};

}  // namespace fedpet::plugin
