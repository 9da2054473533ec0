#include "app/cloisterd/key_source.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/file.h"
#include "base/log.h"
#include "base/sha256.h"
#include "bundle/secret.h"
#include "cli/program.h"
#include "cli/read_keys.h"
#include "cli/stop_signal.h"
#include "tee/key_client.h"

namespace cloister {
namespace {

constexpr uint64_t kMaxPem = 1 << 20;
constexpr std::chrono::milliseconds kFirstPause{500};
constexpr std::chrono::milliseconds kLongestPause{30'000};

// All that can be read from the descriptor.
Result<SecretBytes> read_descriptor(int fd) {
  constexpr size_t kMost = 64 << 10;
  SecretBytes buffer(kMost + 1);
  size_t size = 0;
  while (size <= kMost) {
    const ssize_t got = ::read(fd, buffer.bytes().data() + size, kMost + 1 - size);
    if (got < 0) return fail(Kind::kIo, "descriptor {}: {}", fd, std::strerror(errno));
    if (got == 0) return SecretBytes(Bytes(buffer.bytes()).first(size));
    size += static_cast<size_t>(got);
  }
  return invalid("descriptor {}: over {} bytes, want an age identity", fd, kMost);
}

Result<std::vector<age::Identity>> identities_of(const std::string& identity, int fd) {
  if (fd >= 0) {
    TRY(text, read_descriptor(fd));
    ::close(fd);
    return age::parse_identities(text.text());
  }
  if (identity.empty()) return std::vector<age::Identity>();
  return read_identities({identity});
}

// Asks until there is an answer.
Result<std::optional<serving::ReleasedKeys>> wait_for_keys(const serving::KeyQuestion& question,
                                                           const bundle::Bundle& bundle,
                                                           attest::Attester& producer,
                                                           KeyFlags::When when) {
  for (auto pause = kFirstPause;; pause = std::min(2 * pause, kLongestPause)) {
    auto keys = [&] {
      const StopsEndAtOnce stops;
      return serving::ask_for_keys(question, bundle, producer);
    }();
    if (keys) return std::optional(std::move(*keys));
    const Kind kind = keys.error().kind;
    const bool may_come = kind == Kind::kUnavailable || kind == Kind::kDeadline;
    if (!may_come || when == KeyFlags::When::kOnce) {
      return std::unexpected(std::move(keys).error());
    }
    log(LogLevel::kWarn, "waiting for the key server",
        {{"server", net::url_text(question.server)},
         {"why", keys.error().message},
         {"again_in_ms", pause.count()}});
    if (stop_comes_within(pause)) return std::nullopt;
  }
}

}  // namespace

void KeyFlags::add_to(CLI::App& command, serving::ServerConfig& config) {
  auto* const file = command
                         .add_option("--identity", identity,
                                     "file with the age identity that opens the trusted segments")
                         ->type_name("FILE");
  auto* const descriptor =
      command.add_option("--identity-fd", identity_fd, "the same, from an open file descriptor")
          ->type_name("N")
          ->check(CLI::Range(0, 1 << 20))
          ->excludes(file);
  auto* const server =
      command
          .add_option("--key-server", config.key_server,
                      "cloister-keyserver from which to get the keys instead, by showing evidence; "
                      "retried for as long as it can't be reached")
          ->type_name("URL")
          ->excludes(file)
          ->excludes(descriptor);
  command
      .add_option("--key-server-ca", key_server_ca,
                  "PEM file of the authority that must have issued the key server's certificate; "
                  "without it any certificate is accepted, since a false key server learns nothing "
                  "and cannot provide a key that opens the bundle")
      ->type_name("FILE")
      ->needs(server);
}

Result<> KeyFlags::read(serving::ServerConfig& config) {
  if (key_server_ca.empty()) return {};
  TRY(pem, read_file(key_server_ca, kMaxPem));
  config.key_server_ca_sha256 = to_hex(sha256(as_bytes(pem)));
  ca_pem_ = std::move(pem);
  return {};
}

Result<std::optional<KeyFlags::Keys>> KeyFlags::get(const bundle::Bundle& bundle,
                                                    const serving::ServerConfig& config,
                                                    const std::string& config_sha256,
                                                    const std::string& tool,
                                                    attest::Attester& producer, When when) const {
  if (config.key_server.empty()) {
    if (when == When::kOnce && identity_fd >= 0) {
      return fail(Kind::kUnsupported, "what --identity-fd gave can't be read again");
    }
    TRY(identities, identities_of(identity, identity_fd));
    return Keys{std::move(identities), {}};
  }
  serving::KeyQuestion question{.config_sha256 = config_sha256, .tool = tool};
  TRY(url, typed(net::parse_url(config.key_server)));
  question.server = std::move(url);
  if (!ca_pem_.empty()) {
    question.client.trust = net::ClientOptions::Trust::kCaPem;
    question.client.ca_pem = ca_pem_;
  }
  TRY(released, wait_for_keys(question, bundle, producer, when));
  if (!released) return std::nullopt;
  log(LogLevel::kInfo, "key released", {{"server", config.key_server}, {"key", released->key}});
  return Keys{std::move(released->identities), std::move(released->headers)};
}

}  // namespace cloister
