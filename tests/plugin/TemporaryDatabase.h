// A ledger's file in a folder of its own, opened again as often as a test likes.
#pragma once

#include "orthanc-plugin/Schema.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

namespace fedpet::plugin {

class TemporaryDatabase {
 public:
  TemporaryDatabase() {
    std::string name = (std::filesystem::temp_directory_path() / "fedpet-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder_ = name;
  }
  ~TemporaryDatabase() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  TemporaryDatabase(const TemporaryDatabase&) = delete;
  TemporaryDatabase& operator=(const TemporaryDatabase&) = delete;

  std::filesystem::path path() const { return folder_ / "fedpet.db"; }
  std::unique_ptr<Database> open() const { return std::make_unique<Database>(path(), schema()); }

 private:
  std::filesystem::path folder_;
};

}  // namespace fedpet::plugin
