#include "client/proxy.h"

#include <strings.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "base/log.h"
#include "client/host_allowlist.h"
#include "client/verified_pool.h"
#include "net/deadline.h"
#include "serving/error_response.h"
#include "wire/oip.h"

namespace cloister::serving {
namespace {

// What is handed on of a request and of its answer.
constexpr const char* kRequestFields[] = {"Content-Type", oip::kHeaderLengthField, "Accept",
                                          "Authorization"};
constexpr const char* kResponseFields[] = {
    "Content-Type", oip::kHeaderLengthField, "Retry-After", "WWW-Authenticate", "Allow", "Date"};

template <size_t N>
net::Fields only(const net::Fields& fields, const char* const (&names)[N]) {
  net::Fields out;
  for (const char* name : names) {
    // All of them: what is given twice is for the server to refuse.
    for (const net::Field& field : fields) {
      if (::strcasecmp(field.name.c_str(), name) == 0) out.push_back({name, field.value});
    }
  }
  return out;
}

struct Pending {
  net::Request request;
  net::Respond respond;
  net::Clock::time_point deadline;
};

}  // namespace

struct Proxy::State {
  ProxyOptions options;
  std::optional<HostAllowlist> hosts;
  std::atomic<uint16_t> port = 0;  // 0 as long as nobody can know it
  std::unique_ptr<VerifiedPool> pool;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Pending> waiting;
  bool closing = false;
  std::vector<std::thread> threads;
  std::unique_ptr<net::Server> server;

  void push(net::Request request, net::Respond respond) {
    std::unique_lock lock(mutex);
    if (waiting.size() >= options.queue) {
      lock.unlock();
      return respond(error_response(
          {Kind::kUnavailable, fmt::format("busy: {} requests are waiting", options.queue)}));
    }
    waiting.push_back({std::move(request), std::move(respond), net::deadline_after(options.limit)});
    lock.unlock();
    changed.notify_one();
  }

  void work() {
    while (true) {
      std::unique_lock lock(mutex);
      changed.wait(lock, [this] { return closing || !waiting.empty(); });
      if (closing) return;  // nobody is left to answer
      Pending pending = std::move(waiting.front());
      waiting.pop_front();
      lock.unlock();
      pending.respond(forward(pending));
    }
  }

  net::Response forward(const Pending& pending) const {
    const net::Seconds left = net::left_until(pending.deadline);
    if (left <= net::Seconds(0)) return unreachable({Kind::kDeadline, "waited too long"});
    const net::Request& request = pending.request;
    net::Request onward{.method = request.method,
                        .target = request.target,
                        .fields = only(request.fields, kRequestFields)};
    if (!options.token.empty() && onward.fields.find("Authorization") == nullptr) {
      onward.fields.push_back({"Authorization", "Bearer " + options.token});
    }
    auto response = pool->exchange(onward, {request.body}, left);
    if (!response) return unreachable(response.error());
    response->fields = only(response->fields, kResponseFields);
    return std::move(*response);
  }

  static net::Response unreachable(const Error& error) {
    log(LogLevel::kWarn, "no answer from the server", {{"why", error.message}});
    net::Response response = error_response(
        {error.kind == Kind::kDeadline ? Kind::kDeadline : Kind::kUnavailable, error.message});
    if (error.kind == Kind::kRefused) response.status = 502;
    return response;
  }
};

Proxy::Proxy(std::unique_ptr<State> state) : state_(std::move(state)) {}

Proxy::~Proxy() {
  state_->server.reset();
  {
    const std::scoped_lock lock(state_->mutex);
    state_->closing = true;
  }
  state_->changed.notify_all();
  for (std::thread& thread : state_->threads) thread.join();
}

Result<std::unique_ptr<Proxy>> Proxy::start(const ProxyOptions& options) {
  auto state = std::make_unique<State>();
  state->options = options;
  TRY(hosts, HostAllowlist::make(options.listen_host, options.hosts));
  state->hosts = std::move(hosts);
  state->port = options.listen_port;
  TRY(pool, VerifiedPool::open({.server = options.server,
                                .verify = options.verify,
                                .connections = static_cast<size_t>(options.connections),
                                .verify_every = options.verify_every,
                                .renewable = true}));
  state->pool = std::move(pool);
  State* const s = state.get();
  std::unique_ptr<Proxy> proxy(new Proxy(std::move(state)));
  for (int i = 0; i < options.connections; ++i) s->threads.emplace_back([s] { s->work(); });
  net::ServerOptions listen{.address = options.listen_host,
                            .port = options.listen_port,
                            .max_body_bytes = options.max_body_bytes};
  listen.max_total_body_bytes = std::max(listen.max_total_body_bytes, options.max_body_bytes);
  TRY(server,
      net::Server::start(
          listen,
          [s](net::Request request, net::Respond respond) {
            s->push(std::move(request), std::move(respond));
          },
          [s](const net::Request& request) { return s->hosts->refusal(request, s->port); }));
  s->port = server->port();
  s->server = std::move(server);
  return proxy;
}

uint16_t Proxy::port() const {
  return state_->server->port();
}

const ServerFacts& Proxy::facts() const {
  return state_->pool->facts();
}

void Proxy::drain(net::Seconds limit) {
  state_->server->drain(limit);
}

}  // namespace cloister::serving
