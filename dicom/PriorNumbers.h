// Numbers of a measurement group by what they mean. Part of PriorStudyReader.
#pragma once

#include "clinical/Concepts.h"
#include "dicom/ReportReader.h"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace fedpet::dicom {

class PriorNumbers {
 public:
  // `warnings` must outlive this.
  explicit PriorNumbers(std::vector<std::string>& warnings) : warnings_(warnings) {}

  // In ucumUnit(quantity); nullopt when the group has none, or two that differ.
  std::optional<double> valueOf(const ReportGroup&, Quantity);
  // Either of the two, which must agree where the group has both.
  std::optional<double> valueOf(const ReportGroup&, Quantity, Quantity);

  // Names what regions were measured in and valueOf() was never asked for.
  void warnOfUnused(const std::vector<const ReportGroup*>& regions);

  void warn(const ReportGroup*, const std::string& what);

 private:
  void collect(const ReportGroup&, Quantity, std::vector<double>& found);

  std::vector<std::string>& warnings_;
  std::set<const ReportNumber*> used_;
};

// A value of `unit` in the UCUM unit `wanted`; nullopt when the one is not understood as the other.
std::optional<double> convertedTo(std::string_view wanted, double value, const Code& unit);

}  // namespace fedpet::dicom
