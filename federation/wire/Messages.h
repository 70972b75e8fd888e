// What site and coordinator say to each other: plain structs, CBOR on the wire. Every decoder
// checks version, types, lengths and depth before it allocates, and ignores no member it does not
// know. Addresses and order: docs/wire-format.md.
#pragma once

#include "federation/learning/Task.h"
#include "federation/wire/SignedDocument.h"

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace fedpet::federation {

inline constexpr int kProtocolVersion = 1;
inline constexpr std::size_t kMaxMessageBytes = 8u << 20;  // of one CBOR message
inline constexpr std::size_t kChunkBytes = 4u << 20;       // of one piece of a blob
inline constexpr std::size_t kMaxBlobBytes = 1u << 30;
inline constexpr int kMaxSites = 2000;

// --- joining the consortium --------------------------------------------------------------------

// Handed to a person at the site by a trusted way; one use. Text form: "fedpet-invitation:..."
struct Invitation {
  std::string coordinatorUrl, consortium, site, token;
  std::string caCertificatePem;  // everything is verified against it
  PublicKey coordinatorKey{};    // signs rosters, plans, rounds, releases: pinned
  std::string tlsPinSha256;      // of the server's SPKI, hex; empty: the CA above vouches
  std::chrono::sys_seconds expires{};
};
std::string toText(const Invitation&);
Invitation invitationFromText(std::string_view);  // throws WireError

struct EnrolRequest {
  std::string token, requestPem;
};
struct EnrolReply {
  std::string site, certificatePem;
};

struct RosterEntry {
  std::string site;
  std::string certificatePem;
  bool revoked = false;
};
struct Roster {  // signed document "roster"
  std::string consortium;
  int number = 0;  // grows; a site never goes back to a smaller one
  std::chrono::sys_seconds issued{};
  std::vector<RosterEntry> sites;
};

// --- plans -------------------------------------------------------------------------------------

struct Decision {                  // signed document "decision", by the site
  std::string planHash, site, by;  // `by`: the person's name or "policy"
  bool approved = false;
  std::string reason;
  std::chrono::sys_seconds time{};
};

// --- rounds ------------------------------------------------------------------------------------

enum class Step { Join, Share, Contribute, Confirm, Reveal, Done, Failed };
std::string_view toString(Step);

struct RoundStart {     // signed document "round", by the coordinator
  std::string roundId;  // "<first 16 of the plan's hash>-<number>-<attempt>"
  std::string planHash;
  int number = 1, attempt = 1;
  std::string inputSha256;  // blob with the RoundInput
  std::uint64_t inputBytes = 0;
  std::vector<std::string> invited;  // sorted; FixedPoint's `sites` is their number, at every end
  int quorum = 3, threshold = 0;
  int rosterNumber = 0;
  std::chrono::sys_seconds opened{};
};

struct JoinBody {
  Bytes encryptionKey, maskKey;
};  // empty without masking
struct ShareBody {
  std::map<std::string, Bytes> sealed;
};  // by receiver
struct ContributeBody {
  std::string blobSha256;
  std::uint64_t blobBytes = 0;
  std::string metricsJson = "{}";
};
struct ConfirmBody {
  Bytes survivorsSignature;
};  // over survivorsDocument(), by the site
struct RevealBody {
  std::map<std::string, Bytes> selfMaskShares;  // of survivors
  std::map<std::string, Bytes> maskKeyShares;   // of sharers that dropped
};
struct WithdrawBody {
  std::string code, reason;
};  // "PolicyForbids", "TooFewPatients", "BudgetSpent", ...

struct RoundMessage {  // signed document "round-message", by the site
  std::string roundId, site;
  std::variant<JoinBody, ShareBody, ContributeBody, ConfirmBody, RevealBody, WithdrawBody> body;
};

enum class Verdict { Accepted, Duplicate, TooLate, Refused };
struct MessageReply {
  Verdict verdict = Verdict::Accepted;
  std::string reason;
};

// All that one site may know of a round now.
struct RoundView {
  SignedDocument start;
  Step step = Step::Join;
  std::chrono::seconds remaining{};             // of this step, by the coordinator's clock
  std::vector<SignedDocument> joins;            // from Share on: the sites' own signed messages
  std::map<std::string, Bytes> packets;         // from Contribute on: sealed shares for this site
  std::vector<std::string> sharers, survivors;  // from Contribute / Confirm on
  std::vector<SignedDocument> confirmations;    // from Reveal on
  std::string failure;
};

// --- the poll ----------------------------------------------------------------------------------

struct Assignment {  // something that waits for this site
  enum class Kind { Decide, Round, Release } kind = Kind::Decide;
  std::string planHash;     // Decide, Round
  std::string roundId;      // Round
  std::string releaseHash;  // Release
};
struct PollReply {
  std::chrono::sys_seconds serverTime{};
  int rosterNumber = 0;
  std::chrono::seconds pollAgainIn{30};
  std::vector<Assignment> assignments;
};

// --- releases ----------------------------------------------------------------------------------

struct Release {  // signed document "release", by the coordinator
  std::string planHash, title;
  int rounds = 0;
  std::vector<std::string> contributors;     // pseudonyms: site-<hash>
  std::map<std::string, std::string> files;  // name -> sha256 of the blob
  std::string resultJson;                    // what the values are; metrics per round
  double epsilonSpent = 0, delta = 0;        // the largest of any site; 0: no noise
  std::string auditHead;                     // hash of the coordinator's last audit entry
  std::chrono::sys_seconds time{};
  bool synthetic = false;
};

// Problem: the body of every answer that is not 2xx, as JSON.
struct Problem {
  int status = 400;
  std::string code, message;
};

Bytes encode(const EnrolRequest&);
Bytes encode(const EnrolReply&);
Bytes encode(const Roster&);
Bytes encode(const Decision&);
Bytes encode(const RoundStart&);
Bytes encode(const RoundMessage&);
Bytes encode(const MessageReply&);
Bytes encode(const RoundView&);
Bytes encode(const PollReply&);
Bytes encode(const Release&);

// decode<Roster>(bytes) ...; throws WireError. Instantiated for every struct that encode() takes.
template <typename Message>
Message decode(ByteView);
template <>
EnrolRequest decode<EnrolRequest>(ByteView);
template <>
EnrolReply decode<EnrolReply>(ByteView);
template <>
Roster decode<Roster>(ByteView);
template <>
Decision decode<Decision>(ByteView);
template <>
RoundStart decode<RoundStart>(ByteView);
template <>
RoundMessage decode<RoundMessage>(ByteView);
template <>
MessageReply decode<MessageReply>(ByteView);
template <>
RoundView decode<RoundView>(ByteView);
template <>
PollReply decode<PollReply>(ByteView);
template <>
Release decode<Release>(ByteView);

}  // namespace fedpet::federation
