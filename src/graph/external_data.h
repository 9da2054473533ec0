// Tensor data that ONNX files keep in other files beside them.
#pragma once

#include <map>
#include <vector>

#include "base/file.h"
#include "tensor/segment.h"

namespace onnx {
class TensorProto;
}

namespace cloister {

// Where links beside a model may lead, besides the folders of the model itself. Plain data.
struct DataLinks {
  std::vector<fs::path> folders;  // that the user named
  std::vector<fs::path> caches;   // for models that lie in them: their files link to each other
};

// A model's external data files: those of a folder, each mapped once, or some that are in memory.
class ExternalFiles {
 public:
  explicit ExternalFiles(fs::path folder) : places_{folder}, roots_{std::move(folder)} {}
  // Those of the model at a path that may be a link. They are looked for in its folder, then where
  // each link leads on the way to the file itself; and may be links to what is below its folder,
  // that of the file itself, or what `links` allows.
  static ExternalFiles beside(const fs::path& model, const DataLinks& links);
  // These, and none from the disk.
  explicit ExternalFiles(std::vector<Segment::File> files);

  // The file at `location`: in memory its name, otherwise a path below the folder as a model file
  // gives it. kRefused when it leads out of the folders that may be read, kNotFound when there is
  // none.
  Result<Segment::File> open(const std::string& location);

  // Counts bytes that are copied out of the files. kInvalid when that is more than they hold: only
  // a hostile model uses the same bytes again and again.
  Result<> count_copy(uint64_t bytes);

 private:
  void add(Segment::File file);
  Result<fs::path> resolve(const std::string& location) const;

  std::vector<fs::path> places_;  // where files are looked for, in this order; none: in memory only
  std::vector<fs::path> roots_;   // below one of which they must lie, links followed
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
