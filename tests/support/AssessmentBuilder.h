// A small, complete sample assessment for tests of what is written from it (SR, SEG, FHIR, page).
// Numbers are invented but belong together: volumes are voxel counts, TMTV is the sum of the
// lesions, Dmax the distance of their centroids. UIDs and the clock are fixed.
#pragma once

#include <string>
#include <vector>

#include "clinical/ResponseAssessment.h"

namespace fedpet::testing {

// anAssessment().withLesions(0).build(); every setter returns the builder.
class AssessmentBuilder {
 public:
  AssessmentBuilder();

  // Lesions are crosses of 7 voxels, in a lattice around the organs. At most 400.
  AssessmentBuilder& withLesions(int count);
  // Refuses the whole study: no region, number or prediction is left.
  AssessmentBuilder& refused(RefusalCode code, std::string detail);
  // The organ is looked for and not found; numbers that need it are refused with RegionNotFound.
  AssessmentBuilder& withoutOrgan(Organ organ);
  AssessmentBuilder& withRefusedPredictions(RefusalCode code, std::string detail);
  AssessmentBuilder& withoutPredictions();
  AssessmentBuilder& withPatientName(std::string utf8Name);
  // A follow-up: two earlier studies (the older one by another program, with another lesion rule),
  // a PERCIST reading, and a comparison with the newer one: partial response, one lesion new, one
  // resolved. Needs a lesion at least.
  AssessmentBuilder& withCourse();
  // Harmonised from EARL-2 to EARL-1 by a filter, SLR adjusted by ComBat.
  AssessmentBuilder& withHarmonisation();

  ResponseAssessment build() const;  // series.pixels is empty, as after a measurement
  LabelVolume labels() const;        // of the same study; empty when refused
  AssessedStudy study() const;       // both, without pictures

 private:
  int lesionCount_ = 3;
  std::vector<Organ> missingOrgans_;
  std::vector<Refusal> refusals_;
  std::vector<Refusal> predictionRefusal_;  // none or one
  bool predictions_ = true, course_ = false, harmonised_ = false;
  std::string patientName_ = "Test^Paulette";
};

inline AssessmentBuilder anAssessment() { return AssessmentBuilder(); }

}  // namespace fedpet::testing
