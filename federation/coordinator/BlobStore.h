// Files named by their SHA-256, and the unfinished ones that sites send in pieces.
//
//   blobs/<hash>                  what the coordinator made or was given: inputs, states, releases
//   contributions/<site>/<hash>   what a site sent; gone once its round is over
//   contributions/<site>/<hash>.part
//
// A whole file is synced to disk, and so is its name, before anybody is told that it is there. A
// piece is not: after a power cut less may be here than was said, and the site sends it again.
#pragma once

#include "federation/crypto/Bytes.h"

#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace fedpet::federation {

struct StorageFault : std::runtime_error {  // the disk is full or broken
  using std::runtime_error::runtime_error;
};

class BlobStore {
 public:
  explicit BlobStore(const std::filesystem::path& folder);

  // Returns the hash. Writing what is there already does nothing.
  std::string put(ByteView);
  std::optional<std::uint64_t> sizeOf(const std::string& sha256) const;
  // Throws StorageFault when the file is gone or shorter.
  Bytes read(const std::string& sha256, std::uint64_t offset, std::uint64_t count) const;
  Bytes readAll(const std::string& sha256) const;
  void remove(const std::string& sha256);

 private:
  std::filesystem::path folder_;
};

class ContributionStore {
 public:
  // Unfinished files that a site may have; one more pushes the oldest out.
  static constexpr std::size_t kMostPerSite = 8;

  explicit ContributionStore(const std::filesystem::path& folder);

  std::uint64_t received(const std::string& site, const std::string& sha256) const;
  bool isComplete(const std::string& site, const std::string& sha256, std::uint64_t size);

  enum class Outcome {
    More,       // taken, the file is not complete
    Complete,   // it is, and its hash is right
    Gap,        // begins beyond what is here: nothing was taken
    TooLong,    // ends beyond `size`: nothing was taken
    WrongHash,  // all is here and is not what was announced: dropped
  };
  struct Appended {
    Outcome outcome;
    std::uint64_t received;
  };
  // Bytes that are here already are not written again. Site and hash are checked by the caller.
  Appended append(const std::string& site, const std::string& sha256, std::uint64_t size,
                  std::uint64_t offset, ByteView chunk);

  // Throws StorageFault when it is gone.
  Bytes readAll(const std::string& site, const std::string& sha256) const;
  // The same in pieces of whole 8 bytes, with where each begins.
  void readPieces(const std::string& site, const std::string& sha256,
                  const std::function<void(std::uint64_t from, ByteView)>& use) const;

  void remove(const std::string& site, const std::string& sha256);
  void sweep();  // removes every file: no round is open

 private:
  struct Hashing {
    Sha256Stream stream;
    std::uint64_t bytes = 0;
  };
  struct Lane {
    std::mutex mutex;  // guards the site's files and what follows
    // Of unfinished files that came in order since the start, so that they are read only once.
    std::map<std::string, Hashing> hashing;
  };
  std::filesystem::path fileOf(const std::string& site, const std::string& sha256) const;
  std::filesystem::path partOf(const std::string& site, const std::string& sha256) const;
  bool finish(Lane&, const std::string& site, const std::string& sha256);
  void makeRoom(Lane&, const std::string& site, const std::string& sha256);

  Lane& laneOf(const std::string& site) const;  // one site's disk does not hold up the others

  std::filesystem::path folder_;
  mutable std::mutex mutex_;  // guards lanes_; a lane stays once it is there
  mutable std::map<std::string, Lane> lanes_;
};

}  // namespace fedpet::federation
