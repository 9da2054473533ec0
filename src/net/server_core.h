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
  // What answers the requests of a connection, from the first to the last.
  struct Service {
    Handler handler;
    Gate gate;
  };

  ServerCore(const ServerOptions& server_options, Service answers, SslContext context)
      : options(server_options),
        io(std::max(1, server_options.threads)),
        memory_(std::make_shared<BodyBudget>(server_options.max_total_body_bytes)),
        service_(std::make_shared<const Service>(std::move(answers))),
        tls_(std::move(context)) {}

  // Runs `work` on a thread of the server, unless that has stopped.
  template <typename Executor, typename Work>
  void post(const Executor& executor, Work work) {
    const std::lock_guard lock(mutex_);
    if (!stopped_) boost::asio::post(executor, std::move(work));
  }

  // What requests from that address may hold; null when there are too many connections, of all or
  // from there, or the server stops.
  std::shared_ptr<BodyBudget> add(uint64_t number,
                                  const std::shared_ptr<ServerConnection>& connection,
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

  // Null once the server has ended.
  std::shared_ptr<const Service> service() const;
  // For connections from now on; null: for none.
  void replace_service(std::shared_ptr<const Service> service);

  void start_draining() { draining_ = true; }
  bool draining() const { return draining_; }
  void stop();  // afterwards add and post do nothing

  const ServerOptions options;
  boost::asio::io_context io;

 private:
  const std::shared_ptr<BodyBudget> memory_;  // of all requests
  std::atomic<bool> draining_ = false;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopped_ = false;
  std::shared_ptr<const Service> service_;
  SslContext tls_;  // null: plain HTTP
  struct Open {
    std::weak_ptr<ServerConnection> connection;
    boost::asio::ip::address from;
  };
  std::unordered_map<uint64_t, Open> open_;
  struct Peer {
    size_t connections = 0;
    std::shared_ptr<BodyBudget> memory;
  };
  std::shared_ptr<BodyBudget> memory_of_one() const;
  std::map<boost::asio::ip::address, Peer> from_;
};

}  // namespace cloister::net
