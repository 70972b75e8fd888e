// A view of the rotating projection with its regions, for paper and cine alike: lesions in a solid
// line with their number, physiological uptake dashed and hatched, reference regions dotted, each
// line between two white ones, so that all are told apart in grey and on black uptake.
// For use inside this room; sees Cairo.
#pragma once

#include "clinical/ResponseAssessment.h"
#include "clinical/RotatingMip.h"
#include "report/Canvas.h"

#include <string>
#include <vector>

namespace fedpet::report {

// A lesion as pictures and tables call it.
struct LesionTag {
  const Region* region = nullptr;
  std::string tag;  // "3"
  double volumeMl = 0;
};

// In the order of the regions. The number is that of the lesion's own name ("Lesion 3") where all
// have one, else its place in the list.
std::vector<LesionTag> lesionTags(const std::vector<Region>&);

// The columns that hold anything.
struct ColumnRange {
  int first = 0, end = 0;
  int count() const { return end - first; }
};
ColumnRange occupiedColumns(const RotatingMip&, const MipFrame&);

struct MipStyle {
  double lineWidth = 0.7, textSize = 6;
  std::size_t mostNumbers = 12;  // the largest lesions first
};

// Draws `columns` of the view with its upper left corner at (x, y), each pixel `scale` wide.
void drawMip(const Canvas&, const RotatingMip&, const MipFrame&, const ColumnRange& columns,
             double x, double y, double scale, const std::vector<LesionTag>&, const MipStyle&);

enum class LineKind { Lesion, Physiological, Reference };
// A sample of the line for a legend.
void drawSwatch(const Canvas&, const Box&, LineKind, const MipStyle&);

// "Anterior", "Left lateral", "Left anterior oblique 40\u00b0"
std::string viewName(double angleDegrees);
// What is at the picture's left and right: "R" and "L", "A" and "P"; nothing for oblique views.
std::array<std::string, 2> sideMarks(double angleDegrees);

// Throws ReportError when a picture does not have the size it claims.
void requireFit(const RotatingMip&);

}  // namespace fedpet::report
