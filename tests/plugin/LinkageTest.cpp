// What the plugin may bring into Orthanc's process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <string>

namespace {

std::string outputOf(const std::string& command) {
  std::string output;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return output;
  std::array<char, 4096> buffer{};
  for (std::size_t n; (n = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
    output.append(buffer.data(), n);
  pclose(pipe);
  return output;
}

const std::string kPlugin = std::string(FEDPET_BINARY_DIR) + "/bin/libOrthancFedPet.so";

TEST(PluginLinkage, BringsNoItkNoTorchAndNoDcmtkIntoOrthanc) {
  const std::string libraries = outputOf("ldd " + kPlugin);
  ASSERT_THAT(libraries, ::testing::HasSubstr("libsoci_core"));
  for (const char* heavy : {"libITK", "libtorch", "libc10", "libdcm", "libof", "not found"})
    EXPECT_THAT(libraries, ::testing::Not(::testing::HasSubstr(heavy)));
}

TEST(PluginLinkage, ShowsOnlyTheFourEntryPointsOfOrthancsSdk) {
  const std::string symbols =
      outputOf("nm -D --defined-only " + kPlugin + " | awk '{print $3}' | sort | tr '\\n' ' '");
  EXPECT_EQ(symbols,
            "OrthancPluginFinalize OrthancPluginGetName OrthancPluginGetVersion "
            "OrthancPluginInitialize ");
}

}  // namespace
