// Large files to and from the coordinator, in pieces that each fit through a slow line within the
// deadline of one request. What has arrived stays: after a break, or a kill, a transfer goes on
// where it was. A file counts only when the SHA-256 of the whole is right.
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
    // Must outlive a power cut. What need not is fetched again then: its hash is checked when it
    // is found here.
    bool durable = false;
  };
  // Throws net::NetError, CoordinatorRefusal, and WireError for a coordinator that sends other
  // bytes than asked for or a content with another hash (which is dropped).
  std::filesystem::path fetch(const Wanted&, std::stop_token);
  void forget(const std::string& sha256);

  // Sends what is missing there of `whole`, whose hash is `sha256`. Throws as fetch() does.
  void upload(ByteView whole, const std::string& sha256, std::stop_token);
  // Whether the coordinator lacks some of an upload. Throws as fetch() does.
  bool isMissing(const std::string& sha256, std::uint64_t bytes, std::stop_token);

  std::size_t pieceBytes() const { return pieceBytes_; }

 private:
  struct Piece {
    std::string bytes;
    std::uint64_t total = 0;  // size of the whole
  };
  Piece fetchPiece(const std::string& sha256, std::uint64_t from, const Wanted&, std::stop_token);
  std::uint64_t received(const std::string& target, std::uint64_t bytes, std::stop_token);
  std::uint64_t sendFrom(std::uint64_t offset, ByteView whole, const std::string& target,
                         std::stop_token);
  std::string fetchInto(const std::filesystem::path& part, const Wanted&, std::stop_token);
  template <typename Work>
  auto paced(Work);

  CoordinatorLink& link_;
  std::filesystem::path folder_;
  std::size_t pieceBytes_;
};

}  // namespace fedpet::federation
