// What `cloister train` says of a training run, to people and as JSON (docs/formats/train.md).
#pragma once

#include "train/training.h"
#include "train/training_data.h"

namespace cloister {

struct WrittenFile {
  std::string what;
  std::string path;
  std::string sha256;  // empty: a device
};

struct TrainReport {
  std::string model;  // the path that was written
  std::string sha256;
  std::string libtorch;
  const TrainOptions* options = nullptr;
  const TrainingData* data = nullptr;
  std::vector<EpochReport> epochs;
  Evaluation training;
  std::optional<Evaluation> validation;
  std::vector<WrittenFile> written;
};

// "epoch 3/10  loss 0.1234  accuracy 0.9876  validation 0.9812"
std::string epoch_text(const EpochReport& epoch, const TrainOptions& options);

std::string train_report_text(const TrainReport& report);
std::string train_report_json(const TrainReport& report);

}  // namespace cloister
