// The archive as the intake sees it: a log of changes, and what is known of a series. Orthanc is
// the real one (OrthancArchive); tests have one in memory.
#pragma once

#include "orthanc-plugin/Eligibility.h"

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace fedpet::plugin {

struct ArchiveError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct ArchiveChange {
  enum class Kind { NewInstance, NewSeries, StableSeries, Other };
  std::int64_t sequence = 0;
  Kind kind = Kind::Other;
  std::string resourceId;  // of the instance or series
};

struct ChangesPage {
  std::vector<ArchiveChange> changes;  // ascending
  std::int64_t last = 0;               // continue after this one
  bool done = true;                    // nothing more at the moment
};

// Every call throws ArchiveError when the archive cannot answer.
class Archive {
 public:
  virtual ~Archive() = default;

  // A name of this database's content, kept in the database itself: another name means that the
  // index was replaced and its sequence numbers are other ones.
  virtual std::string identity() = 0;
  virtual std::int64_t lastSequence() = 0;  // 0 when the log is empty
  virtual ChangesPage changesAfter(std::int64_t sequence, int limit) = 0;
  virtual std::optional<std::string> seriesOfInstance(const std::string& instanceId) = 0;
  // nullopt: no such series (any more).
  virtual std::optional<bool> isStable(const std::string& seriesId) = 0;
  // For another modality than PT only ids and modality are filled.
  virtual std::optional<SeriesFacts> seriesFacts(const std::string& seriesId) = 0;
};

}  // namespace fedpet::plugin
