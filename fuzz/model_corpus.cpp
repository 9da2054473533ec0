// Writes the seeds of fuzz/corpus/model: `model_corpus FOLDER`.
#include <cstdio>

#include "base/file.h"
#include "graph/zoo/builder.h"

namespace cloister {
namespace {

using zoo::make_tensor;
using zoo::ModelBuilder;

class Seed : public ModelBuilder {
 public:
  Seed() : ModelBuilder("g") { input("x", DType::kF32, {"N", 4}); }

  // output = type(inputs...), declared as f32 [N,4] so that it can be cut there.
  void op(const std::string& output, const std::string& type,
          const std::vector<std::string>& inputs, const std::vector<zoo::Attr>& attributes = {},
          const std::string& domain = "") {
    add({.op = type,
         .inputs = inputs,
         .attrs = attributes,
         .name = "",
         .outputs = {output},
         .domain = domain});
    auto& info = *graph().add_value_info();
    info.set_name(output);
    auto& tensor = *info.mutable_type()->mutable_tensor_type();
    tensor.set_elem_type(1);
    tensor.mutable_shape()->add_dim()->set_dim_param("N");
    tensor.mutable_shape()->add_dim()->set_dim_value(4);
  }

  void out(const std::string& name) { output(name, DType::kF32, {"N", 4}); }

  onnx::GraphProto body() {
    graph().clear_input();
    return graph();
  }
};

void add_residual(Seed& s) {
  s.op("a", "Relu", {"x"});
  s.op("b", "Relu", {"a"});
  s.op("c", "Add", {"a", "b"});
  s.op("y", "Relu", {"c"});
  s.out("y");
}

void add_weights(Seed& s) {
  s.random("w", {16, 16});
  s.random("b", {4});
  s.op("a", "MatMul", {"x", "w"});
  s.op("h", "Add", {"a", "b"});
  s.op("y", "MatMul", {"h", "w"});
  s.out("y");
}

void add_branches(Seed& s) {
  Seed inner;
  inner.op("deep", "Add", {"h", "k"});
  inner.out("deep");
  Seed branch;
  branch.op("i", "If", {"cond"}, {{"then_branch", inner.body()}, {"else_branch", inner.body()}});
  branch.out("i");
  s.input("cond", DType::kBool, {});
  s.op("k", "Constant", {}, {{"value", make_tensor<float>({1}, {2.0F})}});
  s.op("h", "Relu", {"x"});
  s.op("j", "If", {"cond"}, {{"then_branch", branch.body()}, {"else_branch", inner.body()}});
  s.op("y", "Add", {"j", "h"});
  s.out("y");
}

void add_dimensions(Seed& s) {
  s.initializer("zero", make_tensor<int64_t>({1}, {0}));
  s.initializer("rest", make_tensor<int64_t>({1}, {-1}));
  s.op("shape", "Shape", {"x"});
  s.op("n", "Gather", {"shape", "zero"});
  s.op("target", "Concat", {"n", "rest"}, {{"axis", 0}});
  s.op("h", "Relu", {"x"});
  s.op("r", "Reshape", {"h", "target"});
  s.op("t", "Transpose", {"r"}, {{"perm", {0, 1}}});
  s.op("y", "Relu", {"t"});
  s.out("y");
}

void add_typed_data(Seed& s) {
  std::vector<std::string> all = {"h"};
  for (int type = 1; type <= 26; ++type) {
    onnx::TensorProto tensor;
    tensor.set_data_type(type);
    tensor.add_dims(2);
    const auto dtype = *dtype_from_onnx(type);
    if (dtype == DType::kString) {
      tensor.add_string_data("a");
      tensor.add_string_data("b");
    } else if (type % 2 == 0) {
      tensor.set_raw_data(std::string((dtype_bits(dtype) * 2 + 7) / 8, '\1'));
    } else if (dtype == DType::kF32) {
      tensor.mutable_float_data()->Resize(2, 1);
    } else if (dtype == DType::kI64) {
      tensor.mutable_int64_data()->Resize(2, 1);
    } else if (dtype == DType::kU64) {
      tensor.mutable_uint64_data()->Resize(2, 1);
    } else if (dtype == DType::kC128) {
      tensor.mutable_double_data()->Resize(4, 1);
    } else {
      tensor.mutable_int32_data()->Resize(dtype_bits(dtype) < 8 ? 1 : 2, 1);
    }
    all.push_back(s.initializer("t" + std::to_string(type), tensor));
  }
  s.op("h", "Relu", {"x"});
  s.op("y", "Everything", all, {}, "custom");
  s.out("y");
}

void add_external(Seed& s) {
  for (const int64_t count : {4, 400}) {
    const std::string name = "w" + std::to_string(count);
    auto& tensor = *s.graph().add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(1);
    tensor.add_dims(count);
    tensor.set_data_location(onnx::TensorProto::EXTERNAL);
    for (const auto& [key, value] : {std::pair("location", "w.bin"), {"offset", "8"}}) {
      auto& entry = *tensor.add_external_data();
      entry.set_key(key);
      entry.set_value(value);
    }
  }
  s.op("h", "Add", {"x", "w4"});
  s.op("y", "Add", {"h", "w400"});
  s.out("y");
}

void add_sparse(Seed& s) {
  auto& sparse = *s.graph().add_sparse_initializer();
  *sparse.mutable_values() = make_tensor<float>({2}, {1.0F, 2.0F});
  sparse.mutable_values()->set_name("s");
  *sparse.mutable_indices() = make_tensor<int64_t>({2}, {0, 3});
  sparse.add_dims(4);
  s.op("h", "Relu", {"x"});
  s.op("y", "Add", {"h", "s"});
  s.out("y");
}

void add_old(Seed& s) {
  s.input("b", DType::kF32, {4});
  s.random("b", {4});
  s.input("dead", DType::kF32, {4});
  s.random("dead", {4});
  s.op("h", "Add", {"x", "b"});
  s.op("y", "Relu", {"h"});
  s.out("y");
}

void add_unsorted(Seed& s) {
  s.op("y", "Relu", {"b"});
  s.op("b", "Relu", {"a"});
  s.op("a", "Relu", {"x"});
  s.op("dead", "Relu", {"b"});
  s.out("y");
  s.out("a");
}

void add_chance(Seed& s) {
  s.initializer("half", make_tensor<float>({}, {0.5F}));
  s.initializer("on", make_tensor<bool>({}, {true}));
  s.op("noise", "RandomNormalLike", {"x"});
  s.op("h", "Add", {"x", "noise"});
  s.op("d", "Dropout", {"h", "half", "on"});
  s.op("y", "Gelu", {"d"}, {}, "com.microsoft");
  s.out("y");
}

void add_heads(Seed& s) {
  s.op("f", "Relu", {"x"});
  for (const std::string i : {"0", "1", "2", "3"}) {
    s.op("h" + i, "Sigmoid", {"f"});
    s.op("o" + i, "Softmax", {"h" + i}, {{"axis", 1}});
    s.out("o" + i);
  }
}

void add_layers(Seed& s) {
  for (const char* name : {"scale", "bias", "mean", "var"}) s.random(name, {4});
  s.random("w", {4, 4, 1, 1});
  s.op("c", "Conv", {"x", "w"}, {{"group", 1}});
  s.op("n", "BatchNormalization", {"c", "scale", "bias", "mean", "var"});
  s.op("g", "Gemm", {"n", "w"}, {{"transA", 1}});
  s.op("l", "LSTM", {"g", "w", "w"});
  s.op("y", "ConvTranspose", {"l", "w"});
  s.out("y");
}

void add_loop(Seed& s) {
  Seed body;
  body.input("i", DType::kI64, {});
  body.input("go", DType::kBool, {});
  body.input("state", DType::kF32, {"N", 4});
  body.op("next", "Add", {"state", "x"});
  body.out("go");
  body.out("next");
  s.initializer("three", make_tensor<int64_t>({}, {3}));
  s.op("h", "Relu", {"x"});
  s.op("y", "Loop", {"three", "", "h"}, {{"body", body.graph()}});
  s.out("y");
}

void write(
    const fs::path& folder, const std::string& name, void (*add)(Seed&),
    void (*change)(onnx::ModelProto&) = [](onnx::ModelProto&) {}) {
  Seed seed;
  add(seed);
  onnx::ModelProto model = seed.finish();
  change(model);
  if (const auto done = write_file(folder / (name + ".onnx"), model.SerializeAsString()); !done) {
    std::fprintf(stderr, "%s\n", done.error().message.c_str());
    std::exit(1);
  }
}

void write_all(const fs::path& folder) {
  write(folder, "residual", add_residual);
  write(folder, "weights", add_weights);
  write(folder, "branches", add_branches);
  write(folder, "dimensions", add_dimensions);
  write(folder, "typed-data", add_typed_data);
  write(folder, "external", add_external);
  write(folder, "sparse", add_sparse);
  write(folder, "ir3", add_old, [](onnx::ModelProto& model) { model.set_ir_version(3); });
  write(folder, "unsorted", add_unsorted);
  write(folder, "chance", add_chance);
  write(folder, "heads", add_heads);
  write(folder, "layers", add_layers);
  write(folder, "loop", add_loop);
  write(folder, "function", add_residual, [](onnx::ModelProto& model) {
    auto& function = *model.add_functions();
    function.set_name("Relu");
    function.add_input("x");
    function.add_output("y");
    *function.add_node() = model.graph().node(0);
    model.add_metadata_props()->set_key("k");
    model.mutable_unknown_fields()->AddVarint(99, 7);
  });
  write(folder, "cycle", add_residual,
        [](onnx::ModelProto& model) { model.mutable_graph()->mutable_node(0)->set_input(0, "c"); });
}

}  // namespace
}  // namespace cloister

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: model_corpus FOLDER\n");
    return 2;
  }
  cloister::write_all(argv[1]);
  return 0;
}
