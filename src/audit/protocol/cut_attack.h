// All attackers on one cut, and the controls.
#pragma once

#include "audit/attackers.h"
#include "audit/protocol/scoring.h"
#include "audit/protocol/work_folder.h"

namespace cloister::audit {

// What is the same for every cut of an audit.
struct Attack {
  const AuditData& data;
  const Scorer& scorer;
  const WorkFolder& work;
  const AuditRecord& frame;  // what job records say beside their cut
  Budget budget;
  std::vector<std::string> attackers;
  uint64_t seed = 1;
  at::Device device = at::kCPU;
  uint64_t cache_bytes = 0;         // of one cut's feature maps, on disk
  std::vector<std::string>& notes;  // for the record: what did not go as planned
};

struct CutTarget {
  CutRecord about;  // id, tensors' names, share of MACs
  Model head;
};

// Names of what crosses, but for public inputs, which tell nothing of the attacked one.
std::vector<std::string> attacked_tensors(const std::vector<CrossingTensor>& crossing,
                                          const InputSpace& space);

// One cut: features, attackers, data gain, label probe. Goes on where an earlier run of the same
// job was stopped. `gallery` is the folder that pictures go to, none when empty; its name stands
// before theirs in the record.
Result<CutRecord> attack_cut(const Attack& attack, const CutTarget& target, const fs::path& gallery,
                             const ProgressCallback& tick);

// Attackers trained on pairs that don't belong together: what they "find" is no leak.
Result<std::vector<Control>> negative_controls(const Attack& attack, const CutTarget& target,
                                               const std::vector<std::string>& attackers,
                                               const ProgressCallback& tick);

// The baselines that see no features.
Result<std::vector<AttackerRecord>> run_baselines(const AuditData& data, const Scorer& scorer,
                                                  uint64_t seed);

// For each certification input the best score of any baseline.
std::vector<double> floor_scores(const std::vector<AttackerRecord>& baselines, Metric metric);

}  // namespace cloister::audit
