// One connection of a server: a state machine on a strand.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "net/deadline.h"
#include "net/message_parser.h"
#include "net/server_core.h"
#include "net/stream.h"

namespace cloister::net {

// The public functions may be called from any thread, before and after the connection is closed.
class ServerConnection : public std::enable_shared_from_this<ServerConnection> {
 public:
  using Socket = boost::asio::ip::tcp::socket;

  // `socket` runs its handlers on a strand.
  ServerConnection(std::shared_ptr<ServerCore> core, Socket socket, uint64_t number);

  // `memory`: what requests from its peer may hold.
  void start(std::shared_ptr<BodyBudget> memory);
  void answer(Response response);
  void drain();  // closes it if it is idle, or after the answer that is due
  void close();

 private:
  enum class Phase {
    kHandshake,
    kHead,      // between requests too
    kContinue,  // writes 100 Continue
    kBody,      // of known length
    kChunks,
    kAnswering,  // the handler's turn
    kWrite,
    kLinger,  // the last answer was sent; reads on, so that a reset does not destroy it
    kClosed,
  };
  // What a phase waits for.
  enum class Next { kAgain, kReadable, kWritable, kAnswer, kClose };

  template <typename Work>
  void or_close(Work work);
  void begin();
  void step();
  Next advance();
  void wait(Socket::wait_type what);
  void close_now();

  Next handshake();
  Next read_head();
  Next begin_request();
  Next begin_body();
  Next write_continue();
  Next read_body();
  Next read_chunks();
  Next read_more();
  Next call_handler();
  Next write();
  void begin_linger();
  Next linger();

  Next reject(unsigned status, std::string_view text);
  Next reject(BodyBuffer::Grown grown);
  Next reject_with(Response response);
  void begin_write(Response response);
  Next blocked(Io io);

  bool is_idle() const { return phase_ == Phase::kHead && input_begin_ == input_end_ && !parser_; }
  Bytes input() const { return Bytes(input_).subspan(input_begin_, input_end_ - input_begin_); }
  void consume(size_t count);

  void set_deadline(Seconds limit);
  void clear_deadline() { deadline_ = Clock::time_point::max(); }
  void arm_timer();
  void on_timer();

  std::shared_ptr<ServerCore> core_;  // destroyed last: it has what the socket works with
  std::shared_ptr<const ServerCore::Service> service_;  // null once closed
  const uint64_t number_;
  Socket socket_;
  boost::asio::steady_timer timer_;
  Clock::time_point deadline_ = Clock::time_point::max();
  bool timer_armed_ = false;

  uint64_t request_count_ = 0;
  std::string peer_;
  std::unique_ptr<Stream> stream_;
  Phase phase_ = Phase::kHandshake;
  bool waiting_ = false;

  std::vector<std::byte> input_;  // what was read and not used yet
  size_t input_begin_ = 0;
  size_t input_end_ = 0;

  std::unique_ptr<MessageParser> parser_;  // of the request under way
  Request request_;
  std::shared_ptr<BodyBudget> memory_;
  BodyBuffer body_{nullptr, 0};
  uint64_t body_length_ = 0;
  bool skipped_line_ = false;  // an empty one before the request

  bool close_after_ = false;    // no further request
  bool unread_input_ = false;   // the peer may still be sending
  bool body_withheld_ = false;  // the answer to HEAD
  std::string head_;
  Response response_;
  BudgetShare unread_;  // the answer's, while its client does not take it
  Outgoing outgoing_;
  uint64_t discarded_ = 0;
  Clock::time_point linger_until_;
};

}  // namespace cloister::net
