#include "models/imaging/anatomy/Ureters.h"

#include <algorithm>
#include <cmath>

namespace fedpet::imaging::anatomy {
namespace {

bool leadsIntoBladder(const PieceShape& shape, const std::vector<PieceShape>& ureters,
                      const Blob& bladder) {
  const double gap = shape.centre[2] - 0.5 * shape.lengthMm - bladder.extent.high[2];
  if (shape.widthMm > 16 || shape.lengthMm > 25 || gap > 15) return false;
  return std::any_of(ureters.begin(), ureters.end(), [&](const PieceShape& ureter) {
    return std::hypot(shape.centre[0] - ureter.centre[0], shape.centre[1] - ureter.centre[1]) <
               20 &&
           std::abs(shape.centre[2] - ureter.centre[2]) <
               0.5 * (shape.lengthMm + ureter.lengthMm) + 20;
  });
}

bool isUreter(const PieceShape& shape, const PatientGrid& grid) {
  const Section& section = grid.sectionAt(shape.centre[2]);
  return shape.lengthMm >= 12 && shape.uprightness > 0.6 && shape.lengthMm > 1.9 * shape.widthMm &&
         shape.widthMm < 16 && shape.centre[1] > section.centreY - 45 &&
         shape.centre[1] < section.centreY + 48;  // behind it lies the sacrum
}

}  // namespace

Voxels urineIn(const std::vector<Voxels>& pieces, const UreterSurroundings& in) {
  Voxels urine;
  std::vector<PieceShape> ureters;
  for (const Voxels& piece : pieces)
    if (const PieceShape shape = in.painter.shapeOf(piece); isUreter(shape, in.grid)) {
      ureters.push_back(shape);
      urine.insert(urine.end(), piece.begin(), piece.end());
    }
  for (const Voxels& piece : pieces) {
    const PieceShape shape = in.painter.shapeOf(piece);
    const double volumeMl = static_cast<double>(piece.size()) * in.voxelVolumeMl;
    if (!isUreter(shape, in.grid) && in.bladder && volumeMl <= 2 &&
        leadsIntoBladder(shape, ureters, *in.bladder))
      urine.insert(urine.end(), piece.begin(), piece.end());
  }
  return urine;
}

}  // namespace fedpet::imaging::anatomy
