// Against the test vectors of the RFCs.
#include "federation/crypto/Bytes.h"
#include "federation/crypto/KeyAgreement.h"
#include "federation/crypto/SigningKey.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <type_traits>

namespace fedpet::federation {
namespace {

template <typename Array>
Array arrayOf(std::string_view hex) {
  const Bytes bytes = fromHex(hex);
  Array array{};
  EXPECT_EQ(bytes.size(), array.size());
  std::copy_n(bytes.begin(), std::min(bytes.size(), array.size()), array.begin());
  return array;
}
SecretBytes secretOf(std::string_view hex) { return SecretBytes(fromHex(hex)); }

std::string base64(ByteView bytes) {
  std::string text = toBase64Url(bytes);
  std::replace(text.begin(), text.end(), '-', '+');
  std::replace(text.begin(), text.end(), '_', '/');
  return text;
}
// PKCS#8 around a raw Ed25519 key is a fixed prefix (RFC 8410 section 7); 48 bytes: no padding.
std::string pemOfRaw(std::string_view rawHex) {
  return "-----BEGIN PRIVATE KEY-----\n" +
         base64(fromHex("302e020100300506032b657004220420" + std::string(rawHex))) +
         "\n-----END PRIVATE KEY-----\n";
}

struct SigningCase {
  const char *secret, *publicKey, *message, *signature;
};
// RFC 8032 section 7.1, tests 1 to 3.
constexpr SigningCase kSigningCases[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b"
     "4"
     "6bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11"
     "d"
     "8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc"
     "6"
     "594a7c15e9716ed28dc027beceea1ec40a"}};

TEST(SigningKey, SignsAsRfc8032Says) {
  for (const auto& given : kSigningCases) {
    const auto key = SigningKey::fromPem(viewOf(pemOfRaw(given.secret)));
    EXPECT_EQ(toHex(key.publicKey()), given.publicKey);
    EXPECT_EQ(toHex(key.sign(fromHex(given.message))), given.signature);
  }
}

TEST(SigningKey, VerifiesExactlyTheSignedMessage) {
  const auto& given = kSigningCases[2];
  const auto key = arrayOf<PublicKey>(given.publicKey);
  const Bytes signature = fromHex(given.signature);
  EXPECT_TRUE(verifies(key, fromHex(given.message), signature));
  EXPECT_FALSE(verifies(key, fromHex("af83"), signature));
  EXPECT_FALSE(verifies(key, fromHex("af82af82"), signature));
  EXPECT_FALSE(
      verifies(arrayOf<PublicKey>(kSigningCases[0].publicKey), fromHex(given.message), signature));
  EXPECT_FALSE(verifies(key, fromHex(given.message), ByteView(signature).first(63)));
  for (std::size_t byte = 0; byte < signature.size(); byte += 7) {
    Bytes altered = signature;
    altered[byte] ^= 1;
    EXPECT_FALSE(verifies(key, fromHex(given.message), altered)) << byte;
  }
}

// RFC 8032 section 5.1.7: S + L would be a second signature of the same message.
TEST(SigningKey, RefusesTheSameSignatureWithTheGroupOrderAdded) {
  const auto& given = kSigningCases[0];
  Bytes signature = fromHex(given.signature);
  const Bytes order = fromHex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  int carry = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const int sum = signature[32 + i] + order[i] + carry;
    signature[32 + i] = static_cast<std::uint8_t>(sum);
    carry = sum >> 8;
  }
  EXPECT_FALSE(verifies(arrayOf<PublicKey>(given.publicKey), {}, signature));
}

// RFC 8410 section 10.3.
TEST(SigningKey, ReadsTheKeyOfRfc8410) {
  const auto key = SigningKey::fromPem(
      viewOf("-----BEGIN PRIVATE KEY-----\n"
             "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
             "-----END PRIVATE KEY-----\n"));
  EXPECT_EQ(toHex(key.publicKey()),
            "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1");
  EXPECT_EQ(SigningKey::fromPem(key.toPem().view()).publicKey(), key.publicKey());
}

TEST(SigningKey, RefusesWhatIsNotAnUnencryptedEd25519Key) {
  EXPECT_THROW(SigningKey::fromPem(viewOf("no key")), CryptoError);
  EXPECT_THROW(SigningKey::fromPem({}), CryptoError);
  // An X25519 key in the same form: 1.3.101.110 instead of 1.3.101.112.
  const std::string agreementKey =
      "-----BEGIN PRIVATE KEY-----\n" +
      base64(fromHex("302e020100300506032b656e04220420" + std::string(64, '7'))) +
      "\n-----END PRIVATE KEY-----\n";
  EXPECT_THROW(SigningKey::fromPem(viewOf(agreementKey)), CryptoError);
}

// RFC 7748 section 6.1.
constexpr auto kAlice = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a";
constexpr auto kBob = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb";
constexpr auto kAlicePublic = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a";
constexpr auto kBobPublic = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";
constexpr auto kShared = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";

TEST(AgreementKey, AgreesAsRfc7748Says) {
  const auto alice = AgreementKey::fromRaw(secretOf(kAlice));
  const auto bob = AgreementKey::fromRaw(secretOf(kBob));
  EXPECT_EQ(toHex(alice.publicKey()), kAlicePublic);
  EXPECT_EQ(toHex(bob.publicKey()), kBobPublic);
  EXPECT_EQ(toHex(alice.agree(bob.publicKey()).view()), kShared);
  EXPECT_EQ(toHex(bob.agree(alice.publicKey()).view()), kShared);
}

TEST(AgreementKey, RefusesPeerKeysOfSmallOrder) {
  const auto alice = AgreementKey::fromRaw(secretOf(kAlice));
  AgreementPublicKey peer{};  // 0 and 1 lie in the small subgroup (RFC 7748 section 6.1)
  EXPECT_THROW(alice.agree(peer), CryptoError);
  peer[0] = 1;
  EXPECT_THROW(alice.agree(peer), CryptoError);
  // A point of order 8 (Bernstein, cr.yp.to/ecdh.html#validate).
  EXPECT_THROW(alice.agree(arrayOf<AgreementPublicKey>(
                   "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")),
               CryptoError);
}

TEST(AgreementKey, RefusesKeysOfAnotherLength) {
  EXPECT_THROW(AgreementKey::fromRaw(SecretBytes(31)), CryptoError);
  EXPECT_THROW(AgreementKey::fromRaw(SecretBytes()), CryptoError);
}

// RFC 5869 appendix A.1 and A.3.
TEST(Hkdf, DerivesAsRfc5869Says) {
  const Bytes secret(22, 0x0b);
  const Bytes info = fromHex("f0f1f2f3f4f5f6f7f8f9");
  EXPECT_EQ(
      toHex(hkdfSha256(secret, fromHex("000102030405060708090a0b0c"), textOf(info), 42).view()),
      "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
  EXPECT_EQ(toHex(hkdfSha256(secret, {}, "", 42).view()),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

TEST(Hkdf, RefusesMoreThan255Blocks) {
  EXPECT_EQ(hkdfSha256(Bytes(32, 1), {}, "", 255 * 32).size(), 255U * 32);
  EXPECT_THROW(hkdfSha256(Bytes(32, 1), {}, "", 255 * 32 + 1), CryptoError);
}

// RFC 8439 section 2.8.2.
constexpr auto kSealKey = "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f";
constexpr auto kContext = "50515253c0c1c2c3c4c5c6c7";
constexpr auto kSealed =
    "070000004041424344454647"
    "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
    "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
    "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
    "3ff4def08e4b7a9de576d26586cec64b6116"
    "1ae10b594f09e26a7e902ecbd0600691";

TEST(OpenSealed, OpensTheMessageOfRfc8439) {
  const auto opened = openSealed(secretOf(kSealKey), fromHex(kContext), fromHex(kSealed));
  ASSERT_TRUE(opened);
  EXPECT_EQ(textOf(opened->view()),
            "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the "
            "future, sunscreen would be it.");
}

TEST(OpenSealed, OpensNothingThatWasAlteredOrCutOrMeantForElsewhere) {
  const auto key = secretOf(kSealKey);
  const Bytes sealed = fromHex(kSealed), context = fromHex(kContext);
  for (std::size_t byte = 0; byte < sealed.size(); ++byte) {
    Bytes altered = sealed;
    altered[byte] ^= 0x80;
    EXPECT_FALSE(openSealed(key, context, altered)) << byte;
    EXPECT_FALSE(openSealed(key, context, ByteView(sealed).first(byte))) << byte;
  }
  EXPECT_FALSE(openSealed(key, {}, sealed));
  EXPECT_FALSE(openSealed(secretOf(kAlice), context, sealed));
}

TEST(Seal, IsOpenedWithTheSameKeyAndNeverLooksTheSameTwice) {
  const auto key = SecretBytes::random(32);
  const auto first = seal(key, viewOf("context"), viewOf("plain"));
  const auto second = seal(key, viewOf("context"), viewOf("plain"));
  EXPECT_NE(first, second);
  EXPECT_EQ(textOf(openSealed(key, viewOf("context"), first).value().view()), "plain");
  EXPECT_TRUE(openSealed(key, {}, seal(key, {}, {})).value().empty());
  EXPECT_THROW(seal(SecretBytes(16), {}, {}), CryptoError);
}

TEST(SecretBytes, IsCopiedOnPurposeOnly) {
  static_assert(!std::is_copy_constructible_v<SecretBytes>);
  static_assert(!std::is_copy_assignable_v<SecretBytes>);
  auto secret = SecretBytes(fromHex("0102"));
  auto kept = secret.copy();
  auto moved = std::move(secret);
  EXPECT_EQ(toHex(moved.view()), "0102");
  moved = SecretBytes(fromHex("03"));
  EXPECT_EQ(toHex(moved.view()), "03");
  EXPECT_EQ(toHex(kept.view()), "0102");
}

// RFC 4648 section 10, with the alphabet of section 5 and no padding.
TEST(Base64Url, IsThatOfRfc4648) {
  for (const auto& [plain, text] :
       {std::pair{"", ""}, {"f", "Zg"}, {"fo", "Zm8"}, {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}}) {
    EXPECT_EQ(toBase64Url(viewOf(plain)), text);
    EXPECT_EQ(textOf(fromBase64Url(text)), plain);
  }
  EXPECT_EQ(toBase64Url(fromHex("fbff")), "-_8");
  for (const auto* bad : {"Zg==", "Zh", "Z", "Zm 8", "+/8"})
    EXPECT_THROW(fromBase64Url(bad), CryptoError) << bad;
}

}  // namespace
}  // namespace fedpet::federation
