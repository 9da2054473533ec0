// What an audit found, as plain data: audit.json (docs/formats/audit.md). The planner, the report
// and the bundle read it; anybody can judge it again under another policy, since it holds one score
// an input.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "audit/verdict.h"
#include "base/file.h"
#include "tensor/tensor.h"

namespace cloister::audit {

// Scores of one metric, one an input. Metric::kSsimAdvantage and kRowMatchAdvantage never stand in
// a record: they follow from the floor. PSNR is capped at kMaxPsnrDb.
struct MetricScores {
  Metric metric = Metric::kSsim;
  std::vector<double> values;
};
inline constexpr double kMaxPsnrDb = 100;

// How much of one column of a table came back: ColumnScores of table_metrics.h.
struct ColumnRecord {
  std::string name;
  bool categorical = false;
  std::optional<double> r2;
  double within_tolerance = 0;
  double exact = 0;
  double baseline_within_tolerance = 0;
  double baseline_exact = 0;
};

// Rank-1 re-identification of reconstructions in a gallery of the split's inputs.
struct ReidentificationRecord {
  double rate = 0;
  double chance = 0;
  uint64_t gallery = 0;
};

// What one attacker (or a baseline) got out of one split.
struct SplitScores {
  std::vector<size_t> inputs;  // positions in the split, ascending; empty: all of them
  std::vector<MetricScores> metrics;
  std::optional<ReidentificationRecord> reidentification;
  std::optional<double> label_agreement;  // of a second network on original and reconstruction
  std::vector<ColumnRecord> columns;      // tables

  // Null when the metric was not scored. The pointer lives as long as this.
  const std::vector<double>* scores(Metric metric) const;
};

struct CurvePoint {
  int64_t epoch = 0;      // from 1
  double loss = 0;        // of training
  double validation = 0;  // mean of the main metric over the attacker's validation part
};

// One attacker on one cut, or one baseline.
struct AttackerRecord {
  std::string name;
  bool converged = true;
  std::string convergence;        // a sentence with the numbers behind it; empty: nothing to train
  std::vector<CurvePoint> curve;  // empty: nothing was trained by epochs
  uint64_t training_inputs = 0;
  double seconds = 0;  // spent on training and attacking, not part of what is reproducible
  SplitScores selection;
  SplitScores certification;
};

// A tensor that crosses, for one input at the audited size.
struct CrossingTensor {
  std::string name;
  DType dtype = DType::kF32;
  Shape shape;  // batch 1
};

struct ProbeRecord {
  std::string what = "label";
  LabelProbe probe;
};

// One input's original beside what attackers made of it. Paths are relative to audit.json's folder,
// with '/' between names, and never leave it.
struct GalleryRow {
  std::string kind;      // "best", "typical" or "worst" for the owner: least, median, most leakage
  size_t input = 0;      // position in the certification split
  double score = 0;      // the highest over attackers
  std::string original;  // PNG file
  struct Reconstruction {
    std::string attacker;
    double score = 0;
    std::string file;  // PNG file
  };
  std::vector<Reconstruction> reconstructions;
};

struct CutRecord {
  std::string id;
  std::vector<CrossingTensor> tensors;
  double macs_share = 0;                // of the model, that lies before the cut, 0 to 1
  uint64_t bytes = 0;                   // that cross for one input, at the audited size
  std::string exposed_by_construction;  // the model input that crosses; empty: none
  std::string no_attacker;              // why no attacker fits; empty: some do
  std::vector<AttackerRecord> attackers;
  std::optional<DataGain> data_gain;
  std::string data_gain_attacker;
  std::optional<ProbeRecord> probe;
  std::vector<GalleryRow> gallery;
  std::optional<CutVerdict> verdict;
};

// What the attacks were run with: part of what makes an audit reproducible.
struct AuditSettings {
  std::string budget;  // "quick", "standard", "thorough"
  uint64_t seed = 1;
  int64_t size = 0;  // pixels a side that the pictures were attacked at; 0: a table
  int64_t threads = 0;
  std::string device;  // "cpu", "cuda"
  std::string libtorch;
  // The budget's numbers, by name: "epochs", "width", "rmle_iterations", ...
  std::vector<std::pair<std::string, double>> numbers;
};

struct ModelRecord {
  std::string file;  // without its folder
  std::string sha256;
  std::string input;  // name of the attacked input
  Shape input_shape;  // as audited, batch 1
  std::vector<std::string> public_inputs;
};

struct AuditRecord {
  std::string tool;     // "cloister 0.1.0"
  std::string machine;  // processor, cores, memory, kernel
  ModelRecord model;
  std::string kind;    // "images", "table"; "none": no attacker fits the model's input
  std::string splits;  // docs/formats/splits.md, as JSON text; it says how many inputs a part has
  // What controls, data gains, training curves and galleries are measured in: never an advantage.
  Metric metric = Metric::kSsim;
  AuditSettings settings;
  Policy policy;
  std::vector<AttackerRecord> baselines;  // "constant", "class-mean", "random-same-class"
  std::string positive_control_cut;
  std::vector<Control> positive_controls;
  std::string negative_control_cut;
  std::vector<Control> negative_controls;
  std::vector<CutRecord> cuts;  // shallowest first
  std::vector<std::string>
      notes;  // what a reader must know: "what the victim was trained on is ..."
};

inline constexpr uint64_t kMaxRecordBytes = 64ULL << 20;

// Strict both ways: record_json(*parse_record(t)) == t for what record_json made. Numbers are
// written with the fewest digits that give them back exactly. Errors of parse_record: kInvalid
// naming the key, what was found and what is expected; kUnsupported for another schema version.
// read_record also fails as read_file does. Thread-safe.
std::string record_json(const AuditRecord& record);
Result<AuditRecord> parse_record(std::string_view json);
Result<AuditRecord> read_record(const fs::path& path);

// The certification split's scores as `policy` wants them, for judge(). kInvalid when the record
// can't be judged by the policy's metric: it is not record.metric (or the advantage in it), or a
// baseline or an attacker was scored in others only. An attacker without any score counts as one
// that was not run. Thread-safe.
Result<AuditScores> scores_for(const AuditRecord& record, const Policy& policy);

// Fills in record.policy and every cut's verdict, or leaves all as it was. Errors of scores_for()
// and judge(). Not thread-safe for one record.
Result<> judge_record(AuditRecord& record, const Policy& policy);

}  // namespace cloister::audit
