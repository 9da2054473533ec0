// Open Inference Protocol v2 over HTTP (the "REST" half of the KServe specification, with Triton's
// binary tensor extension): bodies to plain data and back. No sockets. All functions are
// thread-safe; their errors are kInvalid unless said otherwise, and name the thing, what was found
// and what was expected.
//
// What is read is taken for hostile. Refused: anything that is not one JSON document of at most 64
// levels, a key twice, tensors that don't have the size that they say, more than 1000 of anything,
// names and ids over 1024 bytes or with a NUL, shapes of more than 32 dimensions, BYTES, and the
// extensions for classification and shared memory. Ignored: members that the protocol doesn't know,
// null where something may be left out, and parameters of single tensors other than those of the
// binary extension. No tensor gets memory before the body is seen to be long enough for it; reading
// JSON takes up to 15 times its length for as long as it lasts, so bodies need a limit.
#pragma once

#include <map>
#include <optional>
#include <variant>

#include "base/shared_bytes.h"
#include "tensor/spec.h"

namespace cloister::oip {

// Carries the length of the JSON part, where binary tensors follow it.
inline constexpr const char* kHeaderLengthField = "Inference-Header-Content-Length";

// Whole numbers are int64_t where that holds them.
using Parameter = std::variant<bool, int64_t, uint64_t, double, std::string>;
using Parameters = std::map<std::string, Parameter>;

// Our own parameters: which bundle a whole model comes from, or must come from; which segment of a
// bundle a worker's model is.
inline constexpr const char* kManifestParameter = "manifest_sha256";
inline constexpr const char* kSegmentParameter = "segment_sha256";

struct ModelMetadata {
  std::string name;
  std::vector<std::string> versions;
  std::string platform;
  std::vector<TensorSpec> inputs;
  std::vector<TensorSpec> outputs;
  std::string segment_sha256 = {};  // empty: others' servers say none
};

struct ServerMetadata {
  std::string name;
  std::string version;
  std::vector<std::string> extensions;
};

// An output that a request asks for. Without `binary` the request's binary_data_output decides.
struct RequestedOutput {
  std::string name;
  std::optional<bool> binary;
};

struct InferRequest {
  std::string id;                        // empty: none
  Parameters parameters;                 // without binary_data_output
  std::vector<NamedTensor> inputs;       // names are different
  std::vector<RequestedOutput> outputs;  // empty: all; names are different
  bool binary_outputs = false;           // the parameter binary_data_output

  // Whether output `name` is to be sent as binary.
  bool wants_binary(std::string_view name) const;
};

struct InferResponse {
  std::string model_name;
  std::string model_version;  // empty: none
  std::string id;             // empty: none
  Parameters parameters;
  std::vector<NamedTensor> outputs;
};

// A body: the JSON, then the bytes of the tensors. kHeaderLengthField is sent with json.size() when
// `extended`, that is when the binary extension is in use.
struct Message {
  std::string json;
  std::vector<Tensor> binary;
  bool extended = false;
};

enum class Encoding { kJson, kBinary };

// "FP32", "INT64", "BOOL", ... kUnsupported for types that the protocol lacks. "BF16" is Triton's.
Result<std::string_view> datatype(DType dtype);
Result<DType> parse_datatype(std::string_view text);

// `header_length` is the value of kHeaderLengthField, if it was sent. Binary tensors lie in the
// body's own memory where that is aligned for their elements, in copies otherwise. JSON values may
// be flat or nested as the shape says. Whole numbers must fit their type and be written as such;
// others are rounded to the nearest number of theirs, and must not become infinite. BOOL is true or
// false, in binary 1 or 0. kIo when there is no memory.
Result<InferRequest> parse_infer_request(const SharedBytes& body,
                                         std::optional<uint64_t> header_length);
Result<InferResponse> parse_infer_response(const SharedBytes& body,
                                           std::optional<uint64_t> header_length);

// With kBinary the JSON is padded with spaces so that tensors begin at multiples of 64 bytes where
// their sizes allow. Inputs are encoded as `encoding` says; so are outputs asked for, by
// binary_data_output (request.binary_outputs is not looked at), but for those with a `binary` of
// their own. Numbers get the fewest digits that give them back bit for bit. Errors: numbers that
// are not finite as JSON, names that a reader would refuse; kUnsupported for types that the
// protocol lacks.
Result<Message> write_infer_request(const InferRequest& request, Encoding encoding);
// Each output of `response` as the request wanted it.
Result<Message> write_infer_response(const InferResponse& response, const InferRequest& request);

// Texts that are not UTF-8 are made printable, and a type that the protocol lacks gets dtype_name's
// name.
std::string write_server_metadata(const ServerMetadata& metadata);
std::string write_model_metadata(const ModelMetadata& metadata);
Result<ModelMetadata> parse_model_metadata(Bytes json);
// {"error": message}
std::string write_error(std::string_view message);
// The message of an error object, made printable; a description of the body if it is none.
std::string parse_error(Bytes body);

// What a request's method and target ask for.
enum class Action {
  kServerMetadata,
  kLive,
  kReady,
  kModelMetadata,
  kModelReady,
  kStatistics,  // of all models where none is named
  kInfer
};
struct Route {
  Action action = Action::kServerMetadata;
  std::string model;    // empty for the server's own, and for all
  std::string version;  // empty: none given
};
// kNotFound for another target, kUnsupported for the wrong method (HTTP 405).
Result<Route> parse_route(std::string_view method, std::string_view target);
// "/v2/models/NAME/versions/VERSION/infer"; percent-encodes.
std::string route_target(const Route& route);

}  // namespace cloister::oip
