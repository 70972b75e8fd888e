// The rules of the single organs: where each must lie relative to the liver's dome and the midline,
// and how it takes up. Each has a file of its own.
#pragma once

#include "models/imaging/anatomy/EvenOrgan.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace fedpet::imaging::anatomy {

// What every rule of an organ knows.
struct Landmarks {
  const PatientGrid& grid;
  double liverSuv;
  double mid, dome;                // x of the midline, z of the liver's dome
  std::vector<std::uint8_t> used;  // grid voxels of organs that were found: 1
  void claim(const Voxels& voxels) {
    for (std::size_t at : voxels) used[at] = 1;
  }
};

struct Outline {
  Voxels voxels;  // of the grid
  double confidence = 0;
  std::string definition;
  Voxels foreign{};  // inside or beside it, but with a peak of their own: not to be grown into
};

// The uptake from which an organ counts as hot in this patient.
inline double hotSuv(const Landmarks& at, double timesLiver, double atLeast) {
  return std::max(timesLiver * at.liverSuv, atLeast);
}

Found<EvenOrgan> findSpleen(const Landmarks& at);
// side: 1 left, -1 right. `other`: the second kidney, when the first is known; may be null.
Found<Outline> findKidney(const Landmarks& at, int side, const Blob* other);
Found<Outline> findHeart(const Landmarks& at);
Found<Outline> findBladder(const Landmarks& at);
// Without a liver: a hand's breadth above where the legs part, and hot enough to be urine.
Found<Outline> findBladderAboveLegs(const PatientGrid& grid);
Found<Outline> findBrain(const PatientGrid& grid);  // at the head's end of the field

// A straight piece of the vertebral column, from top to bottom, one point a level.
struct SpineLine {
  std::vector<PointMm> points;
  std::vector<double> uptake;  // mean of the 24 mm disc on each level
  double suv = 0, muscleSuv = 0;
};

Found<SpineLine> findLumbarSpine(const Landmarks& at, const std::vector<Blob>& kidneys);

// The axis of the descending thoracic aorta over the length of PERCIST's reference, 20 mm.
struct BloodPool {
  std::vector<PointMm> points;
  double confidence = 0;
};

Found<BloodPool> findBloodPool(const Landmarks& at);

}  // namespace fedpet::imaging::anatomy
