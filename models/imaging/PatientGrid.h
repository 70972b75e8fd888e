// The patient on cubes along the patient's own axes: what the anatomical rules look at. All
// positions are LPS millimetres; "top" is towards the head.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "clinical/SuvVolume.h"
#include "models/imaging/VolumeFilters.h"

namespace fedpet::imaging {

struct BoxMm {
  PointMm low{-1e9, -1e9, -1e9}, high{1e9, 1e9, 1e9};
  bool contains(const PointMm& p) const {
    for (std::size_t a = 0; a < 3; ++a)
      if (p[a] < low[a] || p[a] > high[a]) return false;
    return true;
  }
};

// The trunk, neck or head on one axial level: the largest connected part of the body there.
struct Section {
  double areaCm2 = 0;  // 0: no body on this level
  double secondAreaCm2 = 0;            // of the next largest part: an arm, the other leg
  double leftmost = 0, rightmost = 0;  // x; the patient's right has the smaller x
  double front = 0, back = 0;          // y
  double centreX = 0, centreY = 0;     // of area
};

// A connected part of the grid with its uptake.
struct Blob {
  std::vector<std::size_t> voxels;  // grid offsets
  double volumeMl = 0, suvMax = 0, suvSum = 0;
  PointMm centre{};                 // unweighted
  PointMm hottest{};
  BoxMm extent;
};

// Uptake in a cube around a voxel.
struct CubeUptake {
  double mean = 0, variation = 0;  // variation: SD / mean
};

class PatientGrid {
 public:
  static constexpr double kSpacingMm = 5;   // half of the finest structure that a rule looks for
  static constexpr double kSmoothingMm = 8; // FWHM: the noise of a short bed, not an organ

  explicit PatientGrid(const SuvVolume& volume);

  const VolumeGeometry& geometry() const { return smooth_.geometry; }
  double suv(std::size_t at) const { return static_cast<double>(smooth_.suvBw[at]); }
  PointMm pointMm(std::size_t at) const;
  bool isBody(std::size_t at) const { return body_[at] != 0; }
  double bodyVolumeMl() const { return bodyVolumeMl_; }
  double medianBodySuv() const { return medianBodySuv_; }
  // The middle of the trunk from right to left.
  double midlineX() const { return midlineX_; }
  // Lowest and highest level with body in the field.
  double lowestZ() const { return lowestZ_; }
  double highestZ() const { return highestZ_; }
  // Whether the body is cut off by the upper end of the field rather than ending before it.
  bool cutAtTop() const { return cutAtTop_; }
  const Section& sectionAt(double z) const;
  // The level below which two legs of similar size stand apart, where the field shows it.
  std::optional<double> legsPartZ() const;

  // Connected parts (18 neighbours) of the body inside `box` where `wanted` holds, largest first.
  std::vector<Blob> blobs(const BoxMm& box, const std::function<bool(std::size_t)>& wanted) const;
  Blob blobOf(std::vector<std::size_t> voxels) const;

  // Mean over the cube of `edgeMm` of the uptake, none counted above clipSuv(): what a block of
  // tissue takes up whatever hot spots it holds.
  double clippedCubeMean(std::size_t at, double edgeMm) const;
  double clipSuv() const { return clipSuv_; }
  // Mean uptake of the disc around a place on its level; 0 outside the field.
  double discMean(const PointMm& centre, double radiusMm) const;

  // Mean and variation of the smoothed uptake in the cube of `edgeMm` around a voxel (clipped to
  // the field).
  CubeUptake cubeAround(std::size_t at, double edgeMm) const;

  // From the voxel whose uptake is highest among `from`, to every neighbour inside `box` that
  // holds at least `leastSuv` and is reached downhill: no voxel on the way may exceed the lowest
  // one before it by more than a quarter. A hot neighbour behind a valley is not entered.
  std::vector<std::size_t> basinOf(const std::vector<std::size_t>& from, const BoxMm& box,
                                   double leastSuv) const;

  // The voxels divided among their peaks, as water would run: two peaks are one where the pass
  // between them reaches `mergeShare` of the lower one. Largest first.
  std::vector<Blob> basinsIn(const std::vector<std::size_t>& voxels, double mergeShare) const;

  // Distance of each voxel of the region (in its order) to the nearest voxel outside it.
  std::vector<double> depthMm(const std::vector<std::size_t>& region) const;
  // The voxels within `radiusMm` of the given ones.
  std::vector<std::size_t> around(const std::vector<std::size_t>& voxels, double radiusMm) const;

 private:
  // The box around some voxels as a small grid of its own, so that a filter works on an organ
  // rather than on the whole body.
  struct Cutout {
    VolumeGeometry geometry;
    std::array<int, 3> first{};
    Mask mask;
  };
  Cutout cutout(const std::vector<std::size_t>& voxels, double marginMm) const;
  void findBody();
  void describeSections();
  void sumUp();
  struct Cube;
  Cube cubeOf(std::size_t at, double edgeMm) const;
  double total(const std::vector<double>& table, const Cube& cube) const;

  SuvVolume smooth_;
  Mask body_;
  std::vector<Section> sections_;
  std::vector<double> sums_, squares_, clipped_;  // integral images of the smoothed uptake
  double bodyVolumeMl_ = 0, medianBodySuv_ = 0, midlineX_ = 0, lowestZ_ = 0, highestZ_ = 0,
         clipSuv_ = 0;
  bool cutAtTop_ = false;
};

}  // namespace fedpet::imaging
