// The attributes that PS3.3 gives to a patient or a study as a whole and that nothing here reads:
// each instance of the study has to say the same of them, so results repeat them as they stand.
// Above all, a result of a de-identified source is marked as de-identified.
// For use inside this room; sees DCMTK.
#pragma once

#include "clinical/PetSeries.h"

#include <vector>

class DcmItem;

namespace fedpet::dicom {

class TextDecoder;

// What `item` has of them, present and empty ones included. An attribute that results could not
// repeat lawfully (text in a number, a VR that is not the dictionary's, private) is left out.
std::vector<HeaderAttribute> readRepeatedHeader(DcmItem&, TextDecoder&);

// Replaces what is there. Throws DicomError.
void writeRepeatedHeader(DcmItem&, const std::vector<HeaderAttribute>&);

}  // namespace fedpet::dicom
