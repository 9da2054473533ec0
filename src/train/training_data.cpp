#include "train/training_data.h"

#include <algorithm>

#include "data/encoder_json.h"
#include "data/victim_train_json.h"
#include "image/labels.h"
#include "tensor/npz.h"

namespace cloister {
namespace {

using audit::Holdout;
using audit::Item;
using Json = nlohmann::ordered_json;

// Arrays with their memory.
class OwnedSamples final : public Samples {
 public:
  static Result<std::unique_ptr<Samples>> make(Tensor inputs, Tensor labels) {
    TRY(view, ArraySamples::make(inputs.view(), labels.view()));
    return std::unique_ptr<Samples>(
        new OwnedSamples(std::move(inputs), std::move(labels), std::move(view)));
  }

  int64_t count() const override { return view_.count(); }
  TensorView labels() const override { return labels_.view(); }
  Result<Tensor> inputs(std::span<const int64_t> picked, std::optional<uint64_t> seed) override {
    return view_.inputs(picked, seed);
  }

 private:
  OwnedSamples(Tensor inputs, Tensor labels, ArraySamples view)
      : inputs_(std::move(inputs)), labels_(std::move(labels)), view_(std::move(view)) {}

  Tensor inputs_;
  Tensor labels_;
  ArraySamples view_;
};

std::vector<int64_t> positions(const std::vector<size_t>& part) {
  return {part.begin(), part.end()};
}

void add_digest(Sha256& hash, const Tensor& inputs, const Tensor& labels) {
  hash.update(inputs.data());
  hash.update(labels.data());
}

Result<Tensor> labels_of(const std::vector<Item>& items, const std::vector<size_t>& part) {
  TRY(labels, Tensor::make(DType::kI64, {static_cast<int64_t>(part.size())}));
  const std::span<int64_t> to = labels.mutable_as<int64_t>();
  for (size_t i = 0; i < part.size(); ++i) to[i] = items[part[i]].label;
  return std::move(labels);
}

// Rows of arrays as items, to be held out like others. An integer label is a class.
std::vector<Item> items_of(const Tensor& inputs, const Tensor& labels) {
  std::vector<Item> items(static_cast<size_t>(inputs.shape()[0]));
  const size_t row = inputs.data().size() / items.size();
  for (size_t i = 0; i < items.size(); ++i) {
    items[i].id = fmt::format("row {}", i);
    items[i].digest = sha256(inputs.data().subspan(i * row, row));
    if (labels.dtype() == DType::kI64) items[i].label = labels.as<int64_t>()[i];
  }
  return items;
}

Result<> split_arrays(const Tensor& inputs, const Tensor& labels, const DataOptions& options,
                      TrainingData& data) {
  const std::vector<Item> items = items_of(inputs, labels);
  TRY(holdout, audit::make_holdout(items, *options.validation, options.seed));
  for (const bool training : {true, false}) {
    const auto part = positions(training ? holdout.training : holdout.validation);
    TRY(x, gather_rows(inputs.view(), part));
    TRY(y, gather_rows(labels.view(), part));
    TRY(samples, OwnedSamples::make(x, y));
    (training ? data.training : data.validation) = std::move(samples);
  }
  data.facts["duplicates"] = holdout.duplicates;
  return {};
}

Result<TrainingData> load_arrays(const DataOptions& options) {
  TRY(arrays, read_npz(options.path));
  const std::string shown = fmt::format("'{}'", printable(options.path, 400));
  const auto take = [&](const char* name) -> Result<Tensor> {
    for (const NamedTensor& array : arrays) {
      if (array.name == name) return array.tensor;
    }
    return invalid("{} has no array '{}'", shown, name);
  };
  TRY(inputs, take("inputs"));
  TRY(labels, take("labels"));
  TrainingData data;
  data.facts = {{"kind", "arrays"}};
  const auto fill = [&]() -> Result<> {
    TRY(samples, OwnedSamples::make(inputs, labels));  // checks them
    if (options.validation.value_or(0) != 0) return split_arrays(inputs, labels, options, data);
    data.training = std::move(samples);
    return {};
  };
  if (auto filled = fill(); !filled) return with_context(filled.error(), shown);
  Sha256 hash;
  add_digest(hash, inputs, labels);
  data.digest = fmt::format("{} {}", to_hex(hash.finish()), options.validation.value_or(0));
  return data;
}

audit::TableOptions table_options(const DataOptions& options) {
  audit::TableOptions out;
  out.label = options.label;
  out.drop = options.drop;
  out.numeric = options.numeric;
  out.categorical = options.categorical;
  out.skip_ragged = options.skip_ragged;
  out.separator = options.separator;
  // Empty cells have no value whatever else means so.
  if (!options.missing.empty()) out.missing = options.missing;
  out.missing.emplace_back("");
  std::ranges::sort(out.missing);
  const auto repeated = std::ranges::unique(out.missing);
  out.missing.erase(repeated.begin(), repeated.end());
  return out;
}

Result<TrainingData> load_table(const DataOptions& options, int64_t classes) {
  if (options.label.empty()) {
    return fail(Kind::kUsage, "a table needs --label COLUMN: the column to predict");
  }
  audit::TableOptions read_with = table_options(options);
  TRY(table, audit::read_table(options.path, read_with));
  TRY(holdout, audit::make_holdout(table.items, options.validation.value_or(kUsualValidation),
                                   options.seed));
  TRY(encoder, audit::TableEncoder::fit(table, holdout.training, options.encoder));
  if (table.class_names.empty()) read_with.classes = classes;
  TRY(encoding, audit::encoding_json(audit::make_encoding(encoder, table, read_with)));

  TrainingData data;
  Sha256 hash;
  for (const bool training : {true, false}) {
    const std::vector<size_t>& part = training ? holdout.training : holdout.validation;
    if (part.empty()) continue;
    TRY(inputs, encoder.encode(table, part));
    TRY(labels, labels_of(table.items, part));
    add_digest(hash, inputs, labels);
    TRY(samples, OwnedSamples::make(inputs, labels));
    (training ? data.training : data.validation) = std::move(samples);
  }
  data.digest = to_hex(hash.finish());
  data.class_names = table.class_names;
  data.notes = table.notes;
  const uint64_t equal = table.source.removed_early + holdout.duplicates;
  if (equal > 0) {
    data.notes.push_back(fmt::format(
        "{} of {} rows equal an earlier one in all that the model sees, {} of them with another "
        "label: left out",
        equal, table.rows_read, holdout.label_conflicts));
  }
  if (!table.source.skipped.empty()) {
    data.notes.push_back(fmt::format("{} rows skipped, the first: {}: {}",
                                     table.source.skipped.size(), table.source.skipped[0].id,
                                     table.source.skipped[0].reason));
  }
  data.facts = {{"kind", "table"},
                {"name", table.source.name},
                {"sha256", table.source.sha256},
                {"rows", table.rows_read},
                {"skipped", table.source.skipped.size()},
                {"exact_duplicates_removed", table.source.removed_early},
                {"equal_inputs_removed", holdout.duplicates},
                {"equal_inputs_with_other_labels", holdout.label_conflicts},
                {"columns", table.columns.size()},
                {"features", encoder.width()}};
  data.records.push_back({"encoding.json", encoding});
  add_records(table.source, table.items, holdout, data);
  return data;
}

}  // namespace

DataKind data_kind(const std::string& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return DataKind::kImages;
  return path.ends_with(".npz") ? DataKind::kArrays : DataKind::kTable;
}

Result<TrainingData> load_training_data(const DataOptions& options, int64_t classes,
                                        const std::function<bool(double)>& update) {
  switch (data_kind(options.path)) {
    case DataKind::kArrays:
      return load_arrays(options);
    case DataKind::kTable:
      return load_table(options, classes);
    case DataKind::kImages:
      return load_training_images(options, update);
  }
  return fail(Kind::kInternal, "no such kind of data");
}

void add_records(const audit::Source& source, std::span<const Item> items, const Holdout& holdout,
                 TrainingData& data) {
  data.records.push_back(
      {"trained-on.json", audit::victim_train_json(source, items, holdout.training)});
  std::string labels;
  for (const std::string& name : data.class_names) labels += name + "\n";
  // Names that are no labels (a class called "") have no such file.
  if (parse_labels(labels)) data.records.push_back({"labels.txt", labels});
}

}  // namespace cloister
