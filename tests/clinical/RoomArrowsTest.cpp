// The rooms and the arrows between them (docs/architecture.md): who may include whom, and which
// room alone meets which library. Read from the sources, so that a wrong include fails here and
// not two years later.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using Names = std::set<std::string>;

const std::map<std::string, Names> kMayInclude{
    {"clinical", {}},
    {"net", {}},
    {"storage", {}},
    {"dicom", {"clinical"}},
    {"report", {"clinical"}},
    {"models/imaging", {"clinical"}},
    {"models/response", {"clinical"}},
    {"fhir", {"clinical", "net"}},
    {"federation", {"net", "storage"}},
    {"sample-data", {"clinical", "dicom"}},
    {"ui-extension", {}},
    {"orthanc-plugin",
     {"clinical", "net", "storage", "dicom", "report", "models/imaging", "models/response", "fhir", "federation",
      "ui-extension", "sample-data"}},
};

// An include that starts so is met in these rooms only.
const std::map<std::string, Names> kLibraryRooms{
    {"dcmtk/", {"dicom"}},
    {"cairo", {"report"}},
    {"pango/", {"report"}},
    {"glib", {"report"}},
    {"itk", {"models/imaging"}},
    {"torch/", {"models/response"}},
    {"boost/beast", {"net"}},
    // TLS is net's; digests and random secrets are asked of OpenSSL where they are needed.
    {"openssl/ssl", {"net", "federation"}},
    {"openssl/", {"net", "federation", "fhir", "models/response", "orthanc-plugin"}},
    {"orthanc/", {"orthanc-plugin"}},
    {"soci/", {"storage", "orthanc-plugin", "federation"}},
};

struct Include {
  fs::path file;
  std::string room, target;
  bool ours;
};

std::string roomOf(const std::string& path) {
  for (const auto& [room, unused] : kMayInclude)
    if (path.starts_with(room + "/")) return room;
  return {};
}

std::vector<Include> includesOf(const fs::path& root) {
  static const std::regex pattern(R"(^\s*#\s*include\s*([<"])([^>"]+)[>"])");
  std::vector<Include> found;
  for (const auto& [room, unused] : kMayInclude) {
    if (!fs::exists(root / room)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / room)) {
      const auto extension = entry.path().extension();
      if (extension != ".h" && extension != ".cpp") continue;
      std::ifstream file(entry.path());
      std::smatch match;
      for (std::string line; std::getline(file, line);)
        if (std::regex_search(line, match, pattern))
          found.push_back({fs::relative(entry.path(), root), room, match[2], match[1] == "\""});
    }
  }
  return found;
}

TEST(Rooms, IncludeOnlyWhatTheArrowsAllow) {
  const auto includes = includesOf(FEDPET_SOURCE_DIR);
  ASSERT_GT(includes.size(), 100U) << "the sources were not found";
  for (const Include& include : includes) {
    if (!include.ours) continue;
    const std::string target = roomOf(include.target);
    EXPECT_FALSE(target.empty() && !include.target.starts_with("tests/"))
        << include.file << " includes \"" << include.target << "\": write it from the project's root";
    EXPECT_FALSE(include.target.starts_with("tests/")) << include.file << " includes a test header";
    if (target.empty() || target == include.room) continue;
    EXPECT_TRUE(kMayInclude.at(include.room).contains(target))
        << include.file << " (" << include.room << ") must not include " << include.target;
  }
}

TEST(Rooms, MeetEachLibraryInItsOwnRoom) {
  for (const Include& include : includesOf(FEDPET_SOURCE_DIR))
    for (const auto& [prefix, rooms] : kLibraryRooms)
      if (!include.ours && include.target.starts_with(prefix)) {
        EXPECT_TRUE(rooms.contains(include.room))
            << include.file << " must not include <" << include.target << ">";
      }
}

TEST(Rooms, LeaveTheSampleDataToTheCommandLine) {
  for (const Include& include : includesOf(FEDPET_SOURCE_DIR))
    if (include.ours && include.target.starts_with("sample-data/") && include.room != "sample-data") {
      EXPECT_TRUE(include.file.string().starts_with("orthanc-plugin/cli/")) << include.file;
    }
}

}  // namespace
