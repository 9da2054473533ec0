// The age v1 file format (age-encryption.org/v1) with X25519 recipients: what `age` encrypts we
// decrypt, and the other way round. No passphrases, no plugins, no armor. Over OpenSSL.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bundle/secret.h"

namespace cloister::age {

inline constexpr uint64_t kChunkBytes = 64 << 10;
inline constexpr size_t kMaxRecipients = 100;
// A header that is longer is refused; 100 recipients need 12 kB.
inline constexpr uint64_t kMaxHeaderBytes = 64 << 10;

using PublicKey = std::array<std::byte, 32>;

// A recipient that can decrypt: "age1...".
class Recipient {
 public:
  explicit Recipient(const PublicKey& key) : key_(key) {}
  // kInvalid, with the text.
  static Result<Recipient> parse(std::string_view text);

  const PublicKey& key() const { return key_; }
  std::string text() const;
  bool operator==(const Recipient&) const = default;

 private:
  PublicKey key_;
};

// The secret key of a recipient: "AGE-SECRET-KEY-1...". Move-only.
class Identity {
 public:
  static Result<Identity> generate();
  // kInvalid, without the text.
  static Result<Identity> parse(std::string_view text);

  Bytes secret() const { return secret_.bytes(); }
  const Recipient& recipient() const { return recipient_; }
  // To be kept secret.
  SecretBytes text() const;

 private:
  Identity(SecretBytes secret, Recipient recipient)
      : secret_(std::move(secret)), recipient_(recipient) {}

  SecretBytes secret_;
  Recipient recipient_;
};

// A file as age-keygen writes it, or of recipients: one on each line, besides empty lines and
// comments (#). kInvalid names the line; at least one must be there.
Result<std::vector<Identity>> parse_identities(std::string_view file);
Result<std::vector<Recipient>> parse_recipients(std::string_view file);

// Gets the bytes of a file, in order.
using Sink = std::function<Result<>(Bytes)>;
// Fills its argument with the next bytes and returns how many those were; fewer than asked for
// only at the end.
using Source = std::function<Result<size_t>(MutableBytes)>;

// Encrypts bytes that arrive in pieces, in constant memory. Not thread-safe.
class Encryptor {
 public:
  // kUsage without a recipient, or with more than kMaxRecipients.
  static Result<Encryptor> start(const std::vector<Recipient>& recipients, Sink sink);
  ~Encryptor();
  Encryptor(Encryptor&&) noexcept;

  Result<> write(Bytes plain);
  // The last chunk. Without it the file is none.
  Result<> finish();

 private:
  struct State;
  explicit Encryptor(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Decrypts a file as it is read, in constant memory. Not thread-safe.
class Decryptor {
 public:
  // Reads the header. kInvalid when it is damaged or of another format, kRefused when none of its
  // recipients has one of the identities. A `released` header, of rewrap(), takes the place of the
  // file's own for finding the file key, which the file's own must then be authentic under.
  static Result<Decryptor> open(Source source, const std::vector<Identity>& identities,
                                std::string_view released = {});
  ~Decryptor();
  Decryptor(Decryptor&&) noexcept;

  // The next chunk, at most kChunkBytes, into `out`, which must have room for it; 0 at the end,
  // which is then known to be the end of the file. Nothing that was altered is ever returned.
  // kInvalid for a chunk that was, a file that is cut short or goes on, and a lack of room.
  Result<size_t> next(MutableBytes out);

 private:
  struct State;
  explicit Decryptor(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Decrypts a file whose plain bytes are exactly as many as `out` has.
Result<> decrypt(Source source, const std::vector<Identity>& identities, MutableBytes out,
                 std::string_view released = {});

// The header that a file begins with, and nothing behind it. kInvalid.
Result<std::string> read_header(const Source& source);

// A header that gives `recipient`, and nobody else, the file key of `header`, which must be a whole
// header. Put before the same payload, it makes an age file. kRefused when no identity fits,
// kInvalid when `header` was altered or is not one.
Result<std::string> rewrap(std::string_view header, const std::vector<Identity>& identities,
                           const Recipient& recipient);

}  // namespace cloister::age
