#include "fhir/resources/Attachment.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <array>

namespace fedpet::fhir {
namespace {

const unsigned char* asUnsigned(std::span<const std::byte> bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

std::string base64(std::span<const std::byte> bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');  // and OpenSSL's final zero
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                     asUnsigned(bytes), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

// Attachment.hash is SHA-1 by definition: against accidents of transport, not against forgers.
std::string sha1Base64(std::span<const std::byte> bytes) {
  std::array<std::byte, SHA_DIGEST_LENGTH> digest{};
  EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()), nullptr,
             EVP_sha1(), nullptr);
  return base64(digest);
}

}  // namespace

void to_json(Json& json, const Attachment& attachment) {
  json = {{"contentType", attachment.contentType}};
  if (!attachment.data.empty()) json["data"] = base64(attachment.data);
  put(json, "url", attachment.url);
  if (!attachment.data.empty()) {
    json["size"] = attachment.data.size();
    json["hash"] = sha1Base64(attachment.data);
  }
  put(json, "title", attachment.title);
  put(json, "creation", attachment.creation);
}

}  // namespace fedpet::fhir
