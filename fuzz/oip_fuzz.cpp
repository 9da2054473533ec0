// The Open Inference Protocol's bodies and targets: no input crashes what reads them, and what is
// read is written and read again unchanged. The first byte says what the rest is; before a body,
// two bytes are kHeaderLengthField's value, 0xffff for none.
#include <cstdlib>

#include "wire/oip.h"

using namespace cloister;
using namespace cloister::oip;

namespace {

std::string body_text(const Message& message) {
  std::string text = message.json;
  for (const Tensor& tensor : message.binary) text += as_text(tensor.data());
  return text;
}

void require(bool truth) {
  if (!truth) std::abort();
}

// Reads what was written, and writes it again; `write` may refuse what came as binary.
template <typename Parse, typename Write>
void check(Bytes bytes, std::optional<uint64_t> length, Parse parse, Write write) {
  const auto first = parse(SharedBytes{bytes, nullptr}, length);
  if (!first) return;
  const auto message = write(*first);
  if (!message) return;
  const std::string text = body_text(*message);
  const auto sent =
      message->extended ? std::optional<uint64_t>(message->json.size()) : std::nullopt;
  const auto again = parse(SharedBytes{as_bytes(text), nullptr}, sent);
  require(again.has_value());
  const auto same = write(*again);
  require(same && body_text(*same) == text);
}

void check_request(Bytes bytes, std::optional<uint64_t> length) {
  for (const Encoding encoding : {Encoding::kBinary, Encoding::kJson}) {
    check(bytes, length, parse_infer_request, [&](const InferRequest& request) {
      auto message = write_infer_request(request, encoding);
      require(message || encoding == Encoding::kJson);
      return message;
    });
  }
}

void check_response(Bytes bytes, std::optional<uint64_t> length) {
  for (const bool binary : {true, false}) {
    InferRequest request;
    request.binary_outputs = binary;
    check(bytes, length, parse_infer_response, [&](const InferResponse& response) {
      auto message = write_infer_response(response, request);
      require(message || !binary);
      return message;
    });
  }
}

void check_metadata(Bytes bytes) {
  const auto model = parse_model_metadata(bytes);
  if (!model) return;
  const std::string text = write_model_metadata(*model);
  const auto again = parse_model_metadata(as_bytes(text));
  require(again && write_model_metadata(*again) == text);
}

void check_route(std::string_view target) {
  for (const char* method : {"GET", "POST"}) {
    const auto route = parse_route(method, target);
    if (!route) continue;
    const auto again = parse_route(method, route_target(*route));
    require(again && again->action == route->action && again->model == route->model &&
            again->version == route->version);
  }
}

void check_error(Bytes bytes) {
  const std::string message = parse_error(bytes);
  require(parse_error(as_bytes(write_error(message))).starts_with(message.substr(0, 400)));
  require(parse_error(as_bytes(write_error(as_text(bytes)))).size() < 600);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Reader reader(std::as_bytes(std::span(data, size)));
  const auto what = reader.number<uint8_t>();
  if (!what) return 0;
  if (*what == 'm' || *what == 't' || *what == 'e') {
    const Bytes rest = *reader.take(reader.left());
    if (*what == 'm') check_metadata(rest);
    if (*what == 't') check_route(as_text(rest));
    if (*what == 'e') check_error(rest);
    return 0;
  }
  const auto sent = reader.number<uint16_t>();
  if (!sent) return 0;
  const auto length = *sent == 0xffff ? std::nullopt : std::optional<uint64_t>(*sent);
  const Bytes body = *reader.take(reader.left());
  *what == 'r' ? check_request(body, length) : check_response(body, length);
  return 0;
}
