// The protocol's handler, from a request to its answer: no input crashes it, each is answered once
// and in one of few ways, and what is answered with 200 can be read back. A case is
//   METHOD TARGET [LENGTH]\n BODY
// where LENGTH is the field that says where the JSON ends.
#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "link/oip_http.h"
#include "serving/v2.h"

using namespace cloister;

namespace {

void need(bool condition) {
  if (!condition) std::abort();
}

// Answers at once, with what can be made of the inputs' shapes.
void submit(serving::Job job) {
  need(job.inputs.size() == 2 && job.items >= 1 && job.items <= 4);
  need(job.inputs[0].dtype() == DType::kF32 && job.inputs[1].dtype() == DType::kI64);
  serving::Answer answer;
  answer.outputs.push_back(job.inputs[0]);
  answer.outputs.push_back(Tensor::make(DType::kU8, {job.items}).value());
  std::memset(answer.outputs[1].mutable_data().data(), 7, static_cast<size_t>(job.items));
  job.done(std::move(answer));
}

// One for all cases: what one leaves behind must not matter to the next.
const net::Handler& handler() {
  static serving::Metrics metrics;
  static const net::Handler made =
      serving::v2_handler({.name = "m",
                           .version = "1",
                           .platform = "p",
                           .inputs = {{"x", DType::kF32, {-1, 2}}, {"n", DType::kI64, {-1}}},
                           .outputs = {{"y", DType::kF32, {-1, 2}}, {"z", DType::kU8, {-1}}},
                           .max_batch = 4,
                           .ready = [] { return Result<>(); },
                           .submit = submit},
                          {.server = {"s", "1", {}}}, metrics);
  return made;
}

void check(const net::Response& response, bool infer) {
  std::string text;
  for (const SharedBytes& piece : response.body) text += as_text(piece.bytes);
  constexpr unsigned kStatuses[] = {200, 400, 404, 405, 500};
  need(std::ranges::find(kStatuses, response.status) != std::end(kStatuses));
  if (response.status != 200) {
    need(text.starts_with("{\"error\":\"") && text.ends_with("\"}"));
    need(text.find('\n') == std::string::npos);
  } else if (infer) {
    const auto length = serving::header_length(response.fields);
    const auto owner = std::make_shared<std::string>(std::move(text));
    need(length && oip::parse_infer_response({as_bytes(*owner), owner}, *length));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t line_end = input.find('\n');
  if (line_end == std::string_view::npos) return 0;
  const std::string_view line = input.substr(0, line_end);
  const size_t first = line.find(' ');
  if (first == std::string_view::npos) return 0;
  const size_t second = line.find(' ', first + 1);
  net::Request request{.method = std::string(line.substr(0, first)),
                       .target = std::string(line.substr(first + 1, second - first - 1))};
  if (second != std::string_view::npos) {
    request.fields.push_back({oip::kHeaderLengthField, std::string(line.substr(second + 1))});
  }
  // As from the network: aligned, and nothing behind it.
  const auto body = std::make_shared<std::string>(input.substr(line_end + 1));
  body->shrink_to_fit();
  request.body = {as_bytes(*body), body};
  const auto route = oip::parse_route(request.method, request.target);
  const bool infer = route && route->action == oip::Action::kInfer;
  int answers = 0;
  handler()(std::move(request), [&](net::Response response) {
    ++answers;
    check(response, infer);
  });
  need(answers == 1);
  return 0;
}
