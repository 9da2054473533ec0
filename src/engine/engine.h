// What runs a segment. Implementations: engines.h lists them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tensor/segment.h"
#include "tensor/spec.h"

namespace cloister {

// Memory of the caller's for one output. Plain data.
struct OutputPlace {
  DType dtype = DType::kF32;
  Shape shape;
  MutableBytes data;  // of just the bytes that these say
};

// A segment ready to run. Thread-safe: run() may be called from several threads at once.
class Program {
 public:
  virtual ~Program() = default;

  // No dimensions at all: a scalar, or a tensor of which not even the rank is fixed.
  virtual const std::vector<TensorSpec>& inputs() const = 0;
  virtual const std::vector<TensorSpec>& outputs() const = 0;

  // Runs on `inputs`, one tensor for each spec, in spec order; gives one tensor for each output
  // spec, in order, in memory of the engine's that the tensors keep alive: neither the inputs nor
  // the program need to outlive them. kInvalid when a number, type or shape does not fit its spec
  // (both are named), kUnsupported when an output is not a tensor that Cloister can move.
  virtual Result<std::vector<Tensor>> run(const std::vector<TensorView>& inputs) = 0;

  // The same, with each output where the caller wants it, without a copy where the engine can do
  // that. kInvalid also when an output turns out to have another type or shape than its place;
  // what the places hold after an error means nothing.
  virtual Result<> run_into(const std::vector<TensorView>& inputs,
                            const std::vector<OutputPlace>& outputs);
};

class Engine {
 public:
  virtual ~Engine() = default;

  // The program does not need the segment's memory afterwards. kInvalid when the engine refuses
  // the model, kUnsupported when it lacks an operator or type.
  virtual Result<std::unique_ptr<Program>> load(const Segment& segment) = 0;
};

// Checks `inputs` against `specs`: number, types, ranks and fixed dimensions, byte sizes.
Result<> check_inputs(const std::vector<TensorSpec>& specs, const std::vector<TensorView>& inputs);

// For each spec, the position in `named` of the tensor with its name. kInvalid for a missing,
// unknown or repeated name, listing the names that the segment has.
Result<std::vector<size_t>> input_order(const std::vector<TensorSpec>& specs,
                                        const std::vector<NamedTensor>& named);

// The tensors in that order.
Result<std::vector<TensorView>> order_inputs(const std::vector<TensorSpec>& specs,
                                             const std::vector<NamedTensor>& named);

}  // namespace cloister
