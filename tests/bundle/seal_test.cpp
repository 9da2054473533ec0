#include "bundle/seal.h"

#include "engine/onnxruntime.h"
#include "engine/run.h"
#include "engine/segments.h"
#include "graph/extract.h"
#include "tests/bundle/sample_bundle.h"
#include "tests/support/tools.h"

namespace cloister::bundle {
namespace {

using test::expect_error;
using test::SampleBundle;
using test::value_of;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> names(const Manifest& manifest) {
  std::vector<std::string> out;
  for (const Entry& entry : manifest.entries) out.push_back(entry.name);
  return out;
}

NamedTensor input(int64_t batch) {
  Tensor x = *Tensor::make(DType::kF32, {batch, 16});
  float value = -1;
  for (float& element : x.mutable_as<float>()) element = value += 0.01F;
  return {"x", x};
}

// The bundle's segments give what the model gives.
void expect_runs(const SampleBundle& sample, int64_t batch) {
  const auto engine = value_of(make_onnxruntime());
  const Bundle bundle = value_of(sample.open());
  std::vector<std::unique_ptr<Program>> programs;
  for (const SegmentInfo& info : bundle.manifest().segments) {
    const Segment segment = value_of(bundle.segment(info.name, sample.identities));
    programs.push_back(value_of(engine->load(segment)));
    ASSERT_EQ(programs.back()->inputs().size(), info.inputs.size());
    for (size_t i = 0; i < info.inputs.size(); ++i) {
      const cloister::TensorSpec& spec = programs.back()->inputs()[i];
      EXPECT_EQ((TensorSpec{spec.name, spec.dtype, spec.dims}), info.inputs[i]);
    }
  }
  const auto whole = value_of(load_cut_model(*engine, sample.graph));
  const auto want = value_of(whole.run({input(batch)}));
  const auto got = value_of(run_segments(programs, {input(batch)}, {"y"}));
  EXPECT_TRUE(value_of(compare_outputs(got, want)).identical);
}

TEST(Seal, TwoSegments) {
  const SampleBundle sample;
  const Manifest& m = sample.manifest;
  EXPECT_THAT(names(m), ElementsAre("plan.json", "labels.txt", "head.onnx.age", "head.data.age",
                                    "body.onnx", "body.data"));
  EXPECT_EQ(m.created, "2023-11-14T22:13:20Z");
  EXPECT_EQ(m.segments[1].begin_cut, sample.cuts[0].id);
  EXPECT_EQ(m.segments[1].placement, Placement::kUntrusted);
  EXPECT_EQ(m.segments[1].inputs, (std::vector<TensorSpec>{{"h", DType::kF32, {-1, 1300}}}));
  EXPECT_EQ(m.recipients[0], sample.identities[0].recipient().text());
  expect_runs(sample, 3);
}

TEST(Seal, OneSegmentAndThree) {
  for (const size_t cuts : {0, 2}) {
    const SampleBundle sample({.cuts = cuts});
    EXPECT_EQ(sample.manifest.segments.size(), cuts + 1);
    expect_runs(sample, 2);
  }
}

TEST(Seal, AFixedBatch) {
  const SampleBundle sample({.max_batch = 1});
  EXPECT_EQ(sample.manifest.inputs[0].dims, (std::vector<int64_t>{1, 16}));
  expect_runs(sample, 1);
}

TEST(Seal, NothingSecretIsInTheFile) {
  const SampleBundle sample;
  const std::string file = *read_file(sample.path);
  const auto find = [&](const std::string& name) {
    const Bytes data = sample.graph.model.weights.at(name).data().first(64);
    return file.find(as_text(data)) != std::string::npos;
  };
  EXPECT_FALSE(find("w_h0"));
  EXPECT_TRUE(find("w_a0"));
  EXPECT_THAT(test::read_zip(sample.path)[0].first, "manifest.json");
  // And nothing is left beside it.
  std::vector<std::string> files;
  for (const auto& each : fs::directory_iterator(sample.dir.path())) {
    files.push_back(each.path().filename());
  }
  EXPECT_THAT(files, ElementsAre("m.cloister"));
}

TEST(Seal, WeightsAreAligned) {
  const SampleBundle sample;
  const Bundle bundle = value_of(sample.open());
  const Segment head = value_of(bundle.segment("head", sample.identities));
  onnx::ModelProto model;
  ASSERT_TRUE(model.ParseFromString(head.model));
  for (const auto& tensor : model.graph().initializer()) {
    ASSERT_EQ(tensor.external_data(0).value(), "head.data");
    EXPECT_EQ(std::stoull(tensor.external_data(1).value()) % 4096, 0U);
  }
}

// Anybody can take a bundle apart with age, minisign and unzip.
TEST(Seal, ToolsOfOthersOpenIt) {
  SKIP_WITHOUT("age");
  SKIP_WITHOUT("minisign");
  const SampleBundle sample;
  for (const auto& [name, content] : test::read_zip(sample.path)) {
    ASSERT_TRUE(write_file(sample.dir / name, content));
  }
  const auto identity = sample.identities[0].text();
  ASSERT_TRUE(write_file(sample.dir / "key.txt", identity.text()));
  const auto verified = test::run_tool(
      "minisign", {"-V", "-m", "manifest.json", "-P", sample.key.public_key.text()}, sample.dir);
  EXPECT_EQ(verified.code, 0) << verified.err;
  EXPECT_THAT(verified.out, HasSubstr("sample version 3"));
  for (const char* name : {"head.onnx", "head.data"}) {
    const auto opened = test::run_tool(
        "age", {"-d", "-i", "key.txt", "-o", name, std::string(name) + ".age"}, sample.dir);
    ASSERT_EQ(opened.code, 0) << opened.err;
  }
  // What comes out are ONNX files.
  const auto engine = value_of(make_onnxruntime());
  const Model head = value_of(read_model(sample.dir / "head.onnx"));
  EXPECT_TRUE(engine->load(to_segment(head)));
  EXPECT_TRUE(read_model(sample.dir / "body.onnx"));
}

TEST(Seal, WhatDoesNotFit) {
  const SampleBundle sample;
  const fs::path path = sample.dir / "other.cloister";
  SealOptions options;
  std::vector<std::string> ids;
  for (const Cut& cut : sample.cuts) ids.push_back(cut.id);
  options.segments = segments_between(ids);
  options.created_seconds = 1;
  options.model_name = "a/b";
  options.key = &sample.key;
  const auto sealed = [&] { return seal(sample.graph, sample.cuts, options, path); };
  expect_error(sealed(), Kind::kInvalid, "model name 'a/b'");
  options.model_name = "a";
  expect_error(sealed(), Kind::kUsage, "no recipients");
  options.recipients = {sample.identities[0].recipient()};
  expect_error(sealed(), Kind::kInvalid, "manifest: ");
  EXPECT_FALSE(fs::exists(path));
  expect_error(seal(sample.graph, sample.cuts, options, "/none/x"), Kind::kIo,
               "can't write '/none/x': No such file");
}

}  // namespace
}  // namespace cloister::bundle
