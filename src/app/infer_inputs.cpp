#include "app/infer_inputs.h"

#include <boost/process/args.hpp>
#include <boost/process/io.hpp>
#include <boost/process/system.hpp>

#include "app/arrays.h"
#include "cli/scratch.h"
#include "cli/text.h"
#include "image/picture_files.h"
#include "tensor/npy.h"

namespace cloister {
namespace {

// Decoded to numbers, pictures become the first input, which must be the only one.
Result<const TensorSpec*> only_input(std::string_view flag, const serving::ServerFacts& facts) {
  if (facts.manifest.inputs.size() == 1) return facts.manifest.inputs.data();
  return fail(Kind::kUsage, "{}: the model has {} inputs", flag, facts.manifest.inputs.size());
}

Result<Tensor> preprocess(const std::vector<std::string>& pictures, std::string_view record) {
  namespace bp = boost::process;
  TRY(scratch, Scratch::make("cloister-infer"));
  const fs::path preprocess = scratch.path() / "preprocess.json";
  const fs::path array = scratch.path() / "input.npy";
  TRY_OK(write_file(preprocess, record));
  std::vector<std::string> arguments = {"--preprocess", preprocess.string(), "-o", array.string(),
                                        "--"};
  arguments.insert(arguments.end(), pictures.begin(), pictures.end());
  std::error_code code;
  const fs::path program =
      fs::read_symlink("/proc/self/exe", code).parent_path() / "cloister-preprocess";
  // It says itself what it passes over, and what it can't read.
  const int ended = bp::system(program.string(), bp::args(arguments), bp::std_out > bp::null, code);
  if (code) return fail(Kind::kIo, "can't start '{}': {}", program.string(), code.message());
  if (ended != 0) return invalid("the pictures could not be read");
  return read_npy(array);
}

Result<InferInputs> read_pictures(const std::vector<std::string>& pictures,
                                  const serving::ServerFacts& facts) {
  const auto record = facts.files.find("preprocess.json");
  if (record == facts.files.end()) {
    return fail(Kind::kUsage,
                "--image: the bundle does not say how pictures become inputs (it has no "
                "preprocess.json); use 'cloister preprocess' and --input");
  }
  TRY(spec, only_input("--image", facts));
  InferInputs out;
  OtherFiles others;
  TRY(files, expand_folders(pictures, others));
  TRY(tensor, preprocess(pictures, record->second));
  if (tensor.shape().empty() || tensor.shape()[0] != static_cast<int64_t>(files.size())) {
    return invalid("{} pictures became {}: did the folder change?", files.size(),
                   shape_text(tensor.shape()));
  }
  out.tensors.push_back({spec->name, std::move(tensor)});
  out.items = std::move(files);
  return out;
}

// The shape that the model takes rows in.
Result<Shape> rows_shape(const TensorSpec& spec, int64_t rows, int64_t width) {
  Shape shape = spec.dims;
  if (spec.dtype != DType::kF32 || shape.empty()) {
    return invalid("--csv: input '{}' is {}, want f32 with the rows as its first dimension",
                   printable(spec.name), spec_text(spec));
  }
  shape[0] = rows;
  if (shape.size() == 2 && shape[1] < 0) shape[1] = width;
  const auto all = element_count(shape);
  if (all && *all == static_cast<uint64_t>(rows) * static_cast<uint64_t>(width)) return shape;
  return invalid("--csv: a row has {} features by the bundle's encoding.json, input '{}' is {}",
                 width, printable(spec.name), spec_text(spec));
}

Result<InferInputs> read_rows(const InferSources& sources, const serving::ServerFacts& facts) {
  const auto record = facts.files.find("encoding.json");
  if (record == facts.files.end()) {
    return fail(Kind::kUsage,
                "--csv: the bundle does not say how rows become inputs (it has no encoding.json)");
  }
  TRY(spec, only_input("--csv", facts));
  TRY(separator, parse_separator(sources.separator));
  TRY(encoding, audit::parse_encoding(record->second));
  TRY(rows, audit::read_inference_rows(sources.csv, encoding, separator));
  InferInputs out;
  TRY(shape, rows_shape(*spec, rows.features.shape()[0], rows.features.shape()[1]));
  TRY(shaped, Tensor::adopt(DType::kF32, std::move(shape), rows.features.data(),
                            std::make_shared<const Tensor>(rows.features)));
  out.tensors.push_back({spec->name, std::move(shaped)});
  for (const uint64_t line : rows.lines) out.items.push_back(fmt::format("line {}", line));
  out.notes = std::move(rows.notes);
  out.unseen = std::move(rows.unseen);
  return out;
}

}  // namespace

Result<InferInputs> read_infer_inputs(const InferSources& sources,
                                      const serving::ServerFacts& facts) {
  if (!sources.csv.empty()) return read_rows(sources, facts);
  if (!sources.pictures.empty()) return read_pictures(sources.pictures, facts);
  InferInputs out;
  TRY(arrays, read_inputs(sources.arrays, facts.manifest.inputs));
  out.tensors = std::move(arrays);
  return out;
}

}  // namespace cloister
