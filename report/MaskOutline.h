// The boundary of a mask as closed lines, for drawing.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace fedpet::report {

using Loop = std::vector<std::array<double, 2>>;  // x, y in pixels from the upper left corner

// Each loop passes through the middles of the pixel edges between inside (non-zero) and outside, so
// that stairs become slants; pixels that touch by a corner only are apart. `mask` is width x
// height.
std::vector<Loop> outlinesOf(const std::vector<std::uint8_t>& mask, int width, int height);

}  // namespace fedpet::report
