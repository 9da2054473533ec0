#include "net/server.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <thread>

#include "net/deadline.h"
#include "net/server_connection.h"
#include "net/server_core.h"

namespace cloister::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ErrorCode = boost::system::error_code;

// Out of file descriptors, mostly: some will be closed soon.
constexpr std::chrono::milliseconds kAcceptPause{50};

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
    core_->handler = nullptr;
    core_->gate = nullptr;
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
      threads_.emplace_back([this] { core_->io.run(); });
    }
  }

  uint16_t port() const override { return port_; }
  size_t connections() const override { return core_->connections(); }

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
      if (!code) {
        const auto connection =
            std::make_shared<ServerConnection>(core_, std::move(socket), ++last_number_);
        if (core_->add(last_number_, connection)) connection->start();
        return accept();
      }
      if (code == asio::error::connection_aborted || !acceptor_.is_open()) return accept();
      pause_.expires_after(kAcceptPause);
      pause_.async_wait([this](ErrorCode cancelled) {
        if (!cancelled) accept();
      });
    });
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

Result<std::unique_ptr<Server>> Server::start(const ServerOptions& options, Handler handler,
                                              Gate gate) {
  SslContext tls;
  if (options.tls) {
    TRY(made, make_server_context(*options.tls, options.client_ca_pem,
                                  options.require_client_certificate));
    tls = std::move(made);
  } else if (options.require_client_certificate) {
    return invalid("client certificates are required, but the server has no TLS");
  }
  try {
    auto server = std::make_unique<BoostServer>(
        std::make_shared<ServerCore>(options, std::move(handler), std::move(gate), std::move(tls)));
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

bool ServerCore::add(uint64_t number, const std::shared_ptr<ServerConnection>& connection) {
  const std::lock_guard lock(mutex_);
  if (stopped_ || draining_ || open_.size() >= options.max_connections) return false;
  open_.emplace(number, connection);
  return true;
}

void ServerCore::remove(uint64_t number) {
  const std::lock_guard lock(mutex_);
  open_.erase(number);
  if (open_.empty()) changed_.notify_all();
}

size_t ServerCore::connections() const {
  const std::lock_guard lock(mutex_);
  return open_.size();
}

std::vector<std::shared_ptr<ServerConnection>> ServerCore::list() const {
  std::vector<std::shared_ptr<ServerConnection>> connections;
  const std::lock_guard lock(mutex_);
  for (const auto& [number, connection] : open_) {
    if (auto open = connection.lock()) connections.push_back(std::move(open));
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
