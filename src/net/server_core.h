// What the connections of a server share.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <condition_variable>
#include <map>
#include <mutex>
#include <unordered_map>

#include "net/body_buffer.h"
#include "net/server.h"
#include "net/stream.h"
#include "net/tls_context.h"

namespace cloister::net {

class ServerConnection;

// Outlives the server while someone still holds an answer to one of its requests. Thread-safe.
class ServerCore {
 public:
  ServerCore(const ServerOptions& server_options, Handler answers, Gate refuses, SslContext context)
      : options(server_options),
        handler(std::move(answers)),
        gate(std::move(refuses)),
        budget(std::make_shared<BodyBudget>(server_options.max_total_body_bytes)),
        io(std::max(1, server_options.threads)),
        tls_(std::move(context)) {}

  // Runs `work` on a thread of the server, unless that has stopped.
  template <typename Executor, typename Work>
  void post(const Executor& executor, Work work) {
    const std::lock_guard lock(mutex_);
    if (!stopped_) boost::asio::post(executor, std::move(work));
  }

  // False when there are too many connections, of all or from the same address, or the server
  // stops.
  bool add(uint64_t number, const std::shared_ptr<ServerConnection>& connection,
           const boost::asio::ip::address& from);
  void remove(uint64_t number);
  size_t connections() const;
  std::vector<std::shared_ptr<ServerConnection>> list() const;
  // Whether no connection is left, waiting for it until `deadline`.
  bool wait_until_empty(std::chrono::steady_clock::time_point deadline);

  // What a new connection is read and written through.
  Result<std::unique_ptr<Stream>> make_stream(int socket) const;
  // For connections from now on.
  void replace_tls(SslContext context);

  void start_draining() { draining_ = true; }
  bool draining() const { return draining_; }
  void stop();  // afterwards add and post do nothing

  const ServerOptions options;
  Handler handler;
  Gate gate;
  const std::shared_ptr<BodyBudget> budget;
  boost::asio::io_context io;

 private:
  std::atomic<bool> draining_ = false;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopped_ = false;
  SslContext tls_;  // null: plain HTTP
  struct Open {
    std::weak_ptr<ServerConnection> connection;
    boost::asio::ip::address from;
  };
  std::unordered_map<uint64_t, Open> open_;
  std::map<boost::asio::ip::address, size_t> from_;  // how many of them
};

}  // namespace cloister::net
