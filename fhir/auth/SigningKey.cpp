#include "fhir/auth/SigningKey.h"

#include "fhir/auth/TokenSource.h"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <vector>

namespace fedpet::fhir {
namespace {

using nlohmann::json;

constexpr std::size_t kLargestPem = 64 * 1024;
constexpr int kP384Bytes = 48;
constexpr int kSmallestRsaBits = 2048;

template <auto freeIt>
struct Freed {
  template <typename T>
  void operator()(T* handle) const {
    freeIt(handle);
  }
};
using BigNumber = std::unique_ptr<BIGNUM, Freed<BN_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;
using EcdsaPair = std::unique_ptr<ECDSA_SIG, Freed<ECDSA_SIG_free>>;
using Memory = std::unique_ptr<BIO, Freed<BIO_free_all>>;

[[noreturn]] void refuse(const std::string& why) {
  ERR_clear_error();
  throw AuthError(AuthError::Kind::Configuration, why);
}

class File {
 public:
  explicit File(const std::filesystem::path& path)
      : file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~File() {
    if (file_ >= 0) ::close(file_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int get() const { return file_; }

 private:
  int file_;
};

// Text of a secret: overwritten when it goes.
struct Secret {
  std::string text;
  Secret() = default;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { OPENSSL_cleanse(text.data(), text.size()); }
};

void readOwnersFile(const std::filesystem::path& path, Secret& into) {
  const std::string name = "the key file \"" + path.filename().string() + "\"";
  const File file(path);
  struct stat status {};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) refuse(name + " cannot be opened");
  if (!S_ISREG(status.st_mode)) refuse(name + " is not a file");
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    refuse(name + " may be read by others than its owner: chmod 600");
  if (static_cast<std::size_t>(status.st_size) > kLargestPem)
    refuse(name + " is too large for a PEM key");
  into.text.resize(static_cast<std::size_t>(status.st_size));
  std::size_t done = 0;
  while (done < into.text.size()) {
    const ssize_t count = ::read(file.get(), into.text.data() + done, into.text.size() - done);
    if (count <= 0) refuse(name + " cannot be read");
    done += static_cast<std::size_t>(count);
  }
}

std::string bytesOf(const BIGNUM* number, int size) {
  std::string bytes(static_cast<std::size_t>(size), '\0');
  if (BN_bn2binpad(number, reinterpret_cast<unsigned char*>(bytes.data()), size) != size)
    refuse("a number of the key does not fit");
  return bytes;
}

std::string numberOf(const EVP_PKEY* key, const char* name, int paddedTo = 0) {
  BIGNUM* raw = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &raw) != 1) refuse("the key lacks its public half");
  const BigNumber number(raw);
  return base64Url(bytesOf(number.get(), paddedTo > 0 ? paddedTo : BN_num_bytes(number.get())));
}

bool isP384(const EVP_PKEY* key) {
  std::array<char, 64> group{};
  std::size_t length = 0;
  if (EVP_PKEY_get_group_name(key, group.data(), group.size(), &length) != 1) return false;
  const std::string_view name(group.data(), length);
  return name == "secp384r1" || name == "P-384";
}

// The members that RFC 7638 hashes, and no others; nlohmann::json sorts them as it demands.
json requiredMembers(const EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "EC") == 1 && isP384(key))
    return {{"kty", "EC"},
            {"crv", "P-384"},
            {"x", numberOf(key, OSSL_PKEY_PARAM_EC_PUB_X, kP384Bytes)},
            {"y", numberOf(key, OSSL_PKEY_PARAM_EC_PUB_Y, kP384Bytes)}};
  if (EVP_PKEY_is_a(key, "RSA") == 1 && EVP_PKEY_get_bits(key) >= kSmallestRsaBits)
    return {{"kty", "RSA"},
            {"n", numberOf(key, OSSL_PKEY_PARAM_RSA_N)},
            {"e", numberOf(key, OSSL_PKEY_PARAM_RSA_E)}};
  refuse("the key is neither EC P-384 nor RSA of 2048 bits or more: SMART knows ES384 and RS384");
}

std::string thumbprint(const json& members) {
  const std::string text = members.dump();
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1)
    refuse("SHA-256 is not available");
  return base64Url({reinterpret_cast<const char*>(digest.data()), size});
}

// r and s as RFC 7518 wants them, from OpenSSL's ASN.1.
std::string rawPair(const std::string& der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const EcdsaPair pair(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  if (!pair) refuse("OpenSSL gave no ECDSA signature");
  return bytesOf(ECDSA_SIG_get0_r(pair.get()), kP384Bytes) +
         bytesOf(ECDSA_SIG_get0_s(pair.get()), kP384Bytes);
}

// An encrypted key is refused: nobody is there to type a password.
int noPassword(char*, int, int, void*) { return -1; }

}  // namespace

struct SigningKey::Handle {
  EVP_PKEY* key = nullptr;
  explicit Handle(EVP_PKEY* k) : key(k) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() { EVP_PKEY_free(key); }
};

std::string base64Url(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  while (text.ends_with('=')) text.pop_back();
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return text;
}

SigningKey::SigningKey(std::shared_ptr<const Handle> key) : key_(std::move(key)) {
  json members = requiredMembers(key_->key);
  algorithm_ = members.at("kty") == "EC" ? "ES384" : "RS384";
  keyId_ = thumbprint(members);
  members["use"] = "sig";
  members["key_ops"] = {"verify"};
  members["alg"] = algorithm_;
  members["kid"] = keyId_;
  jwk_ = members.dump();
}

SigningKey SigningKey::fromPemFile(const std::filesystem::path& path) {
  Secret pem;
  readOwnersFile(path, pem);
  const Memory memory(BIO_new_mem_buf(pem.text.data(), static_cast<int>(pem.text.size())));
  EVP_PKEY* key = PEM_read_bio_PrivateKey(memory.get(), nullptr, noPassword, nullptr);
  if (key == nullptr)
    refuse("the key file \"" + path.filename().string() +
           "\" holds no unencrypted private key in PEM form");
  return SigningKey(std::make_shared<const Handle>(key));
}

std::string SigningKey::publicJwk() const { return jwk_; }

std::string SigningKey::jwks() const {
  return json{{"keys", json::array({json::parse(jwk_)})}}.dump(2) + "\n";
}

std::string SigningKey::sign(const std::string& text) const {
  const DigestContext context(EVP_MD_CTX_new());
  const auto* data = reinterpret_cast<const unsigned char*>(text.data());
  std::size_t size = 0;
  if (EVP_DigestSignInit(context.get(), nullptr, EVP_sha384(), nullptr, key_->key) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &size, data, text.size()) != 1)
    refuse("the key cannot sign");
  std::string signature(size, '\0');
  if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, data,
                     text.size()) != 1)
    refuse("the key cannot sign");
  signature.resize(size);
  return algorithm_ == "ES384" ? rawPair(signature) : signature;
}

std::string SigningKey::signedJwt(const std::string& payloadJson) const {
  const json header{{"alg", algorithm_}, {"kid", keyId_}, {"typ", "JWT"}};
  const std::string text = base64Url(header.dump()) + "." + base64Url(payloadJson);
  return text + "." + base64Url(sign(text));
}

}  // namespace fedpet::fhir
