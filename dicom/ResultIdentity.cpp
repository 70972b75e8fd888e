#include "dicom/ResultIdentity.h"

#include "dicom/DeterministicUid.h"
#include "dicom/DicomError.h"
#include "dicom/StructuredReportTree.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>

namespace fedpet::dicom {
namespace {

class Identities {
 public:
  explicit Identities(const ResponseAssessment& a)
      : source_(a.series.seriesInstanceUid),
        maker_(deterministicUid(
            {"device", a.softwareVersion, a.model.name, a.model.version, a.model.sha256})) {}

  std::string device() const { return maker_; }
  std::string result(std::string_view kind) const {
    return deterministicUid({kind, source_, maker_});
  }
  std::string part(std::string_view kind, std::string_view owner, std::string_view what) const {
    return deterministicUid({kind, source_, maker_, owner, what});
  }

 private:
  std::string source_, maker_;
};

// The same quantity may be measured twice by different definitions: the n-th one counts itself.
void identify(std::vector<Measurement>& measurements, const Identities& ids,
              std::string_view owner) {
  std::map<Quantity, int> seen;
  for (Measurement& m : measurements)
    m.observationUid =
        ids.part("observation", owner,
                 std::string(toString(m.quantity)) + ' ' + std::to_string(++seen[m.quantity]));
}

void identifyObjects(ResponseAssessment& a, const Identities& ids) {
  const bool refused = !a.refusals.empty(), segmented = !a.regions.empty();
  const auto unless = [&](bool absent, std::string_view kind) {
    return absent ? std::string() : ids.result(kind);
  };
  a.identity = {.srSeriesUid = ids.result("SR series"),
                .srSopInstanceUid = ids.result("SR instance"),
                .segSeriesUid = unless(!segmented, "SEG series"),
                .segSopInstanceUid = unless(!segmented, "SEG instance"),
                .deviceUid = ids.device(),
                .pdfSeriesUid = ids.result("PDF series"),
                .pdfSopInstanceUid = ids.result("PDF instance"),
                .mipSeriesUid = unless(refused, "MIP series"),
                .mipSopInstanceUid = unless(refused, "MIP instance")};
}

void identifyRegions(std::vector<Region>& regions, const Identities& ids) {
  std::map<std::string, int> seen;  // tracking ids should be unique; if not, the UIDs still are
  std::set<std::string> taken;
  for (Region& region : regions) {
    const std::string owner = region.trackingId + ' ' + std::to_string(++seen[region.trackingId]);
    if (region.trackingUid.empty() || taken.count(region.trackingUid) != 0)
      region.trackingUid = ids.part("region", owner, "");
    taken.insert(region.trackingUid);
    identify(region.measurements, ids, owner);
  }
}

const Region* regionWith(const std::vector<Region>& regions, std::string Region::*member,
                         const std::string& value) {
  const auto found = std::find_if(regions.begin(), regions.end(),
                                  [&](const Region& r) { return r.*member == value; });
  return found == regions.end() ? nullptr : &*found;
}

void identifyReading(PercistReading& reading, const std::vector<Region>& regions,
                     const Identities& ids) {
  identify(reading.numbers, ids, "PERCIST");
  if (reading.hottestTrackingUid.empty()) return;
  if (const Region* named = regionWith(regions, &Region::trackingId, reading.hottestTrackingUid))
    reading.hottestTrackingUid = named->trackingUid;
  else if (regionWith(regions, &Region::trackingUid, reading.hottestTrackingUid) == nullptr)
    throw DicomError("the PERCIST reading names a lesion that is not among the regions");
}

void identifyComparison(Comparison& comparison, const std::vector<Region>& regions,
                        const Identities& ids) {
  const std::string owner = "comparison with " + comparison.earlier.studyInstanceUid + ' ' +
                            comparison.earlier.srSopInstanceUid;
  identify(comparison.changes, ids, owner);
  comparison.percistUid = ids.part("response", owner, "PERCIST");
  comparison.iPercistUid = ids.part("response", owner, "iPERCIST");
  for (LesionChange& change : comparison.lesions) {
    if (change.fate == LesionFate::Resolved) continue;
    const Region* named = regionWith(regions, &Region::trackingId, change.trackingId);
    if (named == nullptr)
      throw DicomError("the comparison names a lesion that is not among the regions");
    change.trackingUid = named->trackingUid;
  }
}

void identifyPredictions(std::vector<ResponsePrediction>& predictions, const Identities& ids) {
  std::map<std::string, int> seen;
  for (ResponsePrediction& p : predictions) {
    const std::string what =
        std::string(toString(p.endpoint)) + " at " + sr::decimalString(p.horizonMonths);
    p.observationUid = ids.part("prediction", what, std::to_string(++seen[what]));
  }
}

}  // namespace

void assignIdentity(ResponseAssessment& a) {
  const Identities ids(a);
  identifyObjects(a, ids);
  identifyRegions(a.regions, ids);
  identify(a.wholeBody, ids, "whole body");
  if (a.percist) identifyReading(*a.percist, a.regions, ids);
  if (a.comparison) identifyComparison(*a.comparison, a.regions, ids);
  identifyPredictions(a.predictions, ids);
}

}  // namespace fedpet::dicom
