#include "net/server_connection.h"

#include <strings.h>

#include <boost/asio/strand.hpp>
#include <ctime>

#include "base/survive.h"
#include "net/socket_io.h"
#include "net/write_message.h"

namespace cloister::net {
namespace {

namespace asio = boost::asio;

constexpr int kTurns = 16;  // of one connection, before others on its thread have theirs
constexpr size_t kLeastInputBytes = 16 << 10;
constexpr size_t kMostReadBytes = 256 << 10;   // in one turn
constexpr Seconds kLingerPause{5};             // the longest, of a peer that still sends
constexpr uint64_t kLeastDiscarded = 8 << 20;  // and twice as much as a body may have
constexpr std::string_view kContinueLine = "HTTP/1.1 100 Continue\r\n\r\n";

std::string address_text(const ServerConnection::Socket& socket) {
  boost::system::error_code code;
  const auto peer = socket.remote_endpoint(code);
  if (code) return {};
  const std::string address = peer.address().to_string();
  return fmt::format(fmt::runtime(peer.address().is_v6() ? "[{}]:{}" : "{}:{}"), address,
                     peer.port());
}

// Bodies that are compressed would have to be bounded once more, expanded.
bool is_encoded(const Fields& fields) {
  return std::ranges::any_of(fields, [](const Field& field) {
    return ::strcasecmp(field.name.c_str(), "Content-Encoding") == 0 &&
           ::strcasecmp(field.value.c_str(), "identity") != 0;
  });
}

// The way back from a handler.
class AnswerOnce {
 public:
  explicit AnswerOnce(std::shared_ptr<ServerConnection> connection)
      : connection_(std::move(connection)) {}
  AnswerOnce(AnswerOnce&&) = default;
  AnswerOnce& operator=(AnswerOnce&&) = delete;
  ~AnswerOnce() {
    if (!connection_) return;
    (void)survive([this] { send(error_response(500, "the request was not answered")); });
  }

  void operator()(Response response) {
    if (connection_) send(std::move(response));
  }

 private:
  void send(Response response) {
    const auto connection = std::move(connection_);
    if (survive([&] { connection->answer(std::move(response)); })) return;
    (void)survive([&] { connection->close(); });
  }

  std::shared_ptr<ServerConnection> connection_;
};

}  // namespace

ServerConnection::ServerConnection(std::shared_ptr<ServerCore> core, Socket socket, uint64_t number)
    : core_(std::move(core)),
      service_(core_->service()),
      number_(number),
      socket_(std::move(socket)),
      timer_(socket_.get_executor()) {}

// --- from any thread
// ------------------------------------------------------------------------------

void ServerConnection::start(std::shared_ptr<BodyBudget> memory) {
  memory_ = std::move(memory);
  body_ = BodyBuffer(memory_, core_->options.max_body_bytes);
  core_->post(socket_.get_executor(), [self = shared_from_this()] {
    if (self->phase_ == Phase::kClosed) return;
    self->or_close([&] { self->begin(); });
  });
}

void ServerConnection::begin() {
  boost::system::error_code code;
  socket_.non_blocking(true, code);
  socket_.set_option(asio::ip::tcp::no_delay(true), code);
  peer_ = address_text(socket_);
  const int fd = socket_.native_handle();
  auto stream = core_->make_stream(fd);
  if (!stream) return close_now();
  stream_ = std::move(*stream);
  set_deadline(core_->options.header_timeout);
  step();
}

void ServerConnection::answer(Response response) {
  core_->post(socket_.get_executor(),
              [self = shared_from_this(), response = std::move(response)]() mutable {
                if (self->phase_ != Phase::kAnswering) return;
                self->or_close([&] {
                  self->begin_write(std::move(response));
                  self->step();
                });
              });
}

void ServerConnection::drain() {
  core_->post(socket_.get_executor(), [self = shared_from_this()] {
    boost::system::error_code ignored;
    // An idle one looks once more whether a request came, and closes if not.
    if (self->is_idle() && self->waiting_) self->socket_.cancel(ignored);
    if (self->phase_ == Phase::kHandshake) self->close_now();
  });
}

void ServerConnection::close() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] { self->close_now(); });
}

// --- the machine
// ----------------------------------------------------------------------------------

void ServerConnection::step() {
  for (int turn = 0; turn < kTurns; ++turn) {
    switch (advance()) {
      case Next::kAgain:
        break;
      case Next::kReadable:
        return wait(Socket::wait_read);
      case Next::kWritable:
        return wait(Socket::wait_write);
      case Next::kAnswer:
        return;
      case Next::kClose:
        return close_now();
    }
  }
  waiting_ = true;
  core_->post(socket_.get_executor(), [self = shared_from_this()] {
    self->waiting_ = false;
    if (self->phase_ != Phase::kClosed) self->or_close([&] { self->step(); });
  });
}

void ServerConnection::wait(Socket::wait_type what) {
  waiting_ = true;
  // A wait that was cancelled goes on like any other: whoever cancelled it changed the phase, or
  // wants the socket to be looked at again.
  socket_.async_wait(what, [self = shared_from_this()](const boost::system::error_code&) {
    self->waiting_ = false;
    if (self->phase_ != Phase::kClosed) self->or_close([&] { self->step(); });
  });
}

// Memory that runs out costs a connection, not the process.
template <typename Work>
void ServerConnection::or_close(Work work) {
  if (!survive(work)) close_now();
}

void ServerConnection::close_now() {
  if (phase_ == Phase::kClosed) return;
  phase_ = Phase::kClosed;
  boost::system::error_code ignored;
  if (socket_.is_open()) socket_.close(ignored);
  timer_.cancel();
  core_->remove(number_);
  // What a request held must not wait for the last one who knows this connection.
  service_.reset();
  stream_.reset();
  parser_.reset();
  request_ = {};
  response_ = {};
  unread_ = {};
  outgoing_.clear();
  (void)body_.finish();
  input_ = {};
  input_begin_ = input_end_ = 0;
}

ServerConnection::Next ServerConnection::advance() {
  switch (phase_) {
    case Phase::kHandshake:
      return handshake();
    case Phase::kHead:
      return read_head();
    case Phase::kContinue:
      return write_continue();
    case Phase::kBody:
      return read_body();
    case Phase::kChunks:
      return read_chunks();
    case Phase::kAnswering:
      return Next::kAnswer;
    case Phase::kWrite:
      return write();
    case Phase::kLinger:
      return linger();
    case Phase::kClosed:
      break;
  }
  return Next::kClose;
}

ServerConnection::Next ServerConnection::blocked(Io io) {
  if (io == Io::kWantRead) return Next::kReadable;
  if (io == Io::kWantWrite) return Next::kWritable;
  return Next::kClose;
}

ServerConnection::Next ServerConnection::handshake() {
  const Io io = stream_->handshake();
  if (io == Io::kDone) {
    input_.resize(std::max<size_t>(core_->options.max_header_bytes, kLeastInputBytes));
    phase_ = Phase::kHead;
    return Next::kAgain;
  }
  if (io != Io::kBroken) return blocked(io);
  if (stream_->peer_speaks_plain_http()) {
    stream_ = Stream::plain(socket_.native_handle());
    return reject(400, "this port speaks TLS: use https");
  }
  unread_input_ = true;
  begin_linger();  // the alert that says why must not be lost to a reset
  return Next::kAgain;
}

void ServerConnection::consume(size_t count) {
  input_begin_ += count;
  if (input_begin_ == input_end_) input_begin_ = input_end_ = 0;
}

ServerConnection::Next ServerConnection::read_more() {
  if (input_begin_ > 0) {
    std::memmove(input_.data(), input_.data() + input_begin_, input_end_ - input_begin_);
    input_end_ -= input_begin_;
    input_begin_ = 0;
  }
  if (input_end_ == input_.size()) return reject(400, "a line of the request is too long");
  const auto [io, count] = stream_->read(MutableBytes(input_).subspan(input_end_));
  input_end_ += count;
  return io == Io::kDone ? Next::kAgain : blocked(io);
}

ServerConnection::Next ServerConnection::read_head() {
  if (input().empty()) {
    const Next next = read_more();
    if (next == Next::kReadable && is_idle() && core_->draining()) {
      stream_->end();
      return Next::kClose;
    }
    return next;
  }
  if (!parser_) {
    // RFC 9112, section 2.2: some clients end a request's body with a line that does not belong.
    if (as_text(input()) == "\r") return read_more();
    if (!skipped_line_ && as_text(input()).starts_with("\r\n")) {
      consume(2);
      skipped_line_ = true;
      return Next::kAgain;
    }
    skipped_line_ = false;
    parser_ = std::make_unique<MessageParser>(MessageParser::Options{
        .max_header_bytes = core_->options.max_header_bytes, .is_request = true});
    if (request_count_ > 0) set_deadline(core_->options.header_timeout);
  }
  const auto taken = parser_->feed_head(input());
  if (!taken) return reject(taken.error().status, taken.error().text);
  consume(*taken);
  return parser_->head_done() ? begin_request() : read_more();
}

ServerConnection::Next ServerConnection::begin_request() {
  ++request_count_;
  Head& head = parser_->head();
  request_ = {};
  body_withheld_ = head.method == "HEAD";
  request_.method = body_withheld_ ? "GET" : std::move(head.method);
  request_.target = std::move(head.target);
  request_.fields = std::move(head.fields);
  request_.peer = peer_;
  request_.connection = number_;
  request_.channel = stream_.get();
  request_.memory = memory_;
  close_after_ = !head.keep_alive || !head.http_1_1;
  if (service_->gate) {
    if (auto response = service_->gate(request_)) return reject_with(std::move(*response));
  }
  if (head.framing == Head::Framing::kNoBody) return call_handler();
  return begin_body();
}

ServerConnection::Next ServerConnection::begin_body() {
  const Head& head = parser_->head();
  const std::string* const expected = head.http_1_1 ? request_.fields.find("Expect") : nullptr;
  if (expected != nullptr && ::strcasecmp(expected->c_str(), "100-continue") != 0) {
    return reject(417, "the only expectation known is 100-continue");
  }
  if (is_encoded(request_.fields)) {
    Response response =
        error_response(415, "no Content-Encoding is supported: send the body as it is");
    response.fields.push_back({"Accept-Encoding", "identity"});
    return reject_with(std::move(response));
  }
  const bool waits = expected != nullptr && input().empty();
  const bool chunked = head.framing == Head::Framing::kChunked;
  if (!chunked) {
    body_length_ = head.length;
    auto grown = body_.grow_towards(body_length_);
    const size_t there = std::min<uint64_t>(input().size(), body_length_);
    if (grown == BodyBuffer::Grown::kOk) grown = body_.append(input().first(there));
    if (grown != BodyBuffer::Grown::kOk) return reject(grown);
    consume(there);
  }
  set_deadline(core_->options.body_timeout);
  phase_ = chunked ? Phase::kChunks : Phase::kBody;
  if (waits) {
    outgoing_.clear();
    outgoing_.add(as_bytes(kContinueLine));
    phase_ = Phase::kContinue;
  }
  return Next::kAgain;
}

ServerConnection::Next ServerConnection::write_continue() {
  const Io io = stream_->write(outgoing_);
  if (io != Io::kDone) return blocked(io);
  const bool chunked = parser_->head().framing == Head::Framing::kChunked;
  phase_ = chunked ? Phase::kChunks : Phase::kBody;
  return Next::kAgain;
}

ServerConnection::Next ServerConnection::read_body() {
  const size_t left = body_length_ - body_.size();
  if (left == 0) return call_handler();
  const auto grown = body_.grow_towards(body_length_);
  if (grown != BodyBuffer::Grown::kOk) return reject(grown);
  const MutableBytes room = body_.room();
  const auto [io, count] = stream_->read(room.first(std::min({left, room.size(), kMostReadBytes})));
  if (io != Io::kDone) return blocked(io);
  body_.filled(count);
  return Next::kAgain;
}

ServerConnection::Next ServerConnection::read_chunks() {
  if (input().empty()) return read_more();
  const auto taken = parser_->feed_chunks(input(), body_);
  if (!taken) return reject(taken.error().status, taken.error().text);
  consume(*taken);
  return parser_->chunks_done() ? call_handler() : read_more();
}

ServerConnection::Next ServerConnection::call_handler() {
  request_.body = body_.finish();
  parser_.reset();
  clear_deadline();
  phase_ = Phase::kAnswering;
  service_->handler(std::move(request_), AnswerOnce(shared_from_this()));
  return Next::kAnswer;
}

// --- answers
// --------------------------------------------------------------------------------------

ServerConnection::Next ServerConnection::reject(unsigned status, std::string_view text) {
  Response response = error_response(status, text);
  if (status == 503) response.fields.push_back({"Retry-After", "1"});
  return reject_with(std::move(response));
}

ServerConnection::Next ServerConnection::reject(BodyBuffer::Grown grown) {
  const HttpError error = body_error(grown);
  return reject(error.status, error.text);
}

ServerConnection::Next ServerConnection::reject_with(Response response) {
  close_after_ = true;
  unread_input_ = true;
  parser_.reset();
  (void)body_.finish();
  begin_write(std::move(response));
  return Next::kAgain;
}

void ServerConnection::begin_write(Response response) {
  const std::string* const connection = response.fields.find("Connection");
  // A client that has just seen evidence has not asked yet.
  const bool replaced = request_count_ > 1 && service_ != core_->service();
  close_after_ = close_after_ || core_->draining() || replaced ||
                 (connection != nullptr && ::strcasecmp(connection->c_str(), "close") == 0);
  const std::time_t now = std::time(nullptr);
  head_ = response_head(response, close_after_, now);
  if (head_.empty()) {
    response = error_response(500, "the answer can't be sent");
    head_ = response_head(response, close_after_, now);
  }
  response_ = std::move(response);
  outgoing_.clear();
  outgoing_.add(as_bytes(head_));
  if (!body_withheld_ && response_.status != 204 && response_.status != 304) {
    for (const SharedBytes& piece : response_.body) outgoing_.add(piece.bytes);
  }
  set_deadline(core_->options.write_timeout);
  phase_ = Phase::kWrite;
}

ServerConnection::Next ServerConnection::write() {
  const Io io = stream_->write(outgoing_);
  if (io == Io::kWantWrite && !unread_) {
    // Whoever sends requests and reads no answers leaves others less room, and then none.
    uint64_t bytes = 0;
    for (const SharedBytes& piece : response_.body) bytes += piece.bytes.size();
    unread_ = BudgetShare::charge(memory_, bytes);
  }
  if (io != Io::kDone) return blocked(io);
  response_ = {};
  unread_ = {};
  if (close_after_) {
    begin_linger();
  } else {
    set_deadline(core_->options.idle_timeout);
    phase_ = Phase::kHead;
  }
  return Next::kAgain;
}

void ServerConnection::begin_linger() {
  stream_->end();
  linger_until_ = deadline_after(core_->options.body_timeout);
  set_deadline(kLingerPause);
  phase_ = Phase::kLinger;
}

// Many clients read no answer before they have sent everything, and a reset would destroy it. So
// twice the largest body (TLS and chunks add to it) is taken, in the time that a body has.
ServerConnection::Next ServerConnection::linger() {
  std::byte rest[kLeastInputBytes];
  const auto [io, count] = receive(socket_.native_handle(), rest);
  discarded_ += count;
  const bool more = std::max(kLeastDiscarded, core_->options.max_body_bytes) > discarded_ / 2;
  if (io == Io::kDone && more) {
    if (!core_->draining()) set_deadline(std::min(kLingerPause, left_until(linger_until_)));
    return Next::kAgain;
  }
  return io == Io::kWantRead && unread_input_ ? Next::kReadable : Next::kClose;
}

// --- time
// -----------------------------------------------------------------------------------------

void ServerConnection::set_deadline(Seconds limit) {
  deadline_ = deadline_after(limit);
  if (!timer_armed_ || deadline_ < timer_.expiry()) arm_timer();
}

// The timer may go off early, and is then set again: moving it at each step costs system calls.
void ServerConnection::arm_timer() {
  timer_armed_ = true;
  timer_.expires_at(deadline_);
  timer_.async_wait([self = shared_from_this()](const boost::system::error_code& code) {
    if (code || self->phase_ == Phase::kClosed) return;
    self->timer_armed_ = false;
    self->or_close([&] { self->on_timer(); });
  });
}

void ServerConnection::on_timer() {
  if (deadline_ == Clock::time_point::max()) return;
  if (Clock::now() < deadline_) return arm_timer();
  const bool head_begun = phase_ == Phase::kHead && !is_idle();
  if (!head_begun && phase_ != Phase::kBody && phase_ != Phase::kChunks) return close_now();
  (void)reject(408, "the request took too long");
  boost::system::error_code ignored;
  if (waiting_) {
    socket_.cancel(ignored);
  } else {
    step();
  }
}

}  // namespace cloister::net
