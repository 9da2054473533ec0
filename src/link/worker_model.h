// What a worker must have, and what it may answer, whatever it is reached over.
#pragma once

#include <optional>

#include "tensor/spec.h"
#include "wire/oip.h"

namespace cloister {

// What a worker is asked for.
struct WorkerModel {
  TensorSpecs specs;
  // bundle::segment_sha256; empty: any. Only a worker that names another one is refused: others'
  // servers name none.
  std::string segment_sha256 = {};
};

// Whether a worker describes its model so. Servers differ in whether they list the dimension of the
// batch, so that one may be left out. kInvalid says what differs.
Result<> check_worker_model(const oip::ModelMetadata& described, const WorkerModel& wanted);

// `spec` in a batch of `items`: a first dimension that is not fixed is the batch; 0: leave it.
Shape dims_of(const TensorSpec& spec, int64_t items);

// The bytes of all these tensors in such a batch; nothing where dimensions stay free.
std::optional<uint64_t> bytes_of(const std::vector<TensorSpec>& specs, int64_t items);

}  // namespace cloister
