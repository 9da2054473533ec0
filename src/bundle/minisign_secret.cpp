#include "bundle/minisign_secret.h"

#include <sodium.h>

#include <algorithm>

#include "base/base64.h"

namespace cloister::minisign {
namespace {

// Offsets in the 158 bytes of a secret key.
constexpr size_t kKdf = 2;
constexpr size_t kChecksumAlgorithm = 4;
constexpr size_t kSalt = 6;
constexpr size_t kOperations = 38;
constexpr size_t kMemory = 46;
constexpr size_t kKeyId = 54;  // from here on it is encrypted
constexpr size_t kKey = 62;
constexpr size_t kChecksum = 126;
constexpr size_t kSize = 158;

constexpr std::string_view kAlgorithm = "Ed";
constexpr std::string_view kScrypt = "Sc";
constexpr std::string_view kNoKdf{"\0\0", 2};
constexpr std::string_view kBlake2b = "B2";
constexpr uint64_t kMostMemory = 4ULL << 30;
constexpr uint64_t kMostOperations = 1ULL << 32;

unsigned char* raw(MutableBytes bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

const unsigned char* raw(Bytes bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

Result<> start_sodium() {
  if (sodium_init() < 0) return fail(Kind::kInternal, "libsodium can't be initialised");
  return {};
}

void put(MutableBytes file, size_t at, Bytes bytes) {
  std::ranges::copy(bytes, file.subspan(at).begin());
}

Bytes number_bytes(const uint64_t& number) {
  return std::as_bytes(std::span(&number, 1));
}

// Of the algorithm, the key's number and the key.
std::array<std::byte, 32> checksum(Bytes file) {
  std::array<std::byte, 32> sum;
  crypto_generichash_state state;
  crypto_generichash_init(&state, nullptr, 0, sum.size());
  crypto_generichash_update(&state, raw(file), kAlgorithm.size());
  crypto_generichash_update(&state, raw(file.subspan(kKeyId)), kChecksum - kKeyId);
  crypto_generichash_final(&state, raw(MutableBytes(sum)), sum.size());
  return sum;
}

// Encrypts or decrypts what is secret in the file.
Result<> mask(MutableBytes file, const SecretBytes& password) {
  uint64_t operations = 0;
  uint64_t memory = 0;
  std::memcpy(&operations, file.subspan(kOperations).data(), sizeof(operations));
  std::memcpy(&memory, file.subspan(kMemory).data(), sizeof(memory));
  if (operations > kMostOperations || memory > kMostMemory) {
    return invalid("secret key: scrypt with {} operations and {} bytes, want at most {} and {}",
                   operations, memory, kMostOperations, kMostMemory);
  }
  SecretBytes stream(kSize - kKeyId);
  if (crypto_pwhash_scryptsalsa208sha256(raw(stream.bytes()), stream.bytes().size(),
                                         password.text().data(), password.text().size(),
                                         raw(file.subspan(kSalt)), operations, memory) != 0) {
    return fail(Kind::kIo, "scrypt needs {} MiB of memory for the secret key's password",
                memory >> 20);
  }
  for (size_t i = kKeyId; i < kSize; ++i) file[i] ^= stream.bytes()[i - kKeyId];
  return {};
}

Result<SecretBytes> parse_file(std::string_view file) {
  if (file.size() > kMaxKeyFileBytes) return invalid("secret key: {} bytes", file.size());
  const size_t comment = file.find('\n');
  if (!file.starts_with("untrusted comment:") || comment == std::string_view::npos) {
    return invalid("secret key: no line 'untrusted comment: ...'");
  }
  std::string_view line = file.substr(comment + 1);
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  auto bytes = parse_base64(line, Base64::kPadded);
  if (!bytes) return invalid("secret key: not base64");
  SecretBytes key(*bytes);
  cleanse(*bytes);
  if (key.bytes().size() != kSize) {
    return invalid("secret key: {} bytes, want {}", key.bytes().size(), kSize);
  }
  const auto two = [&](size_t at) { return as_text(key.bytes().subspan(at, 2)); };
  if (two(0) != kAlgorithm || two(kChecksumAlgorithm) != kBlake2b ||
      (two(kKdf) != kScrypt && two(kKdf) != kNoKdf)) {
    return fail(Kind::kUnsupported, "secret key: an algorithm that is not minisign's");
  }
  return key;
}

bool is_encrypted(const SecretBytes& file) {
  return as_text(file.bytes().subspan(kKdf, 2)) == kScrypt;
}

}  // namespace

Result<SecretKey> generate_key() {
  TRY_OK(start_sodium());
  SecretKey key;
  key.key = SecretBytes(crypto_sign_SECRETKEYBYTES);
  crypto_sign_keypair(raw(MutableBytes(key.public_key.key)), raw(key.key.bytes()));
  randombytes_buf(key.public_key.id.data(), key.public_key.id.size());
  return key;
}

Result<SecretBytes> secret_key_file(const SecretKey& key, const SecretBytes* password,
                                    const Cost& cost) {
  TRY_OK(start_sodium());
  SecretBytes secret(kSize);
  const MutableBytes file = secret.bytes();
  put(file, 0, as_bytes(kAlgorithm));
  put(file, kChecksumAlgorithm, as_bytes(kBlake2b));
  put(file, kKeyId, key.public_key.id);
  put(file, kKey, key.key.bytes());
  put(file, kChecksum, checksum(file));
  if (password != nullptr) {
    put(file, kKdf, as_bytes(kScrypt));
    randombytes_buf(file.subspan(kSalt).data(), kOperations - kSalt);
    put(file, kOperations, number_bytes(cost.operations));
    put(file, kMemory, number_bytes(cost.memory_bytes));
    TRY_OK(mask(file, *password));
  }
  std::string text = base64(file, Base64::kPadded);
  SecretBytes out(as_bytes(fmt::format("untrusted comment: minisign {} secret key\n{}\n",
                                       password != nullptr ? "encrypted" : "unencrypted", text)));
  cleanse({reinterpret_cast<std::byte*>(text.data()), text.size()});
  return out;
}

Result<bool> needs_password(std::string_view file) {
  TRY(secret, parse_file(file));
  return is_encrypted(secret);
}

Result<SecretKey> open_secret_key(std::string_view file, const SecretBytes* password) {
  TRY_OK(start_sodium());
  TRY(secret, parse_file(file));
  const bool encrypted = is_encrypted(secret);
  if (encrypted) {
    if (password == nullptr) return fail(Kind::kUsage, "the secret key needs its password");
    TRY_OK(mask(secret.bytes(), *password));
  }
  const Bytes bytes = secret.bytes();
  const auto sum = checksum(bytes);
  // minisign leaves the checksum of a key without a password empty.
  const Bytes stored = bytes.subspan(kChecksum);
  const bool unset = !encrypted && sodium_is_zero(raw(stored), stored.size()) == 1;
  if (!unset && sodium_memcmp(stored.data(), sum.data(), sum.size()) != 0) {
    if (encrypted) return fail(Kind::kRefused, "wrong password for the secret key");
    return invalid("secret key: damaged, its checksum is wrong");
  }
  SecretKey key;
  std::ranges::copy(bytes.subspan(kKeyId, 8), key.public_key.id.begin());
  key.key = SecretBytes(bytes.subspan(kKey, crypto_sign_SECRETKEYBYTES));
  std::ranges::copy(key.key.bytes().last(32), key.public_key.key.begin());
  // A key whose halves do not belong together would give its secret away when it signs.
  SecretBytes again(crypto_sign_SECRETKEYBYTES);
  std::array<std::byte, 32> made;
  crypto_sign_seed_keypair(raw(MutableBytes(made)), raw(again.bytes()), raw(key.key.bytes()));
  if (made != key.public_key.key) return invalid("secret key: its public half does not match");
  return key;
}

Result<std::string> sign(Bytes message, const SecretKey& key, std::string_view trusted_comment) {
  TRY_OK(start_sodium());
  if (trusted_comment.find('\n') != std::string_view::npos) {
    return fail(Kind::kInternal, "a trusted comment of more than one line");
  }
  Signature signature;
  signature.prehashed = true;
  signature.key_id = key.public_key.id;
  signature.trusted_comment = trusted_comment;
  TRY(digest, prehash(message));
  const unsigned char* secret = raw(Bytes(key.key.bytes()));
  crypto_sign_detached(raw(MutableBytes(signature.signature)), nullptr, raw(Bytes(digest)),
                       digest.size(), secret);
  std::vector<std::byte> all(signature.signature.begin(), signature.signature.end());
  std::ranges::copy(as_bytes(trusted_comment), std::back_inserter(all));
  crypto_sign_detached(raw(MutableBytes(signature.global)), nullptr, raw(Bytes(all)), all.size(),
                       secret);
  return signature_file(signature, "signature from cloister");
}

}  // namespace cloister::minisign
