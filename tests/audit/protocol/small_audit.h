// A whole audit that takes seconds: small pictures of two classes, a small network.
#pragma once

#include "audit/protocol/run.h"
#include "engine/probe.h"
#include "tests/engine/small_models.h"
#include "tests/support/png.h"
#include "tests/support/temp_dir.h"

namespace cloister::audit::test {

inline constexpr uint32_t kSide = 32;

// Smooth pictures in folders `warm` and `cold`, every one different.
inline void write_pictures(const fs::path& folder, int count) {
  uint32_t state = 99;
  const auto next = [&] {
    state = state * 1664525U + 1013904223U;
    return static_cast<double>(state >> 8) / (1 << 24);
  };
  for (int i = 0; i < count; ++i) {
    const bool warm = i % 2 == 0;
    cloister::test::Picture picture{kSide, kSide, {}};
    const double a = next() * 6, b = next() * 6, c = next() * 6, level = 40 + 60 * next();
    for (uint32_t y = 0; y < kSide; ++y) {
      for (uint32_t x = 0; x < kSide; ++x) {
        const double wave = 50 * std::sin(a + x / 7.0) * std::cos(b + y / 6.0 + c);
        picture.rgb.push_back(static_cast<uint8_t>(level + wave + (warm ? 90 : 0)));
        picture.rgb.push_back(static_cast<uint8_t>(level + wave));
        picture.rgb.push_back(static_cast<uint8_t>(level - wave / 2 + (warm ? 0 : 90)));
      }
    }
    const fs::path sub = folder / (warm ? "warm" : "cold");
    fs::create_directories(sub);
    EXPECT_TRUE(write_file(sub / fmt::format("{:03}.png", i), cloister::test::png_bytes(picture)));
  }
}

inline AuditModel open_model(Model model) {
  Graph graph = *build_graph(std::move(model));
  EXPECT_TRUE(infer_types(graph, onnxruntime_probe()));
  CutList cuts = list_cuts(graph);
  return {std::move(graph), std::move(cuts)};
}

inline Model model_of(const Segment& segment) {
  onnx::ModelProto proto;
  proto.ParseFromString(segment.model);
  for (auto& initializer : *proto.mutable_graph()->mutable_initializer()) {
    for (const NamedTensor& weight : segment.weights) {
      if (weight.name != initializer.name()) continue;
      initializer.clear_external_data();
      initializer.clear_data_location();
      initializer.set_raw_data(weight.tensor.data().data(), weight.tensor.data().size());
    }
  }
  return *make_model(std::move(proto));
}

// conv, relu, conv, relu, pool, dense.
inline AuditModel picture_model() {
  using cloister::test::node;
  const std::string conv =
      "attribute { name: 'strides' type: INTS ints: 2 ints: 2 } "
      "attribute { name: 'pads' type: INTS ints: 1 ints: 1 ints: 1 ints: 1 } ";
  return open_model(model_of(cloister::test::small_segment(
      {{"x", DType::kF32, {-1, 3, kSide, kSide}}},
      node("Conv", {"x", "w1"}, "c1", conv) + node("Relu", {"c1"}, "r1") +
          node("Conv", {"r1", "w2"}, "c2", conv) + node("Relu", {"c2"}, "r2") +
          node("GlobalAveragePool", {"r2"}, "p") + node("Flatten", {"p"}, "f") +
          node("MatMul", {"f", "w3"}, "y"),
      {{"y", DType::kF32, {-1, 2}}},
      {{"w1", cloister::test::pattern({16, 3, 3, 3})},
       {"w2", cloister::test::pattern({16, 16, 3, 3})},
       {"w3", cloister::test::pattern({16, 2})}})));
}

inline AuditModel row_model(int64_t width) {
  using cloister::test::node;
  return open_model(model_of(cloister::test::small_segment(
      {{"x", DType::kF32, {-1, width}}},
      node("MatMul", {"x", "w1"}, "a") + node("Relu", {"a"}, "b") +
          node("MatMul", {"b", "w2"}, "y"),
      {{"y", DType::kF32, {-1, 2}}},
      {{"w1", cloister::test::pattern({width, 24})}, {"w2", cloister::test::pattern({24, 2})}})));
}

// Two numbers, a category and a label that follows from one number.
inline std::string table_text(int rows) {
  std::string text = "bytes,proto,packets,label\n";
  const std::string protos[] = {"tcp", "udp", "icmp"};
  for (int i = 0; i < rows; ++i) {
    const int bytes = i * 7919 % 1009;
    text += fmt::format("{},{},{}.5,{}\n", bytes, protos[i * 31 % 7 % 3], i * 104729 % 499,
                        bytes > 500 ? "high" : "low");
  }
  return text;
}

inline Budget small_budget() {
  return {.name = "quick",
          .attacker_train = 240,
          .attacker_validation = 32,
          .selection = 32,
          .certification = 64,
          .subsample = 8,
          .effort = {.network = {.width = 16, .blocks = 1},
                     .epochs = 8,
                     .batch = 16,
                     .learning_rate = 4e-3,
                     .iterations = 60,
                     .restarts = 1}};
}

inline AuditRecord frame() {
  AuditRecord record;
  record.tool = "cloister test";
  record.machine = "test";
  record.model = {
      .file = "model.onnx", .sha256 = std::string(64, 'a'), .input = "", .input_shape = {}};
  return record;
}

inline const ProgressCallback kSilent = [](double, const std::string&) { return Result<>(); };

}  // namespace cloister::audit::test
