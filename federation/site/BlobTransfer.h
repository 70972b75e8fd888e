// Large files to and from the coordinator, in pieces that each fit through a slow line within the
// deadline of one request. What has arrived stays: after a break, or a kill, a transfer goes on
// where it was. A file takes its place only when the SHA-256 of the whole is right.
#pragma once

#include "federation/site/CoordinatorLink.h"

#include <filesystem>

namespace fedpet::federation {

class BlobTransfer {
 public:
  // `folder` holds what is fetched, named by its hash; "<hash>.part" while it is on its way.
  BlobTransfer(CoordinatorLink&, std::filesystem::path folder);

  struct Wanted {
    std::string sha256;
    std::optional<std::uint64_t> bytes;  // absent: the coordinator says
    std::uint64_t mostBytes = 0;         // larger is refused before it is fetched
  };
  // Throws net::NetError, CoordinatorRefusal, and WireError for a coordinator that sends other
  // bytes than asked for or a content with another hash (which is dropped).
  std::filesystem::path fetch(const Wanted&, std::stop_token);
  void forget(const std::string& sha256);

  // Sends what is missing there. Throws as fetch() does.
  void upload(const std::filesystem::path& file, const std::string& sha256, std::uint64_t bytes,
              std::stop_token);

  std::size_t pieceBytes() const { return pieceBytes_; }

 private:
  struct Piece {
    Bytes bytes;
    std::uint64_t total = 0;  // size of the whole
  };
  Piece fetchPiece(const std::string& sha256, std::uint64_t from, const Wanted&, std::stop_token);
  std::uint64_t received(const std::string& target, std::uint64_t bytes, std::stop_token);
  std::uint64_t sendFrom(std::uint64_t offset, const std::filesystem::path& file,
                         const std::string& target, std::uint64_t bytes, std::stop_token);
  template <typename Work>
  auto paced(Work);

  CoordinatorLink& link_;
  std::filesystem::path folder_;
  std::size_t pieceBytes_;
};

}  // namespace fedpet::federation
