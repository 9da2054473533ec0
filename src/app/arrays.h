// Tensors between files and commands.
#pragma once

#include <CLI/CLI.hpp>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "engine/engine.h"

namespace cloister {

// The option --input, which read_inputs() takes.
void add_input_option(CLI::App& command, std::vector<std::string>& inputs);

// Reads what --input named: FILE.npy for a model with one input, NAME=FILE.npy, or FILE.npz with an
// array for each name. A batch dimension is not added: shapes must be the model's.
Result<std::vector<NamedTensor>> read_inputs(const std::vector<std::string>& arguments,
                                             const std::vector<TensorSpec>& specs);

// Whether the file's ending says .npy or .npz; kUsage otherwise.
Result<> check_output_name(const std::string& file);

// Writes FILE.npy (one tensor) or FILE.npz, by the ending. kUsage for another ending, or several
// tensors in an .npy.
Result<> write_outputs(const std::string& file, const std::vector<NamedTensor>& outputs);

// A line for each: "prob f32[1,3] [-0.81, 0.22, 1.37] min -0.81 max 1.37".
void print_outputs(const std::vector<NamedTensor>& outputs);
// Name, type and shape of each, for --json.
nlohmann::json outputs_json(const std::vector<NamedTensor>& outputs);

}  // namespace cloister
