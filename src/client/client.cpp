#include "client/client.h"

#include <algorithm>
#include <thread>

#include "client/batches.h"
#include "engine/engine.h"
#include "link/oip_call.h"
#include "link/oip_http.h"
#include "net/deadline.h"
#include "net/status.h"

namespace cloister::serving {
namespace {

// A first answer shows that the server can; later it may be busy for a while.
Result<std::vector<NamedTensor>> infer_patiently(VerifiedPool& pool,
                                                 const std::vector<NamedTensor>& inputs,
                                                 const InferOptions& options, bool patient) {
  const bundle::Manifest& manifest = pool.facts().manifest;
  const auto deadline = net::deadline_after(options.limit);
  for (auto pause = std::chrono::milliseconds(100);; pause *= 2) {
    TRY(question, make_question(manifest, inputs, options));
    TRY(response, pool.exchange(question.http, question.body, net::left_until(deadline)));
    auto outputs = parse_response(manifest, question, response);
    const bool busy = !outputs && outputs.error().kind == Kind::kUnavailable;
    if (!busy || !patient || net::left_until(deadline) <= pause) return outputs;
    std::this_thread::sleep_for(pause);
  }
}

}  // namespace

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

int64_t most_items(const bundle::Manifest& manifest) {
  if (manifest.max_batch > 1) return manifest.max_batch;
  const bool fixed = !manifest.inputs.empty() && !manifest.inputs[0].dims.empty();
  return fixed ? std::max<int64_t>(manifest.inputs[0].dims[0], 1) : 1;
}

Result<std::vector<std::vector<NamedTensor>>> split_question(const bundle::Manifest& manifest,
                                                             const std::vector<NamedTensor>& inputs,
                                                             int64_t most) {
  if (manifest.max_batch > 1) {
    TRY(ordered, order_inputs(manifest.inputs, inputs));
    TRY_OK(check_inputs(manifest.inputs, ordered));
  }
  return split_items(inputs, most);
}

Result<std::vector<NamedTensor>> infer_items(VerifiedPool& pool,
                                             const std::vector<NamedTensor>& inputs, int64_t most,
                                             const InferOptions& options,
                                             const std::function<void(size_t, size_t)>& tick) {
  TRY(pieces, split_question(pool.facts().manifest, inputs, most));
  std::vector<std::vector<NamedTensor>> answers;
  for (const auto& piece : pieces) {
    auto answer = infer_patiently(pool, piece, options, !answers.empty());
    if (!answer && pieces.size() > 1) {
      return with_context(answer.error(),
                          fmt::format("request {} of {}", answers.size() + 1, pieces.size()));
    }
    if (!answer) return answer;
    answers.push_back(std::move(*answer));
    if (tick) tick(answers.size(), pieces.size());
  }
  return join_items(pieces, std::move(answers));
}

}  // namespace cloister::serving
