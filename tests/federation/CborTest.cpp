#include "federation/wire/Cbor.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fedpet::federation {
namespace {

using nlohmann::json;

WireError::Kind refusalOf(const Bytes& bytes, std::size_t maxBytes = 1 << 20) {
  try {
    fromCbor(bytes, maxBytes);
  } catch (const WireError& e) {
    return e.kind;
  }
  ADD_FAILURE() << "accepted";
  return WireError::Kind::BadSignature;
}

// RFC 8949 appendix A.
TEST(Cbor, ReadsTheExamplesOfTheStandard) {
  EXPECT_EQ(fromCbor(fromHex("1bffffffffffffffff"), 100), json(18446744073709551615U));
  EXPECT_EQ(fromCbor(fromHex("3903e7"), 100), json(-1000));
  EXPECT_EQ(fromCbor(fromHex("fb3ff199999999999a"), 100), json(1.1));
  EXPECT_EQ(fromCbor(fromHex("a26161016162820203"), 100), json::parse(R"({"a":1,"b":[2,3]})"));
}

TEST(Cbor, ReadsNumbersOfEveryWidthOfTheStandard) {
  const std::pair<const char*, double> numbers[] = {{"f93c00", 1.0},
                                                    {"f93e00", 1.5},
                                                    {"f97bff", 65504.0},
                                                    {"f90001", 5.960464477539063e-8},
                                                    {"f90400", 0.00006103515625},
                                                    {"f9c400", -4.0},
                                                    {"fa47c35000", 100000.0},
                                                    {"fa7f7fffff", 3.4028234663852886e+38},
                                                    {"fbc010666666666666", -4.1}};
  for (const auto& [hex, value] : numbers)
    EXPECT_EQ(fromCbor(fromHex(hex), 100).get<double>(), value) << hex;
  EXPECT_TRUE(std::isinf(fromCbor(fromHex("f97c00"), 100).get<double>()));
  EXPECT_TRUE(std::isnan(fromCbor(fromHex("f97e00"), 100).get<double>()));
  EXPECT_EQ(fromCbor(fromHex("3b7fffffffffffffff"), 100), json(INT64_MIN));
  EXPECT_EQ(refusalOf(fromHex("3b8000000000000000")), WireError::Kind::Malformed);
  EXPECT_EQ(fromCbor(fromHex("84f4f5f64401020304"), 100),
            json::array({false, true, nullptr, json::binary({1, 2, 3, 4})}));
}

// Another reader than the one above: nlohmann's own.
TEST(Cbor, ReadsWhatItWritesAsNlohmannDoes) {
  const json value = {
      {"text", std::string("a\0b", 3)},
      {"bytes", json::binary(std::vector<std::uint8_t>(70'000, 7))},
      {"numbers", {0, 23, 24, 255, 256, 65536, 1ULL << 40, -1, -24, -25, -1000, 0.1}},
      {"inner", {{"empty", json::object()}, {"list", json::array()}}}};
  const Bytes bytes = toCbor(value);
  EXPECT_EQ(fromCbor(bytes, 1 << 20), json::from_cbor(bytes));
  EXPECT_EQ(fromCbor(bytes, 1 << 20), value);
}

TEST(Cbor, SurvivesADepthThatWouldExhaustTheStack) {
  EXPECT_EQ(refusalOf(Bytes(1'000'000, 0x81)), WireError::Kind::TooDeep);
}

TEST(Cbor, BelievesNoLengthThatIsNotThere) {
  EXPECT_EQ(refusalOf(fromHex("5b00ffffffffffffff00")), WireError::Kind::Malformed);  // bytes
  EXPECT_EQ(refusalOf(fromHex("9b00ffffffffffffff00")), WireError::Kind::Malformed);  // array
  EXPECT_EQ(refusalOf(fromHex("bbffffffffffffffff00")), WireError::Kind::Malformed);  // map
}

TEST(Cbor, RefusesWhatWeNeverWrite) {
  for (const char* hex :
       {"", "a1", "9f01ff", "c074", "a10102", "f8ff", "1c", "a2616101616102", "0000"})
    EXPECT_EQ(refusalOf(fromHex(hex)), WireError::Kind::Malformed) << hex;
}

TEST(Cbor, RefusesMoreThanTheLimit) {
  EXPECT_EQ(refusalOf(toCbor(json(std::string(2000, 'x'))), 1000), WireError::Kind::TooLarge);
  Bytes many = fromHex("9a001e8480");  // two million zeros
  many.resize(many.size() + 2'000'000);
  EXPECT_EQ(refusalOf(many, 10'000'000), WireError::Kind::TooLarge);
}

TEST(Reader, NamesTheMemberAndNeverItsContent) {
  const json object = {{"site", "a b; secret"}, {"n", 1e300}};
  Reader in(object, "roster");
  try {
    in.identifier("site");
    FAIL();
  } catch (const WireError& e) {
    EXPECT_NE(std::string(e.what()).find("\"site\""), std::string::npos);
    EXPECT_EQ(std::string(e.what()).find("secret"), std::string::npos);
  }
  EXPECT_THROW(in.integer("n", 0, 10), WireError);
  EXPECT_THROW(in.number("n", 0, 1e9), WireError);
  EXPECT_THROW(in.text("absent", 10), WireError);
}

TEST(Reader, RefusesAMemberThatNobodyRead) {
  const json object = {{"a", 1}, {"b", 2}};
  Reader in(object, "x");
  in.integer("a", 0, 9);
  EXPECT_THROW(in.finish(), WireError);
}

}  // namespace
}  // namespace fedpet::federation
