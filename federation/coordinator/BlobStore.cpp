#include "federation/coordinator/BlobStore.h"

#include "federation/files/DurableFiles.h"

#include <algorithm>
#include <vector>

namespace fedpet::federation {
namespace {

namespace fs = std::filesystem;

Bytes readRange(const fs::path& path, std::uint64_t offset, std::uint64_t count) {
  try {
    return readPiece(path, offset, static_cast<std::size_t>(count));
  } catch (const fs::filesystem_error&) {
    throw StorageFault("a stored file is gone or cut short");
  }
}

std::optional<std::uint64_t> fileSize(const fs::path& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  if (error) return std::nullopt;
  return size;
}

}  // namespace

// --- BlobStore ---------------------------------------------------------------------------------

BlobStore::BlobStore(const fs::path& folder) : folder_(folder / "blobs") {
  fs::create_directories(folder_);
  removeUnfinished(folder_);
}

std::string BlobStore::put(ByteView bytes) {
  const std::string hash = sha256Hex(bytes);
  if (sizeOf(hash) != bytes.size()) writeOwnerFile(folder_ / hash, bytes);
  return hash;
}

std::optional<std::uint64_t> BlobStore::sizeOf(const std::string& sha256) const {
  return fileSize(folder_ / sha256);
}

Bytes BlobStore::read(const std::string& sha256, std::uint64_t offset, std::uint64_t count) const {
  return readRange(folder_ / sha256, offset, count);
}

Bytes BlobStore::readAll(const std::string& sha256) const {
  const auto size = sizeOf(sha256);
  if (!size) throw StorageFault("a stored file is gone");
  return read(sha256, 0, *size);
}

void BlobStore::remove(const std::string& sha256) {
  std::error_code ignored;
  fs::remove(folder_ / sha256, ignored);
}

// --- ContributionStore -------------------------------------------------------------------------

ContributionStore::ContributionStore(const fs::path& folder) : folder_(folder / "contributions") {
  fs::create_directories(folder_);
}

fs::path ContributionStore::fileOf(const std::string& site, const std::string& sha256) const {
  return folder_ / site / sha256;
}
fs::path ContributionStore::partOf(const std::string& site, const std::string& sha256) const {
  return folder_ / site / (sha256 + ".part");
}

ContributionStore::Lane& ContributionStore::laneOf(const std::string& site) const {
  const std::lock_guard lock(mutex_);
  return lanes_[site];
}

std::uint64_t ContributionStore::received(const std::string& site,
                                          const std::string& sha256) const {
  const std::lock_guard lock(laneOf(site).mutex);
  if (const auto whole = fileSize(fileOf(site, sha256))) return *whole;
  return fileSize(partOf(site, sha256)).value_or(0);
}

bool ContributionStore::isComplete(const std::string& site, const std::string& sha256,
                                   std::uint64_t size) {
  Lane& lane = laneOf(site);
  const std::lock_guard lock(lane.mutex);
  // All of it arrived, and then this program was killed before it was given its name.
  if (fileSize(partOf(site, sha256)) == size) finish(lane, site, sha256);
  return fileSize(fileOf(site, sha256)) == size;
}

ContributionStore::Appended ContributionStore::append(const std::string& site,
                                                      const std::string& sha256, std::uint64_t size,
                                                      std::uint64_t offset, ByteView chunk) {
  Lane& lane = laneOf(site);
  const std::lock_guard lock(lane.mutex);
  if (const auto whole = fileSize(fileOf(site, sha256))) return {Outcome::Complete, *whole};
  const auto part = partOf(site, sha256);
  std::uint64_t here = fileSize(part).value_or(0);
  if (offset > here) return {Outcome::Gap, here};
  if (offset + chunk.size() > size) return {Outcome::TooLong, here};
  if (offset + chunk.size() > here) {
    makeRoom(lane, site, sha256);
    const ByteView fresh = chunk.subspan(static_cast<std::size_t>(here - offset));
    writeAt(part, here, fresh);
    // What was sent in order since this program started need not be read again for its hash.
    Hashing& hashing = lane.hashing[sha256];
    if (hashing.bytes == here) {
      hashing.stream.add(fresh);
      hashing.bytes += fresh.size();
    }
    here += fresh.size();
  }
  if (here < size) return {Outcome::More, here};
  return finish(lane, site, sha256) ? Appended{Outcome::Complete, here}
                                    : Appended{Outcome::WrongHash, 0};
}

bool ContributionStore::finish(Lane& lane, const std::string& site, const std::string& sha256) {
  const auto part = partOf(site, sha256);
  Hashing hashing;
  if (const auto known = lane.hashing.find(sha256); known != lane.hashing.end()) {
    hashing = std::move(known->second);
    lane.hashing.erase(known);
  }
  const auto size = fileSize(part).value_or(0);
  if (hashing.bytes != size) {  // begun before a restart
    hashing = Hashing();
    while (hashing.bytes < size) {
      const Bytes piece =
          readRange(part, hashing.bytes, std::min<std::uint64_t>(size - hashing.bytes, 1u << 20));
      hashing.stream.add(piece);
      hashing.bytes += piece.size();
    }
  }
  if (toHex(hashing.stream.finish()) != sha256) {
    fs::remove(part);
    return false;
  }
  syncFile(part);
  renameDurably(part, fileOf(site, sha256));
  return true;
}

void ContributionStore::makeRoom(Lane& lane, const std::string& site, const std::string& sha256) {
  fs::create_directories(folder_ / site);
  std::vector<std::pair<fs::file_time_type, fs::path>> parts;
  for (const auto& file : fs::directory_iterator(folder_ / site))
    if (file.path().extension() == ".part" && file.path() != partOf(site, sha256))
      parts.emplace_back(file.last_write_time(), file.path());
  std::sort(parts.begin(), parts.end());
  for (std::size_t i = 0; i + kMostPerSite <= parts.size(); ++i) {
    lane.hashing.erase(parts[i].second.stem().string());
    fs::remove(parts[i].second);
  }
}

Bytes ContributionStore::readAll(const std::string& site, const std::string& sha256) const {
  const auto size = fileSize(fileOf(site, sha256));
  if (!size) throw StorageFault("a contribution is gone from the disk");
  return readRange(fileOf(site, sha256), 0, *size);
}

void ContributionStore::readPieces(
    const std::string& site, const std::string& sha256,
    const std::function<void(std::uint64_t from, ByteView)>& use) const {
  constexpr std::uint64_t kPiece = 256u << 10;
  const auto size = fileSize(fileOf(site, sha256));
  if (!size) throw StorageFault("a contribution is gone from the disk");
  for (std::uint64_t from = 0; from < *size; from += kPiece)
    use(from, readRange(fileOf(site, sha256), from, std::min(kPiece, *size - from)));
}

void ContributionStore::remove(const std::string& site, const std::string& sha256) {
  const std::lock_guard lock(laneOf(site).mutex);
  std::error_code ignored;
  fs::remove(fileOf(site, sha256), ignored);
}

void ContributionStore::sweep() {
  std::error_code ignored;
  for (const auto& folder : fs::directory_iterator(folder_)) {
    Lane& lane = laneOf(folder.path().filename().string());
    const std::lock_guard lock(lane.mutex);
    lane.hashing.clear();
    fs::remove_all(folder.path(), ignored);
  }
}

}  // namespace fedpet::federation
