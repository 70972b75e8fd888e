// What sites ask of the coordinator.
#include "federation/coordinator/Core.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>

namespace fedpet::federation {
namespace {

using nlohmann::ordered_json;

constexpr const char* kCbor = "application/cbor";
constexpr const char* kJson = "application/json";
constexpr const char* kBytes = "application/octet-stream";
constexpr const char* kChunkHeader = "FedPET-Chunk-SHA256";

std::string hashAt(const ApiCall& call, const std::string& name) {
  const std::string& text = call.at(name);
  const bool isHash =
      text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!isHash) throw Refusal(404, "NotFound", "the address holds no SHA-256 in lower case");
  return text;
}

// --- consortium --------------------------------------------------------------------------------

ApiResponse consortium(Core& core) {
  return jsonAnswer(200, ordered_json{{"name", core.consortium},
                                      {"protocolVersions", {kProtocolVersion}},
                                      {"caCertificatePem", core.keys.authority.certificatePem()},
                                      {"coordinatorKey", toHex(core.keys.signingKey.publicKey())},
                                      {"time", toRow(core.now())}}
                             .dump());
}

ApiResponse renew(Core& core, const ApiCall& call) {
  const auto request = decode<EnrolRequest>(call.request.body);
  if (!request.token.empty())
    throw Refusal(400, "Malformed", "a renewal is signed and has no token");
  return cborAnswer(encode(core.members.renew(call.site, request.requestPem, core.now())));
}

ApiResponse poll(Core& core, const ApiCall& call) {
  PollReply reply;
  for (const auto& hash : core.plans.undecidedBy(call.site))
    reply.assignments.push_back({Assignment::Kind::Decide, hash, "", ""});
  {
    const std::lock_guard lock(core.mutex);
    core.engine.passTime(core.now());
    for (const auto& [round, plan] : core.engine.openRoundsFor(call.site))
      reply.assignments.push_back({Assignment::Kind::Round, plan, round, ""});
  }
  const bool isBusy = std::any_of(reply.assignments.begin(), reply.assignments.end(),
                                  [](auto& a) { return a.kind == Assignment::Kind::Round; });
  for (const auto& hash : core.plans.newestReleases())
    reply.assignments.push_back({Assignment::Kind::Release, "", "", hash});
  const auto interval = core.settings.pollInterval;
  reply.pollAgainIn =
      isBusy ? std::min(interval, std::max(interval / 10, std::chrono::seconds(1))) : interval;
  reply.serverTime = core.now();
  reply.rosterNumber = core.members.rosterNumber();
  return cborAnswer(encode(reply));
}

// --- plans and rounds --------------------------------------------------------------------------

ApiResponse decide(Core& core, const ApiCall& call) {
  const std::string plan = hashAt(call, "hash");
  bool withdrawn = false;
  const MessageReply reply = core.plans.decide(
      call.site, plan, decodeSignedDocument(call.request.body), core.now(), withdrawn);
  if (withdrawn) {
    const std::lock_guard lock(core.mutex);
    core.engine.letGo(call.site, "withdrew its approval of the plan", core.now(), plan);
  }
  return cborAnswer(encode(reply));
}

ApiResponse hear(Core& core, const ApiCall& call) {
  const SignedDocument document = decodeSignedDocument(call.request.body);
  const std::lock_guard lock(core.mutex);
  return cborAnswer(encode(core.engine.hear(call.site, call.at("id"), document, core.now())));
}

ApiResponse view(Core& core, const ApiCall& call) {
  const std::lock_guard lock(core.mutex);
  return cborAnswer(encode(core.engine.view(call.site, call.at("id"), core.now())));
}

// --- blobs -------------------------------------------------------------------------------------

struct ByteRange {
  std::uint64_t from = 0, count = 0;
};

// "bytes=a-b" or "bytes=a-" (RFC 9110 section 14.1.2); what else there is, nobody here sends.
ByteRange rangeOf(const std::string& header, std::uint64_t size) {
  std::string_view text = header;
  ByteRange range;
  std::uint64_t last = size == 0 ? 0 : size - 1;
  bool isGood = text.starts_with("bytes=");
  if (isGood) {
    text.remove_prefix(6);
    const char* end = text.data() + text.size();
    const auto first = std::from_chars(text.data(), end, range.from);
    isGood = first.ec == std::errc() && first.ptr != end && *first.ptr == '-';
    if (isGood && first.ptr + 1 != end) {
      std::uint64_t wanted = 0;
      const auto second = std::from_chars(first.ptr + 1, end, wanted);
      isGood = second.ec == std::errc() && second.ptr == end && wanted >= range.from;
      last = std::min(last, wanted);
    }
  }
  if (!isGood) throw Refusal(400, "Malformed", "the range must be bytes=from-to");
  if (range.from >= size) throw Refusal(416, "NotFound", "the range begins after the end");
  range.count = std::min<std::uint64_t>(last - range.from + 1, kChunkBytes);
  return range;
}

ApiResponse blob(Core& core, const ApiCall& call) {
  const std::string hash = hashAt(call, "sha256");
  const auto row =
      core.database.transaction([&](soci::session& sql) { return Records(sql).blob(hash); });
  const auto size = core.blobs.sizeOf(hash);
  // Sums, states and other sites' vectors are not for everybody who knows a hash.
  if (!row || row->readable == 0 || !size) throw Refusal(404, "NotFound", "there is no such blob");
  ApiResponse answer;
  answer.contentType = kBytes;
  const std::string header = headerOf(call.request, "Range");
  if (header.empty()) {
    if (*size > kChunkBytes)
      throw Refusal(413, "TooLarge",
                    "this blob has " + std::to_string(*size) + " bytes: ask for ranges of it");
    answer.body = core.blobs.readAll(hash);
    return answer;
  }
  const ByteRange range = rangeOf(header, *size);
  answer.status = 206;
  answer.headers.emplace_back("Content-Range", "bytes " + std::to_string(range.from) + "-" +
                                                   std::to_string(range.from + range.count - 1) +
                                                   "/" + std::to_string(*size));
  answer.body = core.blobs.read(hash, range.from, range.count);
  return answer;
}

ApiResponse receivedAnswer(std::uint64_t received, std::uint64_t size) {
  return jsonAnswer(200,
                    ordered_json{{"received", received}, {"complete", received == size}}.dump());
}

std::uint64_t expectedSize(Core& core, const ApiCall& call) {
  const std::uint64_t size = call.number("size", std::uint64_t{1} << 62);
  if (size > kMaxBlobBytes) throw Refusal(413, "TooLarge", "no upload may be as large as that");
  const std::lock_guard lock(core.mutex);
  if (!core.engine.expectsUpload(call.site, size))
    throw Refusal(
        409, "NotExpected",
        "no open round waits for a vector of " + std::to_string(size) + " bytes from this site");
  return size;
}

ApiResponse uploadState(Core& core, const ApiCall& call) {
  const std::string hash = hashAt(call, "sha256");
  const auto size = expectedSize(core, call);
  return receivedAnswer(std::min(size, core.contributions.received(call.site, hash)), size);
}

ApiResponse upload(Core& core, const ApiCall& call) {
  const std::string hash = hashAt(call, "sha256");
  const Bytes& chunk = call.request.body;
  if (chunk.size() > kChunkBytes)
    throw Refusal(413, "TooLarge",
                  "a piece may have " + std::to_string(kChunkBytes) + " bytes at most");
  const auto size = expectedSize(core, call);
  const auto offset = call.number("offset", size);
  if (headerOf(call.request, kChunkHeader) != call.bodySha256)
    throw Refusal(409, "HashMismatch",
                  std::string("the piece is not what header ") + kChunkHeader + " says");
  using Outcome = ContributionStore::Outcome;
  const auto done = core.contributions.append(call.site, hash, size, offset, chunk);
  switch (done.outcome) {
    case Outcome::More:
    case Outcome::Complete:
      return receivedAnswer(done.received, size);
    case Outcome::Gap:
      throw Refusal(409, "Gap",
                    "only " + std::to_string(done.received) + " bytes are here: go on from there");
    case Outcome::TooLong:
      throw Refusal(413, "TooLarge", "the piece ends after the whole");
    case Outcome::WrongHash:
      break;
  }
  throw Refusal(409, "HashMismatch", "the whole has another hash than its name: it was dropped");
}

}  // namespace

void addSiteRoutes(Router& router, Core& core) {
  const auto add = [&](std::string method, std::string pattern, std::string summary, Access access,
                       std::pair<std::string, std::string> request,
                       std::pair<std::string, std::string> response, auto handler) {
    router.add({std::move(method), std::move(pattern), std::move(summary), access, request.first,
                response.first, request.second, response.second,
                [&core, handler](ApiCall& call) { return handler(core, call); }});
  };
  const std::pair<std::string, std::string> nothing;
  add("GET", "/v1/consortium", "Who this is", Access::Public, nothing,
      {kJson, "Name, protocol versions, CA certificate, the coordinator's public key"},
      [](Core& c, ApiCall&) { return consortium(c); });
  add("POST", "/v1/enrol", "Become a member, with an invitation", Access::Public,
      {kCbor, "EnrolRequest"}, {kCbor, "EnrolReply"}, [](Core& c, ApiCall& call) {
        return cborAnswer(
            encode(c.members.enrol(decode<EnrolRequest>(call.request.body), c.now())));
      });
  add("POST", "/v1/certificates", "A certificate for a new key", Access::Site,
      {kCbor, "EnrolRequest without token, signed by the old key"}, {kCbor, "EnrolReply"},
      [](Core& c, ApiCall& call) { return renew(c, call); });
  add("GET", "/v1/roster", "The members and their certificates", Access::Site, nothing,
      {kCbor, "SignedDocument \"roster\""},
      [](Core& c, ApiCall&) { return cborAnswer(encode(c.members.roster())); });
  add("POST", "/v1/poll", "What waits for this site", Access::Site, nothing, {kCbor, "PollReply"},
      [](Core& c, ApiCall& call) { return poll(c, call); });
  add("GET", "/v1/plans/{hash}", "A plan", Access::Site, nothing,
      {kCbor, "SignedDocument \"plan\""}, [](Core& c, ApiCall& call) {
        return cborAnswer(encode(c.plans.plan(hashAt(call, "hash"))));
      });
  add("POST", "/v1/plans/{hash}/decisions", "Approve or reject a plan", Access::Site,
      {kCbor, "SignedDocument \"decision\""}, {kCbor, "MessageReply"},
      [](Core& c, ApiCall& call) { return decide(c, call); });
  add("GET", "/v1/rounds/{id}", "A round as this site may see it", Access::Site, nothing,
      {kCbor, "RoundView"}, [](Core& c, ApiCall& call) { return view(c, call); });
  add("POST", "/v1/rounds/{id}/messages", "Speak in a round", Access::Site,
      {kCbor, "SignedDocument \"round-message\""}, {kCbor, "MessageReply"},
      [](Core& c, ApiCall& call) { return hear(c, call); });
  add("GET", "/v1/blobs/{sha256}", "A file, or a range of it", Access::Site, nothing,
      {kBytes, "The bytes; 206 with Range"}, [](Core& c, ApiCall& call) { return blob(c, call); });
  add("GET", "/v1/uploads/{sha256}/{size}", "How much of an upload is here", Access::Site, nothing,
      {kJson, "received: bytes; complete"},
      [](Core& c, ApiCall& call) { return uploadState(c, call); });
  // No query: Orthanc shows a plugin the parameters of a GET alone.
  add("PUT", "/v1/uploads/{sha256}/{size}/{offset}", "A piece of an upload; may be repeated",
      Access::Site, {kBytes, std::string("The piece; its SHA-256 in header ") + kChunkHeader},
      {kJson, "received: bytes; complete"}, [](Core& c, ApiCall& call) { return upload(c, call); });
  add("GET", "/v1/releases/{hash}", "A release", Access::Site, nothing,
      {kCbor, "SignedDocument \"release\""}, [](Core& c, ApiCall& call) {
        return cborAnswer(encode(c.plans.releaseDocument(hashAt(call, "hash"))));
      });
}

}  // namespace fedpet::federation
