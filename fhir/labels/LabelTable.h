// Labels as the columns of a cohort table (orthanc-plugin/training/CohortTable.h reads it), and
// back: a table that a person made, checked by the same rules.
#pragma once

#include "fhir/labels/Derivation.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fedpet::fhir {

// dcb, pfs_months, ..., liver_metastases.
const std::vector<std::string>& labelColumns();

// Cells by column; a label that is not known is an empty cell (missing).
std::map<std::string, std::string> labelCells(const PatientLabels&);

// RFC 4180: quoted when it holds a comma, a quote or a line break. A text that a spreadsheet would
// run as a formula is refused by the reader of the list, not here.
std::string csvCell(std::string_view);

// The labels of one row of a table with the same columns ("subject_id", "centre" and those of
// labelColumns(); all but subject_id may be absent). `where` is the evidence: "cohort.csv line 4".
// A cell that is no such label is a conflict and left empty; so are labels that contradict each
// other. `dcb` is filled in where progression-free survival decides it.
PatientLabels labelsFromCells(const std::map<std::string, std::string>& cells,
                              const std::string& where, const LabelRules&);

}  // namespace fedpet::fhir
