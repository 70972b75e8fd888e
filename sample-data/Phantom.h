// A synthetic patient with FDG-avid lung cancer, as a PET scanner would show it, with its truth.
// Nothing here comes from a person: every organ is a formula and every number is drawn from the
// seed. Recipe and uptake values: the literature listed in sample-data/README.md.
//
// Coordinates are DICOM's (LPS, mm): x to the patient's left, y to the back, z to the head; z = 0
// is the vertex. Voxels run i to the left, j to the back, k to the head.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "clinical/Concepts.h"
#include "clinical/Geometry.h"
#include "clinical/SuvVolume.h"

namespace fedpet::sample {

// One scanner with its reconstruction: what blurs and roughens the truth.
struct ScannerSpec {
  std::string manufacturer, model, reconstruction, softwareVersions, stationName, institution;
  int matrix = 168;                               // columns = rows
  std::array<double, 3> voxelMm{4.0, 4.0, 4.0};
  double psfFwhmMm = 8.0;         // effective, in the image; 8 meets EARL-1 (NemaPhantomTest)
  double edgeEnhancement = 0.0;   // 0..1: Gibbs overshoot of a PSF reconstruction
  double noiseFwhmMm = 5.5;       // correlation length of the noise
  double liverNoiseCov = 0.10;    // SD / mean of the noise in a normal liver, 0 = no noise
  double calibrationFactor = 1.0; // measured / true activity
};
// 0: Siemens-like (EARL-1), 1: GE-like, 2: digital with PSF and time of flight (EARL-2).
inline constexpr int kScannerCount = 3;
ScannerSpec scannerOfClass(int index);

// True SUVbw (g/ml) of each tissue at this patient's uptake time.
struct TissueUptake {
  double liver = 2.1, spleen = 1.8, marrow = 1.5, bloodPool = 1.6, lung = 0.5, muscle = 0.7;
  double fat = 0.3, boneCortex = 0.6, visceralFat = 0.35, softTissue = 0.9;
  double greyMatter = 10, whiteMatter = 4, cerebellum = 8;
  double myocardium = 5, kidneyCortex = 2.5, renalPelvis = 10, bladder = 20;
  double bowel = 1.3, bowelFocus = 3.5, stomach = 1.8, pancreas = 1.5;
  double thyroid = 1.4, tonsil = 3.4, testis = 2.6, salivary = 2.0, brownFat = 6;
};

enum class LesionSite {
  LungPrimary, LungMetastasis, RegionalNode, DistantNode, Adrenal, Liver, Bone, Brain, Pleura,
  SoftTissue
};
std::string_view toString(LesionSite);  // "LungPrimary"
Code siteOf(LesionSite);                // SCT anatomic site

struct LesionPlan {
  LesionSite site = LesionSite::LungPrimary;
  double diameterMm = 30;       // of the sphere of equal volume; pleura: extent of the sheet
  double suv = 8;               // true SUVbw of viable tumour
  double necroticFraction = 0;  // share of the diameter that is a cold core
  std::optional<PointMm> centreMm;  // drawn inside the host when absent
};

struct PhantomSpec {
  std::uint64_t seed = 1;
  int scanNumber = 1;           // of the same body: another scan has other noise
  std::string sex = "M";        // "M" or "F"
  double ageYears = 65, heightM = 1.74, weightKg = 76;
  double injectedActivityBq = 250e6, uptakeMinutes = 60;
  ScannerSpec scanner;
  TissueUptake uptake;
  std::vector<LesionPlan> lesions;
  bool armsUp = true;
  bool withoutHead = false;     // skull base to mid-thigh instead of vertex to mid-thigh
  bool withoutThighs = false;   // down to the pelvic floor instead of mid-thigh
  bool brownFat = false;
  bool metforminBowel = false;  // intense bowel along its whole length
  std::optional<double> bladderFill;  // volume over that of a usual bladder; drawn when absent
  double textureCv = 0.10;      // lognormal variation inside a tissue, before the PSF
};

// Everything of the spec drawn from the seed: a plausible patient, scanner and disease.
PhantomSpec fromSeed(std::uint64_t seed);
// Draws another disease for the same patient, with a number of lesions in [minimum, maximum].
void drawLesions(PhantomSpec&, int minimum, int maximum);

struct TissueTruth {
  std::uint16_t label = 0;
  std::string name;             // "Liver", "Left lung"
  std::optional<Organ> organ;
  double volumeMl = 0;          // of the voxels with this label
  double trueSuvMean = 0;       // over those voxels, noise-free and before the PSF
};

struct LesionTruth {
  std::uint16_t label = 0;
  LesionSite site = LesionSite::LungPrimary;
  std::string name;             // "Lesion 3, liver"
  PointMm centroidMm{};
  double volumeMl = 0;          // viable tumour, from partial voxels
  double maskVolumeMl = 0;      // of the voxels with this label: what a SEG can show
  double necroticVolumeMl = 0;  // cold core, not part of the label
  double plannedSuv = 0;        // LesionPlan::suv
  double trueSuvMean = 0;       // over the label, noise-free and before the PSF
};

struct Phantom {
  PhantomSpec spec;
  SuvVolume image;      // measured: blurred, noisy, miscalibrated as the spec says
  SuvVolume truth;      // what is in the body
  // Tissues exclude lesions; Organ o has label 1 + its enumerator, other tissues have higher ones.
  LabelVolume tissues;
  std::vector<TissueTruth> tissueTable;
  LabelVolume lesions;  // labels 1..n, in the order of lesionTable
  std::vector<LesionTruth> lesionTable;
};

inline std::uint16_t labelOf(Organ organ) { return static_cast<std::uint16_t>(1 + static_cast<int>(organ)); }

// Deterministic: the same spec gives the same voxels. A planned lesion that finds no free place in
// its host is left out of lesionTable. Throws std::invalid_argument for a spec that makes no body
// (weight, height, voxel or matrix not positive, or a weight that no adult of this height has).
Phantom makePhantom(const PhantomSpec&);

}  // namespace fedpet::sample
