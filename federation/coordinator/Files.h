// Files that must survive a power cut, and files that their owner alone may read.
#pragma once

#include "federation/crypto/Bytes.h"

#include <cstdint>
#include <filesystem>

namespace fedpet::federation {

// Under another name first, then renamed, both synced: the file is there wholly or not at all.
// All throw std::runtime_error with the system's reason.
void writeWholeFile(const std::filesystem::path&, ByteView, unsigned mode = 0600);
void writeAt(const std::filesystem::path&, std::uint64_t offset, ByteView);  // made when absent
void syncAndRename(const std::filesystem::path& from, const std::filesystem::path& to);
Bytes readWholeFile(const std::filesystem::path&);

// One program at a time in a folder. Throws std::runtime_error when another one has it.
class FolderLock {
 public:
  explicit FolderLock(const std::filesystem::path& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int file_;
};

}  // namespace fedpet::federation
