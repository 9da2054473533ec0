// The flags of `cloister train`.
#pragma once

#include <CLI/CLI.hpp>

#include "app/train/data.h"
#include "engine/torch/training.h"

namespace cloister {

struct TrainCommand {
  std::string model, output, records, device = "cpu", class_weights = "none";
  int threads = 0;
  bool json = false;
  DataOptions data;
  TrainOptions train;
};

void declare_train_command(CLI::App& app, TrainCommand& command);

// kUsage for flags that do not fit each other or the kind of data; kNotFound for a folder to write
// into that is not there, before hours are spent on what goes into it.
Result<> check_train_command(const TrainCommand& command);

}  // namespace cloister
