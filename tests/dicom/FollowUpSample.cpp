#include "tests/dicom/FollowUpSample.h"

#include <utility>

namespace fedpet::testing {
namespace {

Measurement measured(Quantity quantity, double value, std::string definition) {
  return {quantity, value, std::move(definition), {}};
}

StudySummary earlierStudy() {
  using namespace std::chrono;
  StudySummary earlier;
  earlier.studyInstanceUid = "2.25.8150000";
  earlier.seriesInstanceUid = "2.25.8150002";
  earlier.srSopInstanceUid = kEarlierSr;
  earlier.srSopClassUid = "1.2.840.10008.5.1.4.1.1.88.34";
  earlier.scannedAt = local_days{2026y / May / 24} + 10h + 30min;
  earlier.producer = "fedpet 0.1.0";
  earlier.tmtvMl = 6.3;
  earlier.tlgG = 40;
  earlier.sulPeak = 8;
  earlier.lesionCount = 2;
  return earlier;
}

LesionChange newLesion(const Region& region) {
  LesionChange change;
  change.fate = LesionFate::New;
  change.trackingId = region.trackingId;
  return change;
}

std::vector<LesionChange> changesOf(const std::vector<Region>& regions) {
  std::vector<LesionChange> changes;
  for (const Region& region : regions)
    if (region.role == RegionRole::Lesion) changes.push_back(newLesion(region));
  LesionChange& matched = changes.front();
  matched.fate = LesionFate::Matched;
  matched.trackingUid = kTrackedLesionUid;
  matched.earlierSulPeak = 8;
  matched.sulPeak = 5.1;
  matched.earlierVolumeMl = 4.2;
  matched.volumeMl = 1.05;
  matched.distanceMm = 3.25;
  LesionChange gone;
  gone.fate = LesionFate::Resolved;
  gone.trackingId = "Lesion 2";
  gone.trackingUid = kResolvedLesionUid;
  gone.earlierVolumeMl = 2.1;
  gone.earlierSuvMax = 6.5;
  gone.note = "its place is inside the field of view";
  changes.push_back(gone);
  return changes;
}

PercistReading reading(const std::vector<Region>& regions) {
  PercistReading reading;
  reading.reference = Organ::Liver;
  reading.definition = "PERCIST 1.0: SULpeak of at least 1.5 x mean + 2 SD of a 30 mm liver sphere";
  reading.numbers = {
      measured(Quantity::ReferenceSulMean, 1.43, "30 mm sphere in the right lobe"),
      measured(Quantity::ReferenceSulSd, 0.14, "30 mm sphere in the right lobe"),
      measured(Quantity::PercistThreshold, 2.425, "1.5 x mean + 2 SD of the liver"),
      measured(Quantity::SulPeak, 5.1, "1 ml sphere, hottest position of the hottest lesion")};
  reading.measurable = true;
  for (const Region& region : regions)
    if (region.role == RegionRole::Lesion && reading.hottestTrackingUid.empty())
      reading.hottestTrackingUid = region.trackingId;
  return reading;
}

Comparison comparison(const std::vector<Region>& regions) {
  Comparison c;
  c.earlier = earlierStudy();
  c.percist = MetabolicResponse::Progressive;
  c.iPercist = MetabolicResponse::UnconfirmedProgressive;
  c.reasons = {"a new lesion is progression whatever the SULpeak (PERCIST 1.0)",
               "no later study confirms it yet (iPERCIST)"};
  c.changes = {measured(Quantity::SulPeakChange, -36.25, "hottest lesion of each study"),
               measured(Quantity::TmtvChange, -50, "of the earlier TMTV"),
               {Quantity::TlgChange,
                tl::make_unexpected(Refusal{RefusalCode::NotComparable, "the earlier TLG is 0"}),
                "of the earlier TLG",
                {}}};
  c.lesions = changesOf(regions);
  c.alignment = "liver and spleen centroids laid upon each other; 4 mm left";
  c.warnings = {"Uptake times differ by 9 min."};
  return c;
}

}  // namespace

ResponseAssessment asFollowUp(ResponseAssessment a) {
  bool first = true;
  for (Region& region : a.regions) {
    region.trackingUid.clear();
    if (region.role != RegionRole::Lesion) continue;
    if (std::exchange(first, false)) region.trackingUid = kTrackedLesionUid;
    region.measurements.push_back(
        measured(Quantity::SulPeak, 5.1, "1 ml sphere (radius 6.2 mm), hottest position"));
  }
  a.percist = reading(a.regions);
  a.comparison = comparison(a.regions);
  a.harmonisation = Harmonisation{};
  a.harmonisation->statement = "Scanner 1 is of class EARL-1; no filter was applied.";
  return a;
}

AssessedStudy asFollowUp(AssessedStudy study) {
  study.assessment = asFollowUp(std::move(study.assessment));
  return study;
}

ResponseAssessment asRefusedFollowUp(ResponseAssessment a) {
  a = asFollowUp(std::move(a));
  a.percist.reset();
  a.percistRefusal = Refusal{RefusalCode::HeightOrSexMissing, "PatientSize (0010,1020) is missing"};
  const auto refused =
      tl::make_unexpected(Refusal{RefusalCode::NotComparable, "the earlier report has no SULpeak"});
  a.comparison->percist = refused;
  a.comparison->iPercist = refused;
  a.comparison->reasons.clear();
  for (Measurement& change : a.comparison->changes) change.value = refused;
  a.comparison->earlier.srSopClassUid.clear();  // cannot be referred to
  a.comparison->earlier.scannedAt = {};
  return a;
}

}  // namespace fedpet::testing
