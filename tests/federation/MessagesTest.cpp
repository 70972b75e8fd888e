#include "federation/wire/Cbor.h"
#include "federation/wire/Messages.h"

#include <gtest/gtest.h>

#include <random>

namespace fedpet::federation {
namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;
const std::string kHash(64, 'a');

RoundView aView() {
  const SigningKey key = SigningKey::generate();
  RoundView view;
  view.start = signDocument("round", {1}, "coordinator", key);
  view.step = Step::Reveal;
  view.remaining = seconds(17);
  view.joins = {signDocument("round-message", {2}, "site-1", key)};
  view.packets = {{"site-2", {9, 9}}};
  view.sharers = {"site-1", "site-2"};
  view.survivors = {"site-1"};
  view.confirmations = {signDocument("round-message", {3}, "site-1", key)};
  return view;
}

RoundMessage aReveal() {
  RevealBody body;
  body.selfMaskShares = {{"site-1", {1, 2}}, {"site-2", {3}}};
  body.maskKeyShares = {{"site-3", Bytes(64, 7)}};
  return {"abcd-1-1", "site-1", body};
}

template <typename Message>
void comesBackTheSame(const Message& message) {
  const Bytes bytes = encode(message);
  EXPECT_EQ(encode(decode<Message>(bytes)), bytes);
}

TEST(Messages, ComeBackTheSame) {
  comesBackTheSame(EnrolRequest{"t", "pem"});
  comesBackTheSame(EnrolReply{"site-1", "pem"});
  comesBackTheSame(Roster{"c", 3, sys_seconds(seconds(5)), {{"site-1", "pem", true}}});
  comesBackTheSame(Decision{kHash, "site-1", "Dr Who", true, "", sys_seconds(seconds(5))});
  comesBackTheSame(RoundStart{"r-1", kHash, 4, 2, kHash, 99, {"a", "b"}, 3, 3, 7, {}});
  comesBackTheSame(RoundMessage{"r-1", "site-1", JoinBody{Bytes(32, 1), Bytes(32, 2)}});
  comesBackTheSame(RoundMessage{"r-1", "site-1", JoinBody{}});
  comesBackTheSame(RoundMessage{"r-1", "site-1", ShareBody{{{"b", {1}}}}});
  comesBackTheSame(RoundMessage{"r-1", "site-1", ContributeBody{kHash, 8, R"({"auc":1})"}});
  comesBackTheSame(RoundMessage{"r-1", "site-1", ConfirmBody{Bytes(64, 1)}});
  comesBackTheSame(RoundMessage{"r-1", "site-1", WithdrawBody{"TooFewPatients", "only 3"}});
  comesBackTheSame(aReveal());
  comesBackTheSame(MessageReply{Verdict::TooLate, "late"});
  comesBackTheSame(aView());
  comesBackTheSame(PollReply{{}, 2, seconds(30), {{Assignment::Kind::Round, kHash, "r-1", ""}}});
  Release release;
  release.planHash = kHash;
  release.contributors = {"site-12ab"};
  release.files = {{"model.cbor", kHash}};
  release.resultJson = "{}";
  release.auditHead = kHash;
  comesBackTheSame(release);
}

TEST(Messages, KeepNumbersOfARoundExactly) {
  RoundInput input;
  input.values = {0.1, -1e300, 5e-324, 3};
  input.phase = "newton";
  EXPECT_EQ(decodeRoundInput(encode(input)).values, input.values);
  input.values = {0.1f, -2.5f};
  input.singlePrecision = true;
  EXPECT_EQ(decodeRoundInput(encode(input)).values, input.values);
  EXPECT_LT(encode(RoundInput{std::vector<double>(1000), true, "train", "{}"}).size(), 4100U);
}

TEST(Messages, RefuseAModelWithNaN) {
  RoundInput input;
  input.values = {std::nan("")};
  input.phase = "train";
  EXPECT_THROW(decodeRoundInput(encode(input)), WireError);
}

TEST(Messages, OfAnotherVersionGetAClearRefusal) {
  auto object = nlohmann::json::from_cbor(encode(EnrolReply{"site-1", "pem"}));
  object["v"] = 99;
  try {
    decode<EnrolReply>(toCbor(object));
    FAIL();
  } catch (const WireError& e) {
    EXPECT_EQ(e.kind, WireError::Kind::UnknownVersion);
    EXPECT_NE(std::string(e.what()).find("understands 1"), std::string::npos);
  }
}

TEST(Messages, RefuseAFileNameThatLeavesItsFolder) {
  Release release;
  release.planHash = kHash;
  release.resultJson = "{}";
  for (const char* name : {"../x", "a/b", "..", ".hidden", ""}) {
    release.files = {{name, kHash}};
    EXPECT_THROW(decode<Release>(encode(release)), WireError) << name;
  }
}

// Whatever happens to a message on its way, it is read or refused with WireError, nothing else.
TEST(Messages, NeverDoAnythingButThrowWireErrorForDamage) {
  std::mt19937 random(1);
  for (const Bytes& whole : {encode(aView()), encode(aReveal())}) {
    for (std::size_t size = 0; size < whole.size(); ++size)
      EXPECT_THROW(decode<RoundView>(ByteView(whole).first(size)), WireError);
    for (int i = 0; i < 20'000; ++i) {
      Bytes damaged = whole;
      for (int k = 0; k < 3; ++k)
        damaged[random() % damaged.size()] = static_cast<std::uint8_t>(random());
      try {
        decode<RoundView>(damaged);
        decode<RoundMessage>(damaged);
      } catch (const WireError&) {
      }
    }
  }
}

TEST(Invitation, SurvivesCopyingAndTellsWhenItDidNot) {
  Invitation invitation{
      "https://c.example:8443", "FEDERATED-PET", "site-3", "token", "pem", {}, "", {}};
  invitation.expires = sys_seconds(seconds(1'900'000'000));
  const std::string text = toText(invitation);
  EXPECT_EQ(toText(invitationFromText(" " + text + "\n")), text);
  EXPECT_THROW(invitationFromText(text.substr(0, text.size() - 5)), WireError);
  EXPECT_THROW(invitationFromText("hello"), WireError);
  EXPECT_THROW(invitationFromText("fedpet-invitation:!!"), WireError);
}

}  // namespace
}  // namespace fedpet::federation
