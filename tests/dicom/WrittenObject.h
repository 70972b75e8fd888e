// What tests of written objects do with them: give them to a judge as a file, ask for a text.
#pragma once

#include "tests/support/TemporaryDirectory.h"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace fedpet::testing {

inline std::filesystem::path save(const TemporaryDirectory& folder, const char* name,
                                  const std::vector<std::byte>& bytes) {
  const auto path = folder.path() / name;
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  return path;
}

inline std::string text(DcmItem& item, const DcmTagKey& tag) {
  OFString value;
  item.findAndGetOFStringArray(tag, value);
  return {value.c_str(), value.size()};
}

}  // namespace fedpet::testing
