#include "audit/protocol/run.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "audit/attack/precision.h"
#include "audit/protocol/choose_cuts.h"
#include "audit/protocol/setup.h"
#include "audit/protocol/stages.h"
#include "base/mean.h"
#include "base/sha256.h"
#include "engine/torch.h"

namespace cloister::audit {
namespace {

constexpr int kRefinements = 2;  // cuts that "auto" adds around the threshold

// Attackers that can be trained on pairs that don't belong together, of those asked for.
std::vector<std::string> negative_attackers(const std::vector<std::string>& attackers) {
  std::vector<std::string> names;
  for (const AttackerInfo& info : kAttackers) {
    if (info.learns && std::ranges::find(attackers, info.name) != attackers.end()) {
      names.emplace_back(info.name);
    }
  }
  return names;
}

class Run {
 public:
  Run(const AuditModel& model, const AuditOptions& options, const Setup& setup, AuditRecord frame,
      WorkFolder work, const ProgressCallback& tick)
      : model_(model),
        options_(options),
        setup_(setup),
        frame_(std::move(frame)),
        work_(std::move(work)),
        attack_{.data = *setup.data,
                .scorer = *setup.scorer,
                .work = work_,
                .frame = frame_,
                .budget = options.budget,
                .attackers = options.attackers,
                .seed = options.seed,
                .device = at::Device(options.device),
                .cache_bytes = options.cache_bytes,
                .notes = notes_},
        tick_(tick) {}

  Result<AuditRecord> run() {
    const auto shallowest = shallowest_cut(model_.cuts);
    std::vector<size_t> cuts = setup_.cuts;
    // Jobs: the cuts, the positive control where it is no cut of the audit, the negative control.
    const bool extra = shallowest && std::ranges::find(cuts, *shallowest) == cuts.end();
    jobs_ = cuts.size() + (extra ? 2 : 1);
    for (const size_t cut : cuts) TRY_OK(attack(cut, true));
    if (extra) TRY_OK(attack(*shallowest, false));
    TRY_OK(negative(cuts));
    if (options_.shard) return frame_;
    if (options_.cuts == std::vector<std::string>{"auto"}) TRY_OK(refine(cuts));
    return finish(cuts, shallowest);
  }

 private:
  // Whether this process does the next job; a merge only reads what others did.
  bool is_mine(size_t job) const {
    return !options_.shard || job % options_.shards == *options_.shard;
  }

  ProgressCallback job_tick(const std::string& name) const {
    return [this, name, job = job_](double share, const std::string& text) {
      return tick_((static_cast<double>(job) + share) / static_cast<double>(jobs_),
                   fmt::format("{} ({}/{}) {}", name, job + 1, jobs_, text));
    };
  }

  Result<> attack(size_t cut, bool in_audit) {
    TRY(target, make_target(model_, cut));
    const std::string& id = target.about.id;
    if (!target.about.exposed_by_construction.empty()) {
      results_[cut] = target.about;
      ++job_;
      return {};
    }
    const bool mine = is_mine(job_) || (in_audit && refining_);
    if (mine && !(options_.merge && !refining_)) {
      const fs::path gallery = options_.gallery && in_audit ? options_.out / "gallery" : fs::path();
      TRY(record, attack_cut(attack_, target, gallery, job_tick(id)));
      results_[cut] = std::move(record);
    } else if (options_.merge) {
      const auto known = work_.load(id);
      if (!known || known->cuts.size() != 1 ||
          known->cuts[0].attackers.size() < options_.attackers.size()) {
        return fail(Kind::kNotFound, "cut {} has not been attacked yet: run its shard first", id);
      }
      results_[cut] = known->cuts[0];
    }
    ++job_;
    return {};
  }

  // At the deepest cut attacked, where it costs least.
  Result<> negative(const std::vector<size_t>& cuts) {
    for (auto cut = cuts.rbegin(); cut != cuts.rend(); ++cut) {
      TRY(target, make_target(model_, *cut));
      if (!target.about.exposed_by_construction.empty()) continue;
      frame_.negative_control_cut = target.about.id;
      if (options_.merge) {
        const auto known = work_.load(target.about.id + "-shuffled");
        if (!known || known->negative_controls.empty()) {
          return fail(Kind::kNotFound,
                      "the negative control has not been run yet: run the last shard first");
        }
        negative_ = known->negative_controls;
      } else if (is_mine(job_)) {
        TRY(controls, negative_controls(attack_, target, negative_attackers(options_.attackers),
                                        job_tick("negative control")));
        negative_ = std::move(controls);
      }
      break;
    }
    ++job_;
    return {};
  }

  double mean(const SplitScores& split) const {
    const auto* values = split.scores(setup_.scorer->metric());
    if (values == nullptr || values->empty()) return 0;
    return mean_of(*values);
  }

  // The worst attacker's mean on the selection part: what may pick cuts.
  double selection_leakage(const CutRecord& cut) const {
    double worst = 0;
    for (const AttackerRecord& attacker : cut.attackers) {
      worst = std::max(worst, mean(attacker.selection));
    }
    return worst;
  }

  Result<> refine(std::vector<size_t>& cuts) {
    refining_ = true;
    double threshold = options_.policy.threshold;
    if (without_floor(options_.policy.metric) != options_.policy.metric) {
      double floor = 0;
      for (const AttackerRecord& b : frame_.baselines) floor = std::max(floor, mean(b.selection));
      threshold += floor;
    }
    for (int round = 0; round < kRefinements; ++round) {
      std::vector<double> leakage;
      for (const size_t cut : cuts) leakage.push_back(selection_leakage(results_.at(cut)));
      const auto next = refine_cuts(model_.cuts, cuts, leakage, threshold);
      if (!next) break;
      ++jobs_;
      TRY_OK(attack(*next, true));
      cuts.insert(std::ranges::upper_bound(cuts, *next), *next);
    }
    return {};
  }

  Result<AuditRecord> finish(const std::vector<size_t>& cuts,
                             const std::optional<size_t>& shallowest) {
    AuditRecord record = frame_;
    for (const size_t cut : cuts) record.cuts.push_back(results_.at(cut));
    record.negative_controls = negative_;
    record.notes.insert(record.notes.end(), notes_.begin(), notes_.end());
    if (shallowest) {
      const CutRecord& first = results_.at(*shallowest);
      record.positive_control_cut = first.id;
      const auto floor = floor_scores(frame_.baselines, setup_.scorer->metric());
      const double floor_mean = mean_of(floor);
      for (const AttackerRecord& attacker : first.attackers) {
        // The ones that rebuild: retrieval can only repeat what the attacker has.
        const AttackerInfo* info = find_attacker(attacker.name);
        if (info == nullptr || !info->rebuilds) continue;
        record.positive_controls.push_back(
            {attacker.name, mean(attacker.certification), floor_mean});
      }
    }
    TRY_OK(judge_record(record, options_.policy));
    return record;
  }

  const AuditModel& model_;
  const AuditOptions& options_;
  const Setup& setup_;
  AuditRecord frame_;
  WorkFolder work_;
  std::vector<std::string> notes_;
  Attack attack_;
  ProgressCallback tick_;
  size_t job_ = 0, jobs_ = 1;
  bool refining_ = false;
  std::map<size_t, CutRecord> results_;  // by the cut's position in the list
  std::vector<Control> negative_;
};

// For a kind of input that no attacker fits: every cut is inconclusive, and says why.
Result<AuditRecord> without_attackers(const AuditModel& model, const AuditOptions& options,
                                      const TensorSpec& input, AuditRecord frame) {
  TRY(cuts, choose_cuts(model.graph, model.cuts, options.cuts));
  frame.kind = "none";
  frame.splits = splits_json({.kind = "none"}, {}, {});
  frame.metric = without_floor(options.policy.metric);
  frame.model.input = input.name;
  frame.settings = {.budget = options.budget.name,
                    .seed = options.seed,
                    .threads = options.threads,
                    .device = options.device,
                    .libtorch = torch_version()};
  frame.notes.emplace_back("Nothing was attacked, and the data was not read.");
  for (const size_t cut : cuts) {
    TRY(target, make_target(model, cut));
    target.about.no_attacker =
        fmt::format("input '{}' is {}: no attacker supports such inputs (tokens, for example)",
                    printable(input.name), dtype_name(input.dtype));
    frame.cuts.push_back(std::move(target.about));
  }
  TRY_OK(judge_record(frame, options.policy));
  return frame;
}

}  // namespace

Result<AuditRecord> run_audit(const AuditModel& model, const AuditOptions& options,
                              AuditRecord frame, const ProgressCallback& tick) try {
  TRY(input, attacked_input(model.graph, options.public_inputs));
  for (const NamedTensor& held : options.public_inputs) {
    frame.model.public_inputs.push_back(held.name);
  }
  if (input.dtype != DType::kF32) return without_attackers(model, options, input, std::move(frame));
  const bool go_on = options.resume || options.merge || options.shard;
  constexpr double kLoading = 0.02;
  const ProgressCallback loading = [&](double share, const std::string& text) {
    return tick(kLoading * share, text);
  };
  TRY(setup, set_up(model, options, frame, loading));
  TRY(work, WorkFolder::open(options.out / "work", setup.identity, go_on));
  return Run(model, options, setup, std::move(frame), std::move(work),
             [&](double share, const std::string& text) {
               return tick(kLoading + (1 - kLoading) * share, text);
             })
      .run();
} catch (const c10::Error& error) {  // out of memory, say
  return fail(Kind::kInternal, "LibTorch: {}", printable(error.what_without_backtrace(), 400));
}

}  // namespace cloister::audit
