#include "models/imaging/anatomy/VoxelSets.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace fedpet::imaging::anatomy {

tl::unexpected<Refusal> notFound(std::string why) {
  return tl::unexpected(Refusal{RefusalCode::RegionNotFound, std::move(why)});
}

double medianSuv(const PatientGrid& grid, Voxels voxels) {
  const auto middle = voxels.begin() + static_cast<std::ptrdiff_t>(voxels.size() / 2);
  std::nth_element(voxels.begin(), middle, voxels.end(),
                   [&](std::size_t a, std::size_t b) { return grid.suv(a) < grid.suv(b); });
  return grid.suv(*middle);
}

double meanSuv(const PatientGrid& grid, const Voxels& voxels) {
  double sum = 0;
  for (std::size_t at : voxels) sum += grid.suv(at);
  return voxels.empty() ? 0 : sum / static_cast<double>(voxels.size());
}

Voxels where(const Voxels& voxels, const std::function<bool(std::size_t)>& wanted) {
  Voxels kept;
  std::copy_if(voxels.begin(), voxels.end(), std::back_inserter(kept), wanted);
  return kept;
}

Voxels without(const Voxels& voxels, const Voxels& taken) {
  Voxels kept;
  std::set_difference(voxels.begin(), voxels.end(), taken.begin(), taken.end(),
                      std::back_inserter(kept));
  return kept;
}

}  // namespace fedpet::imaging::anatomy
