// The assessment as JSON: what the worker hands to the plugin, what GET /fedpet/assessments answers
// and what `fedpet assess` writes. Text becomes a struct here and stays one.
//
// A number that may be refused is an object with either "value" or "refusal", never both:
//   {"quantity":"TMTV","title":"...","unit":"ml","value":83.2,"definition":"...","observationUid":"2.25..."}
//   {"quantity":"SLR","title":"...","unit":"{ratio}","refusal":{"code":"RegionNotFound","detail":"...",
//    "explanation":"..."},"definition":"..."}
// The label volume and the pixels stay behind (they live in the SEG and in the PACS); the MIPs come
// along as base64 of one byte per pixel.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "clinical/ResponseAssessment.h"

namespace fedpet::plugin {

inline constexpr int kAssessmentSchemaVersion = 1;

struct AssessmentJsonError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// `indent` < 0: one line.
std::string assessmentToJson(const AssessedStudy&, int indent = -1);

// Throws AssessmentJsonError, naming the place, when the text is not an assessment of a schema
// version that this program knows: the worker is another process and is not trusted to be of the same release.
AssessedStudy assessmentFromJson(std::string_view text);

// "2000-09-07T11:20:11.000000": the scanner's wall clock has no zone.
std::string wallClockToText(WallClock);
WallClock wallClockFromText(std::string_view);

}  // namespace fedpet::plugin
