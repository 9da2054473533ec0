#include "graph/zoo/zoo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>
#include <onnxruntime_cxx_api.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <map>
#include <numeric>

#include "base/sha256.h"
#include "engine/probe.h"
#include "graph/cost.h"
#include "graph/cuts.h"
#include "graph/zoo/random.h"
#include "tensor/tensor.h"

namespace cloister {
namespace {

using zoo::RandomStream;
using zoo::uniform_f32;

// Multiply-accumulates at batch 1. Knows the shapes of what the zoo's operators make, and nothing
// of how the zoo builds them.
uint64_t count_macs(const onnx::GraphProto& graph) {
  std::map<std::string, Shape> shapes;
  std::map<std::string, Shape> constants;  // int64 tensors, for Reshape
  for (const auto& init : graph.initializer()) {
    shapes[init.name()] = Shape(init.dims().begin(), init.dims().end());
  }
  for (const auto& input : graph.input()) {
    Shape& shape = shapes[input.name()];
    for (const auto& dim : input.type().tensor_type().shape().dim()) {
      shape.push_back(dim.has_dim_param() ? 1 : dim.dim_value());
    }
  }
  const auto product = [](const Shape& s) {
    return std::accumulate(s.begin(), s.end(), uint64_t{1}, std::multiplies<>());
  };
  uint64_t macs = 0;
  for (const auto& node : graph.node()) {
    const std::string& op = node.op_type();
    const auto in = [&](int i) -> const Shape& { return shapes.at(node.input(i)); };
    const auto ints = [&](std::string_view name) {
      const auto attr = std::ranges::find(node.attribute(), name, &onnx::AttributeProto::name);
      return Shape(attr->ints().begin(), attr->ints().end());
    };
    Shape out;
    if (op == "Conv" || op == "MaxPool") {
      const Shape kernel = ints("kernel_shape"), pads = ints("pads"), strides = ints("strides");
      out = {1, op == "Conv" ? in(1)[0] : in(0)[1]};
      const size_t rank = kernel.size();
      for (size_t i = 0; i < rank; ++i) {
        out.push_back((in(0)[i + 2] + pads[i] + pads[i + rank] - kernel[i]) / strides[i] + 1);
      }
      if (op == "Conv") macs += product(out) * product(in(1)) / in(1)[0];
    } else if (op == "Gemm") {
      EXPECT_EQ(in(0)[1], in(1)[1]);
      out = {in(0)[0], in(1)[0]};
      macs += product(in(1));
    } else if (op == "MatMul") {
      out = in(0);
      out.back() = in(1).back();
      macs += product(out) * in(0).back();
    } else if (op == "GlobalAveragePool") {
      out = {1, in(0)[1], 1, 1};
    } else if (op == "Flatten") {
      out = {1, static_cast<int64_t>(product(in(0)))};
    } else if (op == "ReduceMean") {
      out = {in(0)[0], in(0)[2]};
    } else if (op == "Unsqueeze") {
      out = in(0);
      out.insert(out.begin() + 1, 1);
    } else if (op == "Transpose") {
      for (const int64_t axis : ints("perm")) out.push_back(in(0)[axis]);
    } else if (op == "Gather") {
      out = in(1);
      out.push_back(in(0)[1]);
    } else if (op == "Split") {
      out = in(0);
      out.back() /= 3;
    } else if (op == "Constant") {
      const onnx::TensorProto& value = node.attribute(0).t();
      out = Shape(value.dims().begin(), value.dims().end());
      if (value.data_type() == onnx::TensorProto::INT64) {
        Shape& numbers = constants[node.output(0)];
        numbers.resize(value.raw_data().size() / sizeof(int64_t));
        std::memcpy(numbers.data(), value.raw_data().data(), value.raw_data().size());
      }
    } else if (op == "Reshape") {
      out = constants.at(node.input(1));
      out[0] = in(0)[0];
      out[1] = 1;
      out[1] = static_cast<int64_t>(product(in(0)) / product(out));
    } else {  // element by element, broadcast
      for (int i = 0; i < node.input_size(); ++i) {
        if (product(in(i)) > product(out) || out.empty()) out = in(i);
      }
    }
    for (const std::string& name : node.output()) shapes[name] = out;
  }
  return macs;
}

uint64_t count_parameters(const onnx::GraphProto& graph) {
  uint64_t count = 0;
  for (const auto& init : graph.initializer()) {
    if (!init.name().ends_with(".weight") && !init.name().ends_with(".bias")) continue;
    count += init.raw_data().size() / sizeof(float);
  }
  return count;
}

std::string digest(std::string_view name, uint64_t seed) {
  return to_hex(sha256(as_bytes(make_zoo_model(name, seed)->SerializeAsString())));
}

// A model in ONNX Runtime, with one input of `batch` examples and one output.
class Session {
 public:
  explicit Session(const std::string& model)
      : env_(ORT_LOGGING_LEVEL_ERROR), session_(env_, model.data(), model.size(), options()) {}

  Shape input_shape(int64_t batch) const {
    Shape shape = session_.GetInputTypeInfo(0).GetTensorTypeAndShapeInfo().GetShape();
    shape[0] = batch;
    return shape;
  }

  std::vector<float> run(const char* input_name, Ort::Value input) {
    const char* const output_name = "logits";
    auto outputs = session_.Run(Ort::RunOptions{}, &input_name, &input, 1, &output_name, 1);
    const float* values = outputs[0].GetTensorData<float>();
    return {values, values + outputs[0].GetTensorTypeAndShapeInfo().GetElementCount()};
  }

 private:
  static Ort::SessionOptions options() {
    Ort::SessionOptions options;
    options.SetIntraOpNumThreads(1);
    return options;
  }

  Ort::Env env_;
  Ort::Session session_;
};

// Examples `first`, `first` + 1, ... up to `count` of them.
std::vector<float> classify(Session& session, const std::string& input, int first, int count) {
  const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
  if (input == "tokens") {
    const std::array<int64_t, 2> shape = {count, 64};
    std::vector<int64_t> tokens(count * 64);
    const RandomStream stream(7, "tokens");
    for (size_t i = 0; i < tokens.size(); ++i) tokens[i] = stream[first * 64 + i] % 256;
    return session.run("tokens", Ort::Value::CreateTensor<int64_t>(memory, tokens.data(),
                                                                   tokens.size(), shape.data(), 2));
  }
  const Shape shape = session.input_shape(count);
  const size_t per_example = *element_count(shape) / count;
  std::vector<float> pixels(count * per_example);
  for (int i = 0; i < count; ++i) {
    // Unit variance, like normalized photos.
    const RandomStream stream(7, fmt::format("image {}", first + i));
    const std::string bytes = uniform_f32(stream, per_example, {.radius = std::sqrt(3.0f)});
    std::memcpy(&pixels[i * per_example], bytes.data(), bytes.size());
  }
  return session.run(input.c_str(),
                     Ort::Value::CreateTensor<float>(memory, pixels.data(), pixels.size(),
                                                     shape.data(), shape.size()));
}

double deviation(const std::vector<float>& values) {
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / values.size();
  double squares = 0;
  for (const float value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / values.size());
}

int64_t classes_of(const ZooEntry& entry) {
  if (entry.sizes.classes > 0) return entry.sizes.classes;
  return entry.name == "tiny_transformer" ? 8 : 1000;
}

class Zoo : public ::testing::TestWithParam<std::string_view> {
 protected:
  const ZooEntry& entry_ = **find_zoo_entry(GetParam());
};

TEST_P(Zoo, HasThePublishedSize) {
  const auto model = make_zoo_model(GetParam(), 1);
  ASSERT_TRUE(model);
  EXPECT_EQ(count_parameters(model->graph()), entry_.parameters);
  EXPECT_EQ(count_macs(model->graph()), entry_.macs);
}

TEST_P(Zoo, IsAValidModel) {
  const auto model = zoo_model(GetParam(), 1);
  ASSERT_TRUE(model) << model.error().message;
  const auto whole = make_zoo_model(GetParam(), 1);
  size_t large = 0;
  for (const auto& init : whole->graph().initializer()) {
    if (init.raw_data().size() < kWeightBytes) continue;
    ++large;
    ASSERT_TRUE(model->weights.contains(init.name())) << init.name();
    EXPECT_TRUE(as_text(model->weights.at(init.name()).data()) == init.raw_data()) << init.name();
  }
  EXPECT_EQ(model->weights.size(), large);

  auto graph = build_graph(*model);
  ASSERT_TRUE(graph);
  ASSERT_TRUE(infer_types(*graph, onnxruntime_probe()));
  EXPECT_EQ(trainable_parameters(*graph), entry_.parameters);
  const CutList cuts = list_cuts(*graph);
  EXPECT_TRUE(cuts.macs_known);
  EXPECT_EQ(cuts.total_macs, entry_.macs);
  const Value* logits = graph->find("logits");
  ASSERT_NE(logits, nullptr);
  EXPECT_EQ(logits->type.text(), fmt::format("f32[N,{}]", classes_of(entry_)));
}

TEST_P(Zoo, RunsInOnnxRuntime) {
  std::string bytes, input;
  {
    const auto model = make_zoo_model(GetParam(), 1);
    ASSERT_TRUE(model);
    input = model->graph().input(0).name();
    bytes = model->SerializeAsString();
  }
  Session session(bytes);
  bytes = {};
  const std::vector<float> first = classify(session, input, 0, 1);
  const std::vector<float> second = classify(session, input, 1, 1);
  const std::vector<float> both = classify(session, input, 0, 2);

  ASSERT_EQ(first.size(), static_cast<size_t>(classes_of(entry_)));
  ASSERT_EQ(both.size(), 2 * first.size());
  const double scale = deviation(first);
  RecordProperty("logits_std", fmt::format("{:.3f}", scale));
  EXPECT_GT(scale, 0.05);
  EXPECT_LT(scale, 50);
  double difference = 0;
  for (size_t i = 0; i < first.size(); ++i) {
    ASSERT_TRUE(std::isfinite(first[i]) && std::isfinite(second[i]));
    EXPECT_NEAR(both[i], first[i], 1e-4 * scale);
    EXPECT_NEAR(both[first.size() + i], second[i], 1e-4 * scale);
    difference = std::max<double>(difference, std::abs(first[i] - second[i]));
  }
  // The answer depends on the question.
  EXPECT_GT(difference, 0.02 * scale);
  RecordProperty("difference", fmt::format("{:.4f}", difference / scale));
}

std::vector<std::string_view> names() {
  std::vector<std::string_view> names;
  for (const ZooEntry* entry : zoo_entries()) names.push_back(entry->name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Models, Zoo, ::testing::ValuesIn(names()),
                         [](const auto& param_info) { return std::string(param_info.param); });

TEST(ZooEntries, DependOnTheSeedAlone) {
  for (const ZooEntry* entry : zoo_entries()) {
    if (entry->parameters > 100'000'000) continue;  // slow, and made by the same code
    SCOPED_TRACE(entry->name);
    const std::string once = digest(entry->name, 1);
    EXPECT_EQ(digest(entry->name, 1), once);
    EXPECT_NE(digest(entry->name, 2), once);
  }
}

TEST(ZooEntries, SomeHaveOpenSizes) {
  for (const char* name : {"mlp", "cnn1d"}) {
    SCOPED_TRACE(name);
    const auto model = zoo_model(name, 1, {.features = 39, .classes = 5});
    ASSERT_TRUE(model) << model.error().message;
    auto graph = build_graph(*model);
    ASSERT_TRUE(graph && infer_types(*graph, onnxruntime_probe()));
    EXPECT_EQ(graph->find("features")->type.text(), "f32[N,39]");
    EXPECT_EQ(graph->find("logits")->type.text(), "f32[N,5]");
    EXPECT_TRUE(zoo_model(name, 1, {.features = 4, .classes = 2}));
    const auto narrow = zoo_model(name, 1, {.features = 3});
    ASSERT_FALSE(narrow);
    EXPECT_EQ(narrow.error().kind, Kind::kUsage);
    EXPECT_EQ(narrow.error().message, "3 features, want 4 to 65536");
    EXPECT_FALSE(zoo_model(name, 1, {.classes = 65'537}));
    EXPECT_FALSE(zoo_model(name, 1, {.features = -5}));
  }
  const auto pictures = zoo_model("small_cnn", 1, {.classes = 5});
  ASSERT_TRUE(pictures) << pictures.error().message;
  auto graph = build_graph(*pictures);
  ASSERT_TRUE(graph && infer_types(*graph, onnxruntime_probe()));
  EXPECT_EQ(graph->find("logits")->type.text(), "f32[N,5]");
  for (const auto& [name, sizes, message] :
       {std::tuple{"tiny_transformer", ZooSizes{.classes = 4},
                   "'tiny_transformer' has a fixed number of classes; it can be chosen for mlp, "
                   "cnn1d, small_cnn"},
        {"small_cnn",
         {.features = 4},
         "'small_cnn' has a fixed number of features; it can be chosen for mlp, cnn1d"}}) {
    const auto fixed = zoo_model(name, 1, sizes);
    ASSERT_FALSE(fixed);
    EXPECT_EQ(fixed.error().kind, Kind::kUsage);
    EXPECT_EQ(fixed.error().message, message);
  }
}

TEST(ZooEntries, AnUnknownNameListsTheKnown) {
  const auto none = make_zoo_model("resnet51", 1);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, Kind::kNotFound);
  EXPECT_THAT(none.error().message, ::testing::HasSubstr("'resnet51'"));
  for (const ZooEntry* entry : zoo_entries()) {
    EXPECT_THAT(none.error().message, ::testing::HasSubstr(std::string(entry->name)));
    EXPECT_FALSE(entry->description.empty() || entry->source.empty());
  }
}

}  // namespace
}  // namespace cloister
