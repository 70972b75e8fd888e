#include "sample-data/Lesions.h"

#include <cmath>

#include "sample-data/StableRandom.h"

namespace fedpet::sample {
namespace {

using Tissues = std::vector<Tissue>;

// Where a lesion of this site may grow, once it has been put down.
Tissues hostsOf(LesionSite site) {
  switch (site) {
    case LesionSite::LungPrimary: return {Tissue::LeftLung, Tissue::RightLung, Tissue::Mediastinum};
    case LesionSite::LungMetastasis:
    case LesionSite::Pleura: return {Tissue::LeftLung, Tissue::RightLung};
    case LesionSite::Liver: return {Tissue::Liver};
    case LesionSite::Bone: return {Tissue::LumbarMarrow, Tissue::OtherMarrow};
    case LesionSite::Brain: return {Tissue::Brain};
    case LesionSite::RegionalNode:
      return {Tissue::Mediastinum, Tissue::BloodVessel, Tissue::LeftLung, Tissue::RightLung,
              Tissue::Muscle, Tissue::OtherSoftTissue, Tissue::Fat};
    case LesionSite::DistantNode:
    case LesionSite::Adrenal:
      return {Tissue::VisceralFat, Tissue::Muscle, Tissue::Fat, Tissue::OtherSoftTissue,
              Tissue::BloodVessel, Tissue::Bowel};
    case LesionSite::SoftTissue: return {Tissue::Muscle, Tissue::Fat};
  }
  return {};
}

// Stations of the reference frame for sites that are places rather than organs.
std::vector<PointMm> stationsOf(LesionSite site) {
  switch (site) {
    case LesionSite::RegionalNode:  // hilar, paratracheal, subcarinal, window, supraclavicular
      return {{-42, 8, 1322}, {44, 10, 1326}, {-20, 2, 1378}, {16, 4, 1385}, {0, 12, 1342},
              {30, -8, 1345}, {-16, -6, 1408}, {-54, 8, 1452}, {54, 8, 1454}, {2, -34, 1360}};
    case LesionSite::DistantNode:  // retroperitoneal, coeliac, axillary, neck, iliac
      return {{18, 4, 1078}, {-4, -2, 1060}, {6, 2, 1135}, {-128, 6, 1392}, {128, 6, 1392},
              {-36, 0, 1500}, {36, 0, 1505}, {-48, 8, 965}, {48, 8, 968}};
    case LesionSite::Adrenal: return {{44, 30, 1160}, {-36, 38, 1152}};
    default: return {};
  }
}

struct Placed {
  PointMm centre;
  double radius;
};

bool isFree(const PointMm& p, double radius, const std::vector<Placed>& taken) {
  for (const Placed& other : taken)
    if (distanceMm(p, other.centre) < 1.15 * (radius + other.radius)) return false;
  return true;
}

// A voxel of the host whose surroundings leave room, by looking up random voxels.
std::optional<PointMm> placeInOrgan(const Canvas& canvas, const Tissues& hosts, double radius,
                                    const std::vector<Placed>& taken, bool nearSurface,
                                    StableRandom& random) {
  const VolumeGeometry& g = canvas.geometry;
  auto isHost = [&](std::uint16_t label) {
    for (const Tissue t : hosts)
      if (label == labelOf(t)) return true;
    return false;
  };
  std::vector<std::size_t> candidates;
  for (std::size_t n = 0; n < canvas.labels.size(); ++n)
    if (isHost(canvas.labels[n])) candidates.push_back(n);
  if (candidates.empty()) return std::nullopt;
  const auto columns = static_cast<std::size_t>(g.size[0]), rows = static_cast<std::size_t>(g.size[1]);
  double demanded = nearSurface ? 0.0 : 0.85;  // share of the lesion inside its host, relaxed slowly
  for (int attempt = 0; attempt < 400; ++attempt, demanded *= 0.993) {
    const std::size_t n = candidates[static_cast<std::size_t>(random.below(static_cast<int>(candidates.size())))];
    const int i = static_cast<int>(n % columns), j = static_cast<int>(n / columns % rows),
              k = static_cast<int>(n / columns / rows);
    const PointMm p = g.pointMm(i, j, k);
    if (!isFree(p, radius, taken)) continue;
    int inside = 0, total = 0;
    for (int dz = -1; dz <= 1; ++dz)
      for (int dy = -1; dy <= 1; ++dy)
        for (int dx = -1; dx <= 1; ++dx) {
          const double reach = 0.75 * radius;
          const int x = i + static_cast<int>(std::lround(dx * reach / g.spacingMm[0]));
          const int y = j + static_cast<int>(std::lround(dy * reach / g.spacingMm[1]));
          const int z = k + static_cast<int>(std::lround(dz * reach / g.spacingMm[2]));
          ++total;
          if (x >= 0 && y >= 0 && z >= 0 && x < g.size[0] && y < g.size[1] && z < g.size[2])
            inside += isHost(canvas.labels[g.offset(x, y, z)]);
        }
    const double share = static_cast<double>(inside) / total;
    if (nearSurface ? (share > 0.35 && share < 0.7) : share >= demanded) return p;
  }
  return std::nullopt;
}

// An ellipsoid whose surface waves: radius x (1 + a few low harmonics of the direction).
struct Blob {
  Ellipsoid body;
  PointMm wave[4];
  double phase[4], amplitude[4];

  BoxMm bounds() const {
    BoxMm box = body.bounds();
    for (std::size_t a = 0; a < 3; ++a) {
      const double margin = 0.25 * (box.high[a] - box.low[a]);
      box.low[a] -= margin;
      box.high[a] += margin;
    }
    return box;
  }
  double insideMm(const PointMm& p) const {
    PointMm d;
    for (std::size_t a = 0; a < 3; ++a) d[a] = p[a] - body.centre[a];
    const double r = std::hypot(d[0], d[1], d[2]) + 1e-9;
    double swell = 0;
    for (int n = 0; n < 4; ++n) {
      double turn = phase[n];
      for (std::size_t a = 0; a < 3; ++a) turn += wave[n][a] * d[a] / r;
      swell += amplitude[n] * std::sin(turn);
    }
    PointMm q;
    for (std::size_t a = 0; a < 3; ++a) q[a] = body.centre[a] + d[a] / (1 + swell);
    return body.insideMm(q) * (1 + swell);
  }
};

Blob blobAt(const PointMm& centre, double diameterMm, StableRandom& random) {
  Blob blob;
  const double a = random.uniform(0.8, 1.25), b = random.uniform(0.8, 1.25);
  const double c = 1 / (a * b);  // the volume stays that of the sphere
  const double r = diameterMm / 2;
  blob.body = {centre, {r * a, r * b, r * c},
               Orientation::along({random.normal(0, 1), random.normal(0, 1), random.normal(0, 1)})};
  for (int n = 0; n < 4; ++n) {
    for (double& w : blob.wave[n]) w = random.normal(0, 2.2);
    blob.phase[n] = random.uniform(0, 6.283);
    blob.amplitude[n] = random.uniform(0.0, 0.06);
  }
  return blob;
}

class LesionPainter {
 public:
  LesionPainter(Canvas& canvas, const PhantomSpec& spec, const BodyFrame& frame)
      : canvas_(canvas), spec_(spec), frame_(frame), random_(spec.seed, "lesion places"),
        warmth_(canvas.geometry, 14, spec.seed, "lesion texture") {
    out_.labels.geometry = canvas.geometry;
    out_.labels.labels.assign(canvas.geometry.voxelCount(), 0);
  }

  void add(const LesionPlan& plan) {
    const std::optional<PointMm> centre = plan.centreMm ? plan.centreMm : placeFor(plan);
    if (!centre) return;
    const Blob blob = blobAt(*centre, plan.diameterMm, random_);
    LesionTruth truth;
    truth.label = static_cast<std::uint16_t>(out_.table.size() + 1);
    truth.site = plan.site;
    truth.plannedSuv = plan.suv;
    truth.name = "Lesion " + std::to_string(truth.label) + ", " + std::string(toString(plan.site));
    paint(blob, plan, truth);
    if (truth.maskVolumeMl <= 0) return;
    taken_.push_back({*centre, plan.diameterMm / 2});
    out_.table.push_back(std::move(truth));
  }

  PaintedLesions take() { return std::move(out_); }

 private:
  std::optional<PointMm> placeFor(const LesionPlan& plan) {
    const double radius = plan.diameterMm / 2;
    const std::vector<PointMm> stations = stationsOf(plan.site);
    if (stations.empty()) {
      Tissues hosts = hostsOf(plan.site);
      if (plan.site == LesionSite::LungPrimary) hosts = {Tissue::LeftLung, Tissue::RightLung};
      return placeInOrgan(canvas_, hosts, radius, taken_, plan.site == LesionSite::Pleura, random_);
    }
    for (int attempt = 0; attempt < 60; ++attempt) {
      const PointMm& s = stations[static_cast<std::size_t>(random_.below(static_cast<int>(stations.size())))];
      PointMm p = frame_.at(s[0], s[1], s[2]);
      for (double& c : p) c += random_.normalWithin(0, 4 + 0.2 * attempt, -20, 20);
      if (isFree(p, radius, taken_)) return p;
    }
    return std::nullopt;
  }

  bool mayGrowInto(LesionSite site, std::uint16_t label) const {
    for (const Tissue t : hostsOf(site))
      if (label == labelOf(t)) return true;
    return false;
  }

  void paint(const Blob& blob, const LesionPlan& plan, LesionTruth& truth) {
    const double voxelMl = canvas_.geometry.voxelVolumeMl();
    const Ellipsoid core{blob.body.centre,
                         {blob.body.semi[0] * plan.necroticFraction, blob.body.semi[1] * plan.necroticFraction,
                          blob.body.semi[2] * plan.necroticFraction},
                         blob.body.orientation};
    const bool sheet = plan.site == LesionSite::Pleura;
    const Loft cavity = sheet ? frame_.cavity() : Loft{};
    constexpr double kSheetMm = 10;
    PointMm sum{};
    double viable = 0, necrotic = 0;
    std::size_t voxels = 0;
    canvas_.forEachIn(blob.bounds(), [&](const VoxelVisit& v) {
      if (!mayGrowInto(plan.site, canvas_.labels[v.offset])) return;
      const PointMm p = canvas_.geometry.pointMm(v.i, v.j, v.k);  // lesions are not bent
      double part = partOf(blob, p);
      if (sheet) part = std::min(part, canvas_.coverage(kSheetMm - cavity.insideMm(v.p)));
      if (part <= 0) return;
      const double dead = plan.necroticFraction > 0 ? std::min(part, partOf(core, p)) : 0;
      const double alive = part - dead;
      float& there = canvas_.suv[v.offset];
      const double texture = 1 + spec_.textureCv * std::clamp(warmth_.at(v.i, v.j, v.k), -2.0f, 2.0f);
      there = static_cast<float>((1 - part) * there + alive * plan.suv * texture + dead * kNecroticSuv);
      viable += alive * voxelMl;
      necrotic += dead * voxelMl;
      if (alive < 0.5) {
        if (part >= 0.5) canvas_.labels[v.offset] = labelOf(Tissue::Air);
        return;
      }
      canvas_.labels[v.offset] = labelOf(Tissue::Air);
      out_.labels.labels[v.offset] = truth.label;
      ++voxels;
      for (std::size_t a = 0; a < 3; ++a) sum[a] += p[a];
    });
    truth.volumeMl = viable;
    truth.necroticVolumeMl = necrotic;
    truth.maskVolumeMl = static_cast<double>(voxels) * voxelMl;
    for (std::size_t a = 0; a < 3 && voxels > 0; ++a)
      truth.centroidMm[a] = sum[a] / static_cast<double>(voxels);
  }

  // Covered share of a voxel from its eight octants: lesions may be as small as a voxel.
  template <typename Shape>
  double partOf(const Shape& shape, const PointMm& p) const {
    const VolumeGeometry& g = canvas_.geometry;
    double part = 0;
    for (int n = 0; n < 8; ++n) {
      const PointMm q{p[0] + g.spacingMm[0] * ((n & 1) ? 0.25 : -0.25),
                      p[1] + g.spacingMm[1] * ((n & 2) ? 0.25 : -0.25),
                      p[2] + g.spacingMm[2] * ((n & 4) ? 0.25 : -0.25)};
      const double half = std::cbrt(g.voxelVolumeMl() * 1000) / 2;
      part += std::clamp(0.5 + shape.insideMm(q) / half, 0.0, 1.0) / 8;
    }
    return part;
  }

  static constexpr double kNecroticSuv = 0.8;
  Canvas& canvas_;
  const PhantomSpec& spec_;
  const BodyFrame& frame_;
  StableRandom random_;
  SmoothField warmth_;
  std::vector<Placed> taken_;
  PaintedLesions out_;
};

}  // namespace

PaintedLesions paintLesions(Canvas& canvas, const PhantomSpec& spec, const BodyFrame& frame) {
  LesionPainter painter(canvas, spec, frame);
  for (const LesionPlan& plan : spec.lesions) painter.add(plan);
  return painter.take();
}

}  // namespace fedpet::sample
