#include "federation/coordinator/Files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <system_error>

namespace fedpet::federation {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const std::string& doing, const fs::path& path) {
  throw std::runtime_error("cannot " + doing + " " + path.string() + ": " +
                           std::generic_category().message(errno));
}

class File {
 public:
  File(const fs::path& path, int flags, unsigned mode) : path_(path) {
    descriptor_ = open(path.c_str(), flags | O_CLOEXEC, mode);
    if (descriptor_ < 0) fail("open", path);
  }
  ~File() { close(descriptor_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  void write(std::uint64_t offset, ByteView bytes) {
    while (!bytes.empty()) {
      const ssize_t n = pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) fail("write", path_);
      bytes = bytes.subspan(static_cast<std::size_t>(n));
      offset += static_cast<std::uint64_t>(n);
    }
  }
  void sync() {
    if (fsync(descriptor_) != 0) fail("sync", path_);
  }

 private:
  fs::path path_;
  int descriptor_;
};

void syncFolderOf(const fs::path& path) {
  File(path.parent_path().empty() ? "." : path.parent_path(), O_RDONLY | O_DIRECTORY, 0).sync();
}

}  // namespace

void writeWholeFile(const fs::path& path, ByteView bytes, unsigned mode) {
  const fs::path fresh = path.string() + ".new-" + toHex(randomBytes(4));
  {
    File file(fresh, O_WRONLY | O_CREAT | O_EXCL, mode);
    file.write(0, bytes);
    file.sync();
  }
  fs::rename(fresh, path);
  syncFolderOf(path);
}

void writeAt(const fs::path& path, std::uint64_t offset, ByteView bytes) {
  File(path, O_WRONLY | O_CREAT, 0600).write(offset, bytes);
}

void syncAndRename(const fs::path& from, const fs::path& to) {
  File(from, O_RDONLY, 0).sync();
  fs::rename(from, to);
  syncFolderOf(to);
}

Bytes readWholeFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail("open", path);
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

FolderLock::FolderLock(const fs::path& folder) {
  const fs::path path = folder / "lock";
  file_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file_ < 0) fail("open", path);
  if (flock(file_, LOCK_EX | LOCK_NB) != 0) {
    close(file_);
    throw std::runtime_error("another coordinator is running in " + folder.string());
  }
}

FolderLock::~FolderLock() { close(file_); }

}  // namespace fedpet::federation
