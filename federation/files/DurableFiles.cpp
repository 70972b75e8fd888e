#include "federation/files/DurableFiles.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace fedpet::federation {
namespace {

namespace fs = std::filesystem;

constexpr const char* kUnfinished = ".new-";

[[noreturn]] void fail(const char* doing, const fs::path& path) {
  throw fs::filesystem_error(doing, path, std::error_code(errno, std::generic_category()));
}

class File {
 public:
  File(const fs::path& path, int flags, unsigned mode = 0600)
      : path_(path), handle_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {
    if (handle_ < 0) fail("cannot open", path);
  }
  ~File() { ::close(handle_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  void write(std::uint64_t offset, ByteView bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::pwrite(handle_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) fail("cannot write", path_);
      bytes = bytes.subspan(static_cast<std::size_t>(n));
      offset += static_cast<std::uint64_t>(n);
    }
  }
  // How many bytes there were, at most as many as fit.
  std::size_t read(std::uint64_t offset, std::span<std::uint8_t> into) {
    std::size_t done = 0;
    while (done < into.size()) {
      const ssize_t n = ::pread(handle_, into.data() + done, into.size() - done,
                                static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) fail("cannot read", path_);
      if (n == 0) break;
      done += static_cast<std::size_t>(n);
    }
    return done;
  }
  void readAll(std::uint64_t offset, std::span<std::uint8_t> into) {
    if (read(offset, into) == into.size()) return;
    errno = ENODATA;
    fail("ends too early:", path_);
  }
  void sync() {
    if (::fsync(handle_) != 0) fail("cannot sync", path_);
  }
  std::uint64_t size() {
    struct stat facts {};
    if (::fstat(handle_, &facts) != 0) fail("cannot read the size of", path_);
    return static_cast<std::uint64_t>(facts.st_size);
  }

 private:
  fs::path path_;
  int handle_;
};

// A name is durable only when its folder is.
void syncFolderOf(const fs::path& path) {
  File(path.has_parent_path() ? path.parent_path() : fs::path("."), O_RDONLY | O_DIRECTORY).sync();
}

}  // namespace

void makeOwnerFolder(const fs::path& folder) {
  fs::create_directories(folder);
  fs::permissions(folder, fs::perms::owner_all);
}

void writeOwnerFile(const fs::path& path, ByteView bytes, unsigned mode) {
  const fs::path fresh = path.string() + kUnfinished + toHex(randomBytes(4));
  try {
    File file(fresh, O_CREAT | O_EXCL | O_WRONLY, mode);
    file.write(0, bytes);
    file.sync();
  } catch (...) {
    std::error_code ignored;
    fs::remove(fresh, ignored);  // of a full disk
    throw;
  }
  renameDurably(fresh, path);
}

void removeUnfinished(const fs::path& folder) {
  if (!fs::exists(folder)) return;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.is_regular_file() &&
        entry.path().filename().string().find(kUnfinished) != std::string::npos)
      fs::remove(entry.path());
}

void renameDurably(const fs::path& from, const fs::path& to) {
  fs::rename(from, to);
  syncFolderOf(to);
}

void syncFile(const fs::path& path) { File(path, O_RDONLY).sync(); }

std::optional<SecretBytes> readOwnerFile(const fs::path& path, std::size_t maxBytes) {
  if (!fs::exists(path)) return std::nullopt;
  File file(path, O_RDONLY);
  const std::uint64_t size = file.size();
  if (size > maxBytes) {
    errno = EFBIG;
    fail("will not read", path);
  }
  SecretBytes bytes(static_cast<std::size_t>(size));
  file.readAll(0, bytes.writable());
  return bytes;
}

Bytes readWholeFile(const fs::path& path) {
  File file(path, O_RDONLY);
  Bytes bytes(static_cast<std::size_t>(file.size()));
  file.readAll(0, bytes);
  return bytes;
}

Bytes readPiece(const fs::path& path, std::uint64_t offset, std::size_t length) {
  Bytes piece(length);
  File(path, O_RDONLY).readAll(offset, piece);
  return piece;
}

Hash256 sha256OfFile(const fs::path& path) {
  File file(path, O_RDONLY);
  Sha256Stream hash;
  Bytes piece(1u << 20);
  for (std::uint64_t at = 0;;) {
    const std::size_t count = file.read(at, piece);
    hash.add(ByteView(piece).first(count));
    if (count < piece.size()) return hash.finish();
    at += count;
  }
}

void writeAt(const fs::path& path, std::uint64_t offset, ByteView bytes) {
  File(path, O_WRONLY | O_CREAT).write(offset, bytes);
}

AppendFile::AppendFile(const fs::path& path)
    : path_(path), file_(::open(path.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600)) {
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
  while (!bytes.empty()) {
    const ssize_t n = ::write(file_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("cannot write", path_);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    size_ += static_cast<std::uint64_t>(n);
  }
}

void AppendFile::sync() {
  if (::fsync(file_) != 0) fail("cannot sync", path_);
}

FileLock::FileLock(const fs::path& path, const std::string& taken)
    : file_(::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600)) {
  if (file_ < 0) fail("cannot open", path);
  if (::flock(file_, LOCK_EX | LOCK_NB) == 0) return;
  ::close(file_);
  throw std::runtime_error(taken);
}

FileLock::~FileLock() { ::close(file_); }

}  // namespace fedpet::federation
