#include "link/oip_call.h"

#include <algorithm>

#include "base/random.h"
#include "link/oip_http.h"

namespace cloister {

Result<OipCall> make_call(std::vector<NamedTensor> inputs, const std::vector<TensorSpec>& wanted,
                          oip::Encoding encoding) {
  TRY(number, random_number());
  oip::InferRequest request{.id = fmt::format("{:016x}", number), .inputs = std::move(inputs)};
  request.binary_outputs = encoding == oip::Encoding::kBinary;
  for (const TensorSpec& spec : wanted) request.outputs.push_back({spec.name, true});
  TRY(message, oip::write_infer_request(request, encoding));
  return OipCall{std::move(request.id), std::move(message)};
}

Result<std::vector<Tensor>> read_reply(const net::Response& response, std::string_view id,
                                       const std::vector<TensorSpec>& specs, int64_t items) {
  TRY(length, serving::header_length(response.fields));
  TRY(reply, oip::parse_infer_response(net::body_of(response), length));
  if (reply.id != id) {
    return invalid("a reply to request '{}', want '{}'", printable(reply.id), id);
  }
  if (reply.outputs.size() != specs.size()) {
    return invalid("got {} outputs, want {}", reply.outputs.size(), specs.size());
  }
  std::vector<Tensor> outputs;
  for (const TensorSpec& spec : specs) {
    const auto found = std::ranges::find(reply.outputs, spec.name, &NamedTensor::name);
    if (found == reply.outputs.end()) return invalid("no output '{}'", printable(spec.name));
    const Tensor& got = found->tensor;
    if (!fits(spec, got.dtype(), got.shape(), {.items = items})) {
      return invalid("output '{}': got {}{}, want {}", printable(spec.name),
                     dtype_name(got.dtype()), shape_text(got.shape()), spec_text(spec, items));
    }
    outputs.push_back(std::move(found->tensor));
  }
  return outputs;
}

}  // namespace cloister
