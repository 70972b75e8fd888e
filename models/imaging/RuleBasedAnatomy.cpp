#include "models/imaging/RuleBasedAnatomy.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include "models/imaging/Formatted.h"
#include "models/imaging/ImagingError.h"
#include "models/imaging/NativePainter.h"
#include "models/imaging/PatientGrid.h"
#include "models/imaging/anatomy/DoubtfulUptake.h"
#include "models/imaging/anatomy/Liver.h"
#include "models/imaging/anatomy/Organs.h"
#include "models/imaging/anatomy/Ureters.h"

namespace fedpet::imaging {
namespace {

using namespace anatomy;  // the rules that this file puts in order

const std::map<Organ, std::string> kNames{
    {Organ::Brain, "Brain"},
    {Organ::Heart, "Heart"},
    {Organ::Liver, "Liver reference region"},
    {Organ::Spleen, "Spleen reference region"},
    {Organ::LumbarMarrow, "Lumbar marrow reference region"},
    {Organ::LeftKidney, "Left kidney"},
    {Organ::RightKidney, "Right kidney"},
    {Organ::Bladder, "Urinary bladder"},
    {Organ::BloodPool, "Blood pool reference region"},
};

class Search {
 public:
  explicit Search(const SuvVolume& volume) : volume_(volume), grid_(volume), painter_(volume) {}

  Anatomy run() {
    if (const auto brain = findBrain(grid_))
      outline(Organ::Brain, *brain);
    else
      miss(Organ::Brain, brain.error());
    const auto block = findLiverBlock(grid_);
    if (block)
      below(*block);
    else
      missWithoutLiver(block.error());
    painter_.growDownhill();
    painter_.permitAll();
    if (block) ureters();
    if (block)
      for (auto& doubt : doubtfulUptake(grid_, painter_, dome_, volume_.geometry.voxelVolumeMl()))
        anatomy_.warnings.push_back(std::move(doubt));
    collect();
    return std::move(anatomy_);
  }

 private:
  void below(const LiverBlock& block) {
    const auto liver = findEvenLiver(grid_, block);
    Landmarks at{grid_, liver ? liver->suv : block.suv, grid_.midlineX(), block.domeZ, {}};
    at.used.assign(grid_.geometry().voxelCount(), 0);
    if (liver) at.claim(liver->region.voxels);
    midline_ = at.mid;
    dome_ = at.dome;
    liverReference(liver);
    if (liver && anatomy_.find(Organ::Liver)) evenLiver(*liver);
    const auto spleen = findSpleen(at);
    if (spleen) at.claim(spleen->region.voxels);
    // The left one first: no liver lies beside it.
    const auto left = findKidney(at, 1, nullptr);
    std::optional<Blob> leftKidney;
    if (left && left->confidence > 0.5) leftKidney = grid_.blobOf(left->voxels);
    const auto right =
        plausibleBeside(left, findKidney(at, -1, leftKidney ? &*leftKidney : nullptr));
    for (const auto& [organ, found] :
         {std::pair{Organ::LeftKidney, left}, {Organ::RightKidney, right},
          {Organ::Heart, findHeart(at)}, {Organ::Bladder, findBladder(at)}}) {
      if (!found) {
        miss(organ, found.error());
        continue;
      }
      at.claim(found->voxels);
      outline(organ, *found);
      if (organ == Organ::LeftKidney || organ == Organ::RightKidney)
        kidneys_.push_back(grid_.blobOf(found->voxels));
      if (organ == Organ::Bladder) bladder_ = grid_.blobOf(found->voxels);
    }
    spleenReference(spleen);
    marrowReference(at);
    bloodPoolReference(at);
  }

  // Metastases of the right liver lie where its kidney is sought; they betray themselves beside
  // the left kidney, which is of like size and not lower.
  Found<Outline> plausibleBeside(const Found<Outline>& left, const Found<Outline>& right) const {
    if (!left || !right) return right;
    const Blob l = grid_.blobOf(left->voxels), r = grid_.blobOf(right->voxels);
    const double higher = r.centre[2] - l.centre[2];
    if (higher > 30 || r.volumeMl > 5 * std::max(l.volumeMl, 15.0))
      return notFound(formatted("the uptake on the right (%.0f ml, %.0f mm above the left kidney's) is "
                                "not like a kidney's; it may be of the liver",
                                r.volumeMl, higher));
    return right;
  }

  void liverReference(const Found<EvenOrgan>& liver) {
    if (!liver) return miss(Organ::Liver, liver.error());
    // The right lobe: the half of the liver that lies farther to the right, clear of the vessels
    // at its middle and of the heart above.
    const BoxMm rightLobe{
        {-1e9, -1e9, -1e9},
        {std::min(liver->region.centre[0], grid_.midlineX() - 40), 1e9, dome_ - 15}};
    const auto sphere = deepestSphere(grid_, liver->region.voxels, rightLobe, 10, 15, 5);
    if (!sphere) return miss(Organ::Liver, sphere.error());
    reference(Organ::Liver, painter_.sphere(sphere->centre, sphere->radius),
              liver->confidence * (sphere->radius < 14 ? 0.8 : 1),
              formatted("sphere of %.0f mm diameter, deepest in the even uptake of the right lobe",
                        2 * sphere->radius));
  }

  // A liver of SUV 3 has voxels of SUV 4 and more by noise alone. They are no lesion where smoothing
  // leaves nothing of them.
  void evenLiver(const EvenOrgan& liver) {
    constexpr double kNoiseReaches4 = 2.6;  // + 3 SD of a noisy scan, 18 %
    if (liver.suv < kNoiseReaches4) return;
    const double most = 1.15 * liver.suv;
    const Voxels even = where(liver.region.voxels, [&](std::size_t v) { return grid_.suv(v) < most; });
    painter_.claimNative(anatomy_.found.size(), painter_.freeVoxelsIn(grid_.geometry(), even));
    anatomy_.found.push_back(
        {Organ::Liver, RegionRole::Physiological, "Liver, even uptake", liver.confidence,
         formatted("below SUV %.1f when smoothed, in the even part of the liver (SUV %.1f): single "
                   "voxels above the lesion threshold are noise",
                   most, liver.suv),
         {}});
  }

  void spleenReference(const Found<EvenOrgan>& spleen) {
    if (!spleen) return miss(Organ::Spleen, spleen.error());
    const auto sphere = deepestSphere(grid_, spleen->region.voxels, {}, 7.5, 15, 3);
    if (!sphere) return miss(Organ::Spleen, sphere.error());
    reference(Organ::Spleen, painter_.sphere(sphere->centre, sphere->radius), spleen->confidence,
              formatted("sphere of %.0f mm diameter, deepest in the even uptake at the back of the "
                        "left upper abdomen",
                        2 * sphere->radius));
  }

  void marrowReference(const Landmarks& at) {
    const auto spine = findLumbarSpine(at, kidneys_);
    if (!spine) return miss(Organ::LumbarMarrow, spine.error());
    // Discs are cold: the hotter half of the levels is mostly vertebral bodies.
    auto sorted = spine->uptake;
    std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2),
                     sorted.end());
    const double middle = sorted[sorted.size() / 2];
    std::vector<PointMm> bodies;
    for (std::size_t n = 0; n < spine->points.size(); ++n)
      if (spine->uptake[n] >= middle) bodies.push_back(spine->points[n]);
    const auto voxels = painter_.tube(bodies, 12);
    // A metastasis is not marrow; where there is much of it, the rest is not trusted either.
    const auto normal = painter_.coolerThan(voxels, 2 * middle);
    if (static_cast<double>(normal.size()) < 0.75 * static_cast<double>(voxels.size()))
      return miss(Organ::LumbarMarrow,
                  {RefusalCode::RegionNotFound, "more than a quarter of the lumbar column is hotter "
                                                "than twice its median"});
    reference(Organ::LumbarMarrow, normal, kidneys_.size() == 2 ? 0.6 : 0.45,
              "24 mm wide tube along the brightest straight line of the lumbar column, the hotter "
              "half of its levels over 80 mm from about L1/L2 down; no CT, so the level is known to "
              "about one vertebra");
  }

  void bloodPoolReference(const Landmarks& at) {
    const auto pool = findBloodPool(at);
    if (!pool) return miss(Organ::BloodPool, pool.error());
    reference(Organ::BloodPool, painter_.tube(pool->points, 5), pool->confidence,
              "cylinder of 10 mm diameter and 20 mm length in the descending thoracic aorta, found as "
              "even uptake before the spine that has left lung beside and behind it; no CT");
  }

  // What is left of hot, thin, upright pieces between kidney and bladder: urine on its way.
  void ureters() {
    const double lowest = bladder_ ? bladder_->extent.low[2] : dome_ - 380;
    for (int side : {1, -1}) {
      const Organ kidney = side > 0 ? Organ::LeftKidney : Organ::RightKidney;
      const double inner = midline_ + side * 12, outer = midline_ + side * 75;
      const BoxMm box{{std::min(inner, outer), -1e9, lowest},
                      {std::max(inner, outer), 1e9, dome_ - 100}};
      const Voxels urine =
          urineIn(painter_.hotPieces(box, 3.0),
                  {grid_, painter_, bladder_, volume_.geometry.voxelVolumeMl()});
      if (urine.empty()) continue;
      const std::string name = side > 0 ? "Left ureter (probable)" : "Right ureter (probable)";
      anatomy_.warnings.push_back(
          formatted("%s: %.1f ml of thin upright uptake were not counted as lesion; check that it "
                    "is not a chain of nodes",
                    name.c_str(), static_cast<double>(urine.size()) * volume_.geometry.voxelVolumeMl()));
      painter_.claimNative(anatomy_.found.size(), urine);
      anatomy_.found.push_back({kidney, RegionRole::Physiological, name, 0.5,
                                "SUV >= 3.0, thin and upright, between kidney and bladder", {}});
    }
  }

  void outline(Organ organ, const Outline& found) {
    FoundRegion region{organ, RegionRole::Physiological, kNames.at(organ), found.confidence,
                       found.definition + formatted("; grown downhill to SUV %.1f, at most %.0f mm",
                                                    painter_.kFloorSuv, painter_.kReachMm),
                       {}};
    painter_.forbid(grid_.geometry(), found.foreign);
    painter_.claim(anatomy_.found.size(), grid_.geometry(), found.voxels);
    anatomy_.found.push_back(std::move(region));
  }

  void reference(Organ organ, const Voxels& voxels, double confidence, std::string definition) {
    if (confidence < kLeastConfidence || voxels.size() < 10)
      return miss(organ, {RefusalCode::RegionNotFound,
                          formatted("found with a confidence of %.2f only", confidence)});
    painter_.claimNative(anatomy_.found.size(), voxels);
    anatomy_.found.push_back({organ, RegionRole::Reference, kNames.at(organ), confidence,
                              std::move(definition), {}});
  }

  void miss(Organ organ, Refusal why) { anatomy_.missing.push_back({organ, std::move(why)}); }

  void missWithoutLiver(const Refusal& why) {
    miss(Organ::Liver, why);
    if (const auto bladder = findBladderAboveLegs(grid_))
      outline(Organ::Bladder, *bladder);
    else
      miss(Organ::Bladder, bladder.error());
    for (Organ organ : {Organ::Heart, Organ::Spleen, Organ::LumbarMarrow, Organ::BloodPool,
                        Organ::LeftKidney, Organ::RightKidney})
      miss(organ, {RefusalCode::RegionNotFound,
                   "is looked for relative to the liver, which was not found"});
  }

  void collect() {
    painter_.collect(anatomy_.found);
    anatomy_.warnings.push_back(
        "bowel, tonsils, muscle and brown fat are not outlined without CT: their uptake counts as "
        "lesion where it fulfils the lesion rule");
    for (const MissingRegion& missing : anatomy_.missing)
      if (missing.organ != Organ::Liver && missing.organ != Organ::Spleen &&
          missing.organ != Organ::LumbarMarrow && missing.organ != Organ::BloodPool)
        anatomy_.warnings.push_back(std::string(toString(missing.organ)) +
                                    " was not outlined: its uptake, if any, counts as lesion (" +
                                    missing.refusal.detail + ")");
  }

  const SuvVolume& volume_;
  PatientGrid grid_;
  NativePainter painter_;
  Anatomy anatomy_;
  std::vector<Blob> kidneys_;
  std::optional<Blob> bladder_;
  double midline_ = 0, dome_ = 0;
};

Anatomy nothingIn() {
  Anatomy anatomy;
  for (const auto& [organ, name] : kNames)
    anatomy.missing.push_back({organ, {RefusalCode::RegionNotFound, "the volume holds no voxel"}});
  return anatomy;
}

}  // namespace

Anatomy RuleBasedAnatomy::find(const SuvVolume& volume) const {
  if (volume.suvBw.size() != volume.geometry.voxelCount())
    throw ImagingError("the volume's voxels do not fit its geometry");
  if (volume.suvBw.empty()) return nothingIn();
  return Search(volume).run();
}

}  // namespace fedpet::imaging
