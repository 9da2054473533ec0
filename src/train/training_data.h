// What a model learns from: arrays, a table, or a folder of pictures. Without LibTorch's headers.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>

#include "data/table_encoder.h"
#include "train/samples.h"

namespace cloister {

enum class DataKind { kArrays, kTable, kImages };

// The share of a table or pictures that a model is tried on, where no other is asked for.
inline constexpr double kUsualValidation = 0.1;

struct DataOptions {
  std::string path;
  std::optional<double> validation;  // none: kUsualValidation, but nothing of arrays
  uint64_t seed = 1;
  // Tables.
  std::string label;
  std::vector<std::string> drop, numeric, categorical;  // names of columns
  std::vector<std::string> missing;                     // empty: as audit::TableOptions has it
  bool skip_ragged = false;
  char separator = 0;  // as audit::TableOptions has it; of `labels` too
  audit::EncoderOptions encoder;
  // Pictures.
  std::string labels;      // a CSV of files and classes; empty: class folders
  std::string preprocess;  // a record's path or a preset's name
  bool flip = false;
};

// A file to write beside the model.
struct RecordFile {
  std::string name;
  std::string content;
};

struct TrainingData {
  std::unique_ptr<Samples> training;
  std::unique_ptr<Samples> validation;   // null: none
  std::vector<std::string> class_names;  // empty: numbers
  std::string digest;                    // of all of it: another one is another run
  nlohmann::ordered_json facts;          // for the report
  std::vector<std::string> notes;        // what people should know of the data
  std::vector<RecordFile> records;
};

DataKind data_kind(const std::string& path);

// `classes` of the model, 0 where they are not known. `update` is told the share that is done and
// says false to stop; then kIo is returned.
Result<TrainingData> load_training_data(const DataOptions& options, int64_t classes,
                                        const std::function<bool(double)>& update);

// Pictures, in training_images.cpp.
Result<TrainingData> load_training_images(const DataOptions& options,
                                          const std::function<bool(double)>& update);

// The records that every kind with named inputs has: trained-on.json, labels.txt.
void add_records(const audit::Source& source, std::span<const audit::Item> items,
                 const audit::Holdout& holdout, TrainingData& data);

}  // namespace cloister
