// A CBOR document, exactly as its author encoded it, with the author's name and Ed25519 signature.
// The hash of a document is the SHA-256 of these bytes: nothing is ever re-encoded to check it.
#pragma once

#include "federation/crypto/SigningKey.h"
#include "federation/wire/WireError.h"

#include <string>
#include <string_view>

namespace fedpet::federation {

struct SignedDocument {
  std::string type;  // "plan", "roster", ...: part of what is signed, so none passes for another
  Bytes payload;
  std::string signer;  // "coordinator" or a site's id
  Signature signature{};

  Hash256 hash() const { return sha256(payload); }
  std::string hashHex() const { return toHex(hash()); }
};

// Signs "fedpet-signed-1", type, signer and payload, each with its length before it.
SignedDocument signDocument(std::string type, Bytes payload, std::string signer, const SigningKey&);
// Throws WireError (BadSignature, WrongType) unless type and signer are these and the key fits.
void requireSignature(const SignedDocument&, std::string_view type, std::string_view signer,
                      const PublicKey&);

Bytes encode(const SignedDocument&);
SignedDocument decodeSignedDocument(ByteView);  // throws WireError

}  // namespace fedpet::federation
