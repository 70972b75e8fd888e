// An archive that behaves like Orthanc, as far as the intake sees it: a log of changes that only
// grows, stability that lives in memory and is announced once.
#pragma once

#include "orthanc-plugin/Archive.h"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace fedpet::plugin {

class InMemoryArchive final : public Archive {
 public:
  // One slice of a series arrives. The first one makes the series.
  void receive(const std::string& seriesId, const std::string& modality = "PT") {
    Series& series = series_[seriesId];
    const bool isNew = series.instances.empty();
    series.modality = modality;
    const std::string instance = seriesId + "/" + std::to_string(series.instances.size());
    series.instances.push_back(instance);
    add(ArchiveChange::Kind::NewInstance, instance);
    if (isNew) add(ArchiveChange::Kind::NewSeries, seriesId);
    unstable_.insert(seriesId);
  }
  // StableAge passes without a further instance.
  void settle(const std::string& seriesId) {
    if (unstable_.erase(seriesId) > 0) add(ArchiveChange::Kind::StableSeries, seriesId);
  }
  // The process dies and starts again: what was unstable is never announced.
  void restart() { unstable_.clear(); }
  void remove(const std::string& seriesId) {
    series_.erase(seriesId);
    unstable_.erase(seriesId);
  }
  void clearLog() { changes_.clear(); }
  void replaceDatabase(const std::string& identity) {
    *this = InMemoryArchive();
    identity_ = identity;
  }
  // The n-th call from now on fails, once.
  void failAtCall(int n) { failIn_ = n; }

  std::string identity() override { return call(), identity_; }
  std::int64_t lastSequence() override {
    return call(), changes_.empty() ? 0 : changes_.back().sequence;
  }
  ChangesPage changesAfter(std::int64_t sequence, int limit) override {
    call();
    ChangesPage page;
    page.last = sequence;
    for (const ArchiveChange& change : changes_) {
      if (change.sequence <= sequence) continue;
      if (static_cast<int>(page.changes.size()) == std::min(limit, pageLimit)) {
        page.done = false;
        break;
      }
      page.changes.push_back(change);
      page.last = change.sequence;
    }
    return page;
  }
  std::optional<std::string> seriesOfInstance(const std::string& instanceId) override {
    call();
    const std::string series = instanceId.substr(0, instanceId.find('/'));
    return series_.contains(series) ? std::optional(series) : std::nullopt;
  }
  std::optional<bool> isStable(const std::string& seriesId) override {
    call();
    if (!series_.contains(seriesId)) return std::nullopt;
    return !unstable_.contains(seriesId);
  }
  std::optional<SeriesFacts> seriesFacts(const std::string& seriesId) override {
    call();
    const auto it = series_.find(seriesId);
    if (it == series_.end()) return std::nullopt;
    SeriesFacts facts;
    facts.seriesId = seriesId;
    facts.studyId = "study of " + seriesId;
    facts.modality = it->second.modality;
    facts.sopClassUid = "1.2.840.10008.5.1.4.1.1.128";
    facts.imageType = {"ORIGINAL", "PRIMARY"};
    facts.correctedImage = {"DECY", "ATTN"};
    facts.radiopharmaceutical.name = "FDG";
    facts.bodyCoverageMm = 1000;
    facts.instances = it->second.instances.size();
    facts.fingerprint = std::to_string(it->second.instances.size()) + " instances";
    facts.stable = !unstable_.contains(seriesId);
    return facts;
  }

  int pageLimit = 1000;

 private:
  struct Series {
    std::string modality;
    std::vector<std::string> instances;
  };

  void add(ArchiveChange::Kind kind, const std::string& id) {
    changes_.push_back({++sequence_, kind, id});
  }
  void call() {
    if (failIn_ > 0 && --failIn_ == 0) throw ArchiveError("the archive is down");
  }

  std::string identity_ = "archive-1";
  std::vector<ArchiveChange> changes_;
  std::int64_t sequence_ = 0;
  std::map<std::string, Series> series_;
  std::set<std::string> unstable_;
  int failIn_ = 0;
};

}  // namespace fedpet::plugin
