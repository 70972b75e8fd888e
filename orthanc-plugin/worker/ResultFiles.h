// The DICOM objects of one result: for machines (SR, SEG) and for eyes (PDF, cine).
#pragma once

#include "clinical/ResponseAssessment.h"

#include <cstddef>
#include <string>
#include <vector>

namespace fedpet::plugin {

struct ResultFiles {
  struct File {
    std::string name;  // "sr.dcm"
    std::string sopInstanceUid;
    std::vector<std::byte> content;
  };
  std::vector<File> files;     // in the order of storing: first what is referred to
  std::vector<std::byte> pdf;  // the report for people by itself; empty when not asked for
  // Objects for eyes that could not be made: the numbers stand without them.
  std::vector<std::string> warnings;
};

struct ResultChoice {
  bool pdf = true, mip = true;           // the cine needs AssessedStudy::rotation
  std::vector<std::string> modelLimits;  // what the model was not made for: ModelBundle::limits
};

// Throws DicomError when SEG or SR cannot be written.
ResultFiles writeResults(const AssessedStudy&, const ResultChoice&);

}  // namespace fedpet::plugin
