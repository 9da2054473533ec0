#include "graph/validate.h"

#include "tests/support/graphs.h"

namespace cloister {
namespace {

using test::expect_error;
using test::TestGraph;

// x -> Relu -> y
TestGraph chain() {
  TestGraph b;
  b.f32("x");
  b.op("y", "Relu", {"x"});
  b.outputs({"y"});
  return b;
}

using Change = void (*)(onnx::ModelProto&);
struct WrongModel {
  const char* name;
  Change change;
  const char* says;
};

const WrongModel kWrong[] = {
    {"NoGraph", [](auto& m) { m.clear_graph(); }, "this is not an ONNX model"},
    {"EmptyGraph", [](auto& m) { m.mutable_graph()->Clear(); }, "this is not an ONNX model"},
    {"NoIr", [](auto& m) { m.clear_ir_version(); }, "IR version 0, want 1 or more"},
    {"NegativeIr", [](auto& m) { m.set_ir_version(-7); }, "IR version -7, want 1 or more"},
    {"NoOpset", [](auto& m) { m.clear_opset_import(); }, "no opset import, want at least one"},
    {"NoOutputs", [](auto& m) { m.mutable_graph()->clear_output(); }, "the graph has no outputs"},
    {"NamelessInput", [](auto& m) { m.mutable_graph()->mutable_input(0)->clear_name(); },
     "input 0 has no name"},
    {"NamelessOutput", [](auto& m) { m.mutable_graph()->mutable_output(0)->clear_name(); },
     "output 0 has no name"},
    {"NamelessInitializer", [](auto& m) { m.mutable_graph()->add_initializer(); },
     "initializer 0 has no name"},
    {"NamelessSparse", [](auto& m) { m.mutable_graph()->add_sparse_initializer(); },
     "initializer 0 has no name"},
    {"NamelessOperator", [](auto& m) { m.mutable_graph()->mutable_node(0)->clear_op_type(); },
     "node 0 ('make y') has no operator"},
    {"UndefinedInput", [](auto& m) { m.mutable_graph()->mutable_node(0)->set_input(0, "ghost"); },
     "Relu 'make y' uses tensor 'ghost', which nothing defines"},
    {"UnmadeOutput", [](auto& m) { m.mutable_graph()->mutable_output(0)->set_name("ghost"); },
     "outputs 'ghost', an output of"},
    {"OutputTwice",
     [](auto& m) { *m.mutable_graph()->add_output() = onnx::ValueInfoProto(m.graph().output(0)); },
     "output 'y' is listed twice"},
    {"InputTwice",
     [](auto& m) { *m.mutable_graph()->add_input() = onnx::ValueInfoProto(m.graph().input(0)); },
     "tensor 'x' is defined twice: by input 0 and by input 1"},
    {"MadeTwice",
     [](auto& m) {
       auto& node = *m.mutable_graph()->add_node();
       node = m.graph().node(0);
       node.set_name("again");
     },
     "tensor 'y' is defined twice: by Relu 'make y' and by Relu 'again'"},
    {"MakesAnInput", [](auto& m) { m.mutable_graph()->mutable_node(0)->set_output(0, "x"); },
     "tensor 'x' is defined twice: by input 0 and by Relu 'make y'"},
    {"TwoDefaults",
     [](auto& m) {
       for (int i = 0; i < 2; ++i) m.mutable_graph()->add_initializer()->set_name("x");
     },
     "tensor 'x' is defined twice: by input 0 and by initializer 1"},
    {"OpsetsDisagree",
     [](auto& m) {
       m.add_opset_import()->set_domain("ai.onnx");
       m.mutable_opset_import(1)->set_version(13);
     },
     "opset imports of domain '' disagree: 17 and 13"},
    {"NamelessFunction", [](auto& m) { m.add_functions(); }, "function has no name"},
    {"FunctionTwice",
     [](auto& m) {
       for (int i = 0; i < 2; ++i) m.add_functions()->set_name("F");
     },
     "model-local function '::F' is defined twice"},
    {"HostileName", [](auto& m) { m.mutable_graph()->mutable_node(0)->set_input(0, "a\x1b[2J\n"); },
     "uses tensor 'a\\x1b[2J\\x0a', which nothing defines"},
};

class Validate : public testing::TestWithParam<WrongModel> {};

TEST_P(Validate, SaysWhatIsWrong) {
  onnx::ModelProto model = chain().finish();
  GetParam().change(model);
  expect_error(validate(model), Kind::kInvalid, GetParam().says);
}

INSTANTIATE_TEST_SUITE_P(Wrong, Validate, testing::ValuesIn(kWrong),
                         [](const auto& test) { return test.param.name; });

TEST(ValidateModel, AcceptsWhatOnnxAllows) {
  const auto accepts = [](const char* what, Change change) {
    onnx::ModelProto model = chain().finish();
    change(model);
    const auto valid = validate(model);
    EXPECT_TRUE(valid) << what << ": " << valid.error().message;
  };
  accepts("the same opset twice", [](auto& m) {
    m.add_opset_import()->set_domain("ai.onnx");
    m.mutable_opset_import(1)->set_version(17);
  });
  accepts("no opset before IR 3", [](auto& m) {
    m.clear_opset_import();
    m.set_ir_version(2);
  });
  accepts("a default value", [](auto& m) { m.mutable_graph()->add_initializer()->set_name("x"); });
  accepts("a sparse default value", [](auto& m) {
    m.mutable_graph()->add_sparse_initializer()->mutable_values()->set_name("x");
  });
  accepts("an input as an output",
          [](auto& m) { m.mutable_graph()->mutable_output(0)->set_name("x"); });
  accepts("optional inputs and outputs that are left out", [](auto& m) {
    m.mutable_graph()->mutable_node(0)->add_input("");
    m.mutable_graph()->mutable_node(0)->add_output("");
    m.mutable_graph()->mutable_node(0)->add_output("");
  });
  accepts("an operator nobody knows, of an opset yet to come", [](auto& m) {
    m.mutable_graph()->mutable_node(0)->set_op_type("Quux");
    m.mutable_opset_import(0)->set_version(99);
  });
  accepts("function overloads", [](auto& m) {
    // Field 13 is `overload`, newer than the protobuf this is built with.
    for (const char* overload : {"a", "b"}) {
      auto& function = *m.add_functions();
      function.set_name("F");
      function.mutable_unknown_fields()->AddLengthDelimited(13, overload);
    }
  });
}

// x, cond -> If(then: uses `captured`) -> y
onnx::ModelProto with_branch(const std::string& captured) {
  TestGraph branch;
  branch.op("inner", "Relu", {captured});
  branch.outputs({"inner"});
  const onnx::GraphProto body = body_of(branch);
  TestGraph b;
  b.f32("x");
  b.input("cond", DType::kBool, {});
  b.op("y", "If", {"cond"}, {{"then_branch", body}, {"else_branch", body}});
  b.outputs({"y"});
  return b.finish();
}

TEST(ValidateModel, LooksIntoSubgraphs) {
  EXPECT_TRUE(validate(with_branch("x")));
  expect_error(validate(with_branch("ghost")), Kind::kInvalid,
               "in If 'make y': Relu 'make inner' uses tensor 'ghost', which nothing defines");
  // What a branch makes is its own.
  onnx::ModelProto model = with_branch("x");
  model.mutable_graph()->mutable_output(0)->set_name("inner");
  expect_error(validate(model), Kind::kInvalid, "outputs 'inner', an output of");
  // A branch may hide an outer name, and give an outer tensor as its output.
  model = with_branch("x");
  auto& branch = *model.mutable_graph()->mutable_node(0)->mutable_attribute(0)->mutable_g();
  branch.mutable_output(0)->set_name("x");
  branch.mutable_node(0)->set_output(0, "y");
  EXPECT_TRUE(validate(model));
}

}  // namespace
}  // namespace cloister
