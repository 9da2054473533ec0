#include "client/client.h"

#include <algorithm>

#include "base/random.h"
#include "link/oip_http.h"
#include "serving/ports.h"

namespace cloister::serve {
namespace {

Kind kind_of(unsigned status) {
  switch (status) {
    case 401:
    case 403:
      return Kind::kRefused;
    case 404:
      return Kind::kNotFound;
    case 429:
    case 503:
      return Kind::kUnavailable;
    case 504:
      return Kind::kDeadline;
    default:
      return status >= 500 ? Kind::kInternal : Kind::kInvalid;
  }
}

bool fits(const bundle::Port& entry, const Tensor& tensor) {
  return tensor.dtype() == entry.dtype &&
         std::ranges::equal(entry.dims, tensor.shape(),
                            [](int64_t want, int64_t got) { return want < 0 || want == got; });
}

}  // namespace

Result<Question> make_question(const bundle::Manifest& manifest,
                               const std::vector<NamedTensor>& inputs,
                               const InferOptions& options) {
  const std::vector<Port> ports = ports_of(manifest.inputs);
  TRY(ordered, order_inputs(ports, inputs));
  TRY_OK(check_inputs(ports, ordered));
  TRY(number, random_number());
  oip::InferRequest request{.id = fmt::format("{:016x}", number), .inputs = inputs};
  request.binary_outputs = options.encoding == oip::Encoding::kBinary;
  TRY(message, oip::write_infer_request(request, options.encoding));
  runtime::HttpBody body = runtime::http_body(std::move(message));
  if (!options.token.empty()) {
    body.fields.push_back({"Authorization", "Bearer " + options.token});
  }
  return Question{.http = {.method = "POST",
                           .target = oip::route_target(
                               {.action = oip::Action::kInfer, .model = manifest.model_name}),
                           .fields = std::move(body.fields)},
                  .body = std::move(body.body),
                  .id = std::move(request.id)};
}

Result<std::vector<NamedTensor>> read_answer(const bundle::Manifest& manifest,
                                             const Question& question,
                                             const net::Response& response) {
  const SharedBytes content = net::body_of(response);
  if (response.status != 200) {
    return fail(kind_of(response.status), "status {}: {}", response.status,
                oip::parse_error(content.bytes));
  }
  TRY(length, runtime::header_length(response.fields));
  TRY(reply, oip::parse_infer_response(content, length));
  if (reply.id != question.id) {
    return invalid("a reply to request '{}', want '{}'", printable(reply.id), question.id);
  }
  std::vector<NamedTensor> outputs;
  for (const bundle::Port& entry : manifest.outputs) {
    const auto found = std::ranges::find(reply.outputs, entry.name, &NamedTensor::name);
    if (found == reply.outputs.end()) {
      return invalid("the reply has no output '{}'", printable(entry.name));
    }
    if (!fits(entry, found->tensor)) {
      return invalid("output '{}': got {}{}, want {}{}", printable(entry.name),
                     dtype_name(found->tensor.dtype()), shape_text(found->tensor.shape()),
                     dtype_name(entry.dtype), shape_text(entry.dims));
    }
    outputs.push_back(std::move(*found));
  }
  return outputs;
}

Result<std::vector<NamedTensor>> infer(VerifiedConnection& connection,
                                       const std::vector<NamedTensor>& inputs,
                                       const InferOptions& options) {
  const bundle::Manifest& manifest = connection.facts().manifest;
  TRY(question, make_question(manifest, inputs, options));
  TRY(response, connection.exchange(question.http, question.body, options.limit));
  return read_answer(manifest, question, response);
}

}  // namespace cloister::serve
