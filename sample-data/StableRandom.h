// Random numbers that are the same on every platform. The distributions of <random> are left to
// the standard library's taste; only the engine's sequence is fixed by the standard.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <random>
#include <string_view>

namespace fedpet::sample {

class StableRandom {
 public:
  // `stream` separates the uses of one seed: a longer lesion list must not move the noise.
  StableRandom(std::uint64_t seed, std::string_view stream) : engine_(mixed(seed, stream)) {}

  std::uint64_t bits() { return engine_(); }
  double uniform() { return static_cast<double>(engine_() >> 11) * 0x1.0p-53; }  // [0, 1)
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  bool happens(double probability) { return uniform() < probability; }
  // 0 .. count-1. The modulo's bias is below 1e-12 for the counts met here.
  int below(int count) { return static_cast<int>(engine_() % static_cast<std::uint64_t>(count)); }

  double normal(double mean, double sd) {  // Box-Muller; the second value is thrown away
    const double u = 1.0 - uniform(), v = uniform();
    return mean + sd * std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
  }
  double normalWithin(double mean, double sd, double low, double high) {
    for (int attempt = 0; attempt < 64; ++attempt)
      if (const double x = normal(mean, sd); x >= low && x <= high) return x;
    return mean < low ? low : (mean > high ? high : mean);
  }
  double logNormal(double median, double sigma) { return median * std::exp(normal(0, sigma)); }
  double logNormalWithin(double median, double sigma, double low, double high) {
    return std::exp(normalWithin(std::log(median), sigma, std::log(low), std::log(high)));
  }
  // Gamma-Poisson count with this mean and dispersion k, by inversion of its mass function.
  int negativeBinomial(double mean, double k) {
    const double p = k / (k + mean), target = uniform();
    double mass = std::pow(p, k), sum = mass;
    int n = 0;
    for (; sum < target && n < 500; ++n) {
      mass *= (n + k) / (n + 1) * (1 - p);
      sum += mass;
    }
    return n;
  }

 private:
  static std::uint64_t mixed(std::uint64_t seed, std::string_view stream) {
    std::uint64_t h = 0xcbf29ce484222325u;  // FNV-1a over the name, then a splitmix64 finaliser
    for (const char c : stream) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    h += seed * 0x9e3779b97f4a7c15u;
    h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
    h = (h ^ (h >> 27)) * 0x94d049bb133111ebu;
    return h ^ (h >> 31);
  }
  std::mt19937_64 engine_;
};

}  // namespace fedpet::sample
