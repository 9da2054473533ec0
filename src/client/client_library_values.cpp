// <cloister/client.h>: what its callers fill in and read.
#include "client/client_library.h"

namespace cloister::client {
inline namespace v1 {

std::string_view name_of(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return "invalid argument";
    case ErrorCode::kNotTrusted:
      return "not trusted";
    case ErrorCode::kServerChanged:
      return "server changed";
    case ErrorCode::kDenied:
      return "denied";
    case ErrorCode::kUnavailable:
      return "unavailable";
    case ErrorCode::kDeadline:
      return "deadline";
    case ErrorCode::kServerError:
      return "server error";
    case ErrorCode::kInternal:
      return "internal";
  }
  return "unknown";
}

std::string_view name_of(DType dtype) noexcept {
  const auto known = dtype_from_onnx(static_cast<int32_t>(dtype));
  return known ? dtype_name(*known) : "unknown";
}

Failure::Failure(const Error& error)
    : std::runtime_error(std::string(name_of(error.code)) + ": " + error.message),
      code_(error.code) {}
Failure::~Failure() = default;

void throw_failure(const Error& error) {
  throw Failure(error);
}

TrustPolicy::TrustPolicy() : impl_(std::make_unique<Impl>()) {}
TrustPolicy::TrustPolicy(const TrustPolicy& other) : impl_(std::make_unique<Impl>(*other.impl_)) {}
TrustPolicy& TrustPolicy::operator=(const TrustPolicy& other) {
  *impl_ = *other.impl_;
  return *this;
}
TrustPolicy::~TrustPolicy() = default;

TrustPolicy& TrustPolicy::trust_policy_json(std::string json) {
  impl_->whole = std::move(json);
  return *this;
}

TrustPolicy& TrustPolicy::environments_json(std::string json) {
  impl_->environments = std::move(json);
  return *this;
}

TrustPolicy& TrustPolicy::add_signer(std::string public_key) {
  impl_->signers.push_back(std::move(public_key));
  return *this;
}

TrustPolicy& TrustPolicy::manifest_sha256(std::string digest) {
  impl_->manifest_sha256 = std::move(digest);
  return *this;
}

TrustPolicy& TrustPolicy::min_version(uint64_t version) {
  impl_->min_version = version;
  return *this;
}

TrustPolicy& TrustPolicy::allow_any_bundle(bool allow) {
  impl_->allow_any_bundle = allow;
  return *this;
}

TrustPolicy& TrustPolicy::allow_simulated(bool allow) {
  impl_->allow_simulated = allow;
  return *this;
}

Options::Options() : impl_(std::make_unique<Impl>()) {}
Options::Options(const Options& other) : impl_(std::make_unique<Impl>(*other.impl_)) {}
Options& Options::operator=(const Options& other) {
  *impl_ = *other.impl_;
  return *this;
}
Options::~Options() = default;

Options& Options::ca_pem(std::string pem) {
  impl_->ca_pem = std::move(pem);
  return *this;
}

Options& Options::client_certificate(std::string certificate_pem, std::string key_pem) {
  impl_->identity = net::TlsIdentity{std::move(certificate_pem), std::move(key_pem)};
  return *this;
}

Options& Options::bearer_token(std::string token) {
  impl_->token = std::move(token);
  return *this;
}

Options& Options::connect_timeout(std::chrono::milliseconds limit) {
  impl_->connect_timeout = limit;
  return *this;
}

Options& Options::infer_timeout(std::chrono::milliseconds limit) {
  impl_->infer_timeout = limit;
  return *this;
}

Options& Options::max_connections(int count) {
  impl_->max_connections = count;
  return *this;
}

Options& Options::verify_every(std::chrono::seconds age) {
  impl_->verify_every = age;
  return *this;
}

Options& Options::max_answer_bytes(uint64_t bytes) {
  impl_->max_answer_bytes = bytes;
  return *this;
}

const std::string& ServerFacts::evidence_kind() const {
  return impl_->evidence_kind;
}
const std::string& ServerFacts::mode() const {
  return impl_->mode;
}
const std::string& ServerFacts::manifest_sha256() const {
  return impl_->manifest_sha256;
}
bool ServerFacts::signature_checked() const {
  return impl_->signature_checked;
}

bool ServerFacts::audit_checked() const {
  return impl_->audit_checked;
}
const std::string& ServerFacts::model_name() const {
  return impl_->model_name;
}
uint64_t ServerFacts::model_version() const {
  return impl_->model_version;
}
int64_t ServerFacts::max_batch() const {
  return impl_->max_batch;
}
const std::vector<TensorSpec>& ServerFacts::inputs() const {
  return impl_->inputs;
}
const std::vector<TensorSpec>& ServerFacts::outputs() const {
  return impl_->outputs;
}
const std::vector<std::string>& ServerFacts::labels() const {
  return impl_->labels;
}
const std::string& ServerFacts::preprocess_json() const {
  return impl_->preprocess_json;
}

}  // namespace v1
}  // namespace cloister::client
