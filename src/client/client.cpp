#include "client/client.h"

#include "engine/engine.h"
#include "link/oip_call.h"
#include "link/oip_http.h"
#include "net/status.h"

namespace cloister::serving {

Result<PreparedRequest> make_question(const bundle::Manifest& manifest,
                                      const std::vector<NamedTensor>& inputs,
                                      const InferOptions& options) {
  TRY(ordered, order_inputs(manifest.inputs, inputs));
  TRY_OK(check_inputs(manifest.inputs, ordered));
  TRY(call, make_call(inputs, {}, options.encoding));
  HttpBody body = http_body(std::move(call.message));
  if (!options.token.empty()) {
    body.fields.push_back({"Authorization", "Bearer " + options.token});
  }
  return PreparedRequest{.http = {.method = "POST",
                                  .target = oip::route_target({.action = oip::Action::kInfer,
                                                               .model = manifest.model_name}),
                                  .fields = std::move(body.fields)},
                         .body = std::move(body.body),
                         .id = std::move(call.id)};
}

Result<std::vector<NamedTensor>> parse_response(const bundle::Manifest& manifest,
                                                const PreparedRequest& question,
                                                const net::Response& response) {
  if (response.status != 200) {
    return fail(net::kind_of(response.status), "status {}: {}", response.status,
                oip::parse_error(net::body_of(response).bytes));
  }
  TRY(outputs, read_reply(response, question.id, manifest.outputs, 0));
  std::vector<NamedTensor> named;
  for (size_t i = 0; i < outputs.size(); ++i) {
    named.push_back({manifest.outputs[i].name, std::move(outputs[i])});
  }
  return named;
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
