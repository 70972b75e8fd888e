// The parts of the report, in the order in which they are read. For use inside this room.
#pragma once

#include "clinical/ResponseAssessment.h"
#include "clinical/RotatingMip.h"
#include "report/Flow.h"
#include "report/MipDrawing.h"

#include <string>
#include <vector>

namespace fedpet::report {

struct Subject {
  const ResponseAssessment& a;
  const RotatingMip& mip;
  const std::vector<std::string>& modelLimits;
  std::vector<LesionTag> lesions;
};

// Page 1
void drawTitle(Flow&, const Subject&);
void drawStatement(Flow&, const Subject&);
void drawViews(Flow&, const Subject&);
void drawPredictions(Flow&, const Subject&);
void drawKeyNumbers(Flow&, const Subject&);

// Against earlier studies
void drawCourse(Flow&, const Subject&);
void drawPercistReading(Flow&, const Subject&);

// Everything else that was measured and used
void drawContributions(Flow&, const Subject&);
void drawLesions(Flow&, const Subject&);
void drawOrgans(Flow&, const Subject&);
void drawInput(Flow&, const Subject&);
void drawHarmonisation(Flow&, const ResponseAssessment&);
void drawLimits(Flow&, const Subject&);
void drawOrigin(Flow&, const Subject&);

// In place of all that
void drawRefusals(Flow&, const Subject&);

// "62 %", and its bar from 0 to 100 % with the interval.
void drawIntervalBar(const Canvas&, const Box&, const Probability&);

// One point of a trend. What was measured by another rule is drawn open and not joined.
struct TrendPoint {
  WallClock at{};
  double value = 0;
  bool comparable = true, current = false;
};
void drawTrend(const Canvas&, const Box&, const std::string& title, const std::string& ucum,
               const std::vector<TrendPoint>&);

// A bar to the right (raises, dark) or the left (lowers, hatched) of the middle.
void drawSignedBar(const Canvas&, const Box&, double value, double largest);

}  // namespace fedpet::report
