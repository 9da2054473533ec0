// The payload: a nonce, then chunks of 64 KiB, each sealed under its number.
#include <algorithm>
#include <optional>

#include "base/random.h"
#include "bundle/age.h"
#include "bundle/age_header.h"

namespace cloister::age {
namespace {

constexpr size_t kPayloadNonceBytes = 16;
constexpr size_t kSealedBytes = kChunkBytes + kTagBytes;

Result<SecretBytes> find_key(const Header& header, const std::vector<Identity>& identities,
                             std::string_view released) {
  if (released.empty()) return file_key(header, identities);
  auto replaced = parse_header(released);
  if (!replaced) return with_context(replaced.error(), "released");
  auto key = file_key(*replaced, identities);
  if (!key) return with_context(key.error(), "released");
  TRY_OK(check_mac(header, key->bytes()));
  return key;
}

}  // namespace

struct Encryptor::State {
  Sink sink;
  Aead aead;
  SecretBytes plain{kChunkBytes};
  size_t filled = 0;
  std::vector<std::byte> sealed = std::vector<std::byte>(kSealedBytes);
  uint64_t index = 0;

  Result<> flush(bool last) {
    const MutableBytes out = MutableBytes(sealed).first(filled + kTagBytes);
    TRY_OK(aead.seal(chunk_nonce(index, last), plain.bytes().first(filled), out));
    ++index;
    filled = 0;
    return sink(out);
  }
};

Encryptor::Encryptor(std::unique_ptr<State> state) : state_(std::move(state)) {}
Encryptor::Encryptor(Encryptor&&) noexcept = default;
Encryptor::~Encryptor() = default;

Result<Encryptor> Encryptor::start(const std::vector<Recipient>& recipients, Sink sink) {
  if (recipients.empty()) return fail(Kind::kUsage, "no recipients to encrypt to");
  if (recipients.size() > kMaxRecipients) {
    return fail(Kind::kUsage, "{} recipients, want at most {}", recipients.size(), kMaxRecipients);
  }
  SecretBytes key(kFileKeyBytes);
  TRY_OK(random_bytes(key.bytes()));
  std::array<std::byte, kPayloadNonceBytes> nonce;
  TRY_OK(random_bytes(nonce));
  TRY(header, make_header(key.bytes(), recipients));
  TRY(payload, payload_key(key.bytes(), nonce));
  TRY(aead, Aead::make(payload.bytes()));
  TRY_OK(sink(as_bytes(header)));
  TRY_OK(sink(nonce));
  return Encryptor(
      std::unique_ptr<State>(new State{.sink = std::move(sink), .aead = std::move(aead)}));
}

Result<> Encryptor::write(Bytes plain) {
  while (!plain.empty()) {
    // A full chunk waits until more comes: it may be the last.
    if (state_->filled == kChunkBytes) TRY_OK(state_->flush(false));
    const size_t step = std::min<size_t>(plain.size(), kChunkBytes - state_->filled);
    std::ranges::copy(plain.first(step), state_->plain.bytes().data() + state_->filled);
    state_->filled += step;
    plain = plain.subspan(step);
  }
  return {};
}

Result<> Encryptor::finish() {
  return state_->flush(true);
}

struct Decryptor::State {
  Source source;
  // Read from the source and not used yet: at first the rest after the header.
  std::vector<std::byte> buffer;
  size_t begin = 0;
  size_t end = 0;
  bool source_ended = false;
  std::optional<Aead> aead;
  uint64_t index = 0;
  bool ended = false;

  Bytes held() const { return Bytes(buffer).subspan(begin, end - begin); }

  // Holds `count` bytes, or all up to the end.
  Result<> fill(size_t count) {
    if (held().size() >= count || source_ended) return {};
    std::copy(buffer.begin() + static_cast<ptrdiff_t>(begin),
              buffer.begin() + static_cast<ptrdiff_t>(end), buffer.begin());
    end -= begin;
    begin = 0;
    const MutableBytes room = MutableBytes(buffer).subspan(end, count - end);
    TRY(got, source(room));
    if (got > room.size()) return fail(Kind::kInternal, "a source gave {} bytes", got);
    source_ended = got < room.size();
    end += got;
    return {};
  }
};

Decryptor::Decryptor(std::unique_ptr<State> state) : state_(std::move(state)) {}
Decryptor::Decryptor(Decryptor&&) noexcept = default;
Decryptor::~Decryptor() = default;

Result<Decryptor> Decryptor::open(Source source, const std::vector<Identity>& identities,
                                  std::string_view released) {
  auto state = std::make_unique<State>();
  state->source = std::move(source);
  // One byte more than a chunk tells whether it is the last.
  state->buffer.resize(std::max<size_t>(kMaxHeaderBytes, kSealedBytes + 1));
  TRY_OK(state->fill(kMaxHeaderBytes));
  TRY(header, parse_header(as_text(state->held())));
  TRY(key, find_key(header, identities, released));
  state->begin += header.bytes;
  TRY_OK(state->fill(kPayloadNonceBytes));
  if (state->held().size() < kPayloadNonceBytes) {
    return invalid("the age file is truncated after its header");
  }
  TRY(payload, payload_key(key.bytes(), state->held().first(kPayloadNonceBytes)));
  state->begin += kPayloadNonceBytes;
  TRY(aead, Aead::make(payload.bytes()));
  state->aead = std::move(aead);
  return Decryptor(std::move(state));
}

Result<size_t> Decryptor::next(MutableBytes out) {
  State& s = *state_;
  if (s.ended) return 0;
  TRY_OK(s.fill(kSealedBytes + 1));
  const Bytes held = s.held();
  const bool last = held.size() <= kSealedBytes;
  const Bytes sealed = held.first(std::min(held.size(), kSealedBytes));
  if (sealed.size() < kTagBytes) return invalid("the age file is truncated in chunk {}", s.index);
  const size_t size = sealed.size() - kTagBytes;
  if (size == 0 && s.index > 0) return invalid("the age file ends in an empty chunk");
  if (size > out.size()) {
    return invalid("the age file holds more than the remaining {} bytes", out.size());
  }
  TRY(good, s.aead->open(chunk_nonce(s.index, last), sealed, out.first(size)));
  if (!good) {
    return invalid("chunk {} of the age file is damaged, altered or truncated", s.index);
  }
  s.begin += sealed.size();
  ++s.index;
  s.ended = last;
  return size;
}

Result<> decrypt(Source source, const std::vector<Identity>& identities, MutableBytes out,
                 std::string_view released) {
  TRY(decryptor, Decryptor::open(std::move(source), identities, released));
  size_t done = 0;
  while (true) {
    TRY(got, decryptor.next(out.subspan(done)));
    if (got == 0) break;
    done += got;
  }
  if (done < out.size()) return invalid("the age file holds {} bytes, want {}", done, out.size());
  return {};
}

}  // namespace cloister::age
