#include "federation/wire/RequestSignature.h"
#include "federation/wire/SignedDocument.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fedpet::federation {
namespace {

const SigningKey& aKey() {
  static const SigningKey key = SigningKey::generate();
  return key;
}

TEST(SignedDocument, IsBoundToItsTypeSignerAndBytes) {
  const auto document = signDocument("plan", {1, 2, 3}, "coordinator", aKey());
  const auto read = decodeSignedDocument(encode(document));
  EXPECT_NO_THROW(requireSignature(read, "plan", "coordinator", aKey().publicKey()));

  auto forged = read;
  forged.type = "roster";
  EXPECT_THROW(requireSignature(forged, "roster", "coordinator", aKey().publicKey()), WireError);
  forged = read;
  forged.payload.push_back(4);
  EXPECT_THROW(requireSignature(forged, "plan", "coordinator", aKey().publicKey()), WireError);
  forged = read;
  forged.signer = "site-1";
  EXPECT_THROW(requireSignature(forged, "plan", "site-1", aKey().publicKey()), WireError);
  EXPECT_THROW(requireSignature(read, "plan", "coordinator", SigningKey::generate().publicKey()),
               WireError);
}

TEST(SignedDocument, CannotMoveBytesBetweenTypeAndSigner) {
  const auto document = signDocument("ab", {}, "c", aKey());
  auto moved = document;
  moved.type = "a";
  moved.signer = "bc";
  EXPECT_THROW(requireSignature(moved, "a", "bc", aKey().publicKey()), WireError);
}

TEST(RequestSignature, FitsOneRequestOnly) {
  const Bytes body{1, 2, 3};
  const SignedRequest request{"POST", "/v1/poll", body};
  const std::chrono::sys_seconds now{std::chrono::seconds{1'800'000'000}};
  const auto header = makeSignatureHeader(request, "site-1", now, aKey());
  const auto parsed = parseSignatureHeader(header);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->time, now);
  const auto key = aKey().publicKey();
  EXPECT_TRUE(isSignedBy(request, *parsed, key));
  EXPECT_FALSE(isSignedBy({"GET", "/v1/poll", body}, *parsed, key));
  EXPECT_FALSE(isSignedBy({"POST", "/v1/roster", body}, *parsed, key));
  const Bytes other{1, 2};
  EXPECT_FALSE(isSignedBy({"POST", "/v1/poll", other}, *parsed, key));
  auto later = *parsed;
  later.time += std::chrono::seconds{1};
  EXPECT_FALSE(isSignedBy(request, later, key));
}

TEST(RequestSignature, RefusesAMalformedHeader) {
  const Bytes body;
  const auto good = makeSignatureHeader({"GET", "/", body}, "s", {}, aKey());
  EXPECT_TRUE(parseSignatureHeader(good));
  const std::vector<std::string> malformed{"",
                                           "site",
                                           good + ", site=x",
                                           good + ", more=1",
                                           good.substr(0, good.size() - 2),
                                           "site=" + std::string(600, 'x'),
                                           "site=s, time=-1, nonce=00, signature=AA"};
  for (const std::string& bad : malformed) EXPECT_FALSE(parseSignatureHeader(bad)) << bad;
}

}  // namespace
}  // namespace fedpet::federation
