// Asks a model that a Cloister server keeps, and sends it nothing before the server has shown, on
// the very connection, what it is. docs/client.md is the guide.
//
//   using namespace cloister::client;
//   TrustPolicy policy;
//   policy.environments_json(tee).add_signer(public_key);
//   auto server = VerifiedServer::connect("https://host:8443", policy);
//   if (!server) return complain(server.error().message);
//   auto outputs = server->infer({Tensor::view<float>("x", {1, 3, 224, 224}, pixels)});
//
// Errors are values: functions that can fail return a Result. Whoever prefers exceptions writes
// .value(), which throws Failure. Nothing else here throws, but for std::bad_alloc.
//
// C++20. Link Cloister::client (find_package(CloisterClient)). Objects of these classes may be used
// by one thread at a time, VerifiedServer by any number.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace cloister::client {
inline namespace v1 {

// What a caller can do about an error. Never renumbered.
enum class ErrorCode : int32_t {
  kInvalidArgument = 1,  // what the caller gave does not fit: a URL, a key, an input
  kNotTrusted = 2,       // the server has not shown what the policy asks for; no input was sent
  kServerChanged = 3,    // it serves something else than facts() by now: connect() again
  kDenied = 4,           // the server does not know this client (token, certificate)
  kUnavailable = 5,      // nobody there, connection lost, or too busy: may be asked again
  kDeadline = 6,         // took longer than was allowed; may be asked again
  kServerError = 7,      // the server failed, or its answer is not what its manifest promises
  kInternal = 8,         // a bug, or no memory
};
[[gnu::visibility("default")]] std::string_view name_of(ErrorCode code) noexcept;

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;  // for people; one line, printable
};

// What value() throws where there is none.
class [[gnu::visibility("default")]] Failure : public std::runtime_error {
 public:
  explicit Failure(const Error& error);
  ~Failure() override;
  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

// Throws Failure; where exceptions are off, the program ends.
[[noreturn, gnu::visibility("default")]] void throw_failure(const Error& error);

// A value, or the reason why there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<1>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<0>, std::move(error)) {}

  bool ok() const noexcept { return state_.index() == 1; }
  explicit operator bool() const noexcept { return ok(); }

  // The value; throws Failure if there is none.
  T& value() & { return *checked(); }
  const T& value() const& { return *const_cast<Result*>(this)->checked(); }
  T&& value() && { return std::move(*checked()); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  // Only where there is no value.
  const Error& error() const { return std::get<0>(state_); }

 private:
  T* checked() {
    if (!ok()) throw_failure(std::get<0>(state_));
    return std::get_if<1>(&state_);
  }

  std::variant<Error, T> state_;
};

// Element types of tensors, with ONNX's numbers. Never renumbered.
enum class DType : int32_t {
  kF32 = 1,
  kU8 = 2,
  kI8 = 3,
  kU16 = 4,
  kI16 = 5,
  kI32 = 6,
  kI64 = 7,
  kBool = 9,  // one byte each, 0 or 1
  kF16 = 10,
  kF64 = 11,
  kU32 = 12,
  kU64 = 13,
  kBF16 = 16,
};
[[gnu::visibility("default")]] std::string_view name_of(DType dtype) noexcept;  // "f32"

// C++ types that have a DType; f16 and bf16 have no C++ type.
template <typename T, typename... Types>
concept OneOf = (std::same_as<T, Types> || ...);
template <typename T>
concept Element = OneOf<T, float, double, bool, int8_t, int16_t, int32_t, int64_t, uint8_t,
                        uint16_t, uint32_t, uint64_t>;

template <Element T>
consteval DType dtype_of() {
  if (std::same_as<T, bool>) return DType::kBool;
  if (std::floating_point<T>) return sizeof(T) == 4 ? DType::kF32 : DType::kF64;
  if (sizeof(T) == 1) return std::signed_integral<T> ? DType::kI8 : DType::kU8;
  if (sizeof(T) == 2) return std::signed_integral<T> ? DType::kI16 : DType::kU16;
  if (sizeof(T) == 4) return std::signed_integral<T> ? DType::kI32 : DType::kU32;
  return std::signed_integral<T> ? DType::kI64 : DType::kU64;
}

// A named, dense tensor, row-major and little-endian. Copies share the elements.
class Tensor {
 public:
  // Of any type. Without an owner the bytes must outlive the tensor.
  Tensor(std::string name, DType dtype, std::vector<int64_t> shape,
         std::span<const std::byte> bytes, std::shared_ptr<const void> owner = nullptr)
      : name_(std::move(name)),
        dtype_(dtype),
        shape_(std::move(shape)),
        bytes_(bytes),
        owner_(std::move(owner)) {}

  // Elements of somebody else's, not copied, which must outlive the tensor.
  template <Element T>
  static Tensor view(std::string name, std::vector<int64_t> shape, std::span<const T> elements) {
    return {std::move(name), dtype_of<T>(), std::move(shape), std::as_bytes(elements)};
  }
  template <Element T>
  static Tensor view(std::string name, std::vector<int64_t> shape, std::vector<T>&&) = delete;

  // Its own elements.
  template <Element T>
  static Tensor own(std::string name, std::vector<int64_t> shape, std::vector<T> elements) {
    const auto owner = std::make_shared<const std::vector<T>>(std::move(elements));
    const auto bytes = std::as_bytes(std::span<const T>(owner->data(), owner->size()));
    return {std::move(name), dtype_of<T>(), std::move(shape), bytes, owner};
  }

  const std::string& name() const { return name_; }
  DType dtype() const { return dtype_; }
  const std::vector<int64_t>& shape() const { return shape_; }  // outermost first
  std::span<const std::byte> bytes() const { return bytes_; }   // as long as the tensor or a copy

  // The elements. kInvalidArgument when they are not of type T.
  template <Element T>
  Result<std::span<const T>> as() const {
    if (dtype_ != dtype_of<T>() || bytes_.size() % sizeof(T) != 0 ||
        reinterpret_cast<std::uintptr_t>(bytes_.data()) % alignof(T) != 0) {
      return Error{ErrorCode::kInvalidArgument, "'" + name_ + "' has elements of type " +
                                                    std::string(name_of(dtype_)) + ", not " +
                                                    std::string(name_of(dtype_of<T>()))};
    }
    return std::span<const T>(reinterpret_cast<const T*>(bytes_.data()), bytes_.size() / sizeof(T));
  }

 private:
  std::string name_;
  DType dtype_;
  std::vector<int64_t> shape_;
  std::span<const std::byte> bytes_;
  std::shared_ptr<const void> owner_;
};

// What a server must show before it gets inputs. By default nothing passes: somebody has to say
// which environments are trusted and whose models. What is malformed here, connect() says.
class [[gnu::visibility("default")]] TrustPolicy {
 public:
  TrustPolicy();
  TrustPolicy(const TrustPolicy& other);
  TrustPolicy& operator=(const TrustPolicy& other);
  ~TrustPolicy();

  // A whole trust-policy.json (docs/formats/trust-policy.md): environments, bundles, and what the
  // audit must have found. Nothing else may be set beside it.
  TrustPolicy& trust_policy_json(std::string json);

  // Or piece by piece, without asking for an audit: the trusted environments that are accepted,
  // with their measurements, as the JSON object "tee" of trust-policy.json.
  TrustPolicy& environments_json(std::string json);
  // Besides those, servers without a trusted environment, whose host sees every input: to try
  // things out.
  TrustPolicy& allow_simulated(bool allow = true);

  // A minisign public key, as a .pub file's text or its second line. One of those added must have
  // signed the model's bundle.
  TrustPolicy& add_signer(std::string public_key);
  // The bundle whose manifest has this SHA-256, 64 hexadecimal digits, and no other.
  TrustPolicy& manifest_sha256(std::string digest);
  // Bundles of this version or later. By default any.
  TrustPolicy& min_version(uint64_t version);
  // Whoever made the bundle, where there is neither a signer nor a digest to check it by.
  TrustPolicy& allow_any_bundle(bool allow = true);

 private:
  friend class VerifiedServer;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// How to reach a server, and as whom.
class [[gnu::visibility("default")]] Options {
 public:
  Options();
  Options(const Options& other);
  Options& operator=(const Options& other);
  ~Options();

  // PEM authorities of which one must have issued the server's certificate, whose name must be the
  // URL's. By default any certificate will do: the evidence is bound to its key.
  Options& ca_pem(std::string pem);
  // What this client shows of itself: a PEM certificate (chain) and its key, and a bearer token.
  Options& client_certificate(std::string certificate_pem, std::string key_pem);
  Options& bearer_token(std::string token);
  // For connecting and verifying. By default 10 s.
  Options& connect_timeout(std::chrono::milliseconds limit);
  // For an answer, with all that it takes to get one. By default 60 s.
  Options& infer_timeout(std::chrono::milliseconds limit);
  // Connections at once, hence requests at once; others wait for one. 1 to 1024, by default 8.
  Options& max_connections(int count);
  // A connection older than this is closed and a new one verified. By default 15 minutes.
  Options& verify_every(std::chrono::seconds age);
  // Answers that are larger are an error. By default 256 MiB.
  Options& max_answer_bytes(uint64_t bytes);

 private:
  friend class VerifiedServer;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// An input or output of the model. An dimension of -1 is not fixed; the first one is the batch
// where the model takes batches.
struct TensorSpec {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<int64_t> dims;
};

// What was verified. Copies share their contents; references are good as long as any copy.
class [[gnu::visibility("default")]] ServerFacts {
 public:
  ServerFacts(const ServerFacts&) = default;
  ServerFacts& operator=(const ServerFacts&) = default;

  const std::string& evidence_kind() const;  // "snp", "tdx", "sgx", ..., or "simulated"
  // What that kind protects: "tee", "tpm" (measured boot only), or "simulated" (nothing).
  const std::string& mode() const;
  const std::string& manifest_sha256() const;  // of the bundle, hexadecimal
  bool signature_checked() const;              // false: nobody vouches for the bundle
  bool audit_checked() const;                  // false: what its cut gives away was not asked
  const std::string& model_name() const;
  uint64_t model_version() const;
  int64_t max_batch() const;  // most items that run at once; 1: the model takes no batches
  const std::vector<TensorSpec>& inputs() const;
  const std::vector<TensorSpec>& outputs() const;
  const std::vector<std::string>& labels() const;  // of the classes, in order; empty: none known
  const std::string& preprocess_json() const;      // how pictures become inputs; empty: not said

 private:
  friend class VerifiedServer;
  struct Impl;
  explicit ServerFacts(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

// A server that has shown what it is. Only verification makes one, and nothing else here sends
// inputs. It keeps a few connections, each of which was verified before its first input; one that
// was lost is replaced, and the server verified again, which must still be that of facts().
//
// Thread-safe, but for moving and destroying it. After it was moved from it can only be destroyed
// or assigned to.
class [[gnu::visibility("default")]] VerifiedServer {
 public:
  // Connects to https://HOST:PORT and verifies. kInvalidArgument for what is malformed in any of
  // the arguments, kNotTrusted with the check that failed, kUnavailable, kDeadline, kServerError.
  static Result<VerifiedServer> connect(std::string_view url, const TrustPolicy& policy,
                                        const Options& options = {});
  VerifiedServer(VerifiedServer&& other) noexcept;
  VerifiedServer& operator=(VerifiedServer&& other) noexcept;
  ~VerifiedServer();

  const ServerFacts& facts() const noexcept;

  // Sends one tensor for each of facts().inputs(), in any order, and gives one for each of
  // facts().outputs(), in that order. More items than facts().max_batch() are sent in several
  // requests, one after the other, where the model takes batches. A request whose connection was
  // lost is sent once more on a new one. kInvalidArgument when the inputs do not fit the model
  // (name, type, shape, batch), and any other code. Blocks for Options::infer_timeout at most, or
  // for `limit`.
  Result<std::vector<Tensor>> infer(const std::vector<Tensor>& inputs) const;
  Result<std::vector<Tensor>> infer(const std::vector<Tensor>& inputs,
                                    std::chrono::milliseconds limit) const;

 private:
  struct Impl;
  [[gnu::visibility("hidden")]] explicit VerifiedServer(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace v1
}  // namespace cloister::client
