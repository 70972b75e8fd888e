// A small turning picture whose regions are discs: enough for what is drawn from it.
#pragma once

#include "clinical/ResponseAssessment.h"
#include "clinical/RotatingMip.h"

#include <algorithm>
#include <cmath>

namespace fedpet::testing {

// 8 views of 120 x 200 pixels: an even body, and a disc for each region where it is projected.
inline RotatingMip someMip(const ResponseAssessment& a) {
  RotatingMip mip{120, 200, 2.5, 10, {0, 0, -360}, {}};
  for (int n = 0; n < 8; ++n) {
    const std::size_t pixels = 120 * 200;
    MipFrame frame{45.0 * n, std::vector<std::uint8_t>(pixels, 0),
                   std::vector<std::uint8_t>(pixels, 0), std::vector<std::uint16_t>(pixels, 0)};
    const auto disc = [&](double cx, double cy, double radius, std::uint8_t suv, std::uint8_t role,
                          std::uint16_t label) {
      for (int y = 0; y < mip.height; ++y)
        for (int x = 0; x < mip.width; ++x) {
          if (std::hypot(x + 0.5 - cx, y + 0.5 - cy) > radius) continue;
          const auto at = static_cast<std::size_t>(y * mip.width + x);
          frame.suv[at] = std::max(frame.suv[at], suv);
          frame.role[at] = role;
          frame.label[at] = label;
        }
    };
    disc(60, 100, 50, 20, 0, 0);
    for (const Region& region : a.regions) {
      const auto [x, y] = projected(mip, frame.angleDegrees, region.centroidMm);
      const bool lesion = region.role == RegionRole::Lesion;
      disc(x, y, lesion ? 4 : 7, lesion ? 200 : 120,
           static_cast<std::uint8_t>(lesion                                     ? 1
                                     : region.role == RegionRole::Physiological ? 2
                                                                                : 3),
           region.label);
    }
    mip.frames.push_back(std::move(frame));
  }
  return mip;
}

}  // namespace fedpet::testing
