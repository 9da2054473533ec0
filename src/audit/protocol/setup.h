// What an audit does before it attacks anything.
#pragma once

#include "audit/protocol/run.h"

namespace cloister::audit {

struct Setup {
  std::vector<size_t> cuts;  // positions in the model's list, ascending
  std::unique_ptr<AuditData> data;
  std::unique_ptr<Scorer> scorer;
  std::string identity;  // all that results depend on, as JSON
};

// Loads the data, runs the baselines, and fills the frame: kind, splits, settings, policy, notes.
Result<Setup> set_up(const AuditModel& model, const AuditOptions& options, AuditRecord& frame,
                     const ProgressCallback& tick);

// A cut's head, and its record without any attack.
Result<CutTarget> make_target(const AuditModel& model, size_t cut);

// The model's only input that is not public. kUnsupported for several.
Result<TensorSpec> attacked_input(const Graph& graph,
                                  const std::vector<NamedTensor>& public_inputs);

}  // namespace cloister::audit
