// Audits as an audit might find them, made up: pictures through a ResNet-50 at five cuts, and rows
// of a table through a small network at two.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "audit/record.h"
#include "tests/support/png.h"

namespace cloister::test {

using namespace audit;

inline std::string sample_splits(size_t selection, size_t certification) {
  return fmt::format(
      R"({{"schema": "cloister/splits/1", "source": {{"kind": "images", "name": "photos"}},)"
      R"("seed": 1, "inputs": 6012, "exact_duplicates_removed": 0, "equal_inputs_removed": 12,)"
      R"("equal_inputs_with_other_labels": 1, "unused": 0, "victim_train": "unknown",)"
      R"("skipped": {{"count": 1, "first": [{{"id": "a/b.jpg", "reason": "truncated"}}]}},)"
      R"("parts": {{"attacker-train": {{"inputs": 4200, "ids_sha256": "00"}},)"
      R"("attacker-validation": {{"inputs": 600, "ids_sha256": "00"}},)"
      R"("selection": {{"inputs": {}, "ids_sha256": "00"}},)"
      R"("certification": {{"inputs": {}, "ids_sha256": "00"}}}}}})",
      selection, certification);
}

// Scores around `mean`, rounded as an audit rounds them.
inline std::vector<double> sample_scores(std::mt19937& random, size_t n, double mean,
                                         double spread) {
  std::vector<double> scores(n);
  for (double& score : scores) {
    const double u = static_cast<double>(random()) / 4294967296.0;
    score = std::round(std::clamp(mean + spread * (2 * u - 1), 0.0, 1.0) * 1e5) / 1e5;
  }
  return scores;
}

struct Sample {
  size_t selection = 60;
  size_t certification = 600;
  Metric metric = Metric::kSsim;
};

inline AttackerRecord sample_attacker(std::mt19937& random, const Sample& sample,
                                      const std::string& name, double mean) {
  AttackerRecord out;
  out.name = name;
  out.training_inputs = 4200;
  out.seconds = 312.5;
  if (name == "cgan" || name == "inverse-net") {
    out.convergence = "best validation at epoch 11 of 12, 0.3 % above the epoch before";
    for (int epoch = 1; epoch <= 12; ++epoch) {
      const double part = 1 - std::exp(-epoch / 3.0);
      out.curve.push_back({epoch, 0.4 * (1.1 - part), mean * part});
    }
  }
  if (name == "rmle") {
    for (size_t i = 0; i < 100; ++i) out.certification.inputs.push_back(6 * i);
  }
  const size_t n = name == "rmle" ? 100 : sample.certification;
  out.selection.metrics.push_back(
      {sample.metric, sample_scores(random, sample.selection, mean, 0.1)});
  if (name == "rmle") {
    for (size_t i = 0; i < sample.selection; ++i) out.selection.inputs.push_back(i);
  }
  out.certification.metrics.push_back({sample.metric, sample_scores(random, n, mean, 0.1)});
  if (sample.metric == Metric::kSsim) {
    out.certification.metrics.push_back({Metric::kPsnrDb, {}});
    for (const double score : out.certification.metrics[0].values) {
      out.certification.metrics[1].values.push_back(std::round((8 + 20 * score) * 1e5) / 1e5);
    }
    out.certification.reidentification = {std::min(1.0, mean * mean * 1.3), 1.0 / 600, 600};
    out.certification.label_agreement = mean;
  }
  return out;
}

inline AttackerRecord sample_baseline(std::mt19937& random, const Sample& sample,
                                      const std::string& name, double mean) {
  AttackerRecord out = sample_attacker(random, sample, name, mean);
  out.seconds = 0.5;
  return out;
}

// A landscape under a sun, of 64 pixels a side.
inline Picture sample_picture(unsigned seed) {
  std::mt19937 random(seed);
  const auto next = [&](int below) { return static_cast<int>(random() % below); };
  Picture out{64, 64, std::vector<uint8_t>(64 * 64 * 3)};
  const int sun_x = 8 + next(48);
  const int sun_y = 8 + next(16);
  const double phase = next(628) / 100.0;
  const int tint = next(80);
  for (int y = 0; y < 64; ++y) {
    for (int x = 0; x < 64; ++x) {
      const double far = 34 + 6 * std::sin(x / 9.0 + phase);
      const double near = 46 + 5 * std::sin(x / 5.0 + 2 * phase);
      uint8_t* pixel = &out.rgb[3 * (64 * y + x)];
      int rgb[3] = {90 + 2 * y, 130 + tint + y, 220};
      if (std::hypot(x - sun_x, y - sun_y) < 6)
        std::copy_n(std::array{255, 226, 120}.data(), 3, rgb);
      if (y > far) std::copy_n(std::array{70, 110 + tint / 2, 90}.data(), 3, rgb);
      if (y > near) std::copy_n(std::array{40 + 5 * (x % 3), 80 + tint, 40}.data(), 3, rgb);
      for (int c = 0; c < 3; ++c) pixel[c] = static_cast<uint8_t>(std::clamp(rgb[c], 0, 255));
    }
  }
  return out;
}

// What an attacker might have made of it.
inline Picture blurred(const Picture& picture, int radius) {
  Picture out = picture;
  const int side = static_cast<int>(picture.width);
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      for (int c = 0; c < 3; ++c) {
        int sum = 0;
        int count = 0;
        for (int v = std::max(0, y - radius); v <= std::min(side - 1, y + radius); ++v) {
          for (int u = std::max(0, x - radius); u <= std::min(side - 1, x + radius); ++u) {
            sum += picture.rgb[3 * (side * v + u) + c];
            ++count;
          }
        }
        out.rgb[3 * (side * y + x) + c] = static_cast<uint8_t>(sum / count);
      }
    }
  }
  return out;
}

inline void add_gallery(CutRecord& cut, unsigned cut_index, double mean, const fs::path& folder) {
  const auto save = [&](const std::string& name, const Picture& picture) {
    fs::create_directories((folder / name).parent_path());
    if (!write_file(folder / name, png_bytes(picture))) throw std::runtime_error(name);
    return name;
  };
  const std::pair<std::string, double> kinds[] = {
      {"typical", 0}, {"best", -0.08}, {"worst", 0.08}, {"typical", 0.01}};
  unsigned seed = 7;
  for (const auto& [kind, shift] : kinds) {
    const Picture original = sample_picture(seed);
    GalleryRow row;
    row.kind = kind;
    row.input = 31 * seed;
    row.score = std::clamp(mean + shift, 0.0, 1.0);
    row.original = save(fmt::format("gallery/{}.png", row.input), original);
    for (const AttackerRecord& attacker : cut.attackers) {
      const int radius = static_cast<int>(2 * cut_index) + (attacker.name == "cgan" ? 1 : 0);
      const Picture made =
          attacker.name == "retrieval" ? sample_picture(seed + 1) : blurred(original, radius);
      row.reconstructions.push_back(
          {attacker.name, row.score - 0.01,
           save(fmt::format("gallery/{}/{}-{}.png", cut.id, row.input, attacker.name), made)});
    }
    cut.gallery.push_back(row);
    ++seed;
  }
}

inline AuditRecord sample_base(const Sample& sample, std::mt19937& random) {
  AuditRecord r;
  r.tool = "cloister 0.1.0";
  r.machine = "x86_64, 2 cores, 7.8 GiB, Linux 6.1";
  r.model.sha256 = std::string(62, '0') + "a1";
  r.splits = sample_splits(sample.selection, sample.certification);
  r.settings.budget = "standard";
  r.settings.threads = 2;
  r.settings.device = "cpu";
  r.settings.libtorch = "1.13.1";
  r.metric = sample.metric;
  r.policy = default_policy(sample.metric);
  r.baselines.push_back(sample_baseline(random, sample, "constant", 0.16));
  r.baselines.push_back(sample_baseline(random, sample, "random-same-class", 0.1));
  return r;
}

// Pictures: of the five cuts the deepest resists. With a folder, its gallery is written there.
inline AuditRecord sample_pictures(const fs::path& folder = {}) {
  std::mt19937 random(1);
  const Sample sample;
  AuditRecord r = sample_base(sample, random);
  r.kind = "images";
  r.model.file = "resnet50.onnx";
  r.model.input = "data";
  r.model.input_shape = {1, 3, 64, 64};
  r.settings.size = 64;
  r.settings.numbers = {{"epochs", 12}, {"width", 64}, {"rmle_iterations", 2000}};
  r.notes = {"It is not known what the victim was trained on."};
  r.positive_control_cut = "c0a1b2c";
  r.positive_controls = {{"inverse-net", 0.981, 0.16}, {"cgan", 0.974, 0.16}};
  r.negative_control_cut = "c7654ff";
  r.negative_controls = {{"inverse-net", 0.164, 0.16}, {"cgan", 0.158, 0.16}};
  const struct {
    const char* id;
    const char* tensor;
    Shape shape;
    double share, mean, probe;
  } cuts[] = {{"c0a1b2c", "resnetv17_relu0_fwd", {1, 64, 32, 32}, 0.029, 0.95, 0.81},
              {"c31e9d0", "resnetv17_pool0_fwd", {1, 64, 16, 16}, 0.031, 0.79, 0.8},
              {"c2aca4d", "resnetv17_stage1_activation2", {1, 256, 16, 16}, 0.28, 0.6, 0.79},
              {"cd303de", "resnetv17_stage2_activation3", {1, 512, 8, 8}, 0.53, 0.314, 0.8},
              {"c7654ff", "resnetv17_stage3_activation5", {1, 1024, 4, 4}, 0.86, 0.21, 0.82}};
  unsigned index = 0;
  for (const auto& from : cuts) {
    CutRecord& cut = r.cuts.emplace_back();
    cut.id = from.id;
    cut.tensors = {{from.tensor, DType::kF32, from.shape}};
    cut.macs_share = from.share;
    cut.bytes = 4 * *element_count(from.shape);
    for (const auto& [name, less] : {std::pair("inverse-net", 0.0), std::pair("cgan", 0.02),
                                     std::pair("rmle", 0.05), std::pair("retrieval", 0.1)}) {
      cut.attackers.push_back(sample_attacker(random, sample, name, from.mean - less - 0.04));
    }
    cut.data_gain = DataGain{from.mean - 0.012, from.mean};
    cut.data_gain_attacker = "inverse-net";
    cut.probe = ProbeRecord{"label", {from.probe, 0.1, 600}};
    if (!folder.empty()) add_gallery(cut, index, from.mean, folder);
    ++index;
  }
  if (const auto judged = judge_record(r, r.policy); !judged) {
    throw std::runtime_error(judged.error().message);
  }
  return r;
}

// A table: the first cut carries the input, and of the second some columns come back.
inline AuditRecord sample_table() {
  std::mt19937 random(2);
  const Sample sample{.metric = Metric::kRowMatch};
  AuditRecord r = sample_base(sample, random);
  r.kind = "table";
  r.model.file = "ton_iot.onnx";
  r.model.input = "features";
  r.model.input_shape = {1, 9};
  r.settings.numbers = {{"epochs", 40}};
  r.positive_control_cut = "c111111";
  r.positive_controls = {{"inverse-net", 0.99, 0.16}};
  r.negative_control_cut = "c222222";
  r.negative_controls = {{"inverse-net", 0.17, 0.16}};
  const char* names[] = {"src_port",  "dst_port",  "proto",      "service",  "duration",
                         "src_bytes", "dst_bytes", "conn_state", "dns_query"};
  for (int i = 0; i < 2; ++i) {
    CutRecord& cut = r.cuts.emplace_back();
    cut.id = i == 0 ? "c111111" : "c222222";
    cut.tensors = {{i == 0 ? "features" : "hidden", DType::kF32, {1, i == 0 ? 9 : 32}}};
    cut.macs_share = i == 0 ? 0 : 0.4;
    cut.bytes = i == 0 ? 36 : 128;
    if (i == 0) cut.exposed_by_construction = "features";
    for (const std::string name : {"inverse-net", "retrieval"}) {
      cut.attackers.push_back(sample_attacker(random, sample, name, i == 0 ? 0.95 : 0.5));
      for (int c = 0; c < 9; ++c) {
        const double found = i == 0 ? 1 : std::min(1.0, 0.2 + 0.09 * c);
        const bool categorical = c == 2 || c == 3 || c == 7;
        cut.attackers.back().certification.columns.push_back(
            {names[c], categorical, categorical ? std::nullopt : std::optional(2 * found - 1),
             found, found / (categorical ? 1 : 3), 0.25, categorical ? 0.25 : 0.05});
      }
    }
    cut.data_gain = DataGain{0.6, 0.61};
    cut.probe = ProbeRecord{"label", {0.97, 0.5, 600}};
  }
  r.policy.attackers = {"inverse-net", "retrieval"};
  if (const auto judged = judge_record(r, r.policy); !judged) {
    throw std::runtime_error(judged.error().message);
  }
  return r;
}

}  // namespace cloister::test
