#include "federation/wire/SignedDocument.h"

#include "federation/wire/Cbor.h"
#include "federation/wire/Messages.h"

namespace fedpet::federation {
namespace {

void appendWithLength(Bytes& to, ByteView bytes) {
  for (int shift = 56; shift >= 0; shift -= 8)
    to.push_back(static_cast<std::uint8_t>(static_cast<std::uint64_t>(bytes.size()) >> shift));
  to.insert(to.end(), bytes.begin(), bytes.end());
}

Bytes signedBytes(std::string_view type, ByteView payload, std::string_view signer) {
  Bytes all;
  all.reserve(payload.size() + 128);
  appendWithLength(all, viewOf("fedpet-signed-1"));
  appendWithLength(all, viewOf(type));
  appendWithLength(all, viewOf(signer));
  appendWithLength(all, payload);
  return all;
}

}  // namespace

SignedDocument signDocument(std::string type, Bytes payload, std::string signer,
                            const SigningKey& key) {
  SignedDocument document{std::move(type), std::move(payload), std::move(signer), {}};
  document.signature = key.sign(signedBytes(document.type, document.payload, document.signer));
  return document;
}

void requireSignature(const SignedDocument& document, std::string_view type,
                      std::string_view signer, const PublicKey& key) {
  if (document.type != type)
    throw WireError(WireError::Kind::WrongType,
                    "a signed document that is no " + std::string(type));
  if (document.signer != signer)
    throw WireError(WireError::Kind::BadSignature,
                    "a " + std::string(type) + " that is not signed by " + std::string(signer));
  if (!verifies(key, signedBytes(document.type, document.payload, document.signer),
                document.signature))
    throw WireError(WireError::Kind::BadSignature, "the signature of " + std::string(signer) +
                                                       " does not fit the " + std::string(type));
}

Bytes encode(const SignedDocument& d) {
  return toCbor({{"v", 1},
                 {"type", d.type},
                 {"payload", binary(d.payload)},
                 {"signer", d.signer},
                 {"signature", binary(d.signature)}});
}

SignedDocument decodeSignedDocument(ByteView bytes) {
  const auto object = fromCbor(bytes, kMaxMessageBytes);
  Reader in(object, "signed document");
  in.requireVersion(1);
  SignedDocument document;
  document.type = in.identifier("type");
  document.payload = in.bytes("payload", 0, kMaxMessageBytes);
  document.signer = in.identifier("signer");
  document.signature = in.fixedBytes<64>("signature");
  in.finish();
  return document;
}

}  // namespace fedpet::federation
