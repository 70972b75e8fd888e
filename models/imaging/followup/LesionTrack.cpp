#include "models/imaging/followup/LesionTrack.h"

#include "models/imaging/Formatted.h"
#include "models/imaging/Measurements.h"
#include "models/imaging/VolumeFilters.h"
#include "models/imaging/followup/Comparability.h"
#include "models/imaging/followup/LesionMatching.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace fedpet::imaging {
namespace {

std::set<std::uint16_t> labelsIn(const LabelVolume& volume) {
  std::set<std::uint16_t> labels;
  std::uint16_t last = 0;
  for (std::uint16_t label : volume.labels)
    if (label != last) {
      last = label;
      if (label != 0) labels.insert(label);
    }
  return labels;
}

std::optional<double> finite(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? value : std::nullopt;
}

std::optional<double> sum(const std::optional<double>& a, const std::optional<double>& b) {
  return a && b ? std::optional(*a + *b) : std::nullopt;
}

std::optional<double> larger(const std::optional<double>& a, const std::optional<double>& b) {
  return a && b ? std::optional(std::max(*a, *b)) : std::nullopt;
}

std::string nameOf(const PriorRegion& region) {
  return region.trackingId.empty() ? std::string("a lesion without a name") : region.trackingId;
}

class Tracking {
 public:
  Tracking(const ResponseAssessment& now, const LabelVolume& labels, const PriorStudy& prior)
      : labels_(labels), prior_(prior), alignment_(align(now, prior)) {
    for (const Region& region : now.regions)
      if (region.role == RegionRole::Lesion) nows_.push_back(&region);
    for (const PriorRegion& region : prior.regions)
      if (region.role == RegionRole::Lesion) earliers_.push_back(&region);
    changes_.resize(nows_.size());
    gone_.assign(earliers_.size(), false);
  }

  LesionTrack run() {
    matchByUid();
    const bool placed = matchByPlace();
    LesionTrack track{alignment_, {}, placed, warnings_};
    for (std::size_t n = 0; n < nows_.size(); ++n)
      if (changes_[n]) track.changes.push_back(*changes_[n]);
    for (std::size_t e = 0; e < earliers_.size(); ++e)
      if (gone_[e]) track.changes.push_back(resolved(*earliers_[e]));
    return track;
  }

 private:
  LesionChange changeOf(std::size_t n) const {
    const Region& region = *nows_[n];
    LesionChange change;
    change.trackingId = region.trackingId;
    change.trackingUid = region.trackingUid;
    change.volumeMl = valueOf(region.measurements, Quantity::MetabolicVolume);
    change.sulPeak = valueOf(region.measurements, Quantity::SulPeak);
    change.suvMax = valueOf(region.measurements, Quantity::SuvMax);
    return change;
  }

  static LesionChange resolved(const PriorRegion& region) {
    LesionChange change;
    change.fate = LesionFate::Resolved;
    change.trackingId = region.trackingId;
    change.trackingUid = region.trackingUid;
    change.earlierVolumeMl = finite(region.volumeMl);
    change.earlierSulPeak = finite(region.sulPeak);
    change.earlierSuvMax = finite(region.suvMax);
    return change;
  }

  void pair(std::size_t n, std::size_t e, double gapMm) {
    LesionChange change = changeOf(n);
    const PriorRegion& earlier = *earliers_[e];
    change.fate = LesionFate::Matched;
    change.earlierVolumeMl = finite(earlier.volumeMl);
    change.earlierSulPeak = finite(earlier.sulPeak);
    change.earlierSuvMax = finite(earlier.suvMax);
    change.distanceMm = gapMm;
    // Two earlier lesions of one UID are the report's mistake; the UID stays unique here.
    if (!earlier.trackingUid.empty() && usedUids_.insert(earlier.trackingUid).second)
      change.trackingUid = earlier.trackingUid;
    if (!earlier.trackingId.empty() && earlier.trackingId != change.trackingId)
      note(change, "earlier called " + earlier.trackingId);
    changes_[n] = std::move(change);
    partner_[e] = n;
  }

  static void note(LesionChange& change, const std::string& text) {
    change.note += (change.note.empty() ? "" : "; ") + text;
  }

  void matchByUid() {
    for (std::size_t n = 0; n < nows_.size(); ++n)
      for (std::size_t e = 0; e < earliers_.size() && !nows_[n]->trackingUid.empty(); ++e)
        if (earliers_[e]->trackingUid == nows_[n]->trackingUid && partner_.count(e) == 0 &&
            !changes_[n])
          pair(n, e, 0);
  }

  bool isMatched(std::size_t e) const { return partner_.count(e) != 0; }

  // Whether every lesion got its fate.
  bool matchByPlace() {
    const bool open =
        std::any_of(changes_.begin(), changes_.end(), [](const auto& c) { return !c; }) ||
        partner_.size() < earliers_.size();
    if (!open) return true;
    if (!listsItsLesions()) return false;
    // Without lesions in one of the studies there is no place to compare.
    if (alignment_ || nows_.empty() || earliers_.empty()) return matchTheRest();
    return false;
  }

  // A report of totals alone has lesions that it does not list.
  bool listsItsLesions() {
    const auto count = prior_.summary.lesionCount;
    const bool listed = count ? static_cast<std::size_t>(std::max(*count, 0)) <= earliers_.size()
                              : !earliers_.empty();
    if (!listed)
      warnings_.push_back(
          "the earlier report does not list all of its lesions, so who is new or gone "
          "cannot be told");
    return listed;
  }

  bool matchTheRest() {
    std::vector<std::size_t> ns, es;
    LesionMasks now{labels_, {}}, earlier{prior_.labels, {}};
    const auto present = isSound(labels_) ? labelsIn(labels_) : std::set<std::uint16_t>{};
    const auto known = isSound(prior_.labels) ? labelsIn(prior_.labels) : std::set<std::uint16_t>{};
    std::size_t withoutMask = 0;
    for (std::size_t n = 0; n < nows_.size(); ++n) {
      if (changes_[n]) continue;
      if (!earliers_.empty() && present.count(nows_[n]->label) == 0) {
        ++withoutMask;
        continue;
      }
      ns.push_back(n);
      now.labels.push_back(nows_[n]->label);
    }
    std::set<std::uint16_t> taken;
    for (std::size_t e = 0; e < earliers_.size(); ++e) {
      if (isMatched(e)) continue;
      const std::uint16_t label = earliers_[e]->label;
      if (!nows_.empty() && (known.count(label) == 0 || !taken.insert(label).second)) {
        ++withoutMask;
        continue;
      }
      es.push_back(e);
      earlier.labels.push_back(label);
    }
    if (withoutMask > 0)
      warnings_.push_back(
          formatted("%zu lesions of the two studies have no outline of their own and could "
                    "not be matched by place",
                    withoutMask));
    if (nows_.empty() || earliers_.empty()) {
      for (std::size_t n : ns) isNew(n);
      for (std::size_t e : es) gone_[e] = true;
      return withoutMask == 0;
    }
    apply(matchLesions(now, earlier, *alignment_), ns, es, withoutMask == 0);
    return withoutMask == 0;
  }

  void isNew(std::size_t n) {
    changes_[n] = changeOf(n);
    changes_[n]->fate = LesionFate::New;
  }

  void apply(const LesionMatches& matches, const std::vector<std::size_t>& ns,
             const std::vector<std::size_t>& es, bool complete) {
    for (const LesionPair& one : matches.pairs) pair(ns[one.now], es[one.earlier], one.gapMm);
    for (const LesionPair& one : matches.splits) split(ns[one.now], es[one.earlier]);
    for (const LesionPair& one : matches.merges) merge(ns[one.now], es[one.earlier]);
    if (!complete) return;
    for (std::size_t n : matches.fresh) isNew(ns[n]);
    for (std::size_t e : matches.resolved) gone_[es[e]] = true;
  }

  void split(std::size_t n, std::size_t e) {
    LesionChange change = changeOf(n);
    change.fate = LesionFate::Matched;
    const std::size_t main = partner_.at(e);
    note(change, "a part of the earlier " + nameOf(*earliers_[e]) +
                     ", which has split; its earlier values stand with " + nows_[main]->trackingId);
    note(*changes_[main],
         "the earlier lesion has split: " + change.trackingId + " is another part");
    changes_[n] = std::move(change);
  }

  void merge(std::size_t n, std::size_t e) {
    if (!changes_[n]) return;
    LesionChange& change = *changes_[n];
    const PriorRegion& other = *earliers_[e];
    change.earlierVolumeMl = sum(change.earlierVolumeMl, finite(other.volumeMl));
    change.earlierSulPeak = larger(change.earlierSulPeak, finite(other.sulPeak));
    change.earlierSuvMax = larger(change.earlierSuvMax, finite(other.suvMax));
    note(change, "earlier lesions have become one: " + nameOf(other) +
                     (other.volumeMl ? formatted(" (%.1f ml)", *other.volumeMl) : std::string()) +
                     " is part of it; earlier volumes are added");
    partner_[e] = n;
  }

  const LabelVolume& labels_;
  const PriorStudy& prior_;
  tl::expected<Alignment, std::string> alignment_;
  std::vector<const Region*> nows_;
  std::vector<const PriorRegion*> earliers_;
  std::vector<std::optional<LesionChange>> changes_;  // of nows_
  std::map<std::size_t, std::size_t> partner_;        // of earliers_, among nows_
  std::vector<bool> gone_;                            // of earliers_
  std::set<std::string> usedUids_;
  std::vector<std::string> warnings_;
};

}  // namespace

LesionTrack trackLesions(const ResponseAssessment& now, const LabelVolume& labels,
                         const PriorStudy& prior) {
  return Tracking(now, labels, prior).run();
}

std::optional<double> residualSulPeak(const SuvVolume& volume, double sulPerSuvBw,
                                      const ResponseAssessment& now, const LabelVolume& labels,
                                      const PriorStudy& prior, const Alignment& alignment) {
  if (!isSound(prior.labels) || volume.suvBw.size() != volume.geometry.voxelCount() ||
      labels.labels.size() != volume.suvBw.size())
    return std::nullopt;
  std::set<std::uint16_t> lesions, normal;
  for (const PriorRegion& region : prior.regions)
    if (region.role == RegionRole::Lesion && region.label != 0) lesions.insert(region.label);
  for (const Region& region : now.regions)
    if (region.role == RegionRole::Physiological) normal.insert(region.label);
  const VoxelIndex index(prior.labels.geometry);
  std::set<std::size_t> places;
  for (std::size_t at = 0; at < prior.labels.labels.size(); ++at) {
    if (prior.labels.labels[at] == 0 || lesions.count(prior.labels.labels[at]) == 0) continue;
    const auto here = index(at);
    const auto there = voxelAt(
        volume.geometry, alignment.toNow(prior.labels.geometry.pointMm(here[0], here[1], here[2])));
    if (there && normal.count(labels.labels[*there]) == 0) places.insert(*there);
  }
  if (places.empty()) return std::nullopt;
  return sulPerSuvBw * suvPeak(volume, {places.begin(), places.end()});
}

}  // namespace fedpet::imaging
