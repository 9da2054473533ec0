// Rows of a table: how an audit reads and scores them.
#include <algorithm>
#include <cmath>

#include "audit/protocol/input_kinds.h"
#include "engine/torch/convert.h"

namespace cloister::audit {
namespace {

Result<AuditData> load_rows(const DataOptions& options, const Budget& budget,
                            const TensorSpec& input, const ProgressCallback& tick) {
  TRY_OK(tick(0, "reading the table"));
  TRY(table, read_table(options.path, options.encoding ? options.encoding->table : options.table));
  TRY(splits, make_splits(table.items, split_options(options, budget)));
  AuditData data;
  data.splits = splits_json(table.source, table.items, splits);
  data.notes = table.notes;
  lay_out(splits, data, data.rows);
  take_items(table.items, data.rows, data);
  note_victim(options, data);
  if (options.encoding) {
    TRY(bound, bind_encoding(*options.encoding, table));
    data.encoder = bound;
  } else {
    TRY(fitted, TableEncoder::fit(table, splits.attacker_train, options.encoder));
    data.encoder = fitted;
  }
  const auto width = static_cast<int64_t>(data.encoder->width());
  if (input.dtype != DType::kF32 || input.dims.size() != 2 ||
      (input.dims[1] >= 0 && input.dims[1] != width)) {
    return fail(Kind::kUsage,
                "the table's rows are f32[{}] when encoded, input '{}' is {} of rank {}{}: give "
                "--encoding as the model was trained with",
                width, printable(input.name), dtype_name(input.dtype), input.dims.size(),
                input.dims.size() == 2 ? fmt::format(" and width {}", input.dims[1]) : "");
  }
  data.space = {InputKind::kRows, {width}, {}, data.encoder->columns()};
  TRY(encoded, data.encoder->encode(table, data.rows));
  const auto values = encoded.as<float>();
  data.inputs = at::tensor(at::ArrayRef<float>(values.data(), values.size()))
                    .view({static_cast<int64_t>(data.rows.size()), width});
  for (size_t column = 0; column < table.columns.size(); ++column) {
    TRY(marginal, data.encoder->marginal(table, splits.attacker_train, column));
    data.marginals.push_back(marginal);
  }
  data.table = std::move(table);
  return data;
}

Result<> score_row_metrics(const AuditData& data, const at::Tensor& rebuilt,
                           const at::Tensor& positions, SplitScores& out) {
  TRY(rows, from_torch(rebuilt));
  const auto n = static_cast<size_t>(positions.size(0));
  std::vector<uint32_t> hits(n), cells(n);
  for (size_t c = 0; c < data.table->columns.size(); ++c) {
    const Column& column = data.table->columns[c];
    std::vector<double> original;
    for (size_t i = 0; i < n; ++i) {
      const auto position = static_cast<size_t>(positions[static_cast<int64_t>(i)].item<int64_t>());
      original.push_back(column.value(data.rows[position]));
    }
    TRY(back, data.encoder->decode(rows.view(), c));
    TRY_OK(count_row_matches(data.marginals[c], original, back, hits, cells));
    if (std::ranges::all_of(original, [](double value) { return std::isnan(value); })) continue;
    TRY(score, score_column(data.marginals[c], original, back));
    out.columns.push_back({column.name, column.categorical, score.r2, score.within_tolerance,
                           score.exact, score.baseline_within_tolerance, score.baseline_exact});
  }
  std::vector<double> share;
  for (size_t i = 0; i < n; ++i) share.push_back(cells[i] ? double(hits[i]) / cells[i] : 0);
  out.metrics.push_back({Metric::kRowMatch, std::move(share)});
  return {};
}

Result<std::vector<double>> row_scores(const AuditData& data, const at::Tensor& rebuilt,
                                       const at::Tensor& positions) {
  SplitScores out;
  TRY_OK(score_row_metrics(data, rebuilt, positions, out));
  return *out.scores(Metric::kRowMatch);
}

}  // namespace

const InputProtocol kRowProtocol = {.kind = InputKind::kRows,
                                    .metric = Metric::kRowMatch,
                                    .policy_metric = Metric::kRowMatchAdvantage,
                                    .load = load_rows,
                                    .scores = row_scores,
                                    .score_all = score_row_metrics};

}  // namespace cloister::audit
