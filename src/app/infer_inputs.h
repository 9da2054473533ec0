// What `cloister infer` sends: arrays, pictures, or rows of a table, as the verified bundle says
// that they become inputs.
#pragma once

#include "client/verified_connection.h"
#include "data/inference_rows.h"

namespace cloister {

struct InferSources {  // one of them
  std::vector<std::string> arrays;
  std::vector<std::string> pictures;  // files and folders
  std::string csv;
  std::string separator;
};

struct InferInputs {
  std::vector<NamedTensor> tensors;
  // Pictures and rows: what each place of the first dimension is, "cat.jpg" or "line 2".
  std::vector<std::string> items;
  std::vector<audit::UnseenCell> unseen;
  std::vector<std::string> notes;
};

// kUsage for a bundle that does not say how, a folder or file that is not there as kNotFound, and
// errors of reading. Pictures are decoded by a program of its own, cloister-preprocess.
Result<InferInputs> read_infer_inputs(const InferSources& sources,
                                      const serving::ServerFacts& facts);

}  // namespace cloister
