#include "link/http_link.h"

#include <algorithm>

#include "link/oip_call.h"
#include "link/oip_http.h"

namespace cloister {
namespace {

constexpr unsigned kOk = 200;
constexpr unsigned kTooManyRequests = 429;
constexpr unsigned kServiceUnavailable = 503;
// What a worker has to say besides tensors: their names and shapes, or an error. Parsing takes many
// times as much.
constexpr uint64_t kMostReplyJson = 64 << 10;
constexpr uint64_t kMostMetadata = 1 << 20;

// The bytes of a right reply, at most; nothing where dimensions are free.
std::optional<uint64_t> largest_reply(const std::vector<TensorSpec>& outputs, int64_t items) {
  const auto tensors = bytes_of(outputs, items);
  if (!tensors || *tensors > UINT64_MAX - kMostReplyJson) return std::nullopt;
  return *tensors + kMostReplyJson;
}

Result<> check_json(const net::Response& response) {
  TRY(length, serving::header_length(response.fields));
  const uint64_t bytes = length.value_or(net::body_of(response).bytes.size());
  if (bytes > kMostReplyJson) {
    return invalid("a reply with {} bytes of JSON, want at most {}", bytes, kMostReplyJson);
  }
  return {};
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

Result<> check_metadata(const net::Response& response, const WorkerModel& wanted) {
  TRY(metadata, oip::parse_model_metadata(net::body_of(response).bytes));
  return check_worker_model(metadata, wanted);
}

// Whether a status means that no such request will ever be served; only being busy passes.
bool refuses(unsigned status) {
  constexpr unsigned kTimeout = 408;
  return status >= 400 && status < 500 && status != kTimeout && status != kTooManyRequests;
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

HttpLink::HttpLink(HttpLinkOptions options, WorkerModel model)
    : options_(std::move(options)), model_(std::move(model)) {}

Result<std::vector<Tensor>> HttpLink::call(const std::vector<Tensor>& inputs, int64_t items,
                                           Seconds limit) {
  TRY(call, call_of(model_.specs, inputs));
  auto connection = idle_.take([](const net::Connection&) { return true; });
  const auto response = infer(connection, call, items, net::deadline_after(limit));
  if (!response) {
    idle_.clear();
    return std::unexpected(response.error());
  }
  if (response->status != kOk) {
    keep(std::move(connection));
    return std::unexpected(error_of(*response));
  }
  TRY_OK(check_json(*response));
  auto outputs = read_reply(*response, call.id, model_.specs.outputs, items);
  if (outputs) keep(std::move(connection));
  return outputs;
}

Result<> HttpLink::probe(Seconds limit) {
  auto found = look(limit);
  if (!found) tried_ = false;  // it may come back as another server
  return found;
}

Result<> HttpLink::look(Seconds limit) {
  const std::string& path = options_.model.path;
  std::unique_ptr<net::Connection> connection;  // a new one, or it says nothing of others to come
  TRY(model, ask(connection, {.target = path}, {}, kMostMetadata, net::deadline_after(limit)));
  if (model.status != kOk) {
    return fail(Kind::kNotFound, "no model at '{}': status {}, {}", printable(path), model.status,
                oip::parse_error(net::body_of(model).bytes));
  }
  TRY_OK(check_metadata(model, model_));
  TRY(ready,
      ask(connection, {.target = path + "/ready"}, {}, kMostMetadata, net::deadline_after(limit)));
  if (ready.status != kOk) {
    return fail(Kind::kUnavailable, "not ready: status {}", ready.status);
  }
  return tried_ ? Result<>() : try_out(connection, limit);
}

// One item of zeros, as requests are sent. Only a refusal counts: what is slow or fails may
// recover.
Result<> HttpLink::try_out(std::unique_ptr<net::Connection>& connection, Seconds limit) {
  std::vector<Tensor> inputs;
  for (const TensorSpec& spec : model_.specs.inputs) {
    auto zeros = Tensor::make(spec.dtype, dims_of(spec, options_.batched ? 1 : 0));
    if (!zeros) return {};  // other dimensions are free, and what the body takes there isn't known
    inputs.push_back(std::move(*zeros));
  }
  const auto call = call_of(model_.specs, inputs);
  if (!call) return {};
  const auto response =
      infer(connection, *call, options_.batched ? 1 : 0, net::deadline_after(limit));
  if (response && refuses(response->status)) {
    return fail(Kind::kRefused, "it refuses inference requests: {}", error_of(*response).message);
  }
  tried_ = true;
  return {};
}

Result<net::Response> HttpLink::infer(std::unique_ptr<net::Connection>& connection,
                                      const OipCall& call, int64_t items,
                                      net::Clock::time_point deadline) {
  serving::HttpBody body = serving::http_body(call.message);
  return ask(connection,
             {.method = "POST",
              .target = options_.model.path + "/infer",
              .fields = std::move(body.fields)},
             body.body, largest_reply(model_.specs.outputs, items), deadline);
}

// On `connection`, if there is one that the worker has not closed meanwhile, which it may after any
// answer (RFC 9112, sections 9.3 and 9.6); on a new one otherwise. A right answer's body has at
// most `most` bytes; nothing: more than we take is no fault of the worker's.
Result<net::Response> HttpLink::ask(std::unique_ptr<net::Connection>& connection,
                                    const net::Request& request,
                                    const std::vector<SharedBytes>& body,
                                    std::optional<uint64_t> most, net::Clock::time_point deadline) {
  while (true) {
    const bool reused = connection != nullptr;
    if (!reused) {
      TRY(opened, connect(net::left_until(deadline)));
      connection = std::move(opened);
    }
    connection->limit_bodies(most.value_or(UINT64_MAX));
    auto response = connection->exchange(request, body, net::left_until(deadline));
    if (!response && response.error().kind == Kind::kUnsupported) {
      return fail(most ? Kind::kInvalid : Kind::kInternal, "{}", response.error().message);
    }
    if (response || !reused || response.error().kind != Kind::kUnavailable) return response;
    connection.reset();
  }
}

// Who can't be reached in the time that is always given is not there; less time says nothing.
Result<std::unique_ptr<net::Connection>> HttpLink::connect(Seconds limit) {
  auto connection = net::Connection::open(options_.model, options_.client,
                                          std::min(limit, options_.connect_limit));
  if (connection || connection.error().kind == Kind::kIo) return connection;
  const bool in_a_hurry =
      connection.error().kind == Kind::kDeadline && limit < options_.connect_limit;
  return fail(in_a_hurry ? Kind::kDeadline : Kind::kUnavailable, "{}", connection.error().message);
}

void HttpLink::keep(std::unique_ptr<net::Connection> connection) {
  if (connection->is_open()) idle_.keep(std::move(connection));
}

}  // namespace cloister
