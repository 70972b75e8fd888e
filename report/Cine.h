// The rotating projection as grey pictures with outlines, numbers, orientation, patient and
// "research use only" burned in: the secondary capture that any viewer can play.
#pragma once

#include "clinical/ResponseAssessment.h"
#include "clinical/RotatingMip.h"

namespace fedpet::report {

// Grey although viewers have colour: a third of the size, the viewer's window still works, and what
// can be read on a grey screen or print is all that is there. No frame when `mip` has none.
// Throws ReportError.
CineLoop mipCine(const ResponseAssessment&, const RotatingMip&);

}  // namespace fedpet::report
