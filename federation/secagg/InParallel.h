// The coordinator's few seconds of arithmetic, on several cores.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <future>
#include <thread>
#include <vector>

namespace fedpet::federation {

// Enough for a sum, and few enough for a server that does other things too.
inline unsigned coresForSums() { return std::clamp(std::thread::hardware_concurrency(), 1u, 4u); }

// work(part) for 0 <= part < parts, each in a thread of its own. Throws what one of them threw.
inline void inParallel(unsigned parts, const std::function<void(unsigned)>& work) {
  std::vector<std::future<void>> others;  // their destructors wait
  for (unsigned part = 1; part < parts; ++part)
    others.push_back(std::async(std::launch::async, work, part));
  work(0);
  for (auto& other : others) other.get();
}

}  // namespace fedpet::federation
