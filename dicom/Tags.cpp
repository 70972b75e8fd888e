#include "dicom/Tags.h"

#include <cstdio>

namespace fedpet::dicom {

std::string describe(const Attribute& attribute) {
  char number[16];
  std::snprintf(number, sizeof number, " (%04x,%04x)", attribute.group, attribute.element);
  return std::string(attribute.keyword) + number;
}

std::string describe(const PrivateAttribute& attribute) {
  char number[16];
  std::snprintf(number, sizeof number, " (%04x,xx%02x)", attribute.group, attribute.offset);
  return std::string(attribute.keyword) + number + " of " + std::string(attribute.creator);
}

}  // namespace fedpet::dicom
