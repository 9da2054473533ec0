#include "bundle/manifest.h"

#include <nlohmann/json.hpp>

#include "bundle/age.h"
#include "tests/support/graphs.h"

namespace cloister::bundle {
namespace {

using test::expect_error;
using test::value_of;
using Json = nlohmann::ordered_json;

Entry entry(const std::string& name) {
  Entry e{.name = name, .bytes = 1000, .sha256 = std::string(64, name[0] == 'p' ? 'b' : 'c')};
  if (!name.ends_with(".age")) return e;
  e.plain_bytes = 500;
  e.plain_sha256 = std::string(64, 'd');
  return e;
}

Manifest sample_manifest() {
  Manifest m;
  m.tool = "cloister 0.1.0";
  m.created = "2025-01-31T12:00:00Z";
  m.model_name = "resnet50-v1.5";
  m.version = 7;
  m.model_sha256 = std::string(64, 'a');
  m.plan_sha256 = std::string(64, 'b');
  m.max_batch = 8;
  const TensorSpec x{"x", DType::kF32, {-1, 3, 224, 224}};
  const TensorSpec h{"h", DType::kF32, {-1, 64}};
  const TensorSpec y{"y", DType::kF32, {-1, 1000}};
  m.inputs = {x};
  m.outputs = {y};
  const auto planned = segments_between({"c1a2b3"});
  m.segments = {{planned[0], {x}, {h}}, {planned[1], {h}, {y}}};
  m.recipients = {"age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"};
  m.entries = {entry("plan.json"), entry("head.onnx.age"), entry("head.data.age"),
               entry("body.onnx"), entry("body.data"),     entry("labels.txt")};
  return m;
}

TEST(Manifest, ThereAndBack) {
  const std::string json = manifest_json(sample_manifest());
  const Manifest read = value_of(parse_manifest(json));
  EXPECT_EQ(manifest_json(read), json);
  EXPECT_EQ(read.segments[1].inputs, sample_manifest().segments[1].inputs);
  EXPECT_EQ(read.entry("head.data.age")->plain_bytes, 500U);
  EXPECT_EQ(read.entry("audit.json"), nullptr);
  EXPECT_EQ(read.segment("tail"), nullptr);
}

TEST(Manifest, InputsMayHaveBounds) {
  Manifest m = sample_manifest();
  for (TensorSpec* spec : {&m.inputs[0], &m.segments[0].inputs[0]}) spec->dims[3] = -1;
  const std::string without = manifest_json(m);
  EXPECT_EQ(without.find("most"), std::string::npos);
  m.inputs[0].most = {-1, -1, -1, 512};
  const std::string json = manifest_json(m);
  EXPECT_EQ(value_of(parse_manifest(json)).inputs, m.inputs);
  const auto refuse = [&](TensorSpec& spec, std::vector<int64_t> most, const char* why) {
    const auto kept = std::exchange(spec.most, std::move(most));
    expect_error(check_manifest(m), Kind::kInvalid, why);
    spec.most = kept;
  };
  refuse(m.inputs[0], {-1, 512}, "'x' has 4 dimensions and 2 bounds");
  refuse(m.inputs[0], {-1, 3, -1, -1}, "'x' has a bound for dimension 1, which is fixed");
  refuse(m.inputs[0], {8, -1, -1, -1}, "'x' has a bound for its batch, whose bound is max_batch");
  refuse(m.inputs[0], {-1, -1, -1, 0}, "'x' has a bound of 0");
  refuse(m.segments[0].inputs[0], {-1, -1, -1, 9}, "which only the model's inputs have");
  refuse(m.outputs[0], {-1, -1}, "which only the model's inputs have");
}

TEST(Manifest, EntriesOfASegment) {
  EXPECT_EQ(model_entry(sample_manifest().segments[0]), "head.onnx.age");
  EXPECT_EQ(weights_entry(sample_manifest().segments[0]), "head.data.age");
  EXPECT_EQ(weights_file(sample_manifest().segments[0]), "head.data");
  EXPECT_EQ(model_entry(sample_manifest().segments[1]), "body.onnx");
  EXPECT_EQ(weights_entry(sample_manifest().segments[1]), "body.data");
}

TEST(Manifest, NamesSegmentsByTheirBytes) {
  Manifest manifest = sample_manifest();
  const std::string digest = segment_sha256(manifest, manifest.segments[1]);
  manifest.version += 1;
  manifest.model_name = "another";
  EXPECT_EQ(segment_sha256(manifest, manifest.segments[1]), digest);
  for (Entry& entry : manifest.entries) {
    if (entry.name == "body.onnx") entry.sha256 = std::string(64, '9');
  }
  EXPECT_NE(segment_sha256(manifest, manifest.segments[1]), digest);
}

TEST(Manifest, ModelNames) {
  for (const char* name : {"a", "A-b_c.9", "9"}) EXPECT_TRUE(check_model_name(name)) << name;
  for (const std::string& name :
       {std::string(), std::string(".."), std::string("a/b"), std::string("a b"),
        std::string("\xc3\xa4"), std::string("a\0", 2), std::string(101, 'a')}) {
    expect_error(check_model_name(name), Kind::kInvalid, "want 1 to 100 letters");
  }
}

TEST(Manifest, KeysAndTypesAreStrict) {
  const Json good = Json::parse(manifest_json(sample_manifest()));
  for (const auto& [key, value] : good.items()) {
    Json bad = good;
    bad.erase(key);
    EXPECT_FALSE(parse_manifest(bad.dump())) << key;
    bad = good;
    bad[key] = Json::object();
    EXPECT_FALSE(parse_manifest(bad.dump())) << key;
  }
  Json more = good;
  more["comment"] = "x";
  expect_error(parse_manifest(more.dump()), Kind::kInvalid, "manifest: unknown key 'comment'");
  more = good;
  more["schema"] = "cloister/manifest/3";
  expect_error(parse_manifest(more.dump()), Kind::kUnsupported, "want 'cloister/manifest/2'");
  // Other words for what version 1 said are none of version 2's.
  more = good;
  more["cut"] = "c1a2b3";
  expect_error(parse_manifest(more.dump()), Kind::kInvalid, "unknown key 'cut'");
  more = good;
  more["version"] = 0;
  expect_error(parse_manifest(more.dump()), Kind::kInvalid, "version: 0");
  more = good;
  more["inputs"][0]["shape"][0] = -2;
  expect_error(parse_manifest(more.dump()), Kind::kInvalid, "inputs[0].shape[0]: -2");
  more = good;
  more["segments"][0]["placement"] = "public";
  expect_error(parse_manifest(more.dump()), Kind::kInvalid, "want trusted, untrusted");
}

// One change each to what is right otherwise.
TEST(Manifest, PartsThatDoNotFit) {
  const auto wrong = [](const std::string& part, const std::function<void(Manifest&)>& change) {
    Manifest m = sample_manifest();
    change(m);
    expect_error(parse_manifest(manifest_json(m)), Kind::kInvalid, part);
  };
  EXPECT_TRUE(check_manifest(sample_manifest()));
  wrong("created: 'yesterday'", [](Manifest& m) { m.created = "yesterday"; });
  wrong("model name '../x'", [](Manifest& m) { m.model_name = "../x"; });
  wrong("segments: none", [](Manifest& m) { m.segments.clear(); });
  wrong("segments: 'head' and 'body' are both untrusted: one segment",
        [](Manifest& m) { m.segments[0].placement = Placement::kUntrusted; });
  wrong("segments: the first, 'body', is untrusted", [](Manifest& m) {
    m.segments.erase(m.segments.begin());
    m.segments[0].begin_cut.clear();
  });
  wrong("segments: 'head' is there twice", [](Manifest& m) { m.segments[1].name = "head"; });
  wrong("segments: 'body' begins at cut 'c2', want 'c1a2b3'",
        [](Manifest& m) { m.segments[1].begin_cut = "c2"; });
  wrong("head.inputs: the first dimension of 'x' is not the batch",
        [](Manifest& m) { m.segments[0].inputs[0].dims[0] = 1; });
  wrong("outputs: the first dimension of 'y' is not the batch",
        [](Manifest& m) { m.outputs[0].dims.clear(); });
  wrong("head.outputs: 'h' occurs twice",
        [](Manifest& m) { m.segments[0].outputs.push_back(m.segments[0].outputs[0]); });
  wrong("body.outputs: none", [](Manifest& m) { m.segments[1].outputs.clear(); });
  wrong("body: nothing makes its input 'z'",
        [](Manifest& m) { m.segments[1].inputs[0].name = "z"; });
  wrong("body: its input 'h' is f16[?,64], and f32[?,64] is made",
        [](Manifest& m) { m.segments[1].inputs[0].dtype = DType::kF16; });
  Manifest seen = sample_manifest();
  seen.segments[1].inputs.push_back(seen.inputs[0]);
  expect_error(parse_manifest(manifest_json(seen)), Kind::kRefused,
               "body: it would see the model's input 'x'");
  wrong("outputs: nothing makes 'z'", [](Manifest& m) { m.outputs[0].name = "z"; });
  wrong("recipients: none", [](Manifest& m) { m.recipients.clear(); });
  wrong("recipient 'age1x'", [](Manifest& m) { m.recipients[0] = "age1x"; });
  wrong("entry 'tail.data.age' does not belong",
        [](Manifest& m) { m.entries.push_back(entry("tail.data.age")); });
  wrong("entry 'head.onnx' does not belong",
        [](Manifest& m) { m.entries[1] = entry("head.onnx"); });
  wrong("entry '../x' does not belong", [](Manifest& m) { m.entries[1] = entry("../x"); });
  wrong("entry 'body.data' occurs twice",
        [](Manifest& m) { m.entries.push_back(entry("body.data")); });
  wrong("no entry 'body.onnx'", [](Manifest& m) { m.entries.erase(m.entries.begin() + 3); });
  wrong("no entry 'plan.json'", [](Manifest& m) { m.entries.erase(m.entries.begin()); });
  wrong("plain_bytes and plain_sha256", [](Manifest& m) { m.entries[1].plain_bytes.reset(); });
  wrong("plain_bytes and plain_sha256",
        [](Manifest& m) { m.entries[3].plain_sha256 = std::string(64, 'a'); });
  wrong("1000 plain bytes in 1000", [](Manifest& m) { m.entries[1].plain_bytes = 1000; });
  wrong("plan_sha256 is not", [](Manifest& m) { m.plan_sha256 = std::string(64, 'e'); });
  wrong("audit_sha256 is not", [](Manifest& m) { m.entries.push_back(entry("audit.json")); });
}

}  // namespace
}  // namespace cloister::bundle
