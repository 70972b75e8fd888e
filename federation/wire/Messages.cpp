#include "federation/wire/Messages.h"

#include "federation/wire/Cbor.h"

namespace fedpet::federation {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxPem = 16'384;
constexpr std::size_t kMaxSentence = 2'000;
constexpr std::size_t kMaxMetricsBytes = 65'536;
constexpr std::size_t kMaxResultBytes = 4u << 20;
constexpr std::size_t kMaxShareBytes = 4'096;
constexpr std::string_view kInvitationPrefix = "fedpet-invitation:";

std::int64_t secondsOf(std::chrono::sys_seconds time) { return time.time_since_epoch().count(); }

template <typename Map>
json bytesByName(const Map& map) {
  json result = json::object();
  for (const auto& [name, bytes] : map) result[name] = binary(bytes);
  return result;
}

std::map<std::string, Bytes> readBytesByName(Reader& in, const std::string& name) {
  std::map<std::string, Bytes> result;
  for (const auto& [site, value] : in.map(name, kMaxSites).items()) {
    if (!isIdentifier(site) || !value.is_binary() || value.get_binary().size() > kMaxShareBytes)
      in.refuse(name, "byte strings by site");
    const auto& bytes = value.get_binary();
    result[site] = Bytes(bytes.begin(), bytes.end());
  }
  return result;
}

json documents(const std::vector<SignedDocument>& list) {
  json result = json::array();
  for (const auto& document : list) result.push_back(binary(encode(document)));
  return result;
}

std::vector<SignedDocument> readDocuments(Reader& in, const std::string& name) {
  std::vector<SignedDocument> result;
  for (const json& value : in.list(name, kMaxSites)) {
    if (!value.is_binary()) in.refuse(name, "signed documents");
    const auto& bytes = value.get_binary();
    result.push_back(decodeSignedDocument(bytes));
  }
  return result;
}

constexpr Names<Step, 7> kSteps{{{Step::Join, "join"},
                                 {Step::Share, "share"},
                                 {Step::Contribute, "contribute"},
                                 {Step::Confirm, "confirm"},
                                 {Step::Reveal, "reveal"},
                                 {Step::Done, "done"},
                                 {Step::Failed, "failed"}}};
constexpr Names<Verdict, 4> kVerdicts{{{Verdict::Accepted, "accepted"},
                                       {Verdict::Duplicate, "duplicate"},
                                       {Verdict::TooLate, "too-late"},
                                       {Verdict::Refused, "refused"}}};
constexpr Names<Assignment::Kind, 3> kAssignments{{{Assignment::Kind::Decide, "decide"},
                                                   {Assignment::Kind::Round, "round"},
                                                   {Assignment::Kind::Release, "release"}}};

// A hash or nothing.
std::string optionalHash(Reader& in, const std::string& name) {
  const std::string value = in.text(name, 64);
  if (!value.empty() && !isHashHex(value)) in.refuse(name, "a SHA-256 or empty");
  return value;
}

std::string optionalIdentifier(Reader& in, const std::string& name) {
  const std::string value = in.text(name, 64);
  if (!value.empty() && !isIdentifier(value)) in.refuse(name, "an identifier or empty");
  return value;
}

}  // namespace

std::string_view toString(Step step) { return nameOf(step, kSteps); }

// --- invitation --------------------------------------------------------------------------------

std::string toText(const Invitation& i) {
  const Bytes cbor = toCbor({{"v", 1},
                             {"url", i.coordinatorUrl},
                             {"consortium", i.consortium},
                             {"site", i.site},
                             {"token", i.token},
                             {"ca", i.caCertificatePem},
                             {"key", binary(i.coordinatorKey)},
                             {"pin", i.tlsPinSha256},
                             {"expires", secondsOf(i.expires)}});
  return std::string(kInvitationPrefix) + toBase64Url(cbor);
}

Invitation invitationFromText(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())))
    text.remove_suffix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())))
    text.remove_prefix(1);
  if (!text.starts_with(kInvitationPrefix))
    throw WireError(WireError::Kind::Malformed,
                    "an invitation begins with \"fedpet-invitation:\"; ask the consortium for one");
  text.remove_prefix(kInvitationPrefix.size());
  Bytes cbor;
  try {
    cbor = fromBase64Url(text);
  } catch (const CryptoError&) {
    throw WireError(WireError::Kind::Malformed,
                    "the invitation is not complete or was altered: copy it again");
  }
  const json object = fromCbor(cbor, 64 * 1024);
  Reader in(object, "invitation");
  in.requireVersion(1);
  Invitation result;
  result.coordinatorUrl = in.text("url", 2'000);
  result.consortium = in.text("consortium", 200);
  result.site = in.identifier("site");
  result.token = in.text("token", 200);
  result.caCertificatePem = in.text("ca", kMaxPem);
  result.coordinatorKey = in.fixedBytes<32>("key");
  result.tlsPinSha256 = optionalHash(in, "pin");
  result.expires = in.time("expires");
  in.finish();
  return result;
}

// --- joining -----------------------------------------------------------------------------------

Bytes encode(const EnrolRequest& m) {
  return toCbor({{"v", kProtocolVersion}, {"token", m.token}, {"request", m.requestPem}});
}
template <>
EnrolRequest decode<EnrolRequest>(ByteView bytes) {
  const json object = fromCbor(bytes, 64 * 1024);
  Reader in(object, "enrol request");
  in.requireVersion(kProtocolVersion);
  EnrolRequest m{in.text("token", 200), in.text("request", kMaxPem)};
  in.finish();
  return m;
}

Bytes encode(const EnrolReply& m) {
  return toCbor({{"v", kProtocolVersion}, {"site", m.site}, {"certificate", m.certificatePem}});
}
template <>
EnrolReply decode<EnrolReply>(ByteView bytes) {
  const json object = fromCbor(bytes, 64 * 1024);
  Reader in(object, "enrol reply");
  in.requireVersion(kProtocolVersion);
  EnrolReply m{in.identifier("site"), in.text("certificate", kMaxPem)};
  in.finish();
  return m;
}

Bytes encode(const Roster& m) {
  json sites = json::array();
  for (const auto& s : m.sites)
    sites.push_back({{"site", s.site}, {"certificate", s.certificatePem}, {"revoked", s.revoked}});
  return toCbor({{"v", kProtocolVersion},
                 {"consortium", m.consortium},
                 {"number", m.number},
                 {"issued", secondsOf(m.issued)},
                 {"sites", sites}});
}
template <>
Roster decode<Roster>(ByteView bytes) {
  const json object = fromCbor(bytes, kMaxMessageBytes);
  Reader in(object, "roster");
  in.requireVersion(kProtocolVersion);
  Roster m;
  m.consortium = in.text("consortium", 200);
  m.number = static_cast<int>(in.integer("number", 0, INT32_MAX));
  m.issued = in.time("issued");
  for (const json& entry : in.list("sites", kMaxSites)) {
    Reader site(entry, "roster entry");
    m.sites.push_back(
        {site.identifier("site"), site.text("certificate", kMaxPem), site.boolean("revoked")});
    site.finish();
  }
  in.finish();
  return m;
}

Bytes encode(const Decision& m) {
  return toCbor({{"v", kProtocolVersion},
                 {"plan", m.planHash},
                 {"site", m.site},
                 {"by", m.by},
                 {"approved", m.approved},
                 {"reason", m.reason},
                 {"time", secondsOf(m.time)}});
}
template <>
Decision decode<Decision>(ByteView bytes) {
  const json object = fromCbor(bytes, 64 * 1024);
  Reader in(object, "decision");
  in.requireVersion(kProtocolVersion);
  Decision m;
  m.planHash = in.hashHex("plan");
  m.site = in.identifier("site");
  m.by = in.text("by", 200);
  m.approved = in.boolean("approved");
  m.reason = in.text("reason", kMaxSentence);
  m.time = in.time("time");
  in.finish();
  return m;
}

// --- rounds ------------------------------------------------------------------------------------

Bytes encode(const RoundStart& m) {
  return toCbor({{"v", kProtocolVersion},
                 {"round", m.roundId},
                 {"plan", m.planHash},
                 {"number", m.number},
                 {"attempt", m.attempt},
                 {"input", m.inputSha256},
                 {"inputBytes", m.inputBytes},
                 {"invited", m.invited},
                 {"quorum", m.quorum},
                 {"threshold", m.threshold},
                 {"roster", m.rosterNumber},
                 {"opened", secondsOf(m.opened)}});
}
template <>
RoundStart decode<RoundStart>(ByteView bytes) {
  const json object = fromCbor(bytes, kMaxMessageBytes);
  Reader in(object, "round");
  in.requireVersion(kProtocolVersion);
  RoundStart m;
  m.roundId = in.identifier("round");
  m.planHash = in.hashHex("plan");
  m.number = static_cast<int>(in.integer("number", 1, 1'000'000));
  m.attempt = static_cast<int>(in.integer("attempt", 1, 10'000));
  m.inputSha256 = in.hashHex("input");
  m.inputBytes = static_cast<std::uint64_t>(in.integer("inputBytes", 0, kMaxBlobBytes));
  m.invited = in.identifiers("invited", kMaxSites);
  m.quorum = static_cast<int>(in.integer("quorum", 1, kMaxSites));
  m.threshold = static_cast<int>(in.integer("threshold", 0, kMaxSites));
  m.rosterNumber = static_cast<int>(in.integer("roster", 0, INT32_MAX));
  m.opened = in.time("opened");
  in.finish();
  return m;
}

namespace {

struct BodyEncoder {
  json& out;
  void operator()(const JoinBody& b) const {
    out["step"] = "join";
    out["encryptionKey"] = binary(b.encryptionKey);
    out["maskKey"] = binary(b.maskKey);
  }
  void operator()(const ShareBody& b) const {
    out["step"] = "share";
    out["sealed"] = bytesByName(b.sealed);
  }
  void operator()(const ContributeBody& b) const {
    out["step"] = "contribute";
    out["blob"] = b.blobSha256;
    out["blobBytes"] = b.blobBytes;
    out["metrics"] = b.metricsJson;
  }
  void operator()(const ConfirmBody& b) const {
    out["step"] = "confirm";
    out["survivors"] = binary(b.survivorsSignature);
  }
  void operator()(const RevealBody& b) const {
    out["step"] = "reveal";
    out["selfMasks"] = bytesByName(b.selfMaskShares);
    out["maskKeys"] = bytesByName(b.maskKeyShares);
  }
  void operator()(const WithdrawBody& b) const {
    out["step"] = "withdraw";
    out["code"] = b.code;
    out["reason"] = b.reason;
  }
};

Bytes keyOrNothing(Reader& in, const std::string& name) {
  Bytes key = in.bytes(name, 0, 32);
  if (!key.empty() && key.size() != 32) in.refuse(name, "32 bytes, or none without masking");
  return key;
}

RoundMessage readBody(Reader& in, RoundMessage m) {
  const std::string step = in.text("step", 32);
  if (step == "join") {
    JoinBody body;
    body.encryptionKey = keyOrNothing(in, "encryptionKey");
    body.maskKey = keyOrNothing(in, "maskKey");
    m.body = body;
  } else if (step == "share") {
    m.body = ShareBody{readBytesByName(in, "sealed")};
  } else if (step == "contribute") {
    ContributeBody body;
    body.blobSha256 = in.hashHex("blob");
    body.blobBytes = static_cast<std::uint64_t>(in.integer("blobBytes", 0, kMaxBlobBytes));
    body.metricsJson = in.jsonText("metrics", kMaxMetricsBytes);
    m.body = body;
  } else if (step == "confirm") {
    m.body = ConfirmBody{in.bytes("survivors", 64, 64)};
  } else if (step == "reveal") {
    RevealBody body;
    body.selfMaskShares = readBytesByName(in, "selfMasks");
    body.maskKeyShares = readBytesByName(in, "maskKeys");
    m.body = body;
  } else if (step == "withdraw") {
    WithdrawBody body;
    body.code = in.identifier("code");
    body.reason = in.text("reason", kMaxSentence);
    m.body = body;
  } else {
    in.refuse("step", "one of the steps of this version");
  }
  return m;
}

}  // namespace

Bytes encode(const RoundMessage& m) {
  json out = {{"v", kProtocolVersion}, {"round", m.roundId}, {"site", m.site}};
  std::visit(BodyEncoder{out}, m.body);
  return toCbor(out);
}
template <>
RoundMessage decode<RoundMessage>(ByteView bytes) {
  const json object = fromCbor(bytes, kMaxMessageBytes);
  Reader in(object, "round message");
  in.requireVersion(kProtocolVersion);
  RoundMessage m;
  m.roundId = in.identifier("round");
  m.site = in.identifier("site");
  m = readBody(in, std::move(m));
  in.finish();
  return m;
}

Bytes encode(const MessageReply& m) {
  return toCbor(
      {{"v", kProtocolVersion}, {"verdict", nameOf(m.verdict, kVerdicts)}, {"reason", m.reason}});
}
template <>
MessageReply decode<MessageReply>(ByteView bytes) {
  const json object = fromCbor(bytes, 64 * 1024);
  Reader in(object, "message reply");
  in.requireVersion(kProtocolVersion);
  MessageReply m;
  m.verdict = in.choice("verdict", kVerdicts);
  m.reason = in.text("reason", kMaxSentence);
  in.finish();
  return m;
}

Bytes encode(const RoundView& m) {
  return toCbor({{"v", kProtocolVersion},
                 {"start", binary(encode(m.start))},
                 {"step", toString(m.step)},
                 {"remaining", m.remaining.count()},
                 {"joins", documents(m.joins)},
                 {"packets", bytesByName(m.packets)},
                 {"sharers", m.sharers},
                 {"survivors", m.survivors},
                 {"confirmations", documents(m.confirmations)},
                 {"failure", m.failure}});
}
template <>
RoundView decode<RoundView>(ByteView bytes) {
  const json object = fromCbor(bytes, kMaxMessageBytes);
  Reader in(object, "round view");
  in.requireVersion(kProtocolVersion);
  RoundView m;
  m.start = decodeSignedDocument(in.bytes("start", 1, kMaxMessageBytes));
  m.step = in.choice("step", kSteps);
  m.remaining = std::chrono::seconds(in.integer("remaining", 0, 366 * 86'400));
  m.joins = readDocuments(in, "joins");
  m.packets = readBytesByName(in, "packets");
  m.sharers = in.identifiers("sharers", kMaxSites);
  m.survivors = in.identifiers("survivors", kMaxSites);
  m.confirmations = readDocuments(in, "confirmations");
  m.failure = in.text("failure", kMaxSentence);
  in.finish();
  return m;
}

// --- poll --------------------------------------------------------------------------------------

Bytes encode(const PollReply& m) {
  json assignments = json::array();
  for (const auto& a : m.assignments)
    assignments.push_back({{"kind", nameOf(a.kind, kAssignments)},
                           {"plan", a.planHash},
                           {"round", a.roundId},
                           {"release", a.releaseHash}});
  return toCbor({{"v", kProtocolVersion},
                 {"time", secondsOf(m.serverTime)},
                 {"roster", m.rosterNumber},
                 {"again", m.pollAgainIn.count()},
                 {"assignments", assignments}});
}
template <>
PollReply decode<PollReply>(ByteView bytes) {
  const json object = fromCbor(bytes, kMaxMessageBytes);
  Reader in(object, "poll reply");
  in.requireVersion(kProtocolVersion);
  PollReply m;
  m.serverTime = in.time("time");
  m.rosterNumber = static_cast<int>(in.integer("roster", 0, INT32_MAX));
  m.pollAgainIn = std::chrono::seconds(in.integer("again", 0, 86'400));
  for (const json& entry : in.list("assignments", 10'000)) {
    Reader a(entry, "assignment");
    m.assignments.push_back({a.choice("kind", kAssignments), optionalHash(a, "plan"),
                             optionalIdentifier(a, "round"), optionalHash(a, "release")});
    a.finish();
  }
  in.finish();
  return m;
}

// --- release -----------------------------------------------------------------------------------

Bytes encode(const Release& m) {
  return toCbor({{"v", kProtocolVersion},
                 {"plan", m.planHash},
                 {"title", m.title},
                 {"rounds", m.rounds},
                 {"contributors", m.contributors},
                 {"files", m.files},
                 {"result", m.resultJson},
                 {"epsilon", m.epsilonSpent},
                 {"delta", m.delta},
                 {"auditHead", m.auditHead},
                 {"time", secondsOf(m.time)},
                 {"synthetic", m.synthetic}});
}
template <>
Release decode<Release>(ByteView bytes) {
  const json object = fromCbor(bytes, kMaxMessageBytes);
  Reader in(object, "release");
  in.requireVersion(kProtocolVersion);
  Release m;
  m.planHash = in.hashHex("plan");
  m.title = in.text("title", 200);
  m.rounds = static_cast<int>(in.integer("rounds", 0, 1'000'000));
  m.contributors = in.identifiers("contributors", kMaxSites);
  for (const auto& [name, value] : in.map("files", 100).items()) {
    if (!isIdentifier(name) || name.front() == '.' || !value.is_string() ||
        !isHashHex(value.get_ref<const std::string&>()))
      in.refuse("files", "hashes by plain file name");
    m.files[name] = value.get<std::string>();
  }
  m.resultJson = in.jsonText("result", kMaxResultBytes);
  m.epsilonSpent = in.number("epsilon", 0, 1e9);
  m.delta = in.number("delta", 0, 1);
  m.auditHead = optionalHash(in, "auditHead");
  m.time = in.time("time");
  m.synthetic = in.boolean("synthetic");
  in.finish();
  return m;
}

}  // namespace fedpet::federation
