// Sets of grid voxels, ascending, and what was found or why not: the words in which the rules of
// single organs speak.
#pragma once

#include "clinical/Refusal.h"
#include "models/imaging/PatientGrid.h"

#include <tl/expected.hpp>

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace fedpet::imaging::anatomy {

using Voxels = std::vector<std::size_t>;
template <typename T>
using Found = tl::expected<T, Refusal>;

tl::unexpected<Refusal> notFound(std::string why);

double medianSuv(const PatientGrid& grid, Voxels voxels);
double meanSuv(const PatientGrid& grid, const Voxels& voxels);
Voxels where(const Voxels& voxels, const std::function<bool(std::size_t)>& wanted);
// Both ascending.
Voxels without(const Voxels& voxels, const Voxels& taken);

}  // namespace fedpet::imaging::anatomy
