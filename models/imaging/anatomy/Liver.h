// The anchor of all other rules: the largest even uptake on the patient's right, below a lung.
#pragma once

#include "models/imaging/anatomy/EvenOrgan.h"

namespace fedpet::imaging::anatomy {

// The block of the right upper abdomen: a landmark even when metastases leave no even uptake.
struct LiverBlock {
  PointMm centre{};
  double suv = 0;    // about its normal tissue
  double domeZ = 0;  // highest level
  double confidence = 0;
};

Found<LiverBlock> findLiverBlock(const PatientGrid& grid);
// The even part of it, for the reference region and the scale of all hot organs.
Found<EvenOrgan> findEvenLiver(const PatientGrid& grid, const LiverBlock& block);

}  // namespace fedpet::imaging::anatomy
