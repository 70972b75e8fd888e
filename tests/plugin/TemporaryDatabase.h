// A ledger's file in a folder of its own, opened again as often as a test likes.
#pragma once

#include "orthanc-plugin/Schema.h"
#include "tests/support/TemporaryDirectory.h"

#include <filesystem>
#include <memory>

namespace fedpet::plugin {

class TemporaryDatabase {
 public:
  std::filesystem::path path() const { return folder_.path() / "fedpet.db"; }
  std::unique_ptr<Database> open() const { return std::make_unique<Database>(path(), schema()); }

 private:
  testing::TemporaryDirectory folder_;
};

}  // namespace fedpet::plugin
