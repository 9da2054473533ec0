#include "graph/inline.h"

#include "engine/engine.h"
#include "engine/onnxruntime.h"
#include "tests/support/graphs.h"

namespace cloister {
namespace {

using test::TestGraph;
using test::value_of;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

onnx::FunctionProto& add_function(onnx::ModelProto& model, const std::string& name,
                                  const std::vector<std::string>& inputs,
                                  const std::vector<std::string>& outputs) {
  onnx::FunctionProto& function = *model.add_functions();
  function.set_domain("local");
  function.set_name(name);
  for (const std::string& input : inputs) function.add_input(input);
  for (const std::string& output : outputs) function.add_output(output);
  *function.mutable_opset_import() = model.opset_import();
  return function;
}

onnx::NodeProto& add_node(onnx::FunctionProto& function, const std::string& op,
                          const std::vector<std::string>& inputs, const std::string& output,
                          const std::string& domain = "") {
  onnx::NodeProto& node = *function.add_node();
  node.set_op_type(op);
  node.set_domain(domain);
  for (const std::string& input : inputs) node.add_input(input);
  node.add_output(output);
  return node;
}

// y = Twice(x), where Twice calls Step and Step has an attribute and an inner name `t`, which the
// graph has, too.
onnx::ModelProto nested() {
  TestGraph b;
  b.opset("local", 1);
  b.f32("x", {2, 4});
  b.op("t", "Relu", {"x"});
  b.op("y", "Twice", {"t"}, {{"slope", 0.25F}}, "local");
  b.outputs({"y"});
  onnx::ModelProto model = b.finish();
  onnx::FunctionProto& step = add_function(model, "Step", {"v"}, {"w"});
  step.add_attribute("alpha");
  auto& alpha = *add_node(step, "LeakyRelu", {"v"}, "t").add_attribute();
  alpha.set_name("alpha");
  alpha.set_ref_attr_name("alpha");
  alpha.set_type(onnx::AttributeProto::FLOAT);
  add_node(step, "Neg", {"t"}, "w");
  onnx::FunctionProto& twice = add_function(model, "Twice", {"in"}, {"out"});
  twice.add_attribute("slope");
  for (const auto& [from, to] : {std::pair("in", "mid"), std::pair("mid", "out")}) {
    auto& given = *add_node(twice, "Step", {from}, to, "local").add_attribute();
    given.set_name("alpha");
    given.set_ref_attr_name("slope");
    given.set_type(onnx::AttributeProto::FLOAT);
  }
  return model;
}

std::vector<std::string> ops(const Model& model) {
  std::vector<std::string> names;
  for (const auto& node : model.proto->graph().node()) names.push_back(node.op_type());
  return names;
}

std::vector<float> run(const Model& model, const std::vector<float>& x) {
  const auto engine = value_of(make_onnxruntime({}));
  const auto program = value_of(engine->load(to_segment(model)));
  const auto input = value_of(Tensor::copy_of(DType::kF32, {2, 4}, std::as_bytes(std::span(x))));
  const auto outputs = value_of(program->run(std::vector{input.view()}));
  return {outputs[0].as<float>().begin(), outputs[0].as<float>().end()};
}

TEST(InlineFunctions, AtAnyDepthWithAttributes) {
  const Model before = value_of(make_model(nested()));
  const Model after = inline_functions(before);
  EXPECT_THAT(ops(after), ElementsAre("Relu", "LeakyRelu", "Neg", "LeakyRelu", "Neg"));
  EXPECT_THAT(after.proto->functions(), IsEmpty());
  const std::vector<float> x = {-3, 1, -0.5F, 2, 0, -7, 4, 1e-3F};
  EXPECT_EQ(run(after, x), run(before, x));
  // Names of functions are not those of the graph.
  EXPECT_TRUE(build_graph(after));
  EXPECT_EQ(inline_functions(before).proto->SerializeAsString(), after.proto->SerializeAsString());
}

TEST(InlineFunctions, InSubgraphsWhichTheyMayHaveThemselves) {
  TestGraph branch;
  branch.op("called", "F", {"x"}, {}, "local");
  branch.outputs({"called"});
  const onnx::GraphProto body = body_of(branch);
  TestGraph b;
  b.opset("local", 1);
  b.f32("x", {2, 4});
  b.initializer("cond", zoo::make_tensor<bool>({}, {true}));
  b.op("y", "If", {"cond"}, {{"then_branch", body}, {"else_branch", body}});
  b.outputs({"y"});
  onnx::ModelProto model = b.finish();
  onnx::FunctionProto& function = add_function(model, "F", {"v"}, {"w"});
  TestGraph inner;
  inner.op("doubled", "Add", {"v", "v"});
  inner.outputs({"doubled"});
  const onnx::GraphProto inner_body = body_of(inner);
  add_node(function, "Constant", {}, "flag").add_attribute()->CopyFrom([] {
    onnx::AttributeProto value;
    value.set_name("value");
    value.set_type(onnx::AttributeProto::TENSOR);
    value.mutable_t()->set_data_type(onnx::TensorProto::BOOL);
    value.mutable_t()->add_int32_data(1);
    return value;
  }());
  auto& choice = add_node(function, "If", {"flag"}, "w");
  for (const char* name : {"then_branch", "else_branch"}) {
    auto& attribute = *choice.add_attribute();
    attribute.set_name(name);
    attribute.set_type(onnx::AttributeProto::GRAPH);
    *attribute.mutable_g() = inner_body;
  }
  const Model before = value_of(make_model(model));
  const Model after = inline_functions(before);
  EXPECT_THAT(after.proto->functions(), IsEmpty());
  const std::vector<float> x = {-3, 1, -0.5F, 2, 0, -7, 4, 9};
  EXPECT_EQ(run(after, x), run(before, x));
}

TEST(InlineFunctions, OutputsThatAreInputsAreHandedOn) {
  TestGraph b;
  b.opset("local", 1);
  b.f32("x", {2, 4});
  b.add({.op = "F", .inputs = {"x"}, .outputs = {"y", "z"}, .domain = "local"});
  b.outputs({"y", "z"});
  onnx::ModelProto model = b.finish();
  onnx::FunctionProto& function = add_function(model, "F", {"v"}, {"v", "w"});
  add_node(function, "Neg", {"v"}, "w");
  const Model after = inline_functions(value_of(make_model(model)));
  EXPECT_THAT(ops(after), ElementsAre("Neg", "Identity"));
  EXPECT_TRUE(build_graph(after));
}

TEST(InlineFunctions, StayWhereTheirMeaningWouldChange) {
  const auto with = [](const auto& change) {
    onnx::ModelProto model = nested();
    change(model);
    return ops(inline_functions(value_of(make_model(model))));
  };
  using testing::Contains;
  EXPECT_THAT(
      with([](auto& m) { m.mutable_functions(1)->mutable_opset_import(0)->set_version(7); }),
      Contains("Twice"));
  // A default of an attribute, in a field that Debian's ONNX does not know.
  EXPECT_THAT(with([](auto& m) {
                m.mutable_functions(1)->mutable_unknown_fields()->AddLengthDelimited(11, "");
              }),
              Contains("Twice"));
  EXPECT_THAT(with([](auto& m) {
                m.mutable_graph()->mutable_node(1)->mutable_unknown_fields()->AddLengthDelimited(
                    8, "overload");
              }),
              Contains("Twice"));
}

TEST(InlineFunctions, GrowNoFurtherThanALimit) {
  // Each calls the next one twice: 2^40 nodes.
  TestGraph b;
  b.opset("local", 1);
  b.f32("x", {2, 4});
  b.op("y", "F0", {"x"}, {}, "local");
  b.outputs({"y"});
  onnx::ModelProto model = b.finish();
  for (int i = 0; i < 40; ++i) {
    onnx::FunctionProto& function = add_function(model, fmt::format("F{}", i), {"v"}, {"w"});
    const std::string next = i < 39 ? fmt::format("F{}", i + 1) : "Neg";
    const std::string domain = i < 39 ? "local" : "";
    add_node(function, next, {"v"}, "t", domain);
    add_node(function, next, {"t"}, "w", domain);
  }
  EXPECT_LT(inline_functions(value_of(make_model(model))).proto->graph().node_size(), 300'000);
  // One that calls itself.
  TestGraph c;
  c.opset("local", 1);
  c.f32("x", {2, 4});
  c.op("y", "G", {"x"}, {}, "local");
  c.outputs({"y"});
  onnx::ModelProto circle = c.finish();
  add_node(add_function(circle, "G", {"v"}, {"w"}), "G", {"v"}, "w", "local");
  EXPECT_THAT(ops(inline_functions(value_of(make_model(circle)))), ElementsAre("G"));
}

// Found by fuzz/model_fuzz.cpp: functions are not validated as the file has them.
TEST(InlineFunctions, ThatMakeNoModelAreRefused) {
  onnx::ModelProto missing = nested();
  missing.mutable_functions(0)->mutable_node(1)->set_output(0, "elsewhere");
  test::expect_error(build_graph(value_of(make_model(missing))), Kind::kInvalid, "");
  onnx::ModelProto unknown = nested();
  unknown.mutable_functions(1)->mutable_node(0)->set_input(0, "nothing");
  test::expect_error(build_graph(value_of(make_model(unknown))), Kind::kInvalid, "nothing");
}

}  // namespace
}  // namespace cloister
