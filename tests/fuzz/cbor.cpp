// Every decoder of the federation on arbitrary bytes: a value or a WireError, nothing else; and what
// was read is written and read again to the same bytes.
#include "federation/plan/Plan.h"
#include "federation/wire/Messages.h"

#include <cstdlib>

using namespace fedpet::federation;

namespace {

template <typename Message>
void roundTrip(ByteView bytes) {
  try {
    const Bytes once = encode(decode<Message>(bytes));
    if (encode(decode<Message>(once)) != once) std::abort();
  } catch (const WireError&) {
  }
}

template <typename Read>
void orRefused(Read read) {
  try {
    read();
  } catch (const WireError&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  roundTrip<EnrolRequest>(bytes);
  roundTrip<EnrolReply>(bytes);
  roundTrip<Roster>(bytes);
  roundTrip<Decision>(bytes);
  roundTrip<RoundStart>(bytes);
  roundTrip<RoundMessage>(bytes);
  roundTrip<MessageReply>(bytes);
  roundTrip<RoundView>(bytes);
  roundTrip<PollReply>(bytes);
  roundTrip<Release>(bytes);
  orRefused([&] { decodeSignedDocument(bytes); });
  orRefused([&] { decodeRoundInput(bytes); });
  orRefused([&] { faultsOf(decodePlan(bytes)); });
  orRefused([&] { faultsOf(planFromJson(textOf(bytes))); });
  orRefused([&] { invitationFromText(textOf(bytes)); });
  return 0;
}
