#include "net/server.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <thread>

#include "base/survive.h"
#include "net/deadline.h"
#include "net/server_connection.h"
#include "net/server_core.h"

namespace cloister::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ErrorCode = boost::system::error_code;

// Out of file descriptors or memory, mostly: some will be closed soon.
constexpr std::chrono::milliseconds kAcceptPause{50};

// The key's text is overwritten once it is read.
Result<SslContext> make_tls(TlsIdentity identity, const ServerOptions& options) {
  auto made =
      make_server_context(identity, options.client_ca_pem, options.require_client_certificate);
  OPENSSL_cleanse(identity.key_pem.data(), identity.key_pem.size());
  return made;
}

class BoostServer final : public Server {
 public:
  explicit BoostServer(std::shared_ptr<ServerCore> core)
      : core_(std::move(core)),
        work_(asio::make_work_guard(core_->io)),
        strand_(asio::make_strand(core_->io)),
        acceptor_(strand_),
        pause_(strand_) {}

  ~BoostServer() override {
    core_->stop();
    asio::post(strand_, [this] { stop_accepting(); });
    for (const auto& connection : core_->list()) connection->close();
    work_.reset();
    // No handler must stay behind in the queue, where it would keep its connection for ever: the
    // threads end when there are none.
    for (std::thread& thread : threads_) thread.join();
    core_->replace_service(nullptr);
  }

  Result<> listen() {
    const ServerOptions& options = core_->options;
    ErrorCode code;
    const auto failed = [&] {
      return fail(Kind::kIo, "can't listen on {} port {}: {}", printable(options.address),
                  options.port, code.message());
    };
    tcp::resolver resolver(core_->io);
    const auto found =
        resolver.resolve(options.address, std::to_string(options.port),
                         tcp::resolver::passive | tcp::resolver::numeric_service, code);
    if (code) return failed();
    const tcp::endpoint endpoint = found.begin()->endpoint();
    acceptor_.open(endpoint.protocol(), code);
    if (!code) acceptor_.set_option(tcp::acceptor::reuse_address(true), code);
    if (!code) acceptor_.bind(endpoint, code);
    if (!code) acceptor_.listen(asio::socket_base::max_listen_connections, code);
    if (!code) port_ = acceptor_.local_endpoint(code).port();
    if (code) return failed();
    return {};
  }

  void run() {
    asio::post(strand_, [this] { accept(); });
    const int count = std::max(1, core_->options.threads);
    for (int i = 0; i < count; ++i) {
      threads_.emplace_back([this] {
        while (!survive([this] { core_->io.run(); })) continue;
      });
    }
  }

  uint16_t port() const override { return port_; }
  size_t connections() const override { return core_->connections(); }

  Result<> replace_identity(TlsIdentity identity) override {
    TRY(context, make_tls(std::move(identity), core_->options));
    core_->replace_tls(std::move(context));
    return {};
  }

  void replace_handler(Handler handler, Gate gate) override {
    core_->replace_service(std::make_shared<const ServerCore::Service>(
        ServerCore::Service{std::move(handler), std::move(gate)}));
  }

  void drain(Seconds limit) override {
    const auto deadline = deadline_after(limit);
    core_->start_draining();
    asio::post(strand_, [this] { stop_accepting(); });
    for (const auto& connection : core_->list()) connection->drain();
    (void)core_->wait_until_empty(deadline);
  }

 private:
  // On the strand.
  void stop_accepting() {
    ErrorCode ignored;
    acceptor_.close(ignored);
    pause_.cancel();
  }

  void accept() {
    if (!acceptor_.is_open()) return;
    acceptor_.async_accept(asio::make_strand(core_->io), [this](ErrorCode code, auto socket) {
      if (!code && survive([&] { take(std::move(socket)); })) return accept();
      if (code == asio::error::connection_aborted || !acceptor_.is_open()) return accept();
      pause_.expires_after(kAcceptPause);
      pause_.async_wait([this](ErrorCode cancelled) {
        if (!cancelled) accept();
      });
    });
  }

  void take(tcp::socket socket) {
    ErrorCode code;
    const asio::ip::address from = socket.remote_endpoint(code).address();
    if (code) return;  // it has gone already
    const auto connection =
        std::make_shared<ServerConnection>(core_, std::move(socket), ++last_number_);
    if (auto memory = core_->add(last_number_, connection, from)) {
      connection->start(std::move(memory));
    }
  }

  std::shared_ptr<ServerCore> core_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  asio::strand<asio::io_context::executor_type> strand_;
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  uint64_t last_number_ = 0;
  uint16_t port_ = 0;
  std::vector<std::thread> threads_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::start(ServerOptions options, Handler handler, Gate gate) {
  SslContext tls;
  if (options.tls) {
    TRY(made, make_tls(*std::exchange(options.tls, std::nullopt), options));
    tls = std::move(made);
  } else if (options.require_client_certificate) {
    return invalid("client certificates are required, but the server has no TLS");
  }
  try {
    auto server = std::make_unique<BoostServer>(std::make_shared<ServerCore>(
        options, ServerCore::Service{std::move(handler), std::move(gate)}, std::move(tls)));
    TRY_OK(server->listen());
    server->run();
    return server;
  } catch (const std::exception& error) {
    return fail(Kind::kIo, "can't start a server: {}",
                error.what());  // out of descriptors, threads
  }
}

// --- what the connections share
// -------------------------------------------------------------------

std::shared_ptr<BodyBudget> ServerCore::add(uint64_t number,
                                            const std::shared_ptr<ServerConnection>& connection,
                                            const asio::ip::address& from) {
  const std::lock_guard lock(mutex_);
  if (stopped_ || draining_ || open_.size() >= options.max_connections) return nullptr;
  Peer& peer = from_[from];
  if (peer.connections >= options.max_per_address) return nullptr;
  if (!peer.memory) peer.memory = memory_of_one();
  open_.emplace(number, Open{connection, from});
  ++peer.connections;
  return peer.memory;
}

// As large a part of all memory as its connections may be of all; room for one request at least.
std::shared_ptr<BodyBudget> ServerCore::memory_of_one() const {
  if (options.max_per_address >= options.max_connections) return memory_;
  const double part =
      static_cast<double>(options.max_per_address) / static_cast<double>(options.max_connections);
  const auto bytes = static_cast<uint64_t>(part * static_cast<double>(memory_->limit()));
  return std::make_shared<BodyBudget>(std::max(bytes, options.max_body_bytes), memory_);
}

Result<std::unique_ptr<Stream>> ServerCore::make_stream(int socket) const {
  const std::lock_guard lock(mutex_);
  return tls_ ? Stream::tls(socket, tls_.get(), Stream::Side::kServer) : Stream::plain(socket);
}

void ServerCore::replace_tls(SslContext context) {
  const std::lock_guard lock(mutex_);
  tls_ = std::move(context);  // open connections hold the one before
}

std::shared_ptr<const ServerCore::Service> ServerCore::service() const {
  const std::lock_guard lock(mutex_);
  return service_;
}

void ServerCore::replace_service(std::shared_ptr<const Service> service) {
  {
    const std::lock_guard lock(mutex_);
    service_.swap(service);
  }
  service.reset();  // what it held goes outside the lock
}

void ServerCore::remove(uint64_t number) {
  const std::lock_guard lock(mutex_);
  const auto found = open_.find(number);
  if (found == open_.end()) return;
  const auto from = from_.find(found->second.from);
  if (--from->second.connections == 0) from_.erase(from);
  open_.erase(found);
  if (open_.empty()) changed_.notify_all();
}

size_t ServerCore::connections() const {
  const std::lock_guard lock(mutex_);
  return open_.size();
}

std::vector<std::shared_ptr<ServerConnection>> ServerCore::list() const {
  std::vector<std::shared_ptr<ServerConnection>> connections;
  const std::lock_guard lock(mutex_);
  for (const auto& [number, open] : open_) {
    if (auto connection = open.connection.lock()) connections.push_back(std::move(connection));
  }
  return connections;
}

bool ServerCore::wait_until_empty(std::chrono::steady_clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  return changed_.wait_until(lock, deadline, [&] { return open_.empty(); });
}

void ServerCore::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
}

}  // namespace cloister::net
