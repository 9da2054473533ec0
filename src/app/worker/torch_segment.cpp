#include "app/worker/torch_segment.h"

#include "cli/scratch.h"
#include "graph/model.h"

namespace cloister {

Result<Segment> torch_segment(const bundle::Bundle& bundle, const std::string& name) {
  // The model's reader takes external data from files.
  TRY(scratch, Scratch::make("cloister-worker"));
  const fs::path path = scratch.path() / (name + ".onnx");
  TRY(model_bytes, bundle.read(name + ".onnx"));
  TRY_OK(write_file(path, model_bytes));
  const auto data = bundle.read(name + ".data");
  if (data) {
    TRY_OK(write_file(scratch.path() / (name + ".data"), *data));
  } else if (data.error().kind != Kind::kNotFound) {
    return std::unexpected(data.error());
  }
  TRY(model, read_model(path));
  return to_segment(model);
}

}  // namespace cloister
