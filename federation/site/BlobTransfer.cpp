#include "federation/site/BlobTransfer.h"

#include "federation/files/DurableFiles.h"
#include "federation/wire/Messages.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>

namespace fedpet::federation {
namespace {

namespace fs = std::filesystem;

// Below this a line is not slow but broken.
constexpr std::size_t kSmallestPiece = 64 * 1024;

[[noreturn]] void distrust(const std::string& what) {
  throw WireError(WireError::Kind::Malformed, what);
}

struct ContentRange {
  std::uint64_t from = 0, to = 0, total = 0;
};

bool takeNumber(std::string_view& text, char after, std::uint64_t& value) {
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
  if (after == '\0') return text.empty();
  if (text.empty() || text.front() != after) return false;
  text.remove_prefix(1);
  return true;
}

// "bytes 0-99/1234", RFC 9110 section 14.4.
std::optional<ContentRange> parseContentRange(std::string_view text) {
  ContentRange range;
  if (!text.starts_with("bytes ")) return std::nullopt;
  text.remove_prefix(6);
  if (!takeNumber(text, '-', range.from) || !takeNumber(text, '/', range.to) ||
      !takeNumber(text, '\0', range.total) || range.to < range.from || range.to >= range.total)
    return std::nullopt;
  return range;
}

std::optional<std::uint64_t> receivedOf(const net::HttpResponse& response) {
  const auto json = nlohmann::json::parse(response.body, nullptr, false);
  if (!json.is_object() || !json.contains("received") || !json["received"].is_number_unsigned())
    return std::nullopt;
  return json["received"].get<std::uint64_t>();
}

}  // namespace

BlobTransfer::BlobTransfer(CoordinatorLink& link, fs::path folder)
    : link_(link), folder_(std::move(folder)), pieceBytes_(kChunkBytes) {}

// A piece that does not get through in time is tried smaller the next time; one that does, larger.
template <typename Work>
auto BlobTransfer::paced(Work work) {
  try {
    auto result = work();
    pieceBytes_ = std::min(2 * pieceBytes_, kChunkBytes);
    return result;
  } catch (const net::NetError& e) {
    if (e.kind() == net::NetError::Kind::Timeout)
      pieceBytes_ = std::max(pieceBytes_ / 2, kSmallestPiece);
    throw;
  }
}

fs::path BlobTransfer::fetch(const Wanted& wanted, std::stop_token stop) {
  const fs::path whole = folder_ / wanted.sha256, part = folder_ / (wanted.sha256 + ".part");
  if (fs::exists(whole)) {
    if (toHex(sha256OfFile(whole)) == wanted.sha256) {
      if (wanted.durable) syncFile(whole);
      return whole;
    }
    fs::remove(whole);  // a power cut came before the disk had it
  }
  if (wanted.bytes && *wanted.bytes > wanted.mostBytes)
    throw WireError(WireError::Kind::TooLarge, "a blob is larger than this site accepts");
  makeOwnerFolder(folder_);
  if (fetchInto(part, wanted, std::move(stop)) != wanted.sha256) {
    fs::remove(part);
    distrust("a blob has another hash than its name says; it will be fetched again");
  }
  if (wanted.durable)
    renameDurably(part, whole);
  else
    fs::rename(part, whole);
  return whole;
}

// The hash of the whole, in hex.
std::string BlobTransfer::fetchInto(const fs::path& part, const Wanted& wanted,
                                    std::stop_token stop) {
  AppendFile file(part);
  Sha256Stream hash;
  const bool isResumed = file.size() > 0;  // the hash of what is here was not kept
  std::optional<std::uint64_t> total = wanted.bytes;
  while (!total || file.size() < *total) {
    const Piece piece = paced([&] { return fetchPiece(wanted.sha256, file.size(), wanted, stop); });
    if (total && piece.total != *total) distrust("the size of a blob changed on its way");
    total = piece.total;
    file.append(viewOf(piece.bytes));
    hash.add(viewOf(piece.bytes));
  }
  if (wanted.durable) file.sync();
  return toHex(isResumed ? sha256OfFile(part) : hash.finish());
}

BlobTransfer::Piece BlobTransfer::fetchPiece(const std::string& sha256, std::uint64_t from,
                                             const Wanted& wanted, std::stop_token stop) {
  const std::uint64_t last = from + pieceBytes_ - 1;
  net::HttpResponse response;
  try {
    response = link_.send("GET", "/v1/blobs/" + sha256, {},
                          {{"Range", "bytes=" + std::to_string(from) + "-" + std::to_string(last)}},
                          std::move(stop));
  } catch (const CoordinatorRefusal& refusal) {
    // Killed between the last piece and the renaming, of a file whose size nobody had told.
    if (refusal.status != 416 || wanted.bytes || from == 0) throw;
    return {{}, from};
  }
  Piece piece;
  piece.bytes = std::move(response.body);
  if (response.status == 206) {
    const auto range =
        parseContentRange(net::headerValue(response.headers, "Content-Range").value_or(""));
    if (!range || range->from != from || range->to > last ||
        range->to - range->from + 1 != piece.bytes.size())
      distrust("the coordinator sent another part of a blob than was asked for");
    piece.total = range->total;
  } else if (from == 0 && response.status == 200) {  // the whole of it: no ranges on the way
    piece.total = piece.bytes.size();
  } else {
    distrust("the coordinator sent no part of a blob");
  }
  if (piece.total > wanted.mostBytes)
    throw WireError(WireError::Kind::TooLarge, "a blob is larger than this site accepts");
  return piece;
}

void BlobTransfer::forget(const std::string& sha256) {
  fs::remove(folder_ / sha256);
  fs::remove(folder_ / (sha256 + ".part"));
}

void BlobTransfer::upload(ByteView whole, const std::string& sha256, std::stop_token stop) {
  const std::string target = "/v1/uploads/" + sha256 + "/" + std::to_string(whole.size());
  for (int attempt = 1;; ++attempt) {
    try {
      std::uint64_t offset = received(target, whole.size(), stop);
      while (offset < whole.size())
        offset = paced([&] { return sendFrom(offset, whole, target, stop); });
      return;
    } catch (const CoordinatorRefusal& refusal) {
      // It has dropped what it had, perhaps damaged on its own disk: once more from the start.
      if (refusal.code != "HashMismatch" || attempt == 2) throw;
    }
  }
}

bool BlobTransfer::isMissing(const std::string& sha256, std::uint64_t bytes, std::stop_token stop) {
  return received("/v1/uploads/" + sha256 + "/" + std::to_string(bytes), bytes, std::move(stop)) <
         bytes;
}

std::uint64_t BlobTransfer::received(const std::string& target, std::uint64_t bytes,
                                     std::stop_token stop) {
  const auto count = receivedOf(link_.get(target, std::move(stop)));
  if (!count || *count > bytes) distrust("the coordinator does not say what it has of an upload");
  return *count;
}

std::uint64_t BlobTransfer::sendFrom(std::uint64_t offset, ByteView whole,
                                     const std::string& target, std::stop_token stop) {
  const ByteView rest = whole.subspan(static_cast<std::size_t>(offset));
  const ByteView piece = rest.first(std::min(pieceBytes_, rest.size()));
  const std::string hash = sha256Hex(piece);
  const auto response =
      link_.send("PUT", target + "/" + std::to_string(offset), piece,
                 {{"FedPET-Chunk-SHA256", hash}, {"Content-Type", "application/octet-stream"}},
                 std::move(stop), hash);
  const std::uint64_t now = receivedOf(response).value_or(offset + piece.size());
  if (now <= offset || now > whole.size()) distrust("the coordinator does not take an upload");
  return now;
}

}  // namespace fedpet::federation
