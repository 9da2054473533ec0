// Model files that are wrong, given to every command that reads one: one line on stderr that says
// what is wrong, the right exit code, and nothing written.
#include "tests/support/cloister.h"

namespace cloister {
namespace {

using test::Arguments;
using test::small_graph;
using zoo::make_tensor;
using zoo::ModelBuilder;

class BadModel : public test::CloisterTest {
 protected:
  void refused(const std::string& part, int code = 1, const std::string& name = "m.onnx") {
    const Arguments table[] = {{"inspect", name},
                               {"inspect", name, "--json"},
                               {"split", name, "--cut", "50%", "-o", "parts"},
                               {"run", name, "--random", "1", "-o", "y.npy"}};
    for (const Arguments& arguments : table) fails(arguments, code, part);
    EXPECT_FALSE(fs::exists(dir_ / "parts"));
    EXPECT_FALSE(fs::exists(dir_ / "y.npy"));
  }

  // The small model with its first weight in a file, 4 * 8 * 4 bytes from `offset`.
  onnx::ModelProto external(const std::string& location, const std::string& offset = "0") {
    onnx::ModelProto model = small_graph().finish();
    onnx::TensorProto& weight = *model.mutable_graph()->mutable_initializer(0);
    weight.clear_raw_data();
    weight.set_data_location(onnx::TensorProto::EXTERNAL);
    const std::pair<const char*, std::string> entries[] = {
        {"location", location}, {"offset", offset}, {"length", "128"}};
    for (const auto& [key, value] : entries) {
      auto* entry = weight.add_external_data();
      entry->set_key(key);
      entry->set_value(value);
    }
    return model;
  }
};

TEST_F(BadModel, Missing) {
  refused("can't open 'none.onnx': No such file or directory", 1, "none.onnx");
}

TEST_F(BadModel, AFolder) {
  fs::create_directory(dir_ / "folder");
  refused("'folder': not a regular file", 1, "folder");
}

TEST_F(BadModel, ZeroBytes) {
  ASSERT_TRUE(write_file(dir_ / "m.onnx", ""));
  refused("model 'm.onnx': the file is empty");
}

TEST_F(BadModel, SomethingElse) {
  ASSERT_TRUE(write_file(dir_ / "m.onnx", "This is not a model.\n"));
  refused("not an ONNX model");
}

// A cut at any byte is noticed, except where what is left is a smaller model.
TEST_F(BadModel, Truncated) {
  const std::string whole = small_graph().finish().SerializeAsString();
  for (size_t size = 1; size < whole.size(); size += 31) {
    ASSERT_TRUE(write_file(dir_ / "m.onnx", std::string_view(whole).substr(0, size)));
    fails({"inspect", "m.onnx"}, 1, "model 'm.onnx': ");
  }
}

// No byte may crash it, or make it print more than a line.
TEST_F(BadModel, Corrupted) {
  const std::string whole = small_graph().finish().SerializeAsString();
  size_t failed = 0;
  for (size_t at = 0; at < whole.size(); at += 13) {
    std::string bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ 0xff);
    ASSERT_TRUE(write_file(dir_ / "m.onnx", bytes));
    const test::Finished done = run({"run", "m.onnx", "--random", "1"});
    if (done.code == 0) continue;
    ++failed;
    EXPECT_THAT(done.code, testing::AnyOf(1, 2, 3)) << at << done.err;
    EXPECT_THAT(done.err, testing::StartsWith("cloister run: ")) << at;
    EXPECT_EQ(std::ranges::count(done.err, '\n'), 1) << at << done.err;
  }
  EXPECT_GT(failed, 5U);
}

TEST_F(BadModel, Cyclic) {
  ModelBuilder b("cycle");
  b.input("x", DType::kF32, {"N", 4});
  b.add({.op = "Add", .inputs = {"x", "late"}, .name = "first", .outputs = {"early"}});
  b.add({.op = "Relu", .inputs = {"early"}, .name = "second", .outputs = {"late"}});
  b.output("late", DType::kF32, {"N", 4});
  save(b.finish());
  refused("cycle");
}

TEST_F(BadModel, Nameless) {
  onnx::ModelProto model = small_graph().finish();
  model.mutable_graph()->mutable_input(0)->set_name("");
  save(model);
  refused("model 'm.onnx': input 0 has no name");
  model = small_graph().finish();
  model.mutable_graph()->mutable_output(0)->set_name("");
  save(model);
  refused("output 0 has no name");
}

TEST_F(BadModel, UsesWhatNothingMakes) {
  onnx::ModelProto model = small_graph().finish();
  model.mutable_graph()->mutable_node(1)->set_input(0, "nobody");
  save(model);
  refused("uses tensor 'nobody', which nothing defines");
}

TEST_F(BadModel, DuplicateOutput) {
  onnx::ModelProto model = small_graph().finish();
  *model.mutable_graph()->add_output() = model.graph().output(0);
  save(model);
  refused("output 'y' is listed twice");
  model = small_graph().finish();
  model.mutable_graph()->mutable_node(1)->set_output(0, "hidden");
  save(model);
  refused("tensor 'hidden' is defined twice");
}

TEST_F(BadModel, WrongType) {
  ModelBuilder b("types");
  b.input("x", DType::kF32, {"N", 4});
  b.initializer("w", make_tensor<int64_t>({4}, {1, 2, 3, 4}));
  b.add({.op = "Add", .inputs = {"x", "w"}, .name = "mixed", .outputs = {"y"}});
  b.output("y", DType::kF32, {"N", 4});
  save(b.finish());
  fails({"run", "m.onnx", "--random", "1"}, 1, "mixed");
  onnx::ModelProto model = small_graph().finish();
  model.mutable_graph()->mutable_initializer(0)->set_data_type(999);
  save(model);
  // Inspecting it is no error: a newer ONNX Runtime may know the type.
  fails({"run", "m.onnx", "--random", "1"}, 1, "Tensor 'w1' does not have valid data type");
}

TEST_F(BadModel, HugeDimension) {
  onnx::ModelProto model = small_graph().finish();
  model.mutable_graph()->mutable_initializer(0)->set_dims(0, 1LL << 62);
  save(model);
  refused("tensor 'w1'");
  model.mutable_graph()->mutable_initializer(0)->set_dims(0, 1LL << 40);
  save(model);
  refused("tensor 'w1'");
  model.mutable_graph()->mutable_initializer(0)->set_dims(0, -8);
  save(model);
  refused("tensor 'w1'");
}

// Only running it needs the memory.
TEST_F(BadModel, HugeInput) {
  ModelBuilder b("huge");
  b.input("x", DType::kF32, {"N", 1LL << 50});
  b.add({.op = "Relu", .inputs = {"x"}, .outputs = {"y"}});
  b.output("y", DType::kF32, {"N", 1LL << 50});
  save(b.finish());
  fails({"run", "m.onnx", "--random", "1"}, 1, "input 'x'");
}

TEST_F(BadModel, NothingInIt) {
  onnx::ModelProto model;
  model.set_ir_version(8);
  save(model);
  refused("no graph in it");
}

TEST_F(BadModel, UnknownOperator) {
  onnx::ModelProto model = small_graph().finish();
  model.mutable_graph()->mutable_node(1)->set_op_type("Frobnicate");
  save(model);
  fails({"run", "m.onnx", "--random", "1"}, 1, "Frobnicate");
}

TEST_F(BadModel, ExternalFileMissing) {
  save(external("w.bin"));
  refused("no file 'w.bin'");
}

TEST_F(BadModel, ExternalFileTooShort) {
  ASSERT_TRUE(write_file(dir_ / "w.bin", std::string(128, '\0')));
  save(external("w.bin"));
  done({"run", "m.onnx", "--random", "1"});
  save(external("w.bin", "64"));
  refused("external data ends at byte 192 of 'w.bin', which has 128");
  save(external("w.bin", "18446744073709551600"));
  refused("tensor 'w1'");
  save(external("w.bin", "-1"));
  refused("external data offset is '-1', want a number");
}

TEST_F(BadModel, ExternalPathEscapes) {
  test::TempDir elsewhere;
  ASSERT_TRUE(write_file(elsewhere / "w.bin", std::string(128, '\0')));
  save(external(elsewhere / "w.bin"));
  refused("is absolute", 3);
  save(external("../" + elsewhere.path().filename().string() + "/w.bin"));
  refused("contains '..'", 3);
  fs::create_symlink(elsewhere / "w.bin", dir_ / "link.bin");
  save(external("link.bin"));
  refused("leads out of the model's folder", 3);
  save(external(""));
  refused("external data has no location");
}

}  // namespace
}  // namespace cloister
