// Tensor data that ONNX files keep in other files beside them.
#pragma once

#include <map>
#include <optional>

#include "base/file.h"
#include "tensor/segment.h"

namespace onnx {
class TensorProto;
}

namespace cloister {

// A model's external data files: those of a folder, each mapped once, or some that are in memory.
class ExternalFiles {
 public:
  explicit ExternalFiles(fs::path folder) : folder_(std::move(folder)) {}
  // These, and none from the disk.
  explicit ExternalFiles(std::vector<Segment::File> files);

  // The file at `location`: in memory its name, otherwise a path below the folder as a model file
  // gives it. kRefused when it leads out of the folder, kNotFound when there is none.
  Result<Segment::File> open(const std::string& location);

  // Counts bytes that are copied out of the files. kInvalid when that is more than they hold: only
  // a hostile model uses the same bytes again and again.
  Result<> count_copy(uint64_t bytes);

 private:
  void add(Segment::File file);

  std::optional<fs::path> folder_;
  std::map<std::string, Segment::File> files_;
  uint64_t held_bytes_ = 0;
  uint64_t copied_bytes_ = 0;
};

bool is_external(const onnx::TensorProto& tensor);

// The value of an external tensor: in its file, or a copy where it is not aligned for its type.
// kInvalid when the file is too short or the length is not that of the dimensions.
Result<Tensor> external_value(const onnx::TensorProto& tensor, DType dtype, Shape shape,
                              ExternalFiles& files);

// Marks a tensor message as external data held elsewhere in memory.
void mark_external(onnx::TensorProto& tensor, const std::string& location, uint64_t offset,
                   uint64_t length);

}  // namespace cloister
