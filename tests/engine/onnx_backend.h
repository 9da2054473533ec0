// The ONNX project's backend tests, as Debian's libonnx-testdata installs them: a folder per case,
// with model.onnx, and input_N.pb and output_N.pb in test_data_set_M/.
#pragma once

#include <vector>

#include "engine/engine.h"
#include "graph/model.h"

namespace cloister::test {

// Inputs and outputs of one test_data_set_M, in the model's order.
struct DataSet {
  std::vector<Tensor> inputs;
  std::vector<Tensor> outputs;
};

// Folders below `root`/*/ that hold a model.onnx, as "node/test_abs", sorted.
std::vector<std::string> backend_cases(const fs::path& root);

// The data sets of a case. kUnsupported for sequences, optionals and strings. ONNX 1.12 wrote
// bf16 as u16, and so it is read.
Result<std::vector<DataSet>> read_data_sets(const fs::path& folder);

// Nothing when `got` is what `want` says to ONNX's own tolerances (rtol 1e-3, atol 1e-7 for
// floating point, exact otherwise), else what is different.
Result<> close_to(const std::vector<Tensor>& got, const std::vector<Tensor>& want);

}  // namespace cloister::test
