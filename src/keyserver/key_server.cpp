#include "keyserver/key_server.h"

#include <algorithm>
#include <map>
#include <mutex>

#include "base/log.h"
#include "base/random.h"
#include "keyserver/key_release.h"
#include "serving/address.h"
#include "serving/answer_later.h"
#include "serving/error_response.h"
#include "serving/token_bucket.h"

namespace cloister::serving {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

constexpr size_t kMaxWaiting = 64;
constexpr std::chrono::seconds kLookPeriod{2};  // at the keys, for revocations
constexpr const char* kMetricsTarget = "/metrics";
constexpr const char* kJson = "application/json";

// The nonce that each connection was given and has not used. Thread-safe.
class Challenges {
 public:
  explicit Challenges(const KeyServerOptions& options)
      : most_(4 * options.max_connections),
        lifetime_(options.nonce_lifetime),
        rate_(options.rate_per_s, options.burst) {}

  // Whether one more may be asked for now.
  bool admit(SteadyTime now) {
    const std::scoped_lock lock(mutex_);
    return rate_.take(now);
  }
  // In place of one that the connection has. False when there are too many.
  bool put(uint64_t connection, const attest::Nonce& nonce, SteadyTime now) {
    const std::scoped_lock lock(mutex_);
    std::erase_if(held_, [&](const auto& held) { return held.second.second + lifetime_ < now; });
    if (held_.size() >= most_) return false;
    held_[connection] = {nonce, now};
    return true;
  }
  bool has(uint64_t connection, SteadyTime now) {
    const std::scoped_lock lock(mutex_);
    return find(connection, now) != held_.end();
  }
  // Once.
  std::optional<attest::Nonce> take(uint64_t connection, SteadyTime now) {
    const std::scoped_lock lock(mutex_);
    const auto found = find(connection, now);
    if (found == held_.end()) return std::nullopt;
    const attest::Nonce nonce = found->second.first;
    held_.erase(found);
    return nonce;
  }

 private:
  using Held = std::map<uint64_t, std::pair<attest::Nonce, SteadyTime>>;

  Held::iterator find(uint64_t connection, SteadyTime now) {
    const auto found = held_.find(connection);
    const bool good = found != held_.end() && found->second.second + lifetime_ >= now;
    return good ? found : held_.end();
  }

  const size_t most_;
  const net::Seconds lifetime_;
  std::mutex mutex_;
  TokenBucket rate_;
  Held held_;
};

bool has_body(const net::Request& request) {
  const std::string* const length = request.fields.find("Content-Length");
  return request.fields.find("Transfer-Encoding") != nullptr ||
         (length != nullptr && *length != "0");
}

const char* method_of(const std::string& target) {
  if (target == kHeadTarget || target == kMetricsTarget) return "GET";
  return target == kChallengeTarget || target == kReleaseTarget ? "POST" : nullptr;
}

// Not a refusal: a client that took too long may start again.
net::Response no_challenge() {
  return with_status(409, {Kind::kUnavailable,
                           fmt::format("this connection has no valid challenge: POST {} first, and "
                                       "for each request",
                                       kChallengeTarget)});
}

}  // namespace

struct KeyServer::State {
  State(const KeyServerOptions& options, std::unique_ptr<ReleaseLog> opened,
        const attest::Roots& roots)
      : log(std::move(opened)),
        release(options.keys, *log, metrics, options.clock, roots),
        challenges(options),
        tasks(kMaxWaiting, kLookPeriod, [this] { note_revocations(); }) {}

  std::unique_ptr<ReleaseLog> log;
  KeyMetrics metrics;
  KeyRelease release;  // of the tasks' thread
  Challenges challenges;
  TaskThread tasks;
  std::unique_ptr<net::Server> server;  // last: goes first

  void note_revocations() {
    if (const auto noted = release.note_revocations(); !noted) {
      cloister::log(LogLevel::kWarn, "revocations not logged", {{"why", noted.error().message}});
    }
  }

  // What is refused before its body is read.
  std::optional<net::Response> gate(const net::Request& request) {
    const char* const method = method_of(request.target);
    if (method == nullptr) {
      return error_response(
          {Kind::kNotFound, fmt::format("nothing at '{}'", printable(request.target))});
    }
    if (request.method != method) return wrong_method(request, method);
    const SteadyTime now = std::chrono::steady_clock::now();
    if (request.target == kReleaseTarget) {
      if (challenges.has(request.connection, now)) return std::nullopt;
      return no_challenge();
    }
    if (has_body(request)) {
      return with_status(413, {Kind::kInvalid, "the request has a body, want none"});
    }
    if (request.target == kChallengeTarget && !challenges.admit(now)) {
      metrics.challenge("quota");
      return with_status(429, {Kind::kUnavailable, "this key server's rate limit is exceeded"});
    }
    return std::nullopt;
  }

  void handle(net::Request request, net::Respond respond) {
    if (request.target == kHeadTarget) {
      return respond(net::text_response(200, kJson, head_json(log->head())));
    }
    if (request.target == kMetricsTarget) {
      return respond(
          net::text_response(200, "text/plain; version=0.0.4", metrics.text(log->head())));
    }
    Respond answer = answer_to(std::move(respond));
    if (request.target == kChallengeTarget) answer = counted(std::move(answer));
    auto work = request.target == kChallengeTarget ? challenge(request) : release_to(request);
    if (!work) return answer(std::unexpected(std::move(work.error())));
    // Reading keys and writing the log takes a disk, which the server's threads must not wait for.
    answer_later(tasks, std::move(answer), std::move(*work),
                 {Kind::kUnavailable, "too many requests are waiting"});
  }

  Respond counted(Respond answer) {
    return [this, answer = std::move(answer)](Result<net::Response> made) mutable {
      metrics.challenge(made ? "ok" : "unavailable");
      answer(std::move(made));
    };
  }

  using Work = std::move_only_function<Result<net::Response>()>;

  Result<Work> challenge(const net::Request& request) {
    attest::Nonce nonce;
    TRY_OK(random_bytes(nonce.bytes));
    if (!challenges.put(request.connection, nonce, std::chrono::steady_clock::now())) {
      return fail(Kind::kUnavailable, "too many challenges are open");
    }
    return [this, nonce]() -> Result<net::Response> {
      const auto asked = release.challenge(nonce);
      if (asked) return net::text_response(200, kJson, attest::write_request(*asked));
      cloister::log(LogLevel::kWarn, "no challenge", {{"why", asked.error().message}});
      return fail(Kind::kUnavailable, "the key server can't read its keys at the moment");
    };
  }

  Result<Work> release_to(net::Request& request) {
    const auto nonce = challenges.take(request.connection, std::chrono::steady_clock::now());
    // The gate has let it in, but its body may have taken long.
    if (!nonce) return fail(Kind::kUnavailable, "the challenge has expired");
    KeyConnection connection{.nonce = *nonce, .peer = request.peer};
    TRY(server_key, request.channel->server_key_sha256());
    TRY(exported, request.channel->exported_key(attest::kExporterLabel, nonce->view()));
    connection.server_key = server_key;
    connection.exported = exported;
    return [this, connection, body = std::move(request.body)]() -> Result<net::Response> {
      TRY(reply, release.release(as_text(body.bytes), connection));
      return net::text_response(200, kJson, write_key_reply(reply));
    };
  }
};

KeyServer::KeyServer(std::unique_ptr<State> state) : state_(std::move(state)) {}
KeyServer::~KeyServer() = default;

Result<std::unique_ptr<KeyServer>> KeyServer::start(KeyServerOptions options,
                                                    const attest::Roots& roots) {
  TRY(listen, parse_address(options.listen));
  TRY(keys, list_keys(options.keys));
  for (const StoredKey& key : keys) {
    if (!key.record) log(LogLevel::kWarn, "key left out", {{"why", key.record.error().message}});
  }
  TRY(opened, ReleaseLog::open(options.log, options.clock));
  TRY_OK(opened->add({.event = "started", .why = options.tool}));
  std::optional<net::TlsIdentity> identity = std::exchange(options.tls, std::nullopt);
  if (!identity) {
    std::vector<std::string> names = options.names;
    names.push_back(listen.host);
    TRY(made, net::make_tls_identity(names, options.clock().time_since_epoch().count()));
    identity = std::move(made);
  }
  auto state = std::make_unique<State>(options, std::move(opened), roots);
  State& s = *state;
  s.metrics.keys(keys);
  s.tasks.add([&s] { s.note_revocations(); });
  net::ServerOptions server_options{.address = listen.host,
                                    .port = listen.port,
                                    .tls = std::move(identity),
                                    .max_connections = options.max_connections,
                                    .max_body_bytes = options.max_body_bytes,
                                    .max_total_body_bytes = 4 * options.max_body_bytes};
  TRY(server, net::Server::start(
                  std::move(server_options),
                  [&s](net::Request request, net::Respond respond) {
                    s.handle(std::move(request), std::move(respond));
                  },
                  [&s](const net::Request& request) { return s.gate(request); }));
  s.server = std::move(server);
  const LogHead head = s.log->head();
  log(LogLevel::kInfo, "serving",
      {{"listen", options.listen},
       {"port", s.server->port()},
       {"keys", keys.size()},
       {"seq", head.seq},
       {"head", head.sha256}});
  return std::unique_ptr<KeyServer>(new KeyServer(std::move(state)));
}

uint16_t KeyServer::port() const {
  return state_->server->port();
}

LogHead KeyServer::head() const {
  return state_->log->head();
}

Result<> KeyServer::replace_certificate(net::TlsIdentity identity) {
  return state_->server->replace_identity(std::move(identity));
}

Result<bool> KeyServer::reopen_log() {
  return state_->log->reopen();
}

void KeyServer::drain(net::Seconds limit) {
  state_->server->drain(limit);
}

}  // namespace cloister::serving
