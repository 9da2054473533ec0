// HTTP/1.1 messages taken apart by Boost.Beast, and held to stricter rules on what delimits them.
#pragma once

#include <memory>

#include "net/body_buffer.h"
#include "net/http.h"

namespace cloister::net {

// What is wrong with a message, and the status that a server answers it with.
struct HttpError {
  unsigned status;
  std::string text;
};

struct Head {
  // How the body ends. kUntilClose: responses only.
  enum class Framing { kNoBody, kLength, kChunked, kUntilClose };

  std::string method;     // requests
  std::string target;     // a path; of an absolute target, whose authority is the Host
  unsigned status = 0;    // responses
  bool http_1_1 = false;  // or later
  bool keep_alive = false;
  Framing framing = Framing::kNoBody;
  uint64_t length = 0;
  Fields fields;
};

// Takes one message. Not thread-safe.
class MessageParser {
 public:
  struct Options {
    uint32_t max_header_bytes;
    bool is_request;
    bool answers_head = false;  // a response to HEAD: no body, whatever its fields say
  };

  explicit MessageParser(const Options& options);
  ~MessageParser();

  // Takes bytes of the head, as many as are complete lines of it; give it the rest again together
  // with more.
  std::expected<size_t, HttpError> feed_head(Bytes bytes);
  bool head_done() const;
  Head& head();

  // The same for a chunked body: its content goes to `body`.
  std::expected<size_t, HttpError> feed_chunks(Bytes bytes, BodyBuffer& body);
  bool chunks_done() const;

 private:
  class Parser;
  template <bool kIsRequest>
  class BeastParser;

  std::unique_ptr<Parser> make() const;

  const Options options_;
  std::unique_ptr<Parser> parser_;
};

// The error of a body that can't be held.
HttpError body_error(BodyBuffer::Grown grown);

}  // namespace cloister::net
