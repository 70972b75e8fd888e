#include "dicom/DeterministicUid.h"

#include <boost/multiprecision/cpp_int.hpp>
#include <boost/uuid/name_generator_sha1.hpp>
#include <boost/uuid/string_generator.hpp>
#include <boost/uuid/uuid.hpp>

namespace fedpet::dicom {
namespace {

// Drawn once for this project.
constexpr std::string_view kNamespace = "8a8b54ab-1cb7-4f12-b573-95b313807b1e";

std::string joined(std::initializer_list<std::string_view> parts) {
  std::string name;
  for (const std::string_view part : parts) {
    name += std::to_string(part.size());
    name += ':';
    name += part;
  }
  return name;
}

}  // namespace

std::string deterministicUid(std::initializer_list<std::string_view> parts) {
  const boost::uuids::uuid space =
      boost::uuids::string_generator()(kNamespace.begin(), kNamespace.end());
  const boost::uuids::uuid uuid = boost::uuids::name_generator_sha1(space)(joined(parts));
  boost::multiprecision::uint128_t number = 0;
  for (const std::uint8_t byte : uuid) number = (number << 8) | byte;
  return "2.25." + number.str();
}

}  // namespace fedpet::dicom
