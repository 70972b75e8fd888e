// The blob that opens a round: little-endian IEEE 754 numbers behind a few facts.
#include "federation/learning/Task.h"
#include "federation/wire/Cbor.h"
#include "federation/wire/Messages.h"

#include <bit>
#include <cmath>
#include <cstring>

namespace fedpet::federation {
namespace {

static_assert(std::endian::native == std::endian::little,
              "the numbers are copied as they stand in memory");

template <typename Number>
Bytes pack(const std::vector<double>& values) {
  Bytes bytes(values.size() * sizeof(Number));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto number = static_cast<Number>(values[i]);
    std::memcpy(bytes.data() + i * sizeof(Number), &number, sizeof(Number));
  }
  return bytes;
}

template <typename Number>
std::vector<double> unpack(ByteView bytes, const Reader& in) {
  if (bytes.size() % sizeof(Number) != 0) in.refuse("values", "whole numbers of its precision");
  std::vector<double> values(bytes.size() / sizeof(Number));
  bool allFinite = true;
  for (std::size_t i = 0; i < values.size(); ++i) {
    Number number;
    std::memcpy(&number, bytes.data() + i * sizeof(Number), sizeof(Number));
    allFinite &= std::isfinite(number);
    values[i] = static_cast<double>(number);
  }
  if (!allFinite) in.refuse("values", "finite");
  return values;
}

}  // namespace

Bytes encode(const RoundInput& input) {
  return toCbor({{"v", kProtocolVersion},
                 {"single", input.singlePrecision},
                 {"values", binary(input.singlePrecision ? pack<float>(input.values)
                                                         : pack<double>(input.values))},
                 {"phase", input.phase},
                 {"settings", input.settingsJson}});
}

RoundInput decodeRoundInput(ByteView bytes) {
  const auto object = fromCbor(bytes, kMaxBlobBytes);
  Reader in(object, "round input");
  in.requireVersion(kProtocolVersion);
  RoundInput input;
  input.singlePrecision = in.boolean("single");
  const ByteView values = in.bytesView("values", 0, kMaxBlobBytes);
  input.values = input.singlePrecision ? unpack<float>(values, in) : unpack<double>(values, in);
  input.phase = in.identifier("phase");
  input.settingsJson = in.jsonText("settings", 4u << 20);
  in.finish();
  return input;
}

}  // namespace fedpet::federation
