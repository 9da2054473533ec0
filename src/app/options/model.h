// Flags that every command about a model's cuts shares, and what they open.
#pragma once

#include <CLI/CLI.hpp>

#include "app/options/data_links.h"
#include "engine/engine.h"
#include "graph/cuts.h"

namespace cloister {

struct ModelOptions {
  std::string path;
  size_t max_tensors = CutOptions{}.max_tensors;
  std::vector<std::string> dimensions;  // "NAME=VALUE"
  std::vector<std::string> public_inputs;
  DataLinkOptions links;
  bool dynamic_batch = false;
  bool only_looks = false;  // otherwise --dim fixes the inputs of all that is made of the model
  int threads = 1;
  std::string provider = "cpu";

  // MODEL, --max-tensors, --dim, --allow-links-under
  void add_cuts_to(CLI::App& command);
  // --public
  void add_public_to(CLI::App& command);
  // All of these and --dynamic-batch
  void add_to(CLI::App& command);
  // --threads, --provider
  void add_engine_to(CLI::App& command);
};

struct OpenModel {
  Graph graph;  // with types
  CutList cuts;
};

// The engine that the options ask for. Made before open_model, so that it decides the threads of
// the process.
Result<std::unique_ptr<Engine>> open_engine(const ModelOptions& options);

// kUsage for more than the two cuts that make a head, a body and a tail.
Result<> check_cut_count(const std::vector<std::string>& texts);

// The cuts that --cut named.
Result<std::vector<Cut>> find_cuts(const OpenModel& model, const std::vector<std::string>& texts);

// Reads the model file, with what its links may lead to.
Result<Model> read_model(const ModelOptions& options);

// Whether an input's first dimension is fixed to 1, so that --dynamic-batch can make it symbolic.
bool has_batch_of_one(const Model& model);

// Reads, orders, types and cuts the model; with --dynamic-batch its batch is made symbolic first,
// and that is checked by running it.
Result<OpenModel> open_model(const ModelOptions& options);
// The same for a model that was read already.
Result<OpenModel> open_model(Model model, const ModelOptions& options);

}  // namespace cloister
