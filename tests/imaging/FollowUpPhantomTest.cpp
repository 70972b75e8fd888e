// Two studies of one synthetic patient with known truth: the same body and lesions that stayed,
// went and came, on another scanner, with the arms moved and the table elsewhere.
#include "models/imaging/RuleBasedAnatomy.h"
#include "models/imaging/StudyMeasurement.h"
#include "models/imaging/followup/Comparability.h"
#include "models/imaging/followup/FollowUp.h"
#include "sample-data/Phantom.h"

#include <gtest/gtest.h>

#include <map>

namespace fedpet::imaging {
namespace {

using sample::LesionSite;
using std::chrono::days;

constexpr double kSulPerSuvBw = 0.74;

struct Measured {
  sample::Phantom phantom;
  ImagingFindings findings;
  SuvScaling scaling;
};

Measured measured(sample::PhantomSpec spec, const PointMm& tableMm) {
  Measured study;
  study.phantom = sample::makePhantom(spec);
  for (std::size_t a = 0; a < 3; ++a) study.phantom.image.geometry.originMm[a] += tableMm[a];
  study.scaling.sulPerSuvBw = kSulPerSuvBw;
  study.scaling.uptakeMinutes = spec.uptakeMinutes;
  study.findings = measureStudy(study.phantom.image, study.scaling, RuleBasedAnatomy()).value();
  return study;
}

// As its report and segmentation would tell of it.
PriorStudy asPrior(const Measured& study) {
  const ImagingFindings& f = study.findings;
  PriorStudy prior;
  prior.summary.studyInstanceUid = "1.2.1";
  prior.summary.scannedAt = WallClock(days(20000));
  prior.summary.lesionDefinition = f.lesionDefinition;
  prior.summary.tmtvMl = valueOf(f.wholeBody, Quantity::Tmtv);
  prior.summary.tlgG = valueOf(f.wholeBody, Quantity::TotalLesionGlycolysis);
  prior.summary.sulPeak = valueOf(f.wholeBody, Quantity::SulPeak);
  prior.uptakeMinutes = study.scaling.uptakeMinutes;
  if (f.percist) {
    prior.reference = f.percist->reference;
    prior.referenceSulMean = valueOf(f.percist->numbers, Quantity::ReferenceSulMean);
    prior.referenceSulSd = valueOf(f.percist->numbers, Quantity::ReferenceSulSd);
    prior.percistThreshold = valueOf(f.percist->numbers, Quantity::PercistThreshold);
  }
  int lesions = 0;
  for (const Region& region : f.regions) {
    PriorRegion known;
    known.label = region.label;
    known.role = region.role;
    known.organ = region.organ;
    known.trackingId = region.trackingId;
    known.trackingUid = "2.25.100" + std::to_string(region.label);
    known.volumeMl = valueOf(region.measurements, Quantity::MetabolicVolume);
    known.sulPeak = valueOf(region.measurements, Quantity::SulPeak);
    lesions += region.role == RegionRole::Lesion;
    prior.regions.push_back(known);
  }
  prior.summary.lesionCount = lesions;
  prior.labels = f.labels;
  return prior;
}

ResponseAssessment asAssessment(const Measured& study) {
  ResponseAssessment a;
  a.series.seriesDateTime = WallClock(days(20060));
  a.suv = study.scaling;
  a.lesionDefinition = study.findings.lesionDefinition;
  a.regions = study.findings.regions;
  a.wholeBody = study.findings.wholeBody;
  a.percist = study.findings.percist;
  a.percistRefusal = study.findings.percistRefusal;
  return a;
}

// True lesion (1-based, 0: none) that most of a region's voxels belong to.
int trueLesionOf(const Measured& study, const Region& region) {
  std::map<int, int> votes;
  for (std::size_t at = 0; at < study.findings.labels.labels.size(); ++at)
    if (study.findings.labels.labels[at] == region.label && study.phantom.lesions.labels[at] != 0)
      ++votes[study.phantom.lesions.labels[at]];
  int best = 0, most = 0;
  for (const auto& [lesion, count] : votes)
    if (count > most) {
      most = count;
      best = lesion;
    }
  return best;
}

sample::PhantomSpec patient() {
  sample::PhantomSpec spec = sample::fromSeed(5);
  spec.withoutHead = false;
  spec.brownFat = spec.metforminBowel = false;
  spec.uptake.bowel = 1.2;
  spec.uptake.bowelFocus = 2;
  spec.uptake.tonsil = 2;
  spec.uptake.myocardium = 2;
  spec.uptakeMinutes = 60;
  spec.lesions.clear();
  return spec;
}

// Where the lesions are, drawn once: the same places in both studies.
std::vector<PointMm> placesIn(const sample::PhantomSpec& spec) {
  std::vector<PointMm> places;
  for (const auto& lesion : sample::makePhantom(spec).lesionTable)
    places.push_back(lesion.centroidMm);
  return places;
}

TEST(FollowUpOnPhantoms, TellsStayedNewAndResolvedLesionsApartOnAnotherScanner) {
  sample::PhantomSpec draft = patient();
  draft.lesions = {{LesionSite::LungPrimary, 40, 12, 0, {}},
                   {LesionSite::DistantNode, 22, 9, 0, {}},
                   {LesionSite::Bone, 24, 9, 0, {}},
                   {LesionSite::Adrenal, 26, 10, 0, {}},
                   {LesionSite::SoftTissue, 22, 9, 0, {}}};
  const auto places = placesIn(draft);
  ASSERT_EQ(places.size(), 5U);
  for (std::size_t n = 0; n < places.size(); ++n) draft.lesions[n].centreMm = places[n];

  sample::PhantomSpec before = draft, after = draft;
  before.lesions.erase(before.lesions.begin() + 4);  // the soft tissue lesion comes later
  after.lesions.erase(after.lesions.begin() + 1);    // the node goes
  after.lesions[0].diameterMm = 30;                  // the primary shrinks and cools
  after.lesions[0].suv = 7;
  before.scanner = sample::scannerOfClass(0);
  after.scanner = sample::scannerOfClass(1);
  after.armsUp = !before.armsUp;
  const Measured first = measured(before, {0, 0, 0}), second = measured(after, {14, -9, 230});

  ResponseAssessment now = asAssessment(second);
  followUp(now, second.findings.labels, {asPrior(first)}, &second.phantom.image);
  ASSERT_TRUE(now.comparison.has_value());
  EXPECT_NE(now.comparison->alignment.find("aligned by"), std::string::npos)
      << now.comparison->alignment;

  // True lesions: before 1 primary, 2 node in another place, 3 bone, 4 adrenal; after 1 primary, 2
  // bone, 3 adrenal, 4 soft tissue.
  std::map<std::string, int> earlierByUid;
  for (const Region& region : first.findings.regions)
    if (region.role == RegionRole::Lesion)
      earlierByUid["2.25.100" + std::to_string(region.label)] = trueLesionOf(first, region);
  const std::map<int, int> cameFrom{{1, 1}, {2, 3}, {3, 4}};
  int matched = 0, fresh = 0;
  for (const Region& region : now.regions) {
    if (region.role != RegionRole::Lesion) continue;
    const int truth = trueLesionOf(second, region);
    if (truth == 0) continue;  // physiological uptake: not a question of matching
    if (const auto from = cameFrom.find(truth); from != cameFrom.end()) {
      ASSERT_TRUE(earlierByUid.count(region.trackingUid)) << region.name;
      EXPECT_EQ(earlierByUid[region.trackingUid], from->second) << region.name;
      ++matched;
    } else {
      EXPECT_EQ(region.trackingUid, "") << region.name;
      ++fresh;
    }
  }
  EXPECT_EQ(matched, 3);
  EXPECT_EQ(fresh, 1);
  int resolvedNodes = 0;
  for (const LesionChange& change : now.comparison->lesions)
    if (change.fate == LesionFate::Resolved) resolvedNodes += earlierByUid[change.trackingUid] == 2;
  EXPECT_EQ(resolvedNodes, 1);
  ASSERT_TRUE(now.comparison->percist.has_value()) << now.comparison->percist.error().detail;
  EXPECT_EQ(*now.comparison->percist, MetabolicResponse::Progressive);
  EXPECT_EQ(*now.comparison->iPercist, MetabolicResponse::UnconfirmedProgressive);
}

}  // namespace
}  // namespace fedpet::imaging
