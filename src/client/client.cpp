#include "client/client.h"

#include <algorithm>

#include "base/random.h"
#include "link/oip_http.h"
#include "net/status.h"

namespace cloister::serving {

Result<PreparedRequest> make_question(const bundle::Manifest& manifest,
                                      const std::vector<NamedTensor>& inputs,
                                      const InferOptions& options) {
  const std::vector<TensorSpec>& specs = manifest.inputs;
  TRY(ordered, order_inputs(specs, inputs));
  TRY_OK(check_inputs(specs, ordered));
  TRY(number, random_number());
  oip::InferRequest request{.id = fmt::format("{:016x}", number), .inputs = inputs};
  request.binary_outputs = options.encoding == oip::Encoding::kBinary;
  TRY(message, oip::write_infer_request(request, options.encoding));
  serving::HttpBody body = serving::http_body(std::move(message));
  if (!options.token.empty()) {
    body.fields.push_back({"Authorization", "Bearer " + options.token});
  }
  return PreparedRequest{.http = {.method = "POST",
                                  .target = oip::route_target({.action = oip::Action::kInfer,
                                                               .model = manifest.model_name}),
                                  .fields = std::move(body.fields)},
                         .body = std::move(body.body),
                         .id = std::move(request.id)};
}

Result<std::vector<NamedTensor>> parse_response(const bundle::Manifest& manifest,
                                                const PreparedRequest& question,
                                                const net::Response& response) {
  const SharedBytes content = net::body_of(response);
  if (response.status != 200) {
    return fail(net::kind_of(response.status), "status {}: {}", response.status,
                oip::parse_error(content.bytes));
  }
  TRY(length, serving::header_length(response.fields));
  TRY(reply, oip::parse_infer_response(content, length));
  if (reply.id != question.id) {
    return invalid("a reply to request '{}', want '{}'", printable(reply.id), question.id);
  }
  std::vector<NamedTensor> outputs;
  for (const TensorSpec& entry : manifest.outputs) {
    const auto found = std::ranges::find(reply.outputs, entry.name, &NamedTensor::name);
    if (found == reply.outputs.end()) {
      return invalid("the reply has no output '{}'", printable(entry.name));
    }
    if (!fits(entry, found->tensor.dtype(), found->tensor.shape())) {
      return invalid("output '{}': got {}{}, want {}", printable(entry.name),
                     dtype_name(found->tensor.dtype()), shape_text(found->tensor.shape()),
                     spec_text(entry));
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
  return parse_response(manifest, question, response);
}

}  // namespace cloister::serving
