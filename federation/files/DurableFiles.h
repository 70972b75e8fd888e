// Files of both ends: for their owner alone, and written so that a crash or a power cut leaves the
// old content or the new one, never half of it. What cannot be done is thrown as
// std::filesystem::filesystem_error, which names the file and the system's reason.
#pragma once

#include "federation/crypto/SecretBytes.h"

#include <cstdint>
#include <filesystem>
#include <optional>

namespace fedpet::federation {

// Creates the folder with mode 0700, or sets that mode.
void makeOwnerFolder(const std::filesystem::path&);

// Under another name first, then renamed, file and folder synced. Several threads may write the
// same file: one of the contents stays, whole.
void writeOwnerFile(const std::filesystem::path&, ByteView, unsigned mode = 0600);
// Removes what a writer that was killed has left in the folder; not while another one is writing.
void removeUnfinished(const std::filesystem::path& folder);

// nullopt: there is no such file. Throws also for one that is larger than `maxBytes`.
std::optional<SecretBytes> readOwnerFile(const std::filesystem::path&, std::size_t maxBytes);
Bytes readWholeFile(const std::filesystem::path&);
// `length` bytes from `offset`. Throws when the file ends earlier.
Bytes readPiece(const std::filesystem::path&, std::uint64_t offset, std::size_t length);
// SHA-256 of a file's content, read in pieces.
Hash256 sha256OfFile(const std::filesystem::path&);

// Writes into a file, which is made with mode 0600 when absent. Not synced.
void writeAt(const std::filesystem::path&, std::uint64_t offset, ByteView);
// Renames and makes the new name durable. The content of a file that was written piece by piece is
// synced before by syncFile().
void renameDurably(const std::filesystem::path& from, const std::filesystem::path& to);
void syncFile(const std::filesystem::path&);

// A file open for appending: what a download is written to.
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

// One program at a time. The lock goes with the program, however it ends.
class FileLock {
 public:
  // Throws std::runtime_error with `taken` when another program holds it.
  FileLock(const std::filesystem::path&, const std::string& taken);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  int file_;
};

}  // namespace fedpet::federation
