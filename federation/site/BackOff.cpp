#include "federation/site/BackOff.h"

#include <algorithm>
#include <cmath>

namespace fedpet::federation {

std::chrono::milliseconds BackOff::afterFailure(std::optional<std::chrono::seconds> retryAfter) {
  failures_ = std::min(failures_ + 1, 62);
  const double whole =
      std::min(std::ldexp(static_cast<double>(terms_.first.count()), failures_ - 1),
               static_cast<double>(terms_.longest.count()));
  const double share = std::ldexp(static_cast<double>(dice_() >> 11), -53);  // [0, 1)
  const std::chrono::milliseconds own(std::llround(whole * (0.5 + 0.5 * share)));
  if (!retryAfter) return own;
  return std::max<std::chrono::milliseconds>(own, std::min(*retryAfter, terms_.longestRetryAfter));
}

}  // namespace fedpet::federation
