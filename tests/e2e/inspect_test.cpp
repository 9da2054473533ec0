// `cloister inspect`: tables for people, and JSON as docs/formats/inspect.md says.
#include "base/sha256.h"
#include "tests/support/cloister.h"

namespace cloister {
namespace {

using nlohmann::json;
using test::small_graph;
using testing::ElementsAre;
using testing::HasSubstr;
using zoo::ModelBuilder;

std::vector<std::string> keys(const json& object) {
  std::vector<std::string> names;
  for (const auto& [key, _] : object.items()) names.push_back(key);
  return names;
}

class Inspect : public test::CloisterTest {
 protected:
  // One of tests/data/wild as m.onnx.
  void copy_wild(const std::string& name) {
    fs::copy_file(test::data_path("wild/" + name + ".onnx"), dir_ / "m.onnx",
                  fs::copy_options::overwrite_existing);
  }

  // x[1,4], fixed; with `mixing`, items of a batch would not be independent.
  void save_fixed(bool mixing) {
    ModelBuilder b = small_graph(1);
    if (mixing) {
      b.add({.op = "ReduceSum", .inputs = {"y"}, .attrs = {{"keepdims", 1}}, .outputs = {"sum"}});
      b.add({.op = "Div", .inputs = {"y", "sum"}, .outputs = {"share"}});
      b.output("share", DType::kF32, {1, 3});
    }
    save(b.finish());
  }
};

TEST_F(Inspect, TablesForPeople) {
  save(small_graph().finish());
  const std::string out = done({"inspect", "m.onnx"});
  EXPECT_THAT(out, HasSubstr("m.onnx\n  input       x f32[N,4]\n  output      y f32[N,3]\n"));
  EXPECT_THAT(out, HasSubstr("2, of which 2 carry a single tensor"));
  EXPECT_THAT(out, HasSubstr("f32[N,8] active\n"));
  const std::string layers = done({"inspect", "m.onnx", "--layers"});
  EXPECT_THAT(layers, HasSubstr("1  Gemm      hidden"));
  EXPECT_GT(layers.size(), out.size());
}

TEST_F(Inspect, JsonHasTheDocumentedFields) {
  save(small_graph().finish());
  const json root = json_of({"inspect", "m.onnx", "--json"});
  ASSERT_TRUE(root.is_object());
  EXPECT_THAT(keys(root), ElementsAre("boundaries", "boundaries_merged", "cuts", "cuts_too_wide",
                                      "cuts_untyped", "dimensions", "inputs", "layers", "macs",
                                      "macs_known", "model", "notes", "outputs", "parameters",
                                      "schema", "tool_version", "weight_bytes"));
  EXPECT_EQ(root["schema"], "cloister/inspect/1");
  EXPECT_EQ(root["model"]["file"], "m.onnx");
  EXPECT_EQ(root["model"]["file_sha256"], to_hex(sha256(as_bytes(*read_file(dir_ / "m.onnx")))));
  EXPECT_EQ(root["inputs"], json::parse(R"([{"name": "x", "dtype": "f32", "shape": ["N", 4]}])"));
  EXPECT_EQ(root["outputs"], json::parse(R"([{"name": "y", "dtype": "f32", "shape": ["N", 3]}])"));
  EXPECT_EQ(root["parameters"], 8 * 4 + 3 * 8);
  EXPECT_EQ(root["macs"], 8 * 4 + 3 * 8);
  EXPECT_EQ(root["macs_known"], true);
  EXPECT_EQ(root["weight_bytes"], 4 * (8 * 4 + 3 * 8));
  ASSERT_EQ(root["layers"].size(), 3U);
  for (const json& layer : root["layers"]) {
    EXPECT_THAT(keys(layer), ElementsAre("domain", "macs", "name", "operator", "outputs",
                                         "shape_only", "weight_bytes"));
  }
  ASSERT_EQ(root["cuts"].size(), 2U);
  for (const json& cut : root["cuts"]) {
    EXPECT_THAT(keys(cut), ElementsAre("bytes", "bytes_as_fp16", "exposed_by_construction", "id",
                                       "macs_after", "macs_before", "macs_share", "position",
                                       "shape_tensors", "single_tensor", "tensors",
                                       "weight_bytes_after", "weight_bytes_before"));
  }
  const json& cut = root["cuts"][1];
  EXPECT_THAT(cut["id"].get<std::string>(), testing::MatchesRegex("c[0-9a-f]+"));
  EXPECT_EQ(cut["tensors"][0]["name"], "active");
  EXPECT_EQ(cut["position"], 2);
  EXPECT_EQ(cut["single_tensor"], true);
  EXPECT_EQ(cut["exposed_by_construction"], nullptr);
  EXPECT_EQ(cut["bytes"], 32);
  EXPECT_EQ(cut["bytes_as_fp16"], 16);
  EXPECT_EQ(cut["macs_before"], 32);
  EXPECT_EQ(cut["macs_after"], 24);
  EXPECT_DOUBLE_EQ(cut["macs_share"], 32.0 / 56);
}

// Every field that the JSON has is in the page about it.
TEST_F(Inspect, EveryFieldIsDocumented) {
  save(small_graph().finish());
  const json root = json_of({"inspect", "m.onnx", "--json"});
  const std::string page = *read_file(test::data_path("../../docs/formats/inspect.md"));
  const auto check = [&](const json& object, const std::string& prefix) {
    for (const std::string& key : keys(object)) {
      if (object[key].is_object()) continue;
      EXPECT_THAT(page, HasSubstr("`" + prefix + key + "`"));
    }
  };
  check(root, "");
  check(root["model"], "model.");
  check(root["inputs"][0], "");
  check(root["layers"][0], "");
  check(root["cuts"][0], "");
}

TEST_F(Inspect, NamesThatAreNotText) {
  onnx::ModelProto model = small_graph().finish();
  for (auto* name : {model.mutable_graph()->mutable_node(1)->mutable_output(0),
                     model.mutable_graph()->mutable_node(2)->mutable_input(0)}) {
    *name = "a\x1b[31m\xff\n";
  }
  save(model);
  EXPECT_THAT(done({"inspect", "m.onnx"}), HasSubstr("a\\x1b[31m\\xff\\x0a"));
  EXPECT_TRUE(json_of({"inspect", "m.onnx", "--json"}).is_object());
}

TEST_F(Inspect, MarksWhatIsExposedByConstruction) {
  ModelBuilder b("flat");
  b.input("x", DType::kF32, {"N", 2, 4});
  b.random("w", {3, 8});
  b.add({.op = "Flatten", .inputs = {"x"}, .outputs = {"flat"}});
  b.add({.op = "Gemm", .inputs = {"flat", "w"}, .attrs = {{"transB", 1}}, .outputs = {"y"}});
  b.add({.op = "Relu", .inputs = {"y"}, .outputs = {"z"}});
  b.output("z", DType::kF32, {"N", 3});
  save(b.finish());
  EXPECT_THAT(done({"inspect", "m.onnx"}), HasSubstr("f32[N,8] flat  ! carries 'flat'"));
  const json root = json_of({"inspect", "m.onnx", "--json"});
  EXPECT_THAT(root["cuts"][0]["exposed_by_construction"].get<std::string>(), HasSubstr("'x'"));
}

TEST_F(Inspect, MaxTensorsLeavesWideCutsOut) {
  ModelBuilder b("wide");
  b.input("x", DType::kF32, {"N", 4});
  for (const std::string op : {"Relu", "Tanh", "Sigmoid"}) {
    b.add({.op = op, .inputs = {"x"}, .outputs = {op}});
  }
  b.add({.op = "Sum", .inputs = {"Relu", "Tanh", "Sigmoid"}, .outputs = {"y"}});
  b.add({.op = "Relu", .inputs = {"y"}, .outputs = {"z"}});
  b.output("z", DType::kF32, {"N", 4});
  save(b.finish());
  const json all = json_of({"inspect", "m.onnx", "--json"});
  const json few = json_of({"inspect", "m.onnx", "--json", "--max-tensors", "1"});
  EXPECT_GT(all["cuts"].size(), few["cuts"].size());
  EXPECT_EQ(all["cuts"].size() + all["cuts_too_wide"].get<size_t>(),
            few["cuts"].size() + few["cuts_too_wide"].get<size_t>());
  fails({"inspect", "m.onnx", "--max-tensors", "0"}, 2, "--max-tensors");
}

TEST_F(Inspect, DimSetsASymbolicDimension) {
  ModelBuilder b("sequence");
  b.input("x", DType::kF32, {"N", "length", 4});
  b.random("w", {4, 8});
  b.add({.op = "MatMul", .inputs = {"x", "w"}, .outputs = {"h"}});
  b.add({.op = "Relu", .inputs = {"h"}, .outputs = {"y"}});
  b.output("y", DType::kF32, {"N", "length", 8});
  save(b.finish());
  const json open = json_of({"inspect", "m.onnx", "--json"});
  EXPECT_EQ(open["macs_known"], false);
  const json root = json_of({"inspect", "m.onnx", "--json", "--dim", "length=10"});
  EXPECT_EQ(root["macs"], 10 * 4 * 8);
  EXPECT_EQ(root["cuts"][0]["bytes"], 10 * 8 * 4);
  fails({"inspect", "m.onnx", "--dim", "width=10"}, 2, "no symbolic dimension 'width'");
  for (const std::string bad : {"length", "=3", "length=", "length=0", "length=-1", "length=3x"}) {
    fails({"inspect", "m.onnx", "--dim", bad}, 2, "want NAME=VALUE with a value of 1 or more");
  }
}

TEST_F(Inspect, NamesDimensionsWithoutASize) {
  copy_wild("unnamed");
  EXPECT_THAT(done({"inspect", "m.onnx"}),
              HasSubstr("without a size; give one with --dim 'x[2]=SIZE' --dim 'x[3]=SIZE'\n"));
  EXPECT_THAT(done({"inspect", "m.onnx", "--dim", "x[2]=16", "--dim", "x[3]=16"}),
              HasSubstr("f32[N,8,16,16] a"));
  copy_wild("tokens");
  EXPECT_THAT(done({"inspect", "m.onnx"}), HasSubstr("input       ids i64[N,tokens]\n"));
  fails({"inspect", "m.onnx", "--dim", "Tokens=8"}, 2, "'Tokens', want one of N, tokens");
  fails({"split", "m.onnx", "--cut", "20%", "-o", "parts"}, 2, "give sizes with --dim: tokens");
}

TEST_F(Inspect, SaysWhatItHadToFindOut) {
  copy_wild("zipmap");
  const auto map = run({"inspect", "m.onnx"});
  EXPECT_EQ(map.code, 0);
  EXPECT_THAT(map.err, HasSubstr("note: output 'probs' is a list of maps (ZipMap)"));
  EXPECT_THAT(map.err, HasSubstr("had to be run on zeros"));
  EXPECT_THAT(map.out, HasSubstr("output      p f32[N,3]\n"));
  EXPECT_EQ(run({"run", "m.onnx", "--random", "1"}).code, 0);
  copy_wild("split_on_batch");
  EXPECT_THAT(run({"inspect", "m.onnx"}).err, HasSubstr("note: the model fails at a batch of 3"));
}

TEST_F(Inspect, PublicInputsExposeNothing) {
  copy_wild("encoder_with_mask");
  const auto exposed = [&](const json& root) {
    return std::ranges::count_if(
        root["cuts"], [](const json& cut) { return !cut["exposed_by_construction"].is_null(); });
  };
  const json secret = json_of({"inspect", "m.onnx", "--json"});
  const json known = json_of({"inspect", "m.onnx", "--json", "--public", "mask"});
  EXPECT_LT(exposed(known), exposed(secret));
  EXPECT_GT(exposed(known), 0);
  fails({"inspect", "m.onnx", "--public", "m4"}, 2,
        "--public: no input 'm4', want one of ids, mask");
}

TEST_F(Inspect, DynamicBatch) {
  save_fixed(false);
  EXPECT_THAT(done({"inspect", "m.onnx"}), HasSubstr("x f32[1,4]"));
  EXPECT_THAT(done({"inspect", "m.onnx", "--dynamic-batch"}), HasSubstr("x f32[N,4]"));
  save_fixed(true);
  fails({"inspect", "m.onnx", "--dynamic-batch"}, 1, "the batch can't be made symbolic");
  save(small_graph(5).finish());
  fails({"inspect", "m.onnx", "--dynamic-batch"}, 1, "'x'");
}

TEST_F(Inspect, CutIdsDoNotDependOnOptions) {
  save(small_graph().finish());
  const json a = json_of({"inspect", "m.onnx", "--json"});
  const json b = json_of({"inspect", "m.onnx", "--json", "--max-tensors", "9"});
  EXPECT_EQ(a["cuts"], b["cuts"]);
}

}  // namespace
}  // namespace cloister
