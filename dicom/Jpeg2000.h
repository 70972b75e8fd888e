// One monochrome JPEG 2000 code stream (raw J2K or JP2) to sample values, by OpenJPEG: DCMTK has
// no free decoder for it.
#pragma once

#include <tl/expected.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace fedpet::dicom {

struct Jpeg2000Samples {
  std::vector<std::int32_t> values;  // columns x rows, row by row
  unsigned precisionBits = 0;
  bool isSigned = false;
};

// Refuses, with a reason for the log, a stream that is damaged or whose image is not one
// component of columns x rows; the size is checked before any pixel is decoded.
tl::expected<Jpeg2000Samples, std::string> decodeJpeg2000(std::span<const std::byte> codeStream,
                                                          int columns, int rows);

}  // namespace fedpet::dicom
