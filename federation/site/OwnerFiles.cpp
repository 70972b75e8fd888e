#include "federation/site/OwnerFiles.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <system_error>

namespace fedpet::federation {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const char* doing, const fs::path& path) {
  throw fs::filesystem_error(doing, path, std::error_code(errno, std::generic_category()));
}

void writeAll(int file, ByteView bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("cannot write", path);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

// A name is durable only when its folder is.
void syncFolderOf(const fs::path& path) {
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const int handle = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (handle < 0) fail("cannot open", folder);
  const int outcome = ::fsync(handle);
  ::close(handle);
  if (outcome != 0) fail("cannot sync", folder);
}

}  // namespace

void makeOwnerFolder(const fs::path& folder) {
  fs::create_directories(folder);
  fs::permissions(folder, fs::perms::owner_all);
}

void writeOwnerFile(const fs::path& path, ByteView bytes) {
  const fs::path temporary = path.string() + ".new";
  fs::remove(temporary);  // one of a crash, perhaps with other rights
  const int file =
      ::open(temporary.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (file < 0) fail("cannot create", temporary);
  try {
    writeAll(file, bytes, temporary);
    if (::fsync(file) != 0) fail("cannot sync", temporary);
  } catch (...) {
    ::close(file);
    throw;
  }
  ::close(file);
  renameDurably(temporary, path);
}

void renameDurably(const fs::path& from, const fs::path& to) {
  fs::rename(from, to);
  syncFolderOf(to);
}

std::optional<SecretBytes> readOwnerFile(const fs::path& path, std::size_t maxBytes) {
  if (!fs::exists(path)) return std::nullopt;
  const std::uintmax_t size = fs::file_size(path);
  if (size > maxBytes) {
    errno = EFBIG;
    fail("will not read", path);
  }
  SecretBytes bytes(static_cast<std::size_t>(size));
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char*>(bytes.writable().data()), static_cast<std::streamsize>(size));
  if (!file) fail("cannot read", path);
  return bytes;
}

AppendFile::AppendFile(const fs::path& path)
    : path_(path),
      file_(::open(path.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, S_IRUSR | S_IWUSR)) {
  if (file_ < 0) fail("cannot open", path);
  struct stat facts {};
  if (::fstat(file_, &facts) != 0) {
    ::close(file_);
    fail("cannot read the size of", path);
  }
  size_ = static_cast<std::uint64_t>(facts.st_size);
}

AppendFile::~AppendFile() { ::close(file_); }

void AppendFile::append(ByteView bytes) {
  writeAll(file_, bytes, path_);
  size_ += bytes.size();
}

void AppendFile::sync() {
  if (::fsync(file_) != 0) fail("cannot sync", path_);
}

Hash256 sha256OfFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail("cannot read", path);
  Sha256Stream hash;
  Bytes piece(1u << 20);
  while (file) {
    file.read(reinterpret_cast<char*>(piece.data()), static_cast<std::streamsize>(piece.size()));
    hash.add(ByteView(piece).first(static_cast<std::size_t>(file.gcount())));
  }
  if (file.bad()) fail("cannot read", path);
  return hash.finish();
}

Bytes readPiece(const fs::path& path, std::uint64_t offset, std::size_t length) {
  std::ifstream file(path, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(offset));
  Bytes piece(length);
  file.read(reinterpret_cast<char*>(piece.data()), static_cast<std::streamsize>(length));
  if (!file) fail("cannot read", path);
  return piece;
}

}  // namespace fedpet::federation
