#include "federation/wire/RequestSignature.h"

#include "federation/wire/Cbor.h"

#include <algorithm>
#include <charconv>
#include <map>

namespace fedpet::federation {
namespace {

// Each line is free of line breaks: method and target are checked by the HTTP layer, the rest is
// of restricted characters. So two different requests never give the same text.
std::string signedText(const SignedRequest& request, const std::string& site, std::int64_t seconds,
                       const std::string& nonce) {
  std::string text = "fedpet-request-1\n";
  text.append(request.method).append("\n").append(request.target).append("\n");
  text.append(site).append("\n").append(std::to_string(seconds)).append("\n");
  text.append(nonce).append("\n");
  text.append(request.bodySha256.empty() ? sha256Hex(request.body) : request.bodySha256);
  return text;
}

std::map<std::string, std::string, std::less<>> fieldsOf(std::string_view header) {
  std::map<std::string, std::string, std::less<>> fields;
  while (!header.empty()) {
    const auto end = std::min(header.find(','), header.size());
    std::string_view part = header.substr(0, end);
    header.remove_prefix(std::min(end + 1, header.size()));
    while (part.starts_with(' ')) part.remove_prefix(1);
    const auto equals = part.find('=');
    if (equals == std::string_view::npos) return {};
    if (!fields.emplace(part.substr(0, equals), part.substr(equals + 1)).second) return {};
  }
  return fields;
}

bool isNonce(std::string_view text) {
  return text.size() == 32 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

std::string makeSignatureHeader(const SignedRequest& request, const std::string& site,
                                std::chrono::sys_seconds time, const SigningKey& key) {
  const std::int64_t seconds = time.time_since_epoch().count();
  const std::string nonce = toHex(randomBytes(16));
  const Signature signature = key.sign(viewOf(signedText(request, site, seconds, nonce)));
  return "site=" + site + ", time=" + std::to_string(seconds) + ", nonce=" + nonce +
         ", signature=" + toBase64Url(signature);
}

std::optional<RequestSignature> parseSignatureHeader(std::string_view header) {
  if (header.size() > 512) return std::nullopt;
  const auto fields = fieldsOf(header);
  const auto value = [&](std::string_view name) -> std::string {
    const auto found = fields.find(name);
    return found == fields.end() ? std::string() : found->second;
  };
  RequestSignature result;
  result.site = value("site");
  result.nonce = value("nonce");
  const std::string time = value("time");
  std::int64_t seconds = -1;
  const auto parsed = std::from_chars(time.data(), time.data() + time.size(), seconds);
  if (fields.size() != 4 || !isIdentifier(result.site) || !isNonce(result.nonce) || time.empty() ||
      parsed.ec != std::errc() || parsed.ptr != time.data() + time.size() || seconds < 0 ||
      seconds > 253402300799)
    return std::nullopt;
  result.time = std::chrono::sys_seconds(std::chrono::seconds(seconds));
  try {
    const Bytes signature = fromBase64Url(value("signature"));
    if (signature.size() != result.signature.size()) return std::nullopt;
    std::copy(signature.begin(), signature.end(), result.signature.begin());
  } catch (const CryptoError&) {
    return std::nullopt;
  }
  return result;
}

bool isSignedBy(const SignedRequest& request, const RequestSignature& signature,
                const PublicKey& key) {
  return verifies(key,
                  viewOf(signedText(request, signature.site,
                                    signature.time.time_since_epoch().count(), signature.nonce)),
                  signature.signature);
}

}  // namespace fedpet::federation
