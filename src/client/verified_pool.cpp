#include "client/verified_pool.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "net/deadline.h"

namespace cloister::serving {
namespace {

// One of the connections that there may be; empty where there is none yet.
struct Slot {
  std::unique_ptr<VerifiedConnection> connection;
  net::Clock::time_point verified;
};

Result<std::unique_ptr<VerifiedConnection>> open_one(const net::Url& server,
                                                     const VerifyOptions& options) {
  auto connection = VerifiedConnection::open(server, options);
  if (connection) return connection;
  Error error = std::move(connection).error();
  const bool unreadable = error.kind == Kind::kInvalid || error.kind == Kind::kUnsupported;
  if (unreadable) error.kind = Kind::kRefused;
  return std::unexpected(std::move(error));
}

}  // namespace

struct VerifiedPool::State {
  PoolOptions options;
  std::optional<ServerFacts> facts;
  std::mutex mutex;
  uint64_t newest = 0;  // version of a bundle that was verified
  std::condition_variable freed;
  std::vector<Slot> idle;  // those with a connection at the end, the one used last as the last

  Result<Slot> take(net::Clock::time_point deadline) {
    std::unique_lock lock(mutex);
    if (!freed.wait_until(lock, deadline, [this] { return !idle.empty(); })) {
      return fail(Kind::kDeadline, "all {} connections are busy", options.connections);
    }
    Slot slot = std::move(idle.back());
    idle.pop_back();
    lock.unlock();
    const bool stale = slot.connection != nullptr &&
                       (!slot.connection->is_open() ||
                        net::Seconds(net::Clock::now() - slot.verified) > options.verify_every);
    if (stale) slot.connection.reset();
    return slot;
  }

  void give_back(Slot slot) {
    {
      const std::scoped_lock lock(mutex);
      const auto place = slot.connection == nullptr ? idle.begin() : idle.end();
      idle.insert(place, std::move(slot));
    }
    freed.notify_one();
  }

  Result<std::unique_ptr<VerifiedConnection>> open_another(net::Clock::time_point deadline) {
    VerifyOptions verify = options.verify;
    verify.limit = std::min(verify.limit, net::left_until(deadline));
    uint64_t& min_version = verify.policy.bundle.min_version;
    if (options.renewable) {
      const std::scoped_lock lock(mutex);
      min_version = std::max(min_version, newest);
    }
    TRY(connection, open_one(options.server, verify));
    if (options.renewable) {
      const std::scoped_lock lock(mutex);
      newest = std::max(newest, connection->facts().manifest.version);
      return std::move(connection);
    }
    const ServerFacts& now = connection->facts();
    if (now.statement.manifest_sha256 != facts->statement.manifest_sha256) {
      return fail(Kind::kNotFound,
                  "the server now has the bundle with manifest {}, not the one that was verified "
                  "at first, {}",
                  now.statement.manifest_sha256, facts->statement.manifest_sha256);
    }
    if (now.environment->kind != facts->environment->kind) {
      return fail(Kind::kNotFound, "the server now shows {} evidence, not {} as at first",
                  attest::to_string(now.environment->kind),
                  attest::to_string(facts->environment->kind));
    }
    return std::move(connection);
  }

  Result<net::Response> exchange_in(Slot& slot, const net::Request& request,
                                    const std::vector<SharedBytes>& body,
                                    net::Clock::time_point deadline) {
    while (true) {
      const bool reused = slot.connection != nullptr;
      if (!reused) {
        TRY(opened, open_another(deadline));
        slot = {std::move(opened), net::Clock::now()};
      }
      auto response = slot.connection->exchange(request, body, net::left_until(deadline));
      if (response) return response;
      slot.connection.reset();
      // The server may have closed an idle connection just when it was used.
      if (!reused || response.error().kind != Kind::kUnavailable) return response;
    }
  }
};

VerifiedPool::VerifiedPool(std::unique_ptr<State> state) : state_(std::move(state)) {}
VerifiedPool::~VerifiedPool() = default;

Result<std::unique_ptr<VerifiedPool>> VerifiedPool::open(PoolOptions options) {
  if (options.connections == 0) return fail(Kind::kUsage, "a pool of 0 connections");
  auto state = std::make_unique<State>();
  TRY(first, open_one(options.server, options.verify));
  state->facts = first->facts();
  state->options = std::move(options);
  // Later ones need no files, and no audit of the bundle that the first has shown.
  VerifyOptions& later = state->options.verify;
  later.files.clear();
  later.audited_manifest_sha256 = state->facts->statement.manifest_sha256;
  state->newest = state->facts->manifest.version;
  state->idle.resize(state->options.connections);
  state->idle.back() = {std::move(first), net::Clock::now()};
  return std::unique_ptr<VerifiedPool>(new VerifiedPool(std::move(state)));
}

const ServerFacts& VerifiedPool::facts() const {
  return *state_->facts;
}

Result<net::Response> VerifiedPool::exchange(const net::Request& request,
                                             const std::vector<SharedBytes>& body,
                                             net::Seconds limit) {
  const auto deadline = net::deadline_after(limit);
  TRY(slot, state_->take(deadline));
  // Given back whatever happens, or the pool would run dry.
  struct Return {
    State& state;
    Slot& slot;
    ~Return() { state.give_back(std::move(slot)); }
  } const back{*state_, slot};
  return state_->exchange_in(slot, request, body, deadline);
}

}  // namespace cloister::serving
