// Recipients and identities.
#include <algorithm>

#include "base/random.h"
#include "bundle/age_crypto.h"
#include "bundle/bech32.h"

namespace cloister::age {
namespace {

constexpr std::string_view kRecipientPrefix = "age";
constexpr std::string_view kIdentityPrefix = "age-secret-key-";
constexpr size_t kMaxLines = 1000;

// Keys of age that are not X25519, by how their texts begin.
constexpr std::pair<std::string_view, std::string_view> kOtherKinds[] = {
    {"age1pq1", "a hybrid post-quantum recipient"},
    {"ssh-", "an SSH key"},
    {"ecdsa-", "an SSH key"},
    {"AGE-SECRET-KEY-PQ-1", "a hybrid post-quantum identity"},
    {"AGE-PLUGIN-", "an identity of an age plugin"},
    {"-----BEGIN AGE ", "an identity file that is encrypted"},
    {"-----BEGIN ", "a key in PEM, as SSH has them"}};

Result<> check_kind(std::string_view text, std::string_view want) {
  std::string_view found;
  // Plugins have names of their own: the data behind bech32's last 1 has none in it.
  if (text.starts_with("age1") && text.rfind('1') > 3) found = "a recipient of an age plugin";
  for (const auto& [begin, kind] : kOtherKinds) {
    if (text.starts_with(begin)) {
      found = kind;
      break;
    }
  }
  if (found.empty()) return {};
  return fail(Kind::kUnsupported, "{}; the only kind supported is X25519, '{}'", found, want);
}

std::string_view trimmed(std::string_view line) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!line.empty() && is_space(line.front())) line.remove_prefix(1);
  while (!line.empty() && is_space(line.back())) line.remove_suffix(1);
  return line;
}

// The keys of a file, each parsed by T::parse.
template <typename T>
Result<std::vector<T>> parse_lines(std::string_view file, std::string_view what) {
  std::vector<T> keys;
  size_t number = 0;
  while (!file.empty()) {
    const size_t end = std::min(file.find('\n'), file.size());
    const std::string_view line = trimmed(file.substr(0, end));
    file.remove_prefix(std::min(end + 1, file.size()));
    ++number;
    if (line.empty() || line.starts_with('#')) continue;
    if (number > kMaxLines) return invalid("more than {} lines", kMaxLines);
    auto key = T::parse(line);
    if (!key) return with_context(key.error(), fmt::format("line {}", number));
    keys.push_back(std::move(*key));
  }
  if (keys.empty()) return invalid("no {} in it", what);
  return keys;
}

}  // namespace

Result<Recipient> Recipient::parse(std::string_view text) {
  const auto bytes = parse_bech32(text, kRecipientPrefix);
  const std::string shown = printable(text, 80);
  if (text.starts_with("AGE-SECRET-KEY-")) {
    return invalid("a secret key where the recipient 'age1...' should be");
  }
  if (const auto known = check_kind(text, "age1..."); !known) {
    return with_context(known.error(), fmt::format("recipient '{}'", shown));
  }
  if (!bytes) return invalid("recipient '{}': {}", shown, bytes.error().message);
  PublicKey key;
  if (bytes->size() != key.size()) {
    return invalid("recipient '{}': {} bytes, want {}", shown, bytes->size(), key.size());
  }
  if (std::ranges::any_of(text, [](char c) { return c >= 'A' && c <= 'Z'; })) {
    return invalid("recipient '{}': want lower case", shown);
  }
  std::ranges::copy(*bytes, key.begin());
  return Recipient(key);
}

std::string Recipient::text() const {
  return bech32(kRecipientPrefix, key_);
}

Result<Identity> Identity::generate() {
  SecretBytes secret(kKeyBytes);
  TRY_OK(random_bytes(secret.bytes()));
  TRY(key, x25519_public(secret.bytes()));
  return Identity(std::move(secret), Recipient(key));
}

Result<Identity> Identity::parse(std::string_view text) {
  TRY_OK(check_kind(text, "AGE-SECRET-KEY-1..."));
  auto bytes = parse_bech32(text, kIdentityPrefix);
  if (!bytes) return invalid("not an age identity: {}", bytes.error().message);
  SecretBytes secret(*bytes);
  cleanse(*bytes);
  if (secret.bytes().size() != kKeyBytes) {
    return invalid("not an age identity: {} bytes, want {}", secret.bytes().size(), kKeyBytes);
  }
  if (text.starts_with('a')) return invalid("not an age identity: want upper case");
  TRY(key, x25519_public(secret.bytes()));
  return Identity(std::move(secret), Recipient(key));
}

SecretBytes Identity::text() const {
  std::string text = bech32(kIdentityPrefix, secret_.bytes());
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::toupper(c); });
  SecretBytes secret(as_bytes(text));
  cleanse({reinterpret_cast<std::byte*>(text.data()), text.size()});
  return secret;
}

Result<std::vector<Identity>> parse_identities(std::string_view file) {
  return parse_lines<Identity>(file, "AGE-SECRET-KEY-1...");
}

Result<std::vector<Recipient>> parse_recipients(std::string_view file) {
  return parse_lines<Recipient>(file, "recipient age1...");
}

}  // namespace cloister::age
