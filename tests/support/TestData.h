// The open reference data that lives outside the project: FEDPET_TEST_DATA, else ../shared/data
// beside it. A test that needs it starts with FEDPET_NEED_TEST_DATA and is skipped without it.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

namespace fedpet::testing {

inline std::filesystem::path testDataFolder() {
  if (const char* folder = std::getenv("FEDPET_TEST_DATA")) return folder;
  return std::filesystem::path(FEDPET_SOURCE_DIR).parent_path() / "shared" / "data";
}

}  // namespace fedpet::testing

#define FEDPET_NEED_TEST_DATA(folder)                                                   \
  if (!std::filesystem::exists(::fedpet::testing::testDataFolder() / (folder)))         \
  GTEST_SKIP() << "reference data " << (::fedpet::testing::testDataFolder() / (folder)) \
               << " is absent; set FEDPET_TEST_DATA"
