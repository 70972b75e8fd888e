// Which tracer a series was made with, as its header tells it.
// Codes: PS3.16 CID 25 and 4021 (SCT since 2018, SRT before), and what scanners really write.
#pragma once

#include "clinical/PetSeries.h"

#include <string>

namespace fedpet::dicom {

enum class TracerEvidence {
  FdgByCode,    // the agent's code says FDG
  FdgByText,    // no agent code that we know, but the text names FDG
  OtherTracer,  // the code, the nuclide or the text names something else
  Unknown,      // nothing that names a tracer
};

struct RecognisedTracer {
  TracerEvidence evidence = TracerEvidence::Unknown;
  std::string finding;  // what was seen, for a message: "Radiopharmaceutical is 'Ga68-PSMA'"
};

RecognisedTracer recogniseTracer(const PetSeries&);

// True where `text` names FDG as a word: "F-18 FDG", "FDG -- fluorodeoxyglucose", not "FDGal".
bool namesFdg(const std::string& text);

}  // namespace fedpet::dicom
