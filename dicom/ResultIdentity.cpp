#include "dicom/ResultIdentity.h"

#include <map>
#include <string>

#include "dicom/DeterministicUid.h"
#include "dicom/StructuredReportTree.h"

namespace fedpet::dicom {
namespace {

class Identities {
 public:
  explicit Identities(const ResponseAssessment& a)
      : source_(a.series.seriesInstanceUid),
        maker_(deterministicUid({"device", a.softwareVersion, a.model.name, a.model.version,
                                 a.model.sha256})) {}

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
    m.observationUid = ids.part("observation", owner,
                                std::string(toString(m.quantity)) + ' ' +
                                    std::to_string(++seen[m.quantity]));
}

}  // namespace

void assignIdentity(ResponseAssessment& a) {
  const Identities ids(a);
  a.identity.deviceUid = ids.device();
  a.identity.srSeriesUid = ids.result("SR series");
  a.identity.srSopInstanceUid = ids.result("SR instance");
  a.identity.segSeriesUid = a.regions.empty() ? "" : ids.result("SEG series");
  a.identity.segSopInstanceUid = a.regions.empty() ? "" : ids.result("SEG instance");

  std::map<std::string, int> seen;  // tracking ids should be unique; if not, the UIDs still are
  for (Region& region : a.regions) {
    const std::string owner =
        region.trackingId + ' ' + std::to_string(++seen[region.trackingId]);
    region.trackingUid = ids.part("region", owner, "");
    identify(region.measurements, ids, owner);
  }
  identify(a.wholeBody, ids, "whole body");
  std::map<std::string, int> seenPredictions;
  for (ResponsePrediction& p : a.predictions) {
    const std::string what =
        std::string(toString(p.endpoint)) + " at " + sr::decimalString(p.horizonMonths);
    p.observationUid =
        ids.part("prediction", what, std::to_string(++seenPredictions[what]));
  }
}

}  // namespace fedpet::dicom
