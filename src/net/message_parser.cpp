#include "net/message_parser.h"

#include <strings.h>

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>

#include "net/client.h"

namespace cloister::net {
namespace {

namespace http = boost::beast::http;
using BeastError = boost::system::error_code;
using BeastText = boost::beast::string_view;

std::string to_string(BeastText text) {
  return {text.data(), text.size()};
}

HttpError to_http_error(const BeastError& code) {
  if (code == http::error::header_limit) return {431, "the header is too large"};
  if (code == http::error::bad_version) return {505, "this is not HTTP/1.1"};
  return {400, "malformed HTTP: " + code.message()};
}

bool all_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

bool is_chunked(const std::string& value) {
  return ::strcasecmp(value.c_str(), "chunked") == 0;
}

bool is_http(const std::string& scheme) {
  return ::strcasecmp(scheme.c_str(), "http") == 0 || ::strcasecmp(scheme.c_str(), "https") == 0;
}

bool is_origin_form(std::string_view target) {
  return target.starts_with('/') &&
         std::ranges::all_of(target, [](char c) { return c > ' ' && c < 0x7f && c != '#'; });
}

std::unexpected<HttpError> bad(std::string_view what) {
  return std::unexpected(HttpError{400, std::string(what)});
}

// What Beast lets pass, but other servers in the way may understand differently.
std::expected<void, HttpError> check_framing(const Head& head) {
  const size_t lengths = head.fields.count("Content-Length");
  const size_t encodings = head.fields.count("Transfer-Encoding");
  if (lengths > 1) return bad("several Content-Length fields");
  if (lengths == 1 && !all_digits(*head.fields.find("Content-Length"))) {
    return bad("Content-Length is not a number");
  }
  if (encodings == 0) return {};
  if (lengths > 0) return bad("both Content-Length and Transfer-Encoding");
  if (encodings > 1 || !is_chunked(*head.fields.find("Transfer-Encoding"))) {
    return bad("the only Transfer-Encoding known is chunked");
  }
  if (!head.http_1_1) return bad("Transfer-Encoding is not for HTTP/1.0");
  return {};
}

// RFC 9110, section 7.2: a name or address, and maybe a port, which may be empty.
bool is_authority(std::string text) {
  if (text.ends_with(':')) text.pop_back();
  return text.find('/') == std::string::npos && parse_url("http://" + text).has_value();
}

// An absolute target (RFC 9112, section 3.2.2) is split into its authority, which counts in place
// of Host, and a path.
std::expected<void, HttpError> split_absolute(Head& head) {
  const size_t scheme = head.target.find("://");
  if (scheme == std::string::npos || !is_http(head.target.substr(0, scheme))) return {};
  const size_t begin = scheme + 3;
  const size_t end = std::min(head.target.find_first_of("/?", begin), head.target.size());
  const std::string host = head.target.substr(begin, end - begin);
  if (!is_authority(host)) return bad("the request target has no valid host");
  head.fields.set("Host", host);
  head.target.replace(0, end, head.target.substr(end).starts_with('/') ? "" : "/");
  return {};
}

std::expected<void, HttpError> check_request(Head& head) {
  const size_t hosts = head.fields.count("Host");
  if (hosts > 1 || (hosts == 0 && head.http_1_1)) return bad("a request needs one Host field");
  const std::string* const host = head.fields.find("Host");
  if (host != nullptr && !host->empty() && !is_authority(*host)) {
    return bad("Host is not a name or address with an optional port");
  }
  if (auto split = split_absolute(head); !split) return split;
  if (!is_origin_form(head.target)) return bad("the request target must be a path or a URL");
  return {};
}

// The first lines of a message of a later HTTP/1, as HTTP/1.1 (RFC 9110, section 6.2); nothing
// where the version is another.
std::optional<std::string> as_http_1_1(Bytes bytes, bool is_request) {
  std::string text(as_text(bytes));
  const std::string line = text.substr(0, text.find("\r\n"));
  const size_t version = line.rfind("HTTP/1.", is_request ? line.size() : 0);
  if (version == std::string::npos || version + 7 == text.size()) return std::nullopt;
  char& minor = text[version + 7];
  if (minor < '2' || minor > '9') return std::nullopt;
  minor = '1';
  return text;
}

// RFC 9112, section 5.2. Others in the way may see two fields, or none.
bool has_folded_line(std::string_view head) {
  return head.find("\n ") != std::string_view::npos || head.find("\n\t") != std::string_view::npos;
}

}  // namespace

HttpError body_error(BodyBuffer::Grown grown) {
  if (grown == BodyBuffer::Grown::kTooLarge) return {413, "the body is too large"};
  return {503, "no room for the body now"};
}

// The two kinds of messages behind one face.
class MessageParser::Parser {
 public:
  virtual ~Parser() = default;
  virtual size_t put(Bytes bytes, BeastError& code) = 0;
  virtual bool head_done() const = 0;
  virtual bool done() const = 0;
  virtual void begin_body() = 0;
  virtual std::expected<void, HttpError> finish_head() = 0;

  Head head;
  size_t head_bytes = 0;
  BodyBuffer* body = nullptr;
  BodyBuffer::Grown grown = BodyBuffer::Grown::kOk;
  uint32_t max_header_bytes = 0;
};

template <bool kIsRequest>
class MessageParser::BeastParser final : public MessageParser::Parser,
                                         private http::basic_parser<kIsRequest> {
  using Base = http::basic_parser<kIsRequest>;

 public:
  explicit BeastParser(const Options& options) {
    max_header_bytes = options.max_header_bytes;
    Base::header_limit(options.max_header_bytes);
    Base::body_limit(boost::none);  // BodyBuffer has one
    Base::skip(options.answers_head);
  }

  size_t put(Bytes bytes, BeastError& code) override {
    return Base::put(boost::asio::const_buffer(bytes.data(), bytes.size()), code);
  }
  bool head_done() const override { return Base::is_header_done(); }
  bool done() const override { return Base::is_done(); }
  void begin_body() override { Base::eager(true); }

  std::expected<void, HttpError> finish_head() override {
    head.keep_alive = Base::keep_alive();
    if (auto framed = check_framing(head); !framed) return framed;
    if (kIsRequest) {
      if (auto checked = check_request(head); !checked) return checked;
    }
    using Framing = Head::Framing;
    if (Base::is_done()) {
      head.framing = Framing::kNoBody;
    } else if (Base::chunked()) {
      head.framing = Framing::kChunked;
    } else if (const auto length = Base::content_length()) {
      head.framing = Framing::kLength;
      head.length = *length;
    } else {
      head.framing = Framing::kUntilClose;
    }
    return {};
  }

 private:
  void on_request_impl(http::verb, BeastText method, BeastText target, int version,
                       BeastError&) override {
    head.method = to_string(method);
    head.target = to_string(target);
    head.http_1_1 = version == 11;
  }
  void on_response_impl(int status, BeastText, int version, BeastError& code) override {
    if (status < 100) code = http::error::bad_status;
    head.status = static_cast<unsigned>(status);
    head.http_1_1 = version == 11;
  }
  void on_field_impl(http::field, BeastText name, BeastText value, BeastError&) override {
    // Fields after a chunked body are dropped: what was decided on the head must stay true.
    if (!Base::is_header_done()) head.fields.push_back({to_string(name), to_string(value)});
  }
  void on_header_impl(BeastError&) override {}
  void on_body_init_impl(const boost::optional<uint64_t>&, BeastError&) override {}
  size_t on_body_impl(BeastText, BeastError& code) override {
    code = http::error::unexpected_body;  // only chunks come this way
    return 0;
  }
  void on_chunk_header_impl(uint64_t size, BeastText, BeastError& code) override {
    if (body->may_grow_by(size)) return;
    grown = BodyBuffer::Grown::kTooLarge;
    code = http::error::body_limit;
  }
  size_t on_chunk_body_impl(uint64_t, BeastText content, BeastError& code) override {
    grown = body->append(as_bytes({content.data(), content.size()}));
    if (grown != BodyBuffer::Grown::kOk) code = http::error::body_limit;
    return content.size();
  }
  void on_finish_impl(BeastError&) override {}
};

MessageParser::MessageParser(const Options& options) : options_(options), parser_(make()) {}

std::unique_ptr<MessageParser::Parser> MessageParser::make() const {
  if (options_.is_request) return std::make_unique<BeastParser<true>>(options_);
  return std::make_unique<BeastParser<false>>(options_);
}

MessageParser::~MessageParser() = default;

bool MessageParser::head_done() const {
  return parser_->head_done();
}
Head& MessageParser::head() {
  return parser_->head;
}
bool MessageParser::chunks_done() const {
  return parser_->done();
}

std::expected<size_t, HttpError> MessageParser::feed_head(Bytes bytes) {
  BeastError code;
  size_t taken = parser_->put(bytes, code);
  if (code == http::error::bad_version) {
    if (const auto known = as_http_1_1(bytes, options_.is_request)) {
      parser_ = make();
      taken = parser_->put(as_bytes(*known), code);
    }
  }
  parser_->head_bytes += taken;
  if (has_folded_line(as_text(bytes.first(taken)))) return bad("folded lines are obsolete");
  if (code && code != http::error::need_more) return std::unexpected(to_http_error(code));
  const size_t seen = parser_->head_bytes + (head_done() ? 0 : bytes.size() - taken);
  if (seen > parser_->max_header_bytes || (!head_done() && seen == parser_->max_header_bytes)) {
    return std::unexpected(HttpError{431, "the header is too large"});
  }
  if (head_done()) {
    if (auto finished = parser_->finish_head(); !finished) {
      return std::unexpected(std::move(finished).error());
    }
  }
  return taken;
}

std::expected<size_t, HttpError> MessageParser::feed_chunks(Bytes bytes, BodyBuffer& body) {
  parser_->begin_body();
  parser_->body = &body;
  BeastError code;
  const size_t taken = parser_->put(bytes, code);
  if (parser_->grown != BodyBuffer::Grown::kOk) return std::unexpected(body_error(parser_->grown));
  if (code && code != http::error::need_more) return std::unexpected(to_http_error(code));
  return taken;
}

}  // namespace cloister::net
