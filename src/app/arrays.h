// Tensors between files and commands.
#pragma once

#include <vector>

#include "engine/engine.h"

namespace cloister {

// Reads what --input named: FILE.npy for a model with one input, NAME=FILE.npy, or FILE.npz with an
// array for each name. A batch dimension is not added: shapes must be the model's.
Result<std::vector<NamedTensor>> read_inputs(const std::vector<std::string>& arguments,
                                             const std::vector<TensorSpec>& specs);

// Whether the file's ending says .npy or .npz; kUsage otherwise.
Result<> check_output_name(const std::string& file);

// Writes FILE.npy (one tensor) or FILE.npz, by the ending. kUsage for another ending, or several
// tensors in an .npy.
Result<> write_outputs(const std::string& file, const std::vector<NamedTensor>& outputs);

// "[-0.81, 0.22, 1.37, ...] min -3.1 max 9.6 mean 0.0": the first values, and their range.
std::string values_text(const TensorView& tensor);

}  // namespace cloister
