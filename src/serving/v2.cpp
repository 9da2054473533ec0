#include "serving/v2.h"

#include <algorithm>

#include "link/oip_http.h"
#include "serving/statistics.h"
#include "tensor/finite.h"

namespace cloister::serving {
namespace {

constexpr const char* kJson = "application/json";

// One request between being parsed and being answered.
struct Pending {
  oip::InferRequest request;
  net::Respond respond;
  bool finite_inputs = true;
  int64_t items = 0;
  Clock::time_point began = Clock::now();
};

// JSON has no other numbers.
bool has_finite(const std::vector<Tensor>& tensors) {
  return std::ranges::all_of(tensors, [](const Tensor& t) { return all_finite(t.view()); });
}

// Parsing takes up to 15 times the bytes of JSON (wire/oip_json.h).
constexpr uint64_t kParsing = 15;

// Of the server's memory for requests; at most what the body leaves, whose buffer may be twice as
// large, so that the largest request is served when it is alone.
Result<net::BudgetShare> take(const net::Request& request, uint64_t bytes) {
  const std::shared_ptr<net::BodyBudget>& memory = request.memory;
  if (!memory) return net::BudgetShare();
  const uint64_t held = 2 * request.body.bytes.size();
  const uint64_t most = memory->limit() - std::min(memory->limit(), held);
  auto share = net::BudgetShare::take(memory, std::min(bytes, most));
  if (!share) return fail(Kind::kUnavailable, "no room for the request now");
  return std::move(*share);
}

// Bytes of tensors that are not part of the body: they came as JSON.
uint64_t bytes_beside(Bytes body, const std::vector<NamedTensor>& tensors) {
  uint64_t bytes = 0;
  for (const NamedTensor& named : tensors) {
    const Bytes data = named.tensor.data();
    const bool inside = std::less_equal<>()(body.data(), data.data()) &&
                        std::less<>()(data.data(), body.data() + body.size());
    if (!inside) bytes += data.size();
  }
  return bytes;
}

class Service : public std::enable_shared_from_this<Service> {
 public:
  Service(V2Model model, V2Options options, serving::Metrics& metrics)
      : model_(std::move(model)), options_(std::move(options)), metrics_(metrics) {}

  void handle(const net::Request& request, net::Respond respond) const {
    const auto route = oip::parse_route(request.method, request.target);
    if (!route) return respond(no_such_route(request, route.error()));
    if (route->action == oip::Action::kInfer) {
      return infer(*route, request, std::move(respond));
    }
    respond(describe(*route));
  }

 private:
  static net::Response no_such_route(const net::Request& request, const Error& error) {
    if (error.kind != Kind::kUnsupported) return error_response(error);
    return wrong_method(request, oip::parse_route("POST", request.target) ? "POST" : "GET");
  }

  Result<> check_model(const oip::Route& route) const {
    if (route.model != model_.name) {
      return fail(Kind::kNotFound, "no model '{}'; this server has '{}'", printable(route.model),
                  model_.name);
    }
    if (!route.version.empty() && route.version != model_.version) {
      return fail(Kind::kNotFound, "model '{}' has no version '{}'; this server has '{}'",
                  model_.name, printable(route.version), model_.version);
    }
    return {};
  }

  net::Response describe(const oip::Route& route) const {
    if (!route.model.empty()) {
      if (const Result<> found = check_model(route); !found) return error_response(found.error());
    }
    switch (route.action) {
      case oip::Action::kLive:
        return net::text_response(200, kJson, R"({"live":true})");
      case oip::Action::kReady:
      case oip::Action::kModelReady: {
        const Result<> ready = model_.ready();
        if (!ready) return error_response(ready.error());
        return net::text_response(
            200, kJson,
            route.action == oip::Action::kReady
                ? R"({"ready":true})"
                : fmt::format(R"({{"name":"{}","ready":true}})", model_.name));
      }
      case oip::Action::kModelMetadata:
        return net::text_response(
            200, kJson,
            oip::write_model_metadata({.name = model_.name,
                                       .versions = {model_.version},
                                       .platform = model_.platform,
                                       .inputs = model_.inputs,
                                       .outputs = model_.outputs,
                                       .segment_sha256 = model_.segment_sha256}));
      case oip::Action::kStatistics:
        return net::text_response(200, kJson,
                                  statistics_.json(model_.name, model_.version, metrics_));
      default:
        return net::text_response(200, kJson, oip::write_server_metadata(options_.server));
    }
  }

  void infer(const oip::Route& route, const net::Request& request, net::Respond respond) const {
    auto pending = std::make_shared<Pending>();
    pending->respond = std::move(respond);
    auto job = make_job(route, request, pending->request);
    if (!job) {
      metrics_.request(serving::outcome_word(job.error().kind));
      return pending->respond(error_response(job.error()));
    }
    pending->items = job->items;
    pending->finite_inputs = all_binary(pending->request) || has_finite(job->inputs);
    // The inputs are the job's alone: what is kept for the answer holds no more than names.
    pending->request.inputs.clear();
    job->done = [self = shared_from_this(), pending](Result<serving::Answer> answer) {
      pending->respond(self->answered(*pending, std::move(answer)));
    };
    model_.submit(std::move(*job));
  }

  Result<serving::Job> make_job(const oip::Route& route, const net::Request& request,
                                oip::InferRequest& parsed) const {
    TRY_OK(check_model(route));
    TRY(length, serving::header_length(request.fields));
    const uint64_t json = std::min<uint64_t>(length.value_or(~0ULL), request.body.bytes.size());
    auto parsing = take(request, kParsing * json);
    if (!parsing) return std::unexpected(parsing.error());
    TRY(infer, oip::parse_infer_request(request.body, length));
    parsed = std::move(infer);
    *parsing = {};
    TRY(held, take(request, bytes_beside(request.body.bytes, parsed.inputs)));
    TRY_OK(check_manifest(parsed.parameters));
    for (const oip::RequestedOutput& output : parsed.outputs) {
      if (std::ranges::find(model_.outputs, output.name, &TensorSpec::name) ==
          model_.outputs.end()) {
        return invalid("no output '{}'", printable(output.name));
      }
    }
    serving::Job job{.memory = std::move(held)};
    TRY(order, input_order(model_.inputs, parsed.inputs));
    for (const size_t i : order) job.inputs.push_back(parsed.inputs[i].tensor);
    TRY(items, serving::count_items(model_.inputs, job.inputs, model_.max_batch));
    job.items = items;
    TRY(limit, time_limit(parsed.parameters));
    job.deadline =
        serving::Clock::now() + std::chrono::duration_cast<serving::Clock::duration>(limit);
    return job;
  }

  bool all_binary(const oip::InferRequest& request) const {
    return std::ranges::all_of(model_.outputs, [&](const TensorSpec& output) {
      return request.wants_binary(output.name);
    });
  }

  // A client may want the very bundle that it has verified.
  Result<> check_manifest(const oip::Parameters& parameters) const {
    const auto expected = parameters.find(oip::kManifestParameter);
    if (expected == parameters.end()) return {};
    const auto* const digest = std::get_if<std::string>(&expected->second);
    if (digest != nullptr && *digest == model_.manifest_sha256) return {};
    return fail(Kind::kRefused, "the bundle is {}, and the request expects {}",
                model_.manifest_sha256.empty() ? "not known" : model_.manifest_sha256,
                digest == nullptr ? "no digest" : printable(*digest));
  }

  // As Triton has it: the parameter "timeout", in microseconds.
  Result<serving::Seconds> time_limit(const oip::Parameters& parameters) const {
    const auto timeout = parameters.find("timeout");
    if (timeout == parameters.end() || std::holds_alternative<uint64_t>(timeout->second)) {
      return options_.deadline;  // uint64_t: more than 63 bits
    }
    const auto* const micros = std::get_if<int64_t>(&timeout->second);
    if (micros == nullptr || *micros < 1) {
      return invalid("parameter 'timeout': want a number of microseconds, 1 or more");
    }
    return std::min<serving::Seconds>(options_.deadline, std::chrono::microseconds(*micros));
  }

  net::Response answered(const Pending& pending, Result<serving::Answer> answer) const {
    auto message = answer ? message_of(pending, std::move(*answer))
                          : std::unexpected(std::move(answer.error()));
    statistics_.add(message ? pending.items : 0, Clock::now() - pending.began);
    if (!message) {
      metrics_.request(serving::outcome_word(message.error().kind));
      return error_response(message.error());
    }
    metrics_.request("ok");
    serving::HttpBody body = serving::http_body(std::move(*message));
    return {.status = 200, .fields = std::move(body.fields), .body = std::move(body.body)};
  }

  Result<oip::Message> message_of(const Pending& pending, serving::Answer answer) const {
    const oip::InferRequest& request = pending.request;
    if (answer.outputs.size() != model_.outputs.size()) {
      return fail(Kind::kInternal, "the model returned {} outputs, want {}", answer.outputs.size(),
                  model_.outputs.size());
    }
    oip::InferResponse response{.model_name = model_.name,
                                .model_version = model_.version,
                                .id = request.id,
                                .parameters = model_.parameters};
    if (!model_.manifest_sha256.empty()) {
      response.parameters[oip::kManifestParameter] = model_.manifest_sha256;
    }
    if (answer.non_finite) response.parameters["non_finite"] = true;
    for (size_t i = 0; i < model_.outputs.size(); ++i) {
      const std::string& name = model_.outputs[i].name;
      const bool wanted = request.outputs.empty() ||
                          std::ranges::find(request.outputs, name, &oip::RequestedOutput::name) !=
                              request.outputs.end();
      if (wanted) response.outputs.push_back({name, std::move(answer.outputs[i])});
    }
    auto message = oip::write_infer_response(response, request);
    // That a result can't be said as it was asked for is the request's fault only if its inputs
    // can't be said so either.
    if (message) return message;
    const Kind kind = pending.finite_inputs ? Kind::kInternal : Kind::kInvalid;
    return fail(kind, "{}", message.error().message);
  }

  const V2Model model_;
  const V2Options options_;
  serving::Metrics& metrics_;
  mutable Statistics statistics_;
};

}  // namespace

net::Handler v2_handler(V2Model model, V2Options options, serving::Metrics& metrics) {
  const auto service =
      std::make_shared<const Service>(std::move(model), std::move(options), metrics);
  return [service](const net::Request& request, net::Respond respond) {
    service->handle(request, std::move(respond));
  };
}

}  // namespace cloister::serving
