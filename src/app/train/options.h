// The flags of `cloister train`.
#pragma once

#include <CLI/CLI.hpp>

#include "app/options/data_links.h"
#include "train/training.h"
#include "train/training_data.h"

namespace cloister {

struct TrainCommand {
  std::string model, output, records, device = "cpu", class_weights = "none";
  int threads = 0;
  bool json = false;
  std::string separator;
  std::string drop, missing, numeric, categorical;  // names with commas between them
  DataOptions data;                                 // without these
  TrainOptions train;
  DataLinkOptions links;
};

// What the flags say of the data.
DataOptions data_options(const TrainCommand& command);

void declare_train_command(CLI::App& app, TrainCommand& command);

// kUsage for flags that do not fit each other or the kind of data.
Result<> check_train_command(const TrainCommand& command);

}  // namespace cloister
