// The mean of each feature over several matrices. A matrix for which a feature is not defined does
// not count for that feature. Internal to models/imaging/radiomics.
#pragma once

#include "models/imaging/radiomics/Region.h"

#include <array>
#include <cmath>
#include <cstddef>

namespace fedpet::imaging::ibsi {

template <std::size_t N>
using Values = std::array<double, N>;

template <std::size_t N>
class Averages {
 public:
  void add(const Values<N>& values) {
    for (std::size_t f = 0; f < N; ++f)
      if (std::isfinite(values[f])) {
        sums_[f] += values[f];
        ++counts_[f];
      }
  }
  Values<N> mean() const {
    Values<N> means{};
    for (std::size_t f = 0; f < N; ++f)
      means[f] = counts_[f] == 0 ? kUndefined : sums_[f] / static_cast<double>(counts_[f]);
    return means;
  }

 private:
  Values<N> sums_{};
  std::array<std::size_t, N> counts_{};
};

}  // namespace fedpet::imaging::ibsi
