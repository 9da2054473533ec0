#include "bundle/age_header.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <optional>

#include "base/base64.h"
#include "base/random.h"

namespace cloister::age {
namespace {

constexpr std::string_view kVersion = "age-encryption.org/v1";
constexpr std::string_view kVersionStart = "age-encryption.org/";
constexpr std::string_view kArmor = "-----BEGIN AGE ENCRYPTED FILE-----";
constexpr std::string_view kEnd = "---";
constexpr size_t kColumns = 64;
constexpr size_t kMaxStanzas = 1000;
constexpr std::string_view kX25519 = "X25519";

// Lines of the header, without their ends. Nothing is assumed of what is in them.
class Lines {
 public:
  explicit Lines(std::string_view text) : text_(text) {}

  Result<std::string_view> next() {
    const size_t end = text_.find('\n', at_);
    if (end == std::string_view::npos) {
      return text_.size() >= kMaxHeaderBytes
                 ? invalid("the header is longer than {} bytes", kMaxHeaderBytes)
                 : invalid("the header is truncated after {} bytes", text_.size());
    }
    const std::string_view line = text_.substr(at_, end - at_);
    at_ = end + 1;
    return line;
  }

  size_t at() const { return at_; }

 private:
  std::string_view text_;
  size_t at_ = 0;
};

bool is_word(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= 33 && c <= 126; });
}

Result<std::vector<std::string>> parse_words(std::string_view line) {
  std::vector<std::string> words;
  for (size_t start = 0; start <= line.size();) {
    const size_t end = std::min(line.find(' ', start), line.size());
    const std::string_view word = line.substr(start, end - start);
    if (!is_word(word)) return invalid("the recipient line '{}' is malformed", printable(line, 80));
    words.emplace_back(word);
    start = end + 1;
  }
  return words;
}

Result<std::vector<std::byte>> parse_body(Lines& lines) {
  std::vector<std::byte> body;
  while (true) {
    TRY(line, lines.next());
    if (line.size() > kColumns) {
      return invalid("a body line of {} letters, want at most {}", line.size(), kColumns);
    }
    TRY(bytes, parse_base64(line, Base64::kBare));
    body.insert(body.end(), bytes.begin(), bytes.end());
    if (line.size() < kColumns) return body;
  }
}

Result<> check_version(std::string_view start) {
  if (start.starts_with(kArmor)) {
    return fail(Kind::kUnsupported,
                "an armored (text) age file; only binary ones are read, as 'age' makes without -a");
  }
  if (!start.starts_with(kVersionStart)) return invalid("not an age file");
  const std::string_view line = start.substr(0, start.find('\n'));
  if (start.starts_with(fmt::format("{}\n", kVersion))) return {};
  if (start.size() <= kVersion.size()) return invalid("the header is truncated");
  return fail(Kind::kUnsupported, "'{}', want '{}'", printable(line, 60), kVersion);
}

Result<Header> parse(std::string_view start) {
  TRY_OK(check_version(start));
  Lines lines(start);
  TRY_OK(lines.next());
  Header header;
  while (true) {
    const size_t line_start = lines.at();
    TRY(line, lines.next());
    if (line.starts_with("-> ")) {
      if (header.stanzas.size() >= kMaxStanzas) {
        return invalid("more than {} recipients", kMaxStanzas);
      }
      TRY(words, parse_words(line.substr(3)));
      TRY(body, parse_body(lines));
      std::string type = std::move(words.front());
      words.erase(words.begin());
      header.stanzas.push_back({std::move(type), std::move(words), std::move(body)});
      continue;
    }
    if (!line.starts_with("--- ")) {
      return invalid("the line '{}' in the header, want '->' or '---'", printable(line, 80));
    }
    TRY(mac, parse_base64(line.substr(4), Base64::kBare));
    if (mac.size() != header.mac.size()) return invalid("a MAC of {} bytes, want 32", mac.size());
    std::ranges::copy(mac, header.mac.begin());
    header.authenticated = start.substr(0, line_start + kEnd.size());
    header.bytes = lines.at();
    break;
  }
  if (header.stanzas.empty()) return invalid("no recipients");
  const bool scrypt = std::ranges::any_of(
      header.stanzas, [](const Stanza& stanza) { return stanza.type == "scrypt"; });
  if (scrypt && header.stanzas.size() > 1) {
    return invalid("a passphrase together with other recipients");
  }
  return header;
}

// The file key if the stanza is the identity's; nothing if it is somebody else's.
Result<std::optional<SecretBytes>> unwrap(const Stanza& stanza, const Identity& identity) {
  if (stanza.arguments.size() != 1) {
    return invalid("an X25519 recipient with {} arguments, want 1", stanza.arguments.size());
  }
  TRY(share_bytes, parse_base64(stanza.arguments[0], Base64::kBare));
  PublicKey share;
  if (share_bytes.size() != share.size()) {
    return invalid("an X25519 share of {} bytes, want {}", share_bytes.size(), share.size());
  }
  std::ranges::copy(share_bytes, share.begin());
  if (stanza.body.size() != kFileKeyBytes + kTagBytes) {
    return invalid("an X25519 body of {} bytes, want {}", stanza.body.size(),
                   kFileKeyBytes + kTagBytes);
  }
  TRY(shared, x25519(identity.secret(), share));
  TRY(key, wrap_key(shared.bytes(), share, identity.recipient()));
  TRY(aead, Aead::make(key.bytes()));
  SecretBytes file_key(kFileKeyBytes);
  TRY(good, aead.open(Nonce{}, stanza.body, file_key.bytes()));
  if (!good) return std::nullopt;
  return file_key;
}

// "2 X25519, 1 scrypt"
std::string recipients_text(const Header& header) {
  std::map<std::string, size_t> counts;
  for (const Stanza& stanza : header.stanzas) {
    if (counts.size() < 8 || counts.contains(stanza.type)) ++counts[stanza.type];
  }
  std::vector<std::string> texts;
  for (const auto& [type, count] : counts) {
    texts.push_back(fmt::format("{} {}", count, printable(type, 30)));
  }
  return fmt::format("{}", fmt::join(texts, ", "));
}

}  // namespace

Result<Header> parse_header(std::string_view start) {
  auto header = parse(start.substr(0, kMaxHeaderBytes));
  if (!header) return with_context(header.error(), "age header");
  return header;
}

Result<std::string> make_header(Bytes file_key, const std::vector<Recipient>& recipients) {
  std::string header(kVersion);
  header += '\n';
  for (const Recipient& recipient : recipients) {
    SecretBytes secret(kKeyBytes);
    TRY_OK(random_bytes(secret.bytes()));
    TRY(share, x25519_public(secret.bytes()));
    auto shared = x25519(secret.bytes(), recipient.key());
    if (!shared) return with_context(shared.error(), "recipient " + recipient.text());
    TRY(key, wrap_key(shared->bytes(), share, recipient));
    TRY(aead, Aead::make(key.bytes()));
    std::array<std::byte, kFileKeyBytes + kTagBytes> body;
    TRY_OK(aead.seal(Nonce{}, file_key, body));
    header += fmt::format("-> {} {}\n{}\n", kX25519, base64(share, Base64::kBare),
                          base64(body, Base64::kBare));
  }
  header += kEnd;
  TRY(key, header_key(file_key));
  TRY(mac, hmac(key.bytes(), header));
  return header + fmt::format(" {}\n", base64(mac, Base64::kBare));
}

Result<> check_mac(const Header& header, Bytes file_key) {
  TRY(key, header_key(file_key));
  TRY(mac, hmac(key.bytes(), header.authenticated));
  if (!same(mac, header.mac)) return invalid("age header: its MAC is wrong: it was altered");
  return {};
}

Result<SecretBytes> file_key(const Header& header, const std::vector<Identity>& identities) {
  for (const Stanza& stanza : header.stanzas) {
    if (stanza.type != kX25519) continue;
    for (const Identity& identity : identities) {
      auto unwrapped = unwrap(stanza, identity);
      if (!unwrapped) return with_context(unwrapped.error(), "age header");
      if (!*unwrapped) continue;
      TRY_OK(check_mac(header, (*unwrapped)->bytes()));
      return std::move(**unwrapped);
    }
  }
  return fail(Kind::kRefused, "no recipient of this file has {}; recipients: {}",
              identities.size() == 1 ? "the given key"
                                     : fmt::format("one of the {} given keys", identities.size()),
              recipients_text(header));
}

Result<std::string> read_header(const Source& source) {
  std::string start(kMaxHeaderBytes, '\0');
  TRY(got, source({reinterpret_cast<std::byte*>(start.data()), start.size()}));
  start.resize(std::min<size_t>(got, start.size()));
  TRY(header, parse_header(start));
  start.resize(header.bytes);
  return start;
}

Result<std::string> rewrap(std::string_view header, const std::vector<Identity>& identities,
                           const Recipient& recipient) {
  TRY(parsed, parse_header(header));
  if (parsed.bytes != header.size()) {
    return invalid("age header: {} bytes after it", header.size() - parsed.bytes);
  }
  TRY(key, file_key(parsed, identities));
  return make_header(key.bytes(), {recipient});
}

}  // namespace cloister::age
