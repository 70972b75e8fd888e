// From places in the patient to voxels of the volume as it was reconstructed. Each voxel has at
// most one owner, an index into the list of regions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "clinical/SuvVolume.h"
#include "models/imaging/Anatomy.h"
#include "models/imaging/PatientGrid.h"

namespace fedpet::imaging {

// The shape of a piece, as that of a straight rod with its second moments.
struct PieceShape {
  PointMm centre{};
  double lengthMm = 0;     // of the rod
  double widthMm = 0;      // diameter of the rod of this length and volume
  double uprightness = 0;  // 1: along z, 0: level
};

class NativePainter {
 public:
  // Physiological regions grow to this uptake, below every lesion threshold in use, but not
  // further than this: about the blurred edge of a hot organ (two PSF widths).
  static constexpr double kFloorSuv = 2.5;
  static constexpr double kReachMm = 12;

  explicit NativePainter(const SuvVolume& volume);

  // Voxels whose centres lie in the shape, ascending.
  std::vector<std::size_t> sphere(const PointMm& centre, double radiusMm) const;
  // Within the radius of a line of points that follow each other along z.
  std::vector<std::size_t> tube(const std::vector<PointMm>& line, double radiusMm) const;
  std::vector<std::size_t> coolerThan(const std::vector<std::size_t>& voxels, double suv) const;

  // The free voxels of the volume whose centre lies in one of the cells of `grid`.
  std::vector<std::size_t> freeVoxelsIn(const VolumeGeometry& grid,
                                        const std::vector<std::size_t>& cells) const;

  // The free voxels among the given ones become the region's.
  void claimNative(std::size_t region, const std::vector<std::size_t>& voxels);
  // The free voxels whose centre lies in one of the cells of `grid` (axes along LPS).
  void claim(std::size_t region, const VolumeGeometry& grid, const std::vector<std::size_t>& cells);
  // The free voxels in the cells stay free but are not grown into, until permitAll().
  void forbid(const VolumeGeometry& grid, const std::vector<std::size_t>& cells);
  void permitAll();
  // Free voxels in `box` of at least `suv`, in 18-connected pieces.
  std::vector<std::vector<std::size_t>> hotPieces(const BoxMm& box, double suv) const;
  PieceShape shapeOf(const std::vector<std::size_t>& voxels) const;

  // All regions claimed by claim() grow together into free neighbours of at least kFloorSuv that
  // are not hotter than the voxel they are reached from (10 % and 0.2 are allowed for noise).
  void growDownhill();

  // Fills in FoundRegion::voxels.
  void collect(std::vector<FoundRegion>& regions) const;

 private:
  static constexpr std::uint8_t kForbidden = 255;
  const SuvVolume& volume_;
  std::vector<std::uint8_t> owner_;  // region + 1, 0 is free
  std::vector<std::size_t> front_;   // voxels that may grow
};

}  // namespace fedpet::imaging
