#include "link/http_link.h"

#include <algorithm>

#include "link/oip_call.h"
#include "link/oip_http.h"

namespace cloister {
namespace {

using Clock = std::chrono::steady_clock;

constexpr unsigned kOk = 200;
constexpr unsigned kTooManyRequests = 429;
constexpr unsigned kServiceUnavailable = 503;

Result<net::Response> ask(net::Connection& connection, const std::string& method,
                          const std::string& target, serving::HttpBody body, Seconds limit) {
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
    const TensorSpec* const found = find_spec(got, spec.name);
    if (found == nullptr) return invalid("its model has no {} '{}'", what, printable(spec.name));
    if (found->dtype != spec.dtype || !agree(spec.dims, found->dims)) {
      return invalid("its model's {} '{}' is {}, want {}", what, printable(spec.name),
                     spec_text(*found), spec_text(spec));
    }
  }
  return {};
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

Result<OipCall> call_of(const TensorSpecs& specs, const std::vector<Tensor>& inputs) {
  std::vector<NamedTensor> named;
  for (size_t i = 0; i < inputs.size(); ++i) named.push_back({specs.inputs[i].name, inputs[i]});
  auto call = make_call(std::move(named), specs.outputs, oip::Encoding::kBinary);
  // Our own trouble is no fault of the worker's.
  if (!call) return fail(Kind::kUnsupported, "{}", call.error().message);
  return call;
}

}  // namespace

HttpLink::HttpLink(HttpLinkOptions options, TensorSpecs specs)
    : options_(std::move(options)), specs_(std::move(specs)) {}

Result<std::vector<Tensor>> HttpLink::call(const std::vector<Tensor>& inputs, int64_t items,
                                           Seconds limit) {
  const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(limit);
  const auto left = [end] { return Seconds(end - Clock::now()); };
  TRY(call, call_of(specs_, inputs));
  for (bool fresh = false;; fresh = true) {
    std::unique_ptr<net::Connection> connection = fresh ? nullptr : take_idle();
    const bool reused = connection != nullptr;
    if (!reused) {
      TRY(opened, connect(left()));
      connection = std::move(opened);
    }
    auto response = ask(*connection, "POST", options_.model.path + "/infer",
                        serving::http_body(call.message), left());
    if (!response) {
      if (response.error().kind == Kind::kUnavailable && reused) continue;
      drop_idle();
      return std::unexpected(response.error());
    }
    if (response->status != kOk) {
      keep(std::move(connection));
      return std::unexpected(error_of(*response));
    }
    auto outputs = read_reply(*response, call.id, specs_.outputs, items);
    if (outputs) keep(std::move(connection));
    return outputs;
  }
}

Result<> HttpLink::probe(Seconds limit) {
  TRY(connection, net::Connection::open(options_.model, options_.client, limit));
  TRY_OK(check_metadata(*connection, options_.model.path, specs_, limit));
  return check_ready(*connection, options_.model.path, limit);
}

// Who can't be reached in the time that is always given is not there; less time says nothing.
Result<std::unique_ptr<net::Connection>> HttpLink::connect(Seconds limit) {
  auto connection = net::Connection::open(options_.model, options_.client,
                                          std::min(limit, options_.connect_limit));
  if (connection) return connection;
  const bool in_a_hurry =
      connection.error().kind == Kind::kDeadline && limit < options_.connect_limit;
  return fail(in_a_hurry ? Kind::kDeadline : Kind::kUnavailable, "{}", connection.error().message);
}

std::unique_ptr<net::Connection> HttpLink::take_idle() {
  const std::scoped_lock lock(mutex_);
  while (!idle_.empty()) {
    auto connection = std::move(idle_.back());
    idle_.pop_back();
    if (connection->is_open()) return connection;
  }
  return nullptr;
}

void HttpLink::keep(std::unique_ptr<net::Connection> connection) {
  if (!connection->is_open()) return;
  const std::scoped_lock lock(mutex_);
  idle_.push_back(std::move(connection));
}

void HttpLink::drop_idle() {
  const std::scoped_lock lock(mutex_);
  idle_.clear();
}

}  // namespace cloister
