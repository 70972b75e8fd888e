// What the SR and the SEG have in common around their content: patient, study, equipment, and the
// writing of a complete file. Internal to the room: includes DCMTK.
#pragma once

#include <cstddef>
#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>
#include <string>
#include <string_view>
#include <vector>

#include "clinical/ResponseAssessment.h"

namespace fedpet::dicom {

inline constexpr std::string_view kManufacturer = "fedpet project";
inline constexpr std::string_view kProduct = "fedpet";
inline constexpr std::string_view kMeasurementAlgorithm = "fedpet lesion and organ measurement";

// Which result it is: everything that differs between the headers of the SR and of the SEG.
struct ResultSeries {
  std::string sopClassUid, sopInstanceUid, seriesUid, modality, description;
  int seriesNumber = 0;
};

// Sets the patient, study, series, equipment and SOP common attributes, replacing what is there.
// Text is UTF-8 (ISO_IR 192). What identifies the patient and the study is copied as it stands,
// even where the source breaks a length limit: a shortened PatientID would be another patient.
// Dates and times of the result are UTC, without (0008,0201): that attribute would also
// reinterpret the study's own times.
void setResultHeader(DcmDataset&, const ResponseAssessment&, const ResultSeries&);

// The complete file: preamble, meta header, data set. Throws DicomError.
std::vector<std::byte> partTen(DcmFileFormat&, E_TransferSyntax = EXS_LittleEndianExplicit);

// `utf8` made to fit VR LO or SH: at most `maxCharacters` characters (an ellipsis marks a cut),
// no control characters, no backslash.
std::string fitted(std::string_view utf8, std::size_t maxCharacters = 64);

// The shortest Decimal String that reads back as `value`, or the closest of at most 16 characters:
// for positions and spacings, which must equal those of the source.
std::string exactDecimalString(double value);

// "20261124" and "114207.000000"
std::string dateText(WallClock);
std::string timeText(WallClock);

// Sets an attribute; an empty value leaves it present and empty (type 2). Throws DicomError.
void put(DcmItem&, const DcmTagKey&, const std::string& value);
void put(DcmItem&, const DcmTagKey&, const Code& code);  // a code sequence of one item
// Appends an item to a sequence, which is created if need be.
DcmItem& addItem(DcmItem&, const DcmTagKey& sequence);
// Throws DicomError naming `what` when the condition is bad.
void check(const OFCondition&, std::string_view what);

}  // namespace fedpet::dicom
