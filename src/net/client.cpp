#include "net/client.h"

#include <arpa/inet.h>
#include <openssl/x509v3.h>
#include <poll.h>

#include "net/connect.h"
#include "net/message_parser.h"
#include "net/stream.h"
#include "net/write_message.h"

namespace cloister::net {
namespace {

constexpr size_t kMostReadAtATime = 1 << 20;  // at a time
constexpr size_t kLeastResponseBytes = 16 << 10;

bool is_ip_address(const std::string& host) {
  in6_addr parsed{};
  return ::inet_pton(AF_INET, host.c_str(), &parsed) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), &parsed) == 1;
}

std::string host_field(const Url& url) {
  Url bare = url;
  bare.path.clear();
  const std::string text = url_text(bare);
  return text.substr(text.find("//") + 2);
}

std::unexpected<Error> lost(const Stream& stream) {
  return fail(Kind::kUnavailable, "connection lost: {}", stream.error_text());
}

// The response to one request, as it comes.
struct Incoming {
  std::unique_ptr<MessageParser> parser;
  BodyBuffer body;
  uint64_t length = 0;
  bool head_done = false;
  bool done = false;
};

class SocketConnection final : public Connection {
 public:
  SocketConnection(const Url& url, const ClientOptions& options)
      : host_(host_field(url)),
        most_body_bytes_(options.max_body_bytes),
        max_body_bytes_(options.max_body_bytes),
        max_header_bytes_(options.max_header_bytes),
        input_(std::max<size_t>(options.max_header_bytes, kLeastResponseBytes)) {}

  ~SocketConnection() override { close(); }

  Result<> open(const Url& url, const ClientOptions& options, Clock::time_point deadline) {
    SslContext context;
    if (url.tls) {
      TRY(made, make_client_context(options));
      context = std::move(made);
    }
    TRY(socket, connect_to(url.host, url.port, deadline));
    socket_ = std::move(socket);
    if (!url.tls) {
      stream_ = Stream::plain(socket_.get());
      open_ = true;
      return {};
    }
    TRY(stream, Stream::tls(socket_.get(), context.get(), Stream::Side::kClient));
    stream_ = std::move(stream);
    TRY_OK(expect_name(url, options.trust));
    return with_name(handshake(deadline));
  }

  Result<Response> exchange(const Request& request, std::vector<SharedBytes> body,
                            Seconds limit) override {
    if (!is_open()) {
      const std::string why = stream_->error_text();
      return fail(Kind::kUnavailable, "{}: the connection is closed{}{}", host_,
                  why.empty() ? "" : ": ", why);
    }
    TRY(head, request_head(request, host_, body_bytes(body)));
    auto response = converse(request, head, body, deadline_after(limit));
    if (!response) {
      close();
      return with_context(std::move(response).error(), host_);
    }
    if (!reusable_) close();
    return response;
  }

  void limit_bodies(uint64_t bytes) override {
    max_body_bytes_ = std::min(bytes, most_body_bytes_);
  }

  bool is_open() const override {
    if (!open_) return false;
    // Nothing is due now. Bytes that come all the same can't be trusted to belong to the next
    // request, and TLS may have messages of its own.
    std::byte unexpected[1];
    if (stream_->read(unexpected).io != Io::kWantRead) open_ = false;
    return open_;
  }

  const Channel& channel() const override { return *stream_; }

 private:
  Result<> with_name(Result<> result) const {
    if (!result) return with_context(std::move(result).error(), host_);
    return {};
  }

  void close() {
    if (open_) stream_->end();
    open_ = false;
    socket_.close();
  }

  Result<> expect_name(const Url& url, ClientOptions::Trust trust) {
    SSL* const ssl = stream_->ssl();
    const bool is_ip = is_ip_address(url.host);
    bool ok = is_ip || SSL_set_tlsext_host_name(ssl, url.host.c_str()) == 1;
    if (ok && trust != ClientOptions::Trust::kCallerChecks) {
      SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
      ok = is_ip ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), url.host.c_str()) == 1
                 : SSL_set1_host(ssl, url.host.c_str()) == 1;
    }
    if (!ok) return fail(Kind::kInternal, "can't expect the name '{}'", printable(url.host));
    return {};
  }

  Result<> handshake(Clock::time_point deadline) {
    while (true) {
      const Io io = stream_->handshake();
      if (io == Io::kDone) break;
      if (io == Io::kWantRead || io == Io::kWantWrite) {
        TRY_OK(wait_for(socket_.get(), io == Io::kWantRead ? POLLIN : POLLOUT, deadline));
        continue;
      }
      const long verdict = SSL_get_verify_result(stream_->ssl());
      if (verdict != X509_V_OK) {
        return fail(Kind::kRefused, "certificate refused: {}",
                    X509_verify_cert_error_string(verdict));
      }
      return fail(Kind::kUnavailable, "TLS handshake: {}", stream_->error_text());
    }
    open_ = true;
    return {};
  }

  Result<Response> converse(const Request& request, std::string_view head,
                            const std::vector<SharedBytes>& body, Clock::time_point deadline) {
    Outgoing outgoing;
    outgoing.add(as_bytes(head));
    for (const SharedBytes& piece : body) outgoing.add(piece.bytes);
    Incoming incoming{.parser = nullptr, .body = BodyBuffer(nullptr, max_body_bytes_)};
    reusable_ = true;
    answers_head_ = request.method == "HEAD";
    interim_ = 0;
    begin_ = end_ = 0;
    start_head(incoming);
    bool sent = false;
    while (true) {
      if (Clock::now() >= deadline) return fail(Kind::kDeadline, "no answer in time");
      Io io = Io::kDone;
      if (!sent) {
        io = stream_->write(outgoing);
        sent = io == Io::kDone;
        if (io == Io::kBroken) {
          // The peer may have answered before it closed: that answer tells more.
          reusable_ = false;
          sent = true;
        }
      }
      TRY(wanted, receive_some(incoming));
      if (incoming.head_done && !sent) {
        // Answered before it was asked in full: the rest of the request would only be in the way.
        reusable_ = false;
        sent = true;
      }
      if (incoming.done) return finish(incoming);
      if (wanted == Io::kDone) continue;
      const bool writes = !sent && io == Io::kWantWrite;
      const short events = static_cast<short>((writes ? POLLOUT : 0) | POLLIN);
      TRY_OK(wait_for(socket_.get(), events, deadline));
    }
  }

  void start_head(Incoming& incoming) const {
    incoming.parser = std::make_unique<MessageParser>(MessageParser::Options{
        .max_header_bytes = max_header_bytes_, .is_request = false, .answers_head = answers_head_});
  }

  // Reads what is there, once: kDone, or kWantRead when there is nothing.
  Result<Io> receive_some(Incoming& incoming) {
    Head& head = incoming.parser->head();
    const bool direct = incoming.head_done && head.framing == Head::Framing::kLength;
    if (!direct && begin_ > 0) {
      std::memmove(input_.data(), input_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    MutableBytes room = direct ? incoming.body.room() : MutableBytes(input_).subspan(end_);
    if (direct) {
      room = room.first(std::min<uint64_t>(
          {room.size(), incoming.length - incoming.body.size(), kMostReadAtATime}));
    }
    if (room.empty()) return invalid("malformed HTTP: a line is too long");
    const auto [io, count] = stream_->read(room);
    switch (io) {
      case Io::kDone:
        break;
      case Io::kEnd:
        TRY_OK(end_of_stream(incoming));
        return Io::kDone;
      case Io::kBroken:
        return lost(*stream_);
      default:
        return io;
    }
    if (direct) {
      incoming.body.filled(count);
      incoming.done = incoming.body.size() == incoming.length;
      return Io::kDone;
    }
    end_ += count;
    TRY_OK(take(incoming));
    return Io::kDone;
  }

  Result<> end_of_stream(Incoming& incoming) {
    reusable_ = false;
    const bool until_close =
        incoming.head_done && incoming.parser->head().framing == Head::Framing::kUntilClose;
    if (!until_close) return fail(Kind::kUnavailable, "closed before the response was complete");
    incoming.done = true;
    return {};
  }

  Bytes input() const { return Bytes(input_).subspan(begin_, end_ - begin_); }

  // Uses up what is in the buffer, as far as it goes.
  Result<> take(Incoming& incoming) {
    while (!incoming.head_done && begin_ < end_) {
      auto taken = incoming.parser->feed_head(input());
      if (!taken) return invalid("response: {}", taken.error().text);
      begin_ += *taken;
      if (!incoming.parser->head_done()) return {};
      const unsigned status = incoming.parser->head().status;
      if (status == 101) return invalid("response: unexpected 101 (Switching Protocols)");
      if (status >= 200) {
        TRY_OK(begin_body(incoming));
      } else if (++interim_ > kMostInterim) {
        return invalid("more than {} interim responses", kMostInterim);
      } else {
        start_head(incoming);
      }
    }
    if (!incoming.head_done || incoming.done || begin_ == end_) return {};
    switch (incoming.parser->head().framing) {
      case Head::Framing::kChunked: {
        auto taken = incoming.parser->feed_chunks(input(), incoming.body);
        if (!taken) {
          constexpr unsigned kTooLarge = 413;  // what body_error() would tell a client
          const Kind kind = taken.error().status == kTooLarge ? Kind::kUnsupported : Kind::kInvalid;
          return fail(kind, "response: {}", taken.error().text);
        }
        begin_ += *taken;
        incoming.done = incoming.parser->chunks_done();
        return {};
      }
      case Head::Framing::kUntilClose:
        return append(incoming, end_ - begin_);
      case Head::Framing::kLength:
      case Head::Framing::kNoBody:
        return {};
    }
    return {};
  }

  Result<> begin_body(Incoming& incoming) {
    const Head& head = incoming.parser->head();
    incoming.head_done = true;
    reusable_ = reusable_ && head.keep_alive;
    if (head.framing == Head::Framing::kNoBody) incoming.done = true;
    if (head.framing != Head::Framing::kLength) return {};
    incoming.length = head.length;
    if (incoming.body.reserve(head.length) != BodyBuffer::Grown::kOk) {
      return fail(Kind::kUnsupported, "response: a body of {} bytes, want at most {}", head.length,
                  max_body_bytes_);
    }
    TRY_OK(append(incoming, std::min<uint64_t>(end_ - begin_, head.length)));
    incoming.done = incoming.body.size() == head.length;
    return {};
  }

  Result<> append(Incoming& incoming, size_t count) {
    if (incoming.body.append(input().first(count)) != BodyBuffer::Grown::kOk) {
      return fail(Kind::kUnsupported, "response: a body of more than {} bytes", max_body_bytes_);
    }
    begin_ += count;
    return {};
  }

  Result<Response> finish(Incoming& incoming) {
    if (begin_ != end_) reusable_ = false;  // more than was asked for
    Response response;
    response.status = incoming.parser->head().status;
    response.fields = std::move(incoming.parser->head().fields);
    SharedBytes body = incoming.body.finish();
    if (!body.bytes.empty()) response.body.push_back(std::move(body));
    return response;
  }

  static constexpr int kMostInterim = 16;

  std::string host_;
  const uint64_t most_body_bytes_;
  uint64_t max_body_bytes_;
  uint32_t max_header_bytes_;
  Socket socket_;
  std::unique_ptr<Stream> stream_;
  mutable bool open_ = false;
  bool reusable_ = true;
  bool answers_head_ = false;
  int interim_ = 0;
  std::vector<std::byte> input_;  // what was read and not used yet
  size_t begin_ = 0;
  size_t end_ = 0;
};

}  // namespace

Result<std::unique_ptr<Connection>> Connection::open(const Url& url, const ClientOptions& options,
                                                     Seconds limit) {
  auto connection = std::make_unique<SocketConnection>(url, options);
  TRY_OK(connection->open(url, options, deadline_after(limit)));
  return connection;
}

}  // namespace cloister::net
