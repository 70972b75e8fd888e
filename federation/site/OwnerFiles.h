// Files that their owner alone may read, written wholly or not at all: keys, certificates, uploads.
#pragma once

#include "federation/crypto/SecretBytes.h"

#include <cstdint>
#include <filesystem>
#include <optional>

namespace fedpet::federation {

// Creates the folder with mode 0700, or sets that mode. Throws std::filesystem::filesystem_error.
void makeOwnerFolder(const std::filesystem::path&);

// Mode 0600; on disk (fsync of file and folder) before it takes its name. Throws
// std::filesystem::filesystem_error.
void writeOwnerFile(const std::filesystem::path&, ByteView);

// nullopt: there is no such file. Throws for one that cannot be read or is larger than `maxBytes`.
std::optional<SecretBytes> readOwnerFile(const std::filesystem::path&, std::size_t maxBytes);

// Renames and makes the new name durable.
void renameDurably(const std::filesystem::path& from, const std::filesystem::path& to);

// A file open for appending, cut or extended piece by piece: what a download is written to.
class AppendFile {
 public:
  explicit AppendFile(const std::filesystem::path&);  // creates it with mode 0600
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;
  std::uint64_t size() const { return size_; }
  void append(ByteView);
  void sync();

 private:
  std::filesystem::path path_;
  int file_;
  std::uint64_t size_ = 0;
};

// SHA-256 of a file's content, read in pieces.
Hash256 sha256OfFile(const std::filesystem::path&);
// `length` bytes from `offset`. Throws when the file ends earlier.
Bytes readPiece(const std::filesystem::path&, std::uint64_t offset, std::size_t length);

}  // namespace fedpet::federation
