// The archive behind Orthanc's own REST API, called from within the plugin.
#pragma once

#include "orthanc-plugin/Archive.h"

#include <functional>
#include <string>

namespace fedpet::plugin {

struct CoreReply {
  int status = 0;
  std::string body;
};

// The core's services as plain functions, so that the parsing is tested without the SDK.
struct OrthancCore {
  std::function<CoreReply(const std::string& uri)> get;
  std::function<std::string()> archiveIdentity;  // made and stored at the first call
};

class OrthancArchive final : public Archive {
 public:
  explicit OrthancArchive(OrthancCore core) : core_(std::move(core)) {}

  std::string identity() override;
  std::int64_t lastSequence() override;
  ChangesPage changesAfter(std::int64_t sequence, int limit) override;
  std::optional<std::string> seriesOfInstance(const std::string& instanceId) override;
  std::optional<bool> isStable(const std::string& seriesId) override;
  std::optional<SeriesFacts> seriesFacts(const std::string& seriesId) override;

 private:
  OrthancCore core_;
};

}  // namespace fedpet::plugin
