// A measurement report for people and for programs: `fedpet sr show`.
#pragma once

#include "clinical/PriorStudy.h"
#include "dicom/ReportReader.h"

#include <nlohmann/json.hpp>

#include <string>

namespace fedpet::plugin {

// A tree of groups with their numbers and units; ends with what a later study would be compared
// with. No patient's name is in it.
std::string reportText(const dicom::Report&, const PriorStudy& asPrior);

// {"header":{..}, "title":CODE, "groups":[{"trackingId":.., "numbers":[..], ..}], ...,
// "asPrior":{..}} with CODE = {"value","scheme","meaning"}; docs/structured-report.md describes it.
nlohmann::ordered_json reportJson(const dicom::Report&, const PriorStudy& asPrior);

}  // namespace fedpet::plugin
