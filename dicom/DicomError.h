// The world failed while DICOM was read or written: a broken file, a full disk, an object that a
// peer wrote against the standard. Not for series that are merely not assessable (Refusal).
#pragma once

#include <stdexcept>

namespace fedpet::dicom {

class DicomError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace fedpet::dicom
