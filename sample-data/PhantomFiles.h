// A synthetic patient on disk: the PET as DICOM, the truth as DICOM SEG and as JSON.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

#include "clinical/ResponseAssessment.h"
#include "sample-data/Phantom.h"
#include "sample-data/PhantomSeries.h"
#include "sample-data/TreatedPatient.h"

namespace fedpet::sample {

struct PhantomPatient {
  std::filesystem::path petDirectory;       // dir/PT, one file a slice
  std::filesystem::path truthSegmentation;  // dir/truth-seg.dcm; empty when nothing could be drawn
  std::filesystem::path truthJson;          // dir/truth.json
  int slices = 0, lesions = 0;
  double tmtvMl = 0;                        // of the lesion masks
};

// Writes patient number `index` of `seed`. The patients of one seed differ; the same seed and
// index are the same files again. Throws DicomError when the disk refuses.
PhantomPatient writePhantomPatient(std::uint64_t seed, int index, const std::filesystem::path& dir);
PhantomPatient writePhantomPatient(const PhantomSpec&, int index, const std::filesystem::path& dir);
// The patient of `before` again in `dir`/follow-up, kFollowUpAfter later.
PhantomPatient writeFollowUp(const PhantomSpec& before, int index, Course,
                             const std::filesystem::path& dir);
inline constexpr std::chrono::days kFollowUpAfter{56};
// The seed of patient `index` (1, 2, ...) of a cohort seed: 1 is the cohort seed itself.
std::uint64_t patientSeed(std::uint64_t cohortSeed, int index);

// The truth in the words of an assessment: organs as Reference or Physiological regions, lesions
// as Lesion regions, labels in one volume (lesion n has label 1000 + n). `series` needs no pixels.
AssessedStudy truthAsStudy(const Phantom&, PetSeries series);

// What truth.json holds: patient, scanner, tissues, lesions; every number named with its unit.
std::string truthAsJson(const Phantom&, const PetSeries&);

}  // namespace fedpet::sample
