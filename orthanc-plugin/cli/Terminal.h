// What the commands write for people: a progress bar on stderr (only when it is a terminal) and
// the assessment as a readable table.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "clinical/ResponseAssessment.h"

namespace fedpet::plugin {

class ProgressBar {
 public:
  explicit ProgressBar(bool enabled);  // enabled only has an effect when stderr is a terminal
  ~ProgressBar();                      // clears its line
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  void show(std::string_view stage, int percent);

 private:
  bool visible_;
};

// Ends with a newline. Numbers carry units; a refused number shows its reason instead.
std::string assessmentTable(const ResponseAssessment&);

// "WeightMissing: PatientWeight (0010,1030) is 0. The patient's weight is missing; ..."
std::string refusalLine(const Refusal&);

}  // namespace fedpet::plugin
