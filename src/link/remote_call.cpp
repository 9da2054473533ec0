#include "link/remote_call.h"

#include <algorithm>

#include "base/random.h"
#include "link/oip_http.h"

namespace cloister::serving {
namespace {

constexpr unsigned kOk = 200;
constexpr unsigned kTooManyRequests = 429;
constexpr unsigned kServiceUnavailable = 503;

Result<net::Response> ask(net::Connection& connection, const std::string& method,
                          const std::string& target, HttpBody body, Seconds limit) {
  const net::Request request{.method = method, .target = target, .fields = std::move(body.fields)};
  return connection.exchange(request, std::move(body.body), limit);
}

// What a worker that does not answer the question says. Only the protocol's errors are no lies.
Error error_of(const net::Response& response) {
  constexpr unsigned kFirstError = 400;
  const std::string why =
      fmt::format("status {}: {}", response.status, oip::parse_error(net::body_of(response).bytes));
  if (response.status == kServiceUnavailable || response.status == kTooManyRequests) {
    return {Kind::kRefused, "busy: " + why};
  }
  return {response.status >= kFirstError ? Kind::kInternal : Kind::kInvalid, why};
}

// Servers differ in whether they list the dimension of the batch, so dimensions are compared from
// the last one backwards, as far as both have them and fix them.
bool agree(const Shape& want, const Shape& got) {
  if (std::max(want.size(), got.size()) - std::min(want.size(), got.size()) > 1) return false;
  return std::equal(want.rbegin(), want.rbegin() + std::min(want.size(), got.size()), got.rbegin(),
                    [](int64_t a, int64_t b) { return a < 0 || b < 0 || a == b; });
}

Result<> check_specs(std::string_view what, const std::vector<TensorSpec>& want,
                     const std::vector<TensorSpec>& got) {
  if (got.size() != want.size()) {
    return invalid("its model has {} {}s, want {}", got.size(), what, want.size());
  }
  for (const TensorSpec& spec : want) {
    const auto found = std::ranges::find(got, spec.name, &TensorSpec::name);
    if (found == got.end()) {
      return invalid("its model has no {} '{}'", what, printable(spec.name));
    }
    if (found->dtype != spec.dtype || !agree(spec.dims, found->dims)) {
      return invalid("its model's {} '{}' is {}{}, want {}{}", what, printable(spec.name),
                     dtype_name(found->dtype), shape_text(found->dims), dtype_name(spec.dtype),
                     shape_text(spec.dims));
    }
  }
  return {};
}

}  // namespace

Result<PreparedCall> make_call(const TensorSpecs& specs, const std::vector<Tensor>& inputs,
                               int64_t items) {
  TRY(number, random_number());
  oip::InferRequest request{.id = fmt::format("{:016x}", number), .binary_outputs = true};
  for (size_t i = 0; i < inputs.size(); ++i) {
    request.inputs.push_back({specs.inputs[i].name, inputs[i]});
  }
  for (const TensorSpec& spec : specs.outputs) request.outputs.push_back({spec.name, true});
  TRY(message, oip::write_infer_request(request, oip::Encoding::kBinary));
  return PreparedCall{std::move(request.id), std::move(message), specs, items};
}

Result<std::vector<Tensor>> exchange(net::Connection& connection, const std::string& target,
                                     const PreparedCall& call, Seconds limit) {
  TRY(response, ask(connection, "POST", target, http_body(call.message), limit));
  if (response.status != kOk) return std::unexpected(error_of(response));
  TRY(length, header_length(response.fields));
  TRY(reply, oip::parse_infer_response(net::body_of(response), length));
  if (reply.id != call.id) {
    return invalid("a reply to request '{}', want '{}'", printable(reply.id), call.id);
  }
  if (reply.outputs.size() != call.specs.outputs.size()) {
    return invalid("got {} outputs, want {}", reply.outputs.size(), call.specs.outputs.size());
  }
  std::vector<Tensor> outputs;
  for (const TensorSpec& spec : call.specs.outputs) {
    const auto found = std::ranges::find(reply.outputs, spec.name, &NamedTensor::name);
    if (found == reply.outputs.end()) return invalid("no output '{}'", printable(spec.name));
    if (!fits(spec, found->tensor.dtype(), found->tensor.shape(), {.items = call.items})) {
      return invalid("output '{}': got {}{}, want {}", printable(spec.name),
                     dtype_name(found->tensor.dtype()), shape_text(found->tensor.shape()),
                     spec_text(spec, call.items));
    }
    outputs.push_back(std::move(found->tensor));
  }
  return outputs;
}

Result<> check_metadata(net::Connection& connection, const std::string& path,
                        const TensorSpecs& specs, Seconds limit) {
  TRY(response, ask(connection, "GET", path, {}, limit));
  if (response.status != kOk) {
    return fail(Kind::kNotFound, "no model at '{}': status {}, {}", printable(path),
                response.status, oip::parse_error(net::body_of(response).bytes));
  }
  TRY(metadata, oip::parse_model_metadata(net::body_of(response).bytes));
  TRY_OK(check_specs("input", specs.inputs, metadata.inputs));
  return check_specs("output", specs.outputs, metadata.outputs);
}

Result<> check_ready(net::Connection& connection, const std::string& path, Seconds limit) {
  TRY(response, ask(connection, "GET", path + "/ready", {}, limit));
  if (response.status == kOk) return {};
  return fail(Kind::kUnavailable, "not ready: status {}", response.status);
}

}  // namespace cloister::serving
