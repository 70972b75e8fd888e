// Patients out of a table: which column is what, numbers and categories, the outcome, whose
// hospital they are of, and who trains and who tests. A table that cannot be used is refused with
// all its faults at once (TableError), in words for the person who made it.
#pragma once

#include "federation/learning/Table.h"
#include "orthanc-plugin/training/CsvTable.h"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace fedpet::plugin {

inline constexpr std::size_t kMaxCategories = 20;  // of one column of text

struct CohortQuestion {
  std::string siteColumn;  // empty: all rows are one site's
  federation::PlanEndpoint endpoint;
  // A feature with categories is text, and only these are known; one without is a number...
  std::vector<federation::Feature> features;
  // ... unless they are to be found: a column that is not all numbers, or is named in
  // `categorical`, becomes text with the categories of the training rows of all sites, sorted.
  bool findCategories = true;
  std::set<std::string> categorical;
  // The first category found gets no column of its own: a fit without a penalty needs one column
  // less than there are categories.
  bool referenceCategory = false;
  // Rows whose cell is `trainValue` train and the others test. Empty: a `testShare` of each site's
  // patients, drawn by the seed within each outcome, tests; 0: all train.
  std::string splitColumn, trainValue = "train";
  double testShare = 0.25;
  std::uint64_t seed = 1;
};

struct TablePatient {
  std::size_t line = 0;        // of the file
  std::vector<double> values;  // by feature: the number, or the category's index, or
                               // -1 for the reference; NaN: missing
  bool event = false;          // Binary: the outcome is 1
  double time = 0;             // Survival, in the table's unit
  bool trains = true;
};
struct TableSite {
  std::string name;                    // as written in the table; empty without a site column
  std::vector<TablePatient> patients;  // in the file's order
};
struct CohortTable {
  std::vector<federation::Feature> features;  // with the categories found
  federation::PlanEndpoint endpoint;
  std::vector<TableSite> sites;    // numbers by value, texts by letters
  std::vector<std::string> notes;  // what was left out or assumed, as sentences
};

// Throws TableError.
CohortTable readCohort(const CsvTable&, const CohortQuestion&);

enum class Part { Train, Test };
// One-hot, by the columns of a plan with these features and this endpoint.
federation::Cohort cohortOf(const CohortTable&, const TableSite&, Part);
// The patients of all sites, site after site.
federation::Cohort pooledCohortOf(const CohortTable&, Part);

}  // namespace fedpet::plugin
