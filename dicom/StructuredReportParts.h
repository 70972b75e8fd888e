// Pieces that several parts of the report's content are made of: a number or the reason why there
// is none, a group, an algorithm. Private to the writing of the report.
#pragma once

#include "clinical/ResponseAssessment.h"
#include "dicom/StructuredReportTree.h"

#include <string>
#include <string_view>
#include <vector>

namespace fedpet::dicom::sr {

inline constexpr auto kContains = Relation::Contains;
inline constexpr auto kObsContext = Relation::HasObsContext;
inline constexpr auto kModifier = Relation::HasConceptMod;
inline constexpr auto kAcqContext = Relation::HasAcqContext;
inline constexpr auto kProperty = Relation::HasProperties;
inline constexpr auto kEvidence = Relation::InferredFrom;

// "A region could not be located ...; measure it by hand. (Spleen not found)"
std::string sentence(const Refusal&);
// The reason as a code, its words below it.
void addRefusal(Item& parent, Relation, const Refusal&);
// What stands in the place of an evaluation that there is not: its qualifier, and the reason.
Item refusedItem(Code name, const Refusal&);
// A NUM item, or refusedItem().
Item numberOrReason(Code name, const tl::expected<double, Refusal>& value, std::string_view ucum);

// TID 300 / 1419, in the order of their rows. A refused number's reason comes first, as a modifier.
Item measurementItem(const Measurement&);

// TID 4019; empty parameters are left out
void addAlgorithm(Item& parent, std::string name, std::string version,
                  const std::vector<std::string>& parameters);

Item measurementGroup(std::string templateId, std::string trackingId, std::string trackingUid);
// TID 1501: something about the whole study, which `name` tells apart from its like
Item groupOfStudy(const ResponseAssessment&, const std::string& name);

}  // namespace fedpet::dicom::sr
