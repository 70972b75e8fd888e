#include "federation/site/ReleaseShelf.h"

#include "federation/files/DurableFiles.h"

namespace fedpet::federation {

namespace {
constexpr std::uint64_t kMaxReleaseFileBytes = 256u << 20;
constexpr std::size_t kMostReleaseFiles = 16;
}  // namespace

bool ReleaseShelf::fetch(const std::string& hash, std::stop_token stop) {
  namespace fs = std::filesystem;
  if (store_.hasRelease(hash)) return false;
  const auto document =
      decodeSignedDocument(CoordinatorLink::bodyOf(link_.get("/v1/releases/" + hash, stop)));
  requireSignature(document, "release", "coordinator", enrolment_.coordinatorKey);
  if (document.hashHex() != hash)
    throw WireError(WireError::Kind::Malformed, "the coordinator sent another release");
  const auto release = decode<Release>(document.payload);
  if (release.files.size() > kMostReleaseFiles)
    throw WireError(WireError::Kind::TooLarge, "a release has more files than this site accepts");

  const fs::path staging = files_.releases() / (hash + ".part"), final = files_.releases() / hash;
  makeOwnerFolder(files_.releases());
  fs::remove_all(staging);
  makeOwnerFolder(staging);
  for (const auto& [name, sha256] : release.files) {
    if (name == "release.cbor")
      throw WireError(WireError::Kind::Malformed, "a file of a release has a reserved name");
    // The blob is on disk already; its second name is, with the folder below.
    fs::create_hard_link(blobs_.fetch({sha256, std::nullopt, kMaxReleaseFileBytes, true}, stop),
                         staging / name);
  }
  writeOwnerFile(staging / "release.cbor", encode(document));
  if (!release.files.contains("result.json"))
    writeOwnerFile(staging / "result.json", viewOf(release.resultJson));
  fs::remove_all(final);
  renameDurably(staging, final);
  store_.keepRelease(hash, {"release", {{"release", hash}, {"plan", release.planHash}}});
  for (const auto& [name, sha256] : release.files) blobs_.forget(sha256);
  return true;
}

}  // namespace fedpet::federation
