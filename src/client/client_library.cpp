// <cloister/client.h>: the server that was verified.
#include "client/client_library.h"

#include <exception>

#include "client/batches.h"
#include "client/client.h"
#include "net/deadline.h"

namespace cloister::client {
inline namespace v1 {
namespace {

// Of what connecting, verifying and sending end with; what the caller gave was checked before.
ErrorCode code_of(Kind kind) {
  switch (kind) {
    case Kind::kRefused:
      return ErrorCode::kNotTrusted;
    case Kind::kNotFound:
      return ErrorCode::kServerChanged;
    case Kind::kUnavailable:
      return ErrorCode::kUnavailable;
    case Kind::kDeadline:
      return ErrorCode::kDeadline;
    case Kind::kInvalid:
    case Kind::kUnsupported:
      return ErrorCode::kServerError;
    case Kind::kUsage:
    case Kind::kIo:
    case Kind::kInternal:
      return ErrorCode::kInternal;
  }
  return ErrorCode::kInternal;
}

ErrorCode code_of_status(unsigned status) {
  switch (status) {
    case 400:
    case 413:
      return ErrorCode::kInvalidArgument;
    case 401:
    case 403:
      return ErrorCode::kDenied;
    case 429:
    case 503:
      return ErrorCode::kUnavailable;
    case 504:
      return ErrorCode::kDeadline;
    default:
      return ErrorCode::kServerError;
  }
}

Error error_of(const cloister::Error& error) {
  return {code_of(error.kind), error.message};
}

Error callers_fault(const cloister::Error& error) {
  return {ErrorCode::kInvalidArgument, error.message};
}

// Errors of the libraries below are values; what they throw all the same ends here.
template <typename Call>
auto guarded(const Call& call) -> decltype(call()) {
  try {
    return call();
  } catch (const std::exception& error) {
    return Error{ErrorCode::kInternal, error.what()};
  } catch (...) {
    return Error{ErrorCode::kInternal, "an exception of an unknown type"};
  }
}

cloister::Result<std::vector<NamedTensor>> to_internal(const std::vector<Tensor>& tensors) {
  std::vector<NamedTensor> out;
  for (const Tensor& given : tensors) {
    const auto dtype = dtype_from_onnx(static_cast<int32_t>(given.dtype()));
    if (!dtype) {
      return invalid("input '{}': type {} is not known", printable(given.name()),
                     static_cast<int32_t>(given.dtype()));
    }
    // Only for the time of the call, for which the caller keeps the bytes.
    auto tensor = cloister::Tensor::adopt(*dtype, given.shape(), given.bytes(), nullptr);
    if (!tensor) {
      return with_context(tensor.error(), fmt::format("input '{}'", printable(given.name())));
    }
    out.push_back({given.name(), std::move(*tensor)});
  }
  return out;
}

std::vector<Tensor> to_public(std::vector<NamedTensor> tensors) {
  std::vector<Tensor> out;
  for (NamedTensor& got : tensors) {
    const auto owner = std::make_shared<const cloister::Tensor>(std::move(got.tensor));
    out.emplace_back(std::move(got.name), static_cast<DType>(owner->dtype()), owner->shape(),
                     owner->data(), owner);
  }
  return out;
}

}  // namespace

struct VerifiedServer::Impl {
  ServerFacts facts;
  std::unique_ptr<serving::VerifiedPool> pool;
  serving::InferOptions options;

  // In as many requests as the server's largest batch makes of it, within `limit` in all.
  Result<std::vector<Tensor>> infer(const std::vector<Tensor>& inputs, net::Seconds limit) const {
    const auto internal = to_internal(inputs);
    if (!internal) return callers_fault(internal.error());
    const bundle::Manifest& manifest = pool->facts().manifest;
    // Without batches the first dimension is whatever the model takes it for.
    const auto pieces = serving::split_question(manifest, *internal,
                                                manifest.max_batch > 1 ? manifest.max_batch : 0);
    if (!pieces) return callers_fault(pieces.error());
    const auto deadline = net::deadline_after(limit);
    std::vector<std::vector<NamedTensor>> answers;
    for (const auto& piece : *pieces) {
      const auto question = serving::make_question(manifest, piece, options);
      if (!question) return callers_fault(question.error());
      const auto response =
          pool->exchange(question->http, question->body, net::left_until(deadline));
      if (!response) return error_of(response.error());
      auto answer = serving::parse_response(manifest, *question, *response);
      if (!answer && response->status != 200) {
        return Error{code_of_status(response->status), answer.error().message};
      }
      if (!answer) return error_of(answer.error());
      answers.push_back(std::move(*answer));
    }
    auto joined = serving::join_items(*pieces, std::move(answers));
    if (!joined) return error_of(joined.error());
    return to_public(std::move(*joined));
  }
};

VerifiedServer::VerifiedServer(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
VerifiedServer::VerifiedServer(VerifiedServer&& other) noexcept = default;
VerifiedServer& VerifiedServer::operator=(VerifiedServer&& other) noexcept = default;
VerifiedServer::~VerifiedServer() = default;

Result<VerifiedServer> VerifiedServer::connect(std::string_view url, const TrustPolicy& policy,
                                               const Options& options) {
  return guarded([&]() -> Result<VerifiedServer> {
    const OptionsData& given = *options.impl_;
    auto pool_options = read_options(url, *policy.impl_, given);
    if (!pool_options) return callers_fault(pool_options.error());
    const auto limit = read_limit("infer_timeout", given.infer_timeout);
    if (!limit) return callers_fault(limit.error());
    auto pool = serving::VerifiedPool::open(std::move(*pool_options));
    if (!pool) return error_of(pool.error());
    auto facts = facts_of((*pool)->facts());
    if (!facts) return error_of(facts.error());
    auto shared = std::make_shared<const ServerFacts::Impl>(std::move(*facts));
    return VerifiedServer(
        std::unique_ptr<Impl>(new Impl{ServerFacts(std::move(shared)),
                                       std::move(*pool),
                                       {.token = given.token.value_or(""), .limit = *limit}}));
  });
}

const ServerFacts& VerifiedServer::facts() const noexcept {
  return impl_->facts;
}

Result<std::vector<Tensor>> VerifiedServer::infer(const std::vector<Tensor>& inputs) const {
  return guarded([&] { return impl_->infer(inputs, impl_->options.limit); });
}

Result<std::vector<Tensor>> VerifiedServer::infer(const std::vector<Tensor>& inputs,
                                                  std::chrono::milliseconds limit) const {
  return guarded([&]() -> Result<std::vector<Tensor>> {
    const auto seconds = read_limit("limit", limit);
    if (!seconds) return callers_fault(seconds.error());
    return impl_->infer(inputs, *seconds);
  });
}

}  // namespace v1
}  // namespace cloister::client
