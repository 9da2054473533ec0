// The fields of audit.json (docs/formats/audit.md), for RecordWriter and RecordReader.
#pragma once

#include "audit/record.h"
#include "data/input_kind.h"
#include "record/fields.h"

namespace cloister::audit {

inline constexpr std::string_view kRecordSchema = "cloister/audit/1";

inline constexpr size_t kMaxCuts = 10'000;
inline constexpr size_t kMaxAttackers = 64;
inline constexpr size_t kMaxInputs = 10'000'000;
inline constexpr size_t kMaxColumns = 10'000;
inline constexpr size_t kMaxRows = 1000;
inline constexpr size_t kMaxSplitsBytes = 1 << 20;
inline constexpr double kInfinity = std::numeric_limits<double>::infinity();
// Of any metric; each one's own range is checked by its name.
inline constexpr double kMaxScore = kMaxPsnrDb;

inline Result<> from_string(std::string_view text, Metric& out) {
  TRY(metric, parse_metric(text));
  out = metric;
  return {};
}
inline Result<> from_string(std::string_view text, Statistic& out) {
  TRY(statistic, parse_statistic(text));
  out = statistic;
  return {};
}
inline Result<> from_string(std::string_view text, Outcome& out) {
  for (const Outcome outcome : {Outcome::kExposed, Outcome::kResisted, Outcome::kInconclusive}) {
    if (text != to_string(outcome)) continue;
    out = outcome;
    return {};
  }
  return invalid("'{}', want exposed, resisted, inconclusive", printable(text, 40));
}

inline std::string_view array_name(const MetricScores& scores) {
  return to_string(scores.metric);
}
// Of the metrics that stand in a record. Pictures in [0,1], with the slack that metrics.h allows.
inline Result<Limits> open_array(std::string_view name, MetricScores& out) {
  constexpr double kRounding = 1e-6;  // as in verdict.cpp
  constexpr struct {
    Metric metric;
    double lowest, highest;
  } kRanges[] = {{Metric::kSsim, -1, 1},
                 {Metric::kMsSsim, 0, 1},
                 {Metric::kPsnrDb, -1, kMaxPsnrDb},
                 {Metric::kRowMatch, 0, 1}};
  for (const auto& range : kRanges) {
    if (name != to_string(range.metric)) continue;
    out.metric = range.metric;
    return Limits{range.lowest - kRounding, range.highest + kRounding};
  }
  return invalid("unknown metric '{}', want ssim, ms_ssim, psnr_db, row_match",
                 printable(name, 40));
}

template <typename Io>
void fields(Io& io, Of<Io, ColumnRecord> r) {
  io.text("name", r.name, kName);
  io.flag("categorical", r.categorical);
  io.optional("r2", r.r2, -kHuge, 1.0);
  io.real("within_tolerance", r.within_tolerance, 0, 1);
  io.real("exact", r.exact, 0, 1);
  io.real("baseline_within_tolerance", r.baseline_within_tolerance, 0, 1);
  io.real("baseline_exact", r.baseline_exact, 0, 1);
}

template <typename Io>
void fields(Io& io, Of<Io, ReidentificationRecord> r) {
  io.real("rate", r.rate, 0, 1);
  io.real("chance", r.chance, 0, 1);
  io.integer("gallery", r.gallery, 0, kMaxCount);
}

template <typename Io>
void fields(Io& io, Of<Io, SplitScores> r) {
  io.positions("inputs", r.inputs, kMaxInputs);
  io.arrays("scores", r.metrics, kMaxInputs);
  io.optional("reidentification", r.reidentification);
  io.optional("label_agreement", r.label_agreement, 0.0, 1.0);
  io.list("columns", r.columns, kMaxColumns);
}

template <typename Io>
void fields(Io& io, Of<Io, CurvePoint> r) {
  io.integer("epoch", r.epoch, 0, kMaxCount);
  io.real("loss", r.loss, -kHuge, kHuge);
  io.real("validation", r.validation, -kMaxScore, kMaxScore);
}

template <typename Io>
void fields(Io& io, Of<Io, AttackerRecord> r) {
  io.text("name", r.name, kShort);
  io.flag("converged", r.converged);
  io.text_or_null("convergence", r.convergence, kLong);
  io.list("curve", r.curve, 100'000);
  io.integer("training_inputs", r.training_inputs, 0, kMaxCount);
  io.real("seconds", r.seconds, 0, kHuge);
  io.object("selection", r.selection);
  io.object("certification", r.certification);
}

template <typename Io>
void fields(Io& io, Of<Io, CrossingTensor> r) {
  io.text("name", r.name, kName);
  io.dtype("dtype", r.dtype);
  io.shape("shape", r.shape);
}

template <typename Io>
void fields(Io& io, Of<Io, ProbeRecord> r) {
  io.text("what", r.what, kShort);
  io.real("accuracy", r.probe.accuracy, 0, 1);
  io.real("chance", r.probe.chance, 0, 1);
  io.integer("inputs", r.probe.n, 0, kMaxCount);
}

template <typename Io>
void fields(Io& io, Of<Io, GalleryRow::Reconstruction> r) {
  io.text("attacker", r.attacker, kShort);
  io.real("score", r.score, -kMaxScore, kMaxScore);
  io.picture("file", r.file);
}

template <typename Io>
void fields(Io& io, Of<Io, GalleryRow> r) {
  io.choice("kind", r.kind, {"best", "typical", "worst"});
  io.integer("input", r.input, 0, kMaxInputs);
  io.real("score", r.score, -kMaxScore, kMaxScore);
  io.picture("original", r.original);
  io.list("reconstructions", r.reconstructions, kMaxAttackers);
}

template <typename Io>
void fields(Io& io, Of<Io, Gate> r) {
  io.text("name", r.name, kShort);
  io.text("why", r.why, kLong);
}

template <typename Io>
void fields(Io& io, Of<Io, DataGain> r) {
  io.real("half", r.half, -kMaxScore, kMaxScore);
  io.real("all", r.all, -kMaxScore, kMaxScore);
}

// `cut` is the record's id.
template <typename Io>
void fields(Io& io, Of<Io, CutVerdict> r) {
  constexpr double kAdvantage = 2 * kMaxScore;  // from the lowest score to the highest
  io.term("outcome", r.outcome);
  io.list("failed_gates", r.failed, 1000);
  io.integer("inputs", r.n, 0, kMaxCount);
  io.flag("scored", r.scored);
  io.real_or_null("own", r.own, kAdvantage, -kInfinity);
  io.real("leakage", r.leakage.value, -kAdvantage, kAdvantage);
  io.real_or_null("lower", r.leakage.bounds.lower, kAdvantage, -kInfinity);
  io.real_or_null("upper", r.leakage.bounds.upper, kAdvantage, kInfinity);
  io.real("floor", r.floor, -kAdvantage, kAdvantage);
  io.integer("above", r.above, 0, kMaxCount);
  io.real("above_share_lower", r.above_share.lower, 0, 1);
  io.real("above_share_upper", r.above_share.upper, 0, 1);
  io.real("p_leaks", r.p_leaks, 0, 1);
  io.text("sentence", r.sentence, 4 * kLong);
}

template <typename Io>
void fields(Io& io, Of<Io, CutRecord> r) {
  io.text("id", r.id, kShort);
  io.list("tensors", r.tensors, 1000);
  io.real("macs_share", r.macs_share, 0, 1);
  io.integer("bytes", r.bytes, 0, kMaxCount);
  io.text_or_null("exposed_by_construction", r.exposed_by_construction, kName);
  io.text_or_null("no_attacker", r.no_attacker, kLong);
  io.list("attackers", r.attackers, kMaxAttackers);
  io.optional("data_gain", r.data_gain);
  io.text_or_null("data_gain_attacker", r.data_gain_attacker, kShort);
  io.optional("probe", r.probe);
  io.list("gallery", r.gallery, kMaxRows);
  io.optional("verdict", r.verdict);
}

template <typename Io>
void fields(Io& io, Of<Io, Control> r) {
  io.text("attacker", r.attacker, kShort);
  io.real("score", r.score, -kMaxScore, kMaxScore);
  io.real("floor", r.floor, -kMaxScore, kMaxScore);
}

template <typename Io>
void fields(Io& io, Of<Io, AuditSettings> r) {
  io.text("budget", r.budget, kShort);
  io.integer("seed", r.seed, 0, std::numeric_limits<uint64_t>::max());
  io.integer("size", r.size, 0, 1 << 20);
  io.integer("threads", r.threads, 0, 1 << 20);
  io.text("device", r.device, kShort);
  io.text_or_null("libtorch", r.libtorch, kShort);
  io.numbers("numbers", r.numbers, 1000);
}

template <typename Io>
void fields(Io& io, Of<Io, ModelRecord> r) {
  io.text("file", r.file, kName);
  io.digest("sha256", r.sha256);
  io.text("input", r.input, kName);
  io.shape("input_shape", r.input_shape);
  io.texts_if_any("public_inputs", r.public_inputs, 1000, kName);
}

template <typename Io>
void fields(Io& io, Of<Io, Policy> r) {
  io.term("metric", r.metric);
  io.real("threshold", r.threshold, -kMaxScore, kMaxScore);
  io.term("statistic", r.statistic);
  io.integer("n_min", r.n_min, 0, kMaxCount);
  io.integer("n_min_subsample", r.n_min_subsample, 0, kMaxCount);
  io.texts("attackers", r.attackers, kMaxAttackers, kShort);
  io.real("confidence", r.confidence, 0, 1);
  io.real("positive_control", r.positive_control, -kMaxScore, kMaxScore);
  io.real("negative_control", r.negative_control, 0, kMaxScore);
  io.real("data_gain", r.data_gain, 0, kMaxScore);
  io.integer("resamples", r.resamples, 1, 100'000);
  io.integer("seed", r.seed, 0, std::numeric_limits<uint64_t>::max());
}

template <typename Io>
void fields(Io& io, Of<Io, AuditRecord> r) {
  io.schema("schema", kRecordSchema);
  io.text("tool", r.tool, kShort);
  io.text("machine", r.machine, kLong);
  io.object("model", r.model);
  io.choice("kind", r.kind,
            {info_of(InputKind::kPictures).name, info_of(InputKind::kRows).name, "none"});
  io.any("splits", r.splits, kMaxSplitsBytes);
  io.object("settings", r.settings);
  io.term("metric", r.metric);
  io.object("policy", r.policy);
  io.texts("notes", r.notes, 1000, kLong);
  io.list("baselines", r.baselines, kMaxAttackers);
  io.text_or_null("positive_control_cut", r.positive_control_cut, kShort);
  io.list("positive_controls", r.positive_controls, kMaxAttackers);
  io.text_or_null("negative_control_cut", r.negative_control_cut, kShort);
  io.list("negative_controls", r.negative_controls, kMaxAttackers);
  io.list("cuts", r.cuts, kMaxCuts);
}

}  // namespace cloister::audit
