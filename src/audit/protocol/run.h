// A whole audit: data, cuts, attackers, controls, verdicts.
#pragma once

#include "audit/protocol/cut_attack.h"
#include "graph/cuts.h"

namespace cloister::audit {

struct AuditOptions {
  DataOptions data;
  Budget budget;
  Policy policy;
  std::vector<std::string> cuts = {"auto"};
  std::vector<std::string> attackers;
  uint64_t seed = 1;
  std::string device = "cpu";
  int64_t threads = 0;
  uint64_t cache_bytes = 4ULL << 30;  // of one cut's feature maps, on disk
  fs::path out;                       // work/, gallery/ are made in it
  bool gallery = true;
  bool resume = false;
  // This process does jobs shard, shard + shards, ... (a job is a cut, or the controls) and no
  // verdicts.
  std::optional<uint64_t> shard;
  uint64_t shards = 1;
  bool merge = false;  // all jobs must have been done, by shards
  std::optional<Model> second_model;
  std::vector<NamedTensor> public_inputs;  // of the model, with their values (InputSpace::held)
};

struct AuditModel {
  Graph graph;
  CutList cuts;
};

// `frame` holds tool, machine and the model's file and digest. What a shard gives has no verdicts.
// kUsage for options that make no sense or don't go with the model; kNotFound for a merge with jobs
// missing, naming them; else errors of load_data(), attack_cut() and `tick`.
Result<AuditRecord> run_audit(const AuditModel& model, const AuditOptions& options,
                              AuditRecord frame, const ProgressCallback& tick);

// How long that will take on this machine, from a few steps of each attacker at each cut.
struct Estimate {
  struct Cut {
    std::string id;
    double seconds = 0;
    uint64_t disk_bytes = 0;  // of its feature maps; 0: computed again whenever needed
  };
  std::vector<Cut> cuts;
  double controls_seconds = 0;
  double seconds = 0;       // of everything
  uint64_t disk_bytes = 0;  // at most at a time: one cut after the other
};
Result<Estimate> estimate_audit(const AuditModel& model, const AuditOptions& options,
                                const AuditRecord& frame, const ProgressCallback& tick);

}  // namespace cloister::audit
