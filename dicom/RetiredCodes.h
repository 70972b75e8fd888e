// Codes that were retired or written in an older form, and what means the same today. Readers
// compare what this gives; what is shown to people stays as it was written.
#pragma once

#include "clinical/Concepts.h"

namespace fedpet::dicom {

// SNOMED CT in place of the SNOMED RT code that DICOM retired in 2018 ("SRT", also under its older
// designators "SNM3" and "99SDM"), and the two codes that SNOMED CT itself replaced; any other
// code as it is. Only codes that this program looks for are known (DICOM PS3.16, Annex D of 2018
// and pydicom's table made from it). The meaning is the given one.
Code currentCode(const Code&);
// The same, and the annotation of a UCUM unit behind it: "{SUVbw}g/ml" -> "g/ml{SUVbw}".
Code currentUnit(const Code&);
// Whether both stand for the same concept.
bool meansTheSame(const Code&, const Code&);

}  // namespace fedpet::dicom
