// The series of a PetSeriesBuilder as DICOM files, written by DCMTK (and OpenJPEG), so that the
// reader is tested from bytes.
#pragma once

#include "dicom/PetSeriesReader.h"
#include "tests/support/PetSeriesBuilder.h"

#include <filesystem>
#include <vector>

namespace fedpet::testing {

enum class Encoding {
  ImplicitLittleEndian,
  ExplicitLittleEndian,
  ExplicitBigEndian,
  Deflated,
  Rle,
  JpegBaseline,  // 8 bits, lossy
  JpegLossless,  // process 14, selection value 1
  JpegLsLossless,
  Jpeg2000Lossless,
  Jpeg2000Lossy,
};

std::vector<dicom::DicomBytes> dicomFiles(const PetSeriesBuilder&,
                                          Encoding = Encoding::ExplicitLittleEndian);
void writeTo(const std::filesystem::path& directory, const std::vector<dicom::DicomBytes>&);

}  // namespace fedpet::testing
