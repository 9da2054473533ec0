// The values of tensors as JSON.
#pragma once

#include "wire/oip_json.h"

namespace cloister::oip {

// The tensor whose values are `data`: an array of all of them, or arrays nested as `shape` says.
// `json_bytes`, the length of the JSON, bounds what is allocated. `prefix` opens errors.
Result<Tensor> read_data(const std::string& prefix, DType dtype, const Shape& shape,
                         JsonElement data, uint64_t json_bytes);

// Appends the values as one array. kInvalid for a number that is not finite.
Result<> append_data(std::string& json, const std::string& prefix, const TensorView& tensor);

}  // namespace cloister::oip
