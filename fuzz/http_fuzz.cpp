// MessageParser: no message crashes it, and it makes the same of it however the network cuts it.
#include <cstdlib>

#include "net/message_parser.h"

using namespace cloister;
using namespace cloister::net;

namespace {

constexpr uint32_t kMaxHeaderBytes = 1000;
constexpr uint64_t kMaxBodyBytes = 500;

struct Seen {
  unsigned error = 0;  // HTTP status
  bool complete = false;
  std::string text;  // of the head
  std::string body;
  size_t taken = 0;
};

std::string text_of(const Head& head) {
  std::string text = fmt::format("{}|{}|{}|{}|{}|{}|{}", head.method, head.target, head.status,
                                 head.http_1_1, head.keep_alive, int(head.framing), head.length);
  for (const Field& field : head.fields) text += "|" + field.name + "=" + field.value;
  return text;
}

// Shows the parser `message` in steps of `step` bytes more.
Seen parse(Bytes message, bool is_request, size_t step) {
  MessageParser parser({.max_header_bytes = kMaxHeaderBytes, .is_request = is_request});
  BodyBuffer body(nullptr, kMaxBodyBytes);
  Seen seen;
  size_t shown = 0;
  while (shown < message.size()) {
    shown = std::min(message.size(), shown + step);
    while (true) {
      const Bytes next = message.first(shown).subspan(seen.taken);
      if (next.empty()) break;
      const bool in_head = !parser.head_done();
      const auto taken = in_head ? parser.feed_head(next) : parser.feed_chunks(next, body);
      if (!taken) {
        seen.error = taken.error().status;
        return seen;
      }
      if (*taken > next.size()) std::abort();
      seen.taken += *taken;
      if (in_head && parser.head_done()) {
        seen.text = text_of(parser.head());
        if (parser.head().framing != Head::Framing::kChunked) {
          seen.complete = true;
          return seen;
        }
        continue;
      }
      if (!in_head && parser.chunks_done()) {
        seen.complete = true;
        seen.body = as_text(body.finish().bytes);
        return seen;
      }
      if (*taken == 0) break;
    }
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const Bytes message(reinterpret_cast<const std::byte*>(data) + 1, size - 1);
  const bool is_request = (data[0] & 1) != 0;
  const Seen whole = parse(message, is_request, message.size());
  const Seen cut = parse(message, is_request, 1 + (data[0] >> 1));
  if (whole.complete != cut.complete) {
    // Over a limit, which of the errors comes first depends on what was seen.
    if (whole.error == 0 && cut.error == 0) std::abort();
    return 0;
  }
  if (whole.complete &&
      (whole.text != cut.text || whole.body != cut.body || whole.taken != cut.taken)) {
    std::abort();
  }
  return 0;
}
