#include "dicom/PriorLabels.h"

#include <algorithm>
#include <set>

namespace fedpet::dicom {
namespace {

// Those of this SEG that the group refers to; by tracking UID where it refers to none at all.
std::vector<const Segment*> segmentsOf(const ReportGroup& group, const SegmentationMask& mask) {
  std::vector<const Segment*> segments;
  for (const Segment& segment : mask.segments) {
    const bool referenced =
        std::any_of(group.segments.begin(), group.segments.end(), [&](const ReportReference& r) {
          return r.sopInstanceUid == mask.sopInstanceUid &&
                 std::find(r.segments.begin(), r.segments.end(), segment.number) !=
                     r.segments.end();
        });
    const bool tracked = group.segments.empty() && !group.trackingUid.empty() &&
                         group.trackingUid == segment.trackingUid;
    if (referenced || tracked) segments.push_back(&segment);
  }
  return segments;
}

// Returns how many of the segment's voxels belong to an earlier region already.
std::size_t paint(LabelVolume& volume, const Segment& segment, std::uint16_t label) {
  std::size_t taken = 0;
  for (const SegmentFrame& frame : segment.frames) {
    const std::size_t first = volume.geometry.offset(0, 0, frame.slice);
    for (std::size_t p = 0; p < frame.pixels.size(); ++p) {
      if (frame.pixels[p] == 0) continue;
      std::uint16_t& voxel = volume.labels[first + p];
      if (voxel == 0)
        voxel = label;
      else if (voxel != label)
        ++taken;
    }
  }
  return taken;
}

bool fits(PriorStudy& prior, const SegmentationMask& mask) {
  if (!prior.frameOfReferenceUid.empty() && !mask.frameOfReferenceUid.empty() &&
      prior.frameOfReferenceUid != mask.frameOfReferenceUid) {
    prior.warnings.push_back(
        "The segmentation lies in another frame of reference than the report's images.");
    return false;
  }
  if (prior.regions.size() >= UINT16_MAX) {
    prior.warnings.push_back("The report has too many regions for its segmentation to be used.");
    return false;
  }
  return true;
}

}  // namespace

void addLabels(PriorStudy& prior, const std::vector<const ReportGroup*>& groups,
               const SegmentationMask& mask) {
  if (!fits(prior, mask)) return;
  LabelVolume volume{mask.geometry, std::vector<std::uint16_t>(mask.geometry.voxelCount())};
  std::set<const Segment*> used;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const auto label = static_cast<std::uint16_t>(i + 1);
    std::size_t overlap = 0;
    const auto segments = segmentsOf(*groups[i], mask);
    for (const Segment* segment : segments) overlap += paint(volume, *segment, label);
    used.insert(segments.begin(), segments.end());
    if (!segments.empty()) prior.regions[i].label = label;
    if (overlap > 0)
      prior.warnings.push_back("Group '" + groups[i]->trackingId +
                               "' of the report: " + std::to_string(overlap) +
                               " voxels of its segment belong to an earlier one as well and are "
                               "left to that one");
  }
  if (used.empty()) {
    prior.warnings.push_back("The report does not refer to this segmentation; it is not used.");
    return;
  }
  if (used.size() < mask.segments.size())
    prior.warnings.push_back(std::to_string(mask.segments.size() - used.size()) +
                             " segments of the segmentation belong to no region of the report.");
  if (prior.frameOfReferenceUid.empty()) prior.frameOfReferenceUid = mask.frameOfReferenceUid;
  prior.labels = std::move(volume);
}

}  // namespace fedpet::dicom
