#include "report/MaskOutline.h"

#include <unordered_map>

namespace fedpet::report {
namespace {

// An edge between two pixel corners with the inside at its right hand (y points down).
struct Edge {
  int x, y, dx, dy;
};

class Tracer {
 public:
  Tracer(const std::vector<std::uint8_t>& mask, int width, int height)
      : mask_(mask), width_(width), height_(height) {}

  std::vector<Loop> run() {
    for (int y = 0; y < height_; ++y)
      for (int x = 0; x < width_; ++x) {
        if (!inside(x, y)) continue;
        if (!inside(x, y - 1)) add({x, y, 1, 0});
        if (!inside(x + 1, y)) add({x + 1, y, 0, 1});
        if (!inside(x, y + 1)) add({x + 1, y + 1, -1, 0});
        if (!inside(x - 1, y)) add({x, y + 1, 0, -1});
      }
    std::vector<Loop> loops;
    for (std::size_t first = 0; first < edges_.size(); ++first)
      if (!used_[first]) loops.push_back(follow(first));
    return loops;
  }

 private:
  bool inside(int x, int y) const {
    return x >= 0 && y >= 0 && x < width_ && y < height_ &&
           mask_[static_cast<std::size_t>(y) * static_cast<std::size_t>(width_) +
                 static_cast<std::size_t>(x)] != 0;
  }
  void add(const Edge& edge) {
    startingAt_.emplace(corner(edge.x, edge.y), edges_.size());
    edges_.push_back(edge);
    used_.push_back(false);
  }
  long corner(int x, int y) const { return static_cast<long>(y) * (width_ + 1) + x; }

  // Where four edges meet, turning towards the inside keeps the two pixels apart.
  std::size_t next(const Edge& edge) const {
    const auto [from, to] = startingAt_.equal_range(corner(edge.x + edge.dx, edge.y + edge.dy));
    std::size_t best = edges_.size();
    for (auto it = from; it != to; ++it) {
      const Edge& candidate = edges_[it->second];
      const bool turnsIn = edge.dx * candidate.dy - edge.dy * candidate.dx > 0;
      if (best == edges_.size() || turnsIn) best = it->second;
    }
    return best;
  }

  Loop follow(std::size_t first) {
    Loop loop;
    for (std::size_t at = first; at < edges_.size() && !used_[at]; at = next(edges_[at])) {
      used_[at] = true;
      const Edge& edge = edges_[at];
      loop.push_back({edge.x + edge.dx / 2.0, edge.y + edge.dy / 2.0});
    }
    return loop;
  }

  const std::vector<std::uint8_t>& mask_;
  int width_, height_;
  std::vector<Edge> edges_;
  std::vector<bool> used_;
  std::unordered_multimap<long, std::size_t> startingAt_;
};

}  // namespace

std::vector<Loop> outlinesOf(const std::vector<std::uint8_t>& mask, int width, int height) {
  return Tracer(mask, width, height).run();
}

}  // namespace fedpet::report
