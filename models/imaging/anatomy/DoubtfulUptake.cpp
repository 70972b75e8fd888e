#include "models/imaging/anatomy/DoubtfulUptake.h"

#include "models/imaging/Formatted.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace fedpet::imaging::anatomy {
namespace {

constexpr double kLesionSuv = 4;  // of the usual lesion rule

struct Piece {
  PieceShape shape;
  double volumeMl = 0;
};

std::vector<Piece> piecesIn(const NativePainter& painter, const BoxMm& box, double voxelVolumeMl,
                            double leastMl) {
  std::vector<Piece> pieces;
  for (const auto& voxels : painter.hotPieces(box, kLesionSuv)) {
    const double ml = static_cast<double>(voxels.size()) * voxelVolumeMl;
    if (ml < leastMl) break;  // largest first
    pieces.push_back({painter.shapeOf(voxels), ml});
  }
  return pieces;
}

// Long pieces before the spine, between the liver's dome and the pelvis. A tumour as long as this
// is rarer than a loop of bowel.
std::optional<std::string> bowel(const PatientGrid& grid, const NativePainter& painter,
                                 double domeZ, double voxelVolumeMl) {
  constexpr double kLoopMm = 60;
  const double mid = grid.midlineX();
  double ml = 0;
  for (const Piece& piece :
       piecesIn(painter, {{mid - 150, -1e9, domeZ - 350}, {mid + 150, 1e9, domeZ - 60}},
                voxelVolumeMl, 3)) {
    const Section& section = grid.sectionAt(piece.shape.centre[2]);
    if (piece.shape.lengthMm >= kLoopMm && piece.shape.lengthMm > 2 * piece.shape.widthMm &&
        piece.shape.centre[1] < section.centreY + 35)
      ml += piece.volumeMl;
  }
  if (ml == 0) return std::nullopt;
  return formatted(
      "%.0f ml of long uptake above SUV %.0f in the abdomen look like bowel (metformin?) "
      "and are counted as lesion: check",
      ml, kLesionSuv);
}

// Pieces of like size on both sides of neck and shoulders.
std::optional<std::string> brownFat(const PatientGrid& grid, const NativePainter& painter,
                                    double domeZ, double voxelVolumeMl) {
  const auto pieces =
      piecesIn(painter, {{-1e9, -1e9, domeZ + 150}, {1e9, 1e9, domeZ + 320}}, voxelVolumeMl, 1);
  double ml = 0;
  for (const Piece& piece : pieces) {
    const double across = grid.midlineX() - piece.shape.centre[0];
    const bool paired = std::any_of(pieces.begin(), pieces.end(), [&](const Piece& other) {
      return std::abs(other.shape.centre[0] - grid.midlineX() - across) < 20 &&
             std::abs(other.shape.centre[2] - piece.shape.centre[2]) < 25 &&
             std::max(piece.volumeMl, other.volumeMl) <
                 4 * std::min(piece.volumeMl, other.volumeMl);
    });
    if (std::abs(across) > 25 && paired) ml += piece.volumeMl;
  }
  if (ml < 4) return std::nullopt;
  return formatted(
      "%.0f ml of uptake above SUV %.0f lie alike on both sides of neck and shoulders, "
      "as brown fat does, and are counted as lesion: check",
      ml, kLesionSuv);
}

}  // namespace

std::vector<std::string> doubtfulUptake(const PatientGrid& grid, const NativePainter& painter,
                                        double domeZ, double voxelVolumeMl) {
  std::vector<std::string> warnings;
  for (auto& doubt :
       {bowel(grid, painter, domeZ, voxelVolumeMl), brownFat(grid, painter, domeZ, voxelVolumeMl)})
    if (doubt) warnings.push_back(*doubt);
  return warnings;
}

}  // namespace fedpet::imaging::anatomy
