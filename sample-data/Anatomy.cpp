#include "sample-data/Anatomy.h"

#include "sample-data/AnatomyPainter.h"

namespace fedpet::sample {

void paintAnatomy(Canvas& canvas, const PhantomSpec& spec, const BodyFrame& frame) {
  Painter p{canvas, spec, frame, spec.uptake, StableRandom(spec.seed, "anatomy")};
  paintLegs(p);
  paintArms(p);
  paintTrunk(p);
  paintHead(p);
  paintBrain(p);
  paintChest(p);
  paintDeepMuscles(p);
  paintOtherBones(p);
  paintSpine(p);
  paintHeartAndVessels(p);
  paintUpperAbdomen(p);
  paintBowelAndPelvis(p);
  paintKidneys(p);
  if (spec.brownFat) paintBrownFat(p);
}

}  // namespace fedpet::sample
