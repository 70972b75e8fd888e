// Transfers through a server that breaks, lies and delays.
#include "federation/files/DurableFiles.h"
#include "federation/site/BlobTransfer.h"
#include "federation/wire/Messages.h"
#include "federation/wire/RequestSignature.h"
#include "tests/support/LoopbackServer.h"
#include "tests/support/TemporaryDirectory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <atomic>
#include <fstream>
#include <mutex>

namespace fedpet::federation {
namespace {

using namespace std::chrono_literals;
using fedpet::testing::Answer;
using fedpet::testing::LoopbackServer;
using fedpet::testing::TemporaryDirectory;
using ::testing::HasSubstr;
using ::testing::Not;

Bytes someBytes(std::size_t count) {
  Bytes bytes(count);
  std::uint32_t state = 12345;
  for (auto& byte : bytes) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<std::uint8_t>(state >> 24);
  }
  return bytes;
}

Answer problem(int status, const std::string& code, long long time = 0) {
  nlohmann::json json{{"code", code}, {"message", "because"}};
  if (time != 0) json["time"] = time;
  Answer answer;
  answer.status = status;
  answer.body = json.dump();
  return answer;
}

// Serves one blob by ranges and takes uploads, as the coordinator does.
class BlobServer {
 public:
  explicit BlobServer(Bytes content) : blob(std::move(content)) {}

  Answer operator()(const net::HttpRequest& request) {
    const std::lock_guard lock(mutex);
    if (tamper)
      if (auto answer = tamper(request)) return *answer;
    if (request.target.starts_with("/api/v1/blobs/")) return range(request);
    if (request.target.starts_with("/api/v1/uploads/")) return upload(request);
    return problem(404, "NotFound");
  }

  Answer range(const net::HttpRequest& request) {
    const std::string text = net::headerValue(request.headers, "Range").value();
    std::size_t from = 0, to = 0;
    EXPECT_EQ(std::sscanf(text.c_str(), "bytes=%zu-%zu", &from, &to), 2);
    if (from >= blob.size()) return problem(416, "NotFound");
    to = std::min(to, blob.size() - 1);
    pieces.emplace_back(from, to);
    Answer answer;
    answer.status = 206;
    answer.headers = {{"Content-Range", "bytes " + std::to_string(from) + "-" + std::to_string(to) +
                                            "/" + std::to_string(blob.size())}};
    answer.body.assign(blob.begin() + static_cast<std::ptrdiff_t>(from),
                       blob.begin() + static_cast<std::ptrdiff_t>(to + 1));
    return answer;
  }

  Answer upload(const net::HttpRequest& request) {
    if (request.method == "PUT") {
      const auto offset = std::stoull(request.target.substr(request.target.rfind('/') + 1));
      EXPECT_LE(offset, received.size());
      EXPECT_EQ(net::headerValue(request.headers, "FedPET-Chunk-SHA256"),
                sha256Hex(viewOf(request.body)));
      received.resize(offset);
      received.insert(received.end(), request.body.begin(), request.body.end());
      putBytes += request.body.size();
    }
    Answer answer;
    answer.body = nlohmann::json{{"received", received.size()}}.dump();
    return answer;
  }

  std::mutex mutex;  // guards the rest
  Bytes blob, received;
  std::vector<std::pair<std::size_t, std::size_t>> pieces;
  std::size_t putBytes = 0;
  std::function<std::optional<Answer>(const net::HttpRequest&)> tamper;
};

class Transfer : public ::testing::Test {
 protected:
  TemporaryDirectory folder;
  Bytes content = someBytes(10'000'000);  // three pieces
  std::string hash = sha256Hex(content);
  BlobServer blobs{content};
  LoopbackServer server{[this](const net::HttpRequest& r) { return blobs(r); }};
  std::unique_ptr<CoordinatorLink> link = makeLink();

  std::unique_ptr<CoordinatorLink> makeLink(std::chrono::milliseconds patience = 20s) {
    net::HttpClientOptions http;
    http.overallTimeout = patience;
    return std::make_unique<CoordinatorLink>(LinkSettings{
        server.url("/api"), http, [] { return std::chrono::sys_seconds(1'000'000s); }});
  }
  BlobTransfer::Wanted wanted() const { return {hash, content.size(), 64u << 20}; }
  Bytes fetchedBytes() {
    BlobTransfer transfer(*link, folder.path());
    const auto path = transfer.fetch(wanted(), {});
    return readPiece(path, 0, std::filesystem::file_size(path));
  }
};

TEST_F(Transfer, FetchesInPieces) {
  EXPECT_EQ(fetchedBytes(), content);
  EXPECT_EQ(blobs.pieces.size(), 3U);
  EXPECT_EQ(fetchedBytes(), content);
  EXPECT_EQ(blobs.pieces.size(), 3U) << "what is here is not fetched again";
}

TEST_F(Transfer, GoesOnWhereTheConnectionBroke) {
  std::atomic<int> count{0};
  blobs.tamper = [&](const net::HttpRequest& request) -> std::optional<Answer> {
    if (++count != 2) return std::nullopt;
    Answer cut = blobs.range(request);
    blobs.pieces.pop_back();
    cut.cutAfterBytes = 100'000;
    return cut;
  };
  EXPECT_THROW(fetchedBytes(), net::NetError);
  EXPECT_EQ(fetchedBytes(), content);  // a new BlobTransfer: as after a kill
  ASSERT_EQ(blobs.pieces.size(), 3U);
  EXPECT_EQ(blobs.pieces[1].first, kChunkBytes);
}

TEST_F(Transfer, FetchesAgainWhatHasAnotherHash) {
  blobs.blob[5'000'000] ^= 1;
  EXPECT_THROW(fetchedBytes(), WireError);
  EXPECT_FALSE(std::filesystem::exists(folder.path() / hash));
  blobs.blob = content;
  EXPECT_EQ(fetchedBytes(), content);
}

TEST_F(Transfer, FetchesAgainWhatAPowerCutLeftDamaged) {
  EXPECT_EQ(fetchedBytes(), content);
  Bytes damaged = content;
  damaged[9'999'999] = 0;
  writeOwnerFile(folder.path() / hash, damaged);
  EXPECT_EQ(fetchedBytes(), content);
}

TEST_F(Transfer, RefusesAnotherPartThanWasAskedFor) {
  for (const char* lie : {"bytes 7-106/10000000", "bytes 0-98/10000000", "bytes 0-99/99",
                          "bytes 0-99/999999999999", "bytes 0-99", "", "bytes -1-99/10000000"}) {
    blobs.tamper = [&](const net::HttpRequest&) -> std::optional<Answer> {
      Answer answer;
      answer.status = 206;
      answer.headers = {{"Content-Range", lie}};
      answer.body = std::string(100, 'x');
      return answer;
    };
    EXPECT_THROW(fetchedBytes(), WireError) << lie;
  }
  EXPECT_FALSE(std::filesystem::exists(folder.path() / hash));
}

TEST_F(Transfer, DoesNotStartWithWhatIsTooLarge) {
  BlobTransfer transfer(*link, folder.path());
  EXPECT_THROW(transfer.fetch({hash, 2'000, 1'000}, {}), WireError);
  EXPECT_THROW(transfer.fetch({hash, std::nullopt, 1'000}, {}), WireError);
  EXPECT_LE(blobs.pieces.size(), 1U);
}

TEST_F(Transfer, FinishesAFileOfUnknownSizeThatWasWholeAlready) {
  writeOwnerFile(folder.path() / (hash + ".part"), content);
  BlobTransfer transfer(*link, folder.path());
  EXPECT_NO_THROW(transfer.fetch({hash, std::nullopt, 64u << 20}, {}));
  EXPECT_TRUE(blobs.pieces.empty());
}

TEST_F(Transfer, TakesSmallerPiecesOnASlowLine) {
  blobs.tamper = [](const net::HttpRequest&) -> std::optional<Answer> {
    Answer slow;
    slow.delay = 60s;
    return slow;
  };
  link = makeLink(200ms);
  BlobTransfer transfer(*link, folder.path());
  for (const std::size_t expected : {kChunkBytes / 2, kChunkBytes / 4}) {
    EXPECT_THROW(transfer.fetch(wanted(), {}), net::NetError);
    EXPECT_EQ(transfer.pieceBytes(), expected);
  }
}

TEST_F(Transfer, SendsOnlyWhatIsMissingAfterABreak) {
  std::atomic<int> puts{0};
  blobs.tamper = [&](const net::HttpRequest& request) -> std::optional<Answer> {
    if (request.method != "PUT" || ++puts != 2) return std::nullopt;
    return problem(503, "Busy");
  };
  {
    BlobTransfer transfer(*link, folder.path());
    EXPECT_THROW(transfer.upload(content, hash, {}), CoordinatorRefusal);
  }
  BlobTransfer transfer(*link, folder.path());
  transfer.upload(content, hash, {});
  EXPECT_EQ(blobs.received, content);
  EXPECT_EQ(blobs.putBytes, content.size()) << "no byte was sent twice";
}

TEST_F(Transfer, StartsAgainOnceWhenTheCoordinatorDroppedAnUpload) {
  int mismatches = 0;
  blobs.tamper = [&](const net::HttpRequest& request) -> std::optional<Answer> {
    if (request.method != "PUT" || blobs.received.size() < 2 * kChunkBytes || mismatches > 0)
      return std::nullopt;
    ++mismatches;
    blobs.received.clear();
    return problem(409, "HashMismatch");
  };
  BlobTransfer transfer(*link, folder.path());
  transfer.upload(content, hash, {});
  EXPECT_EQ(blobs.received, content);
}

TEST_F(Transfer, DoesNotSpinOnACoordinatorThatTakesNothing) {
  blobs.tamper = [&](const net::HttpRequest&) -> std::optional<Answer> {
    Answer answer;
    answer.body = R"({"received": 0})";
    return answer;
  };
  BlobTransfer transfer(*link, folder.path());
  EXPECT_THROW(transfer.upload(content, hash, {}), WireError);
}

// --- the line itself ---------------------------------------------------------------------------

TEST(CoordinatorLink, SpeaksInTheClearOnThisMachineOnly) {
  const auto now = [] { return std::chrono::sys_seconds(1'000'000s); };
  EXPECT_THROW(CoordinatorLink({"http://coordinator.example/fedpet", {}, now}),
               std::invalid_argument);
  EXPECT_NO_THROW(CoordinatorLink({"http://127.0.0.1:1/fedpet", {}, now}));
}

TEST(CoordinatorLink, SignsByTheCoordinatorsClockWhenItsOwnIsWrong) {
  const SigningKey key = SigningKey::generate();
  const std::chrono::sys_seconds ours{1'000'000s};
  LoopbackServer server([&](const net::HttpRequest& request) {
    const auto signature =
        parseSignatureHeader(net::headerValue(request.headers, kSignatureHeader).value_or(""));
    if (!signature || !isSignedBy({request.method, "/v1/poll", viewOf(request.body)}, *signature,
                                  key.publicKey()))
      return problem(401, "BadSignature");
    if (signature->time != ours + 2h) return problem(401, "ClockSkew", 1'000'000 + 7200);
    return Answer{};
  });
  CoordinatorLink link({server.url("/api"), {}, [&] { return ours; }});
  link.signAs("site-1", &key);
  EXPECT_EQ(link.send("POST", "/v1/poll").status, 200);
  EXPECT_EQ(link.clock().offset(), 2h);
  EXPECT_EQ(link.send("POST", "/v1/poll").status, 200);
  EXPECT_EQ(server.requests().size(), 3U) << "the second request is right at once";
}

TEST(CoordinatorLink, DoesNotBelieveAClockThatIsDaysAway) {
  const SigningKey key = SigningKey::generate();
  LoopbackServer server(
      [](const net::HttpRequest&) { return problem(401, "ClockSkew", 90'000'000); });
  CoordinatorLink link({server.url(), {}, [] { return std::chrono::sys_seconds(1'000'000s); }});
  link.signAs("site-1", &key);
  try {
    link.send("POST", "/v1/poll");
    FAIL();
  } catch (const CoordinatorRefusal& refusal) {
    EXPECT_THAT(refusal.what(), HasSubstr("set the clock"));
  }
  EXPECT_EQ(link.clock().offset(), 0s);
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST(CoordinatorLink, ShowsTheFilesCredentialsToWhatStandsBeforeTheCoordinator) {
  const fedpet::testing::TemporaryDirectory folder;
  const auto file = folder.path() / "authorization";
  LoopbackServer server([](const net::HttpRequest& request) {
    const auto shown = net::headerValue(request.headers, "Authorization");
    return shown == "Basic c2VjcmV0" ? Answer{} : Answer{401, {}, "<html>Log in</html>"};
  });
  const auto now = [] { return std::chrono::sys_seconds(1'000'000s); };
  const auto complaint = [&](CoordinatorLink& link) {
    try {
      link.send("POST", "/v1/poll");
    } catch (const std::exception& e) {
      return std::string(e.what());
    }
    return std::string("none");
  };
  CoordinatorLink without({server.url(), {}, now});
  EXPECT_THAT(complaint(without), HasSubstr("asks for credentials"));
  CoordinatorLink link({server.url(), {}, now, file});
  EXPECT_THAT(complaint(link), HasSubstr("is missing"));
  writeOwnerFile(file, viewOf("Basic c2VjcmV0\r\nX-Other: 1\n"));
  EXPECT_THAT(complaint(link), HasSubstr("must hold one line"));
  EXPECT_THAT(complaint(link), Not(HasSubstr("c2VjcmV0")));
  EXPECT_EQ(server.requests().size(), 1U) << "two headers were sent for one";
  writeOwnerFile(file, viewOf("Basic b2xk\n"));
  EXPECT_THAT(complaint(link), HasSubstr("asks for credentials"));
  writeOwnerFile(file, viewOf("Basic c2VjcmV0\n"));  // changed while the program runs
  EXPECT_EQ(complaint(link), "none");
}

TEST(CoordinatorLink, MakesRefusalsHarmlessAndKeepsTheirPatience) {
  Answer busy = problem(503, "Busy\n\x1b[31m");
  busy.headers = {{"Retry-After", "77"}};
  LoopbackServer server({busy, Answer{500, {}, "<html>not json</html>"}});
  CoordinatorLink link({server.url(), {}, [] { return std::chrono::sys_seconds(1'000'000s); }});
  try {
    link.send("GET", "/v1/roster");
    FAIL();
  } catch (const CoordinatorRefusal& refusal) {
    EXPECT_EQ(refusal.retryAfter, 77s);
    EXPECT_TRUE(refusal.isPassing());
    EXPECT_EQ(std::string(refusal.what()).find('\x1b'), std::string::npos);
  }
  try {
    link.send("GET", "/v1/roster");
    FAIL();
  } catch (const CoordinatorRefusal& refusal) {
    EXPECT_STREQ(refusal.what(), "the coordinator answered 500");
  }
}

}  // namespace
}  // namespace fedpet::federation
