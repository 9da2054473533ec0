// Tensor data that ONNX files keep in other files beside them.
#pragma once

#include <map>

#include "base/file.h"
#include "tensor/tensor.h"

namespace onnx {
class TensorProto;
}

namespace cloister {

// Opens a model's external data files, each mapped once.
class ExternalFiles {
 public:
  explicit ExternalFiles(fs::path folder) : folder_(std::move(folder)) {}

  // The map of `location`, a path below the folder as a model file gives it. kRefused when it
  // leads out of the folder, kNotFound when there is none.
  Result<std::shared_ptr<const MappedFile>> map(const std::string& location);

  // Counts bytes that are copied out of the maps. kInvalid when that is more than the files hold:
  // only a hostile model uses the same bytes again and again.
  Result<> count_copy(uint64_t bytes);

 private:
  fs::path folder_;
  std::map<std::string, std::shared_ptr<const MappedFile>> maps_;
  uint64_t mapped_bytes_ = 0;
  uint64_t copied_bytes_ = 0;
};

bool is_external(const onnx::TensorProto& tensor);

// The value of an external tensor: in its map, or a copy where it is not aligned for its type.
// kInvalid when the file is too short or the length is not that of the dimensions.
Result<Tensor> external_value(const onnx::TensorProto& tensor, DType dtype, Shape shape,
                              ExternalFiles& files);

// Marks a tensor message as external data held elsewhere in memory.
void mark_external(onnx::TensorProto& tensor, const std::string& location, uint64_t offset,
                   uint64_t length);

}  // namespace cloister
