// The part of the assessment JSON that concerns more than this one study: PERCIST, the patient's
// earlier studies, and what was done to make scanners comparable.
//   "percist": {"reference":"Liver","definition":"...","numbers":[..],"measurable":true,
//               "hottestTrackingUid":"2.25..."} or {"refusal":{..}} or null
//   "priors": [{"studyInstanceUid":..,"scannedAt":..,"producer":..,"tmtvMl":..,...}], oldest first
//   "comparison": {"earlier":{..},"percist":{"category":"PMR","title":..} or {"refusal":{..}},
//                  "iPercist":..,"reasons":[..],"changes":[..],"lesions":[..],...} or null
//   "harmonisation": {"scanner":..,"scannerClass":..,"targetClass":..,"filterFwhmMm":..,
//                     "adjusted":[{"input":"SLR","measured":..,"adjusted":..}],"statement":..} or
//                     null
#pragma once

#include "clinical/ResponseAssessment.h"
#include "orthanc-plugin/protocol/JsonParts.h"

namespace fedpet::plugin {

void putFollowUp(Json&, const ResponseAssessment&);
// What an older release did not write stays absent.
void getFollowUp(const Json&, ResponseAssessment&);

}  // namespace fedpet::plugin
