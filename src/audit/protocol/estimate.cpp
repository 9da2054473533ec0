#include <algorithm>

#include "audit/attack/attackers.h"
#include "audit/protocol/setup.h"
#include "base/clock.h"

namespace cloister::audit {
namespace {

constexpr int64_t kTried = 192;  // inputs that each attacker is timed on

class Timing {
 public:
  Timing(const AuditOptions& options, const AuditData& data,
         std::shared_ptr<const FeatureStore> store)
      : options_(options), data_(data), store_(std::move(store)) {}

  // What the attacker takes for all of its inputs.
  Result<double> seconds(const AttackerInfo& info) const {
    if (info.cost == AttackCost::kNone) return 0.0;
    // Of a search only the steps are timed: where it starts from doesn't matter.
    TRY(attacker, make_attacker(info, [](const AttackerInfo&) {
          return Result<std::shared_ptr<Attacker>>(nullptr);
        }));
    const Effort& effort = options_.budget.effort;
    AttackContext context;
    context.effort = effort;
    context.effort.epochs = 2;
    context.effort.iterations = 4;
    context.effort.restarts = 1;
    context.score = [](const at::Tensor&, const Pairs&) { return Result<double>(0.0); };
    context.tick = [](double, const std::string&) { return Result<>(); };
    const Pairs train = pairs(data_.training).first(kTried);
    TRY(fitted, attacker->fit(train, pairs(data_.validation).first(16), context));
    if (info.cost == AttackCost::kEpochs) {
      const auto inputs = static_cast<double>(data_.training.size(0) * effort.epochs);
      return fitted.inputs_per_second > 0 ? inputs / fitted.inputs_per_second : 0;
    }
    const int64_t n = std::min<int64_t>(options_.budget.subsample, data_.validation.size(0));
    const double start = now_seconds();
    TRY_OK(attacker->reconstruct(pairs(data_.validation).first(n), context));
    const double restarts = info.start.empty() ? static_cast<double>(effort.restarts) : 1;
    // Selection and certification, and a little for tuning.
    return (now_seconds() - start) / 4 * static_cast<double>(effort.iterations) *
           (2 * restarts + 1);
  }

 private:
  Pairs pairs(const at::Tensor& positions) const { return {store_, positions, data_.labels}; }

  const AuditOptions& options_;
  const AuditData& data_;
  std::shared_ptr<const FeatureStore> store_;
};

}  // namespace

Result<Estimate> estimate_audit(const AuditModel& model, const AuditOptions& options,
                                const AuditRecord& frame, const ProgressCallback& tick) {
  AuditRecord scratch = frame;
  const double start = now_seconds();
  TRY(setup, set_up(model, options, scratch, [&](double share, const std::string& text) {
        return tick(0.3 * share, text);
      }));
  Estimate estimate;
  estimate.seconds = now_seconds() - start;
  for (size_t i = 0; i < setup.cuts.size(); ++i) {
    TRY(target, make_target(model, setup.cuts[i]));
    if (!target.about.exposed_by_construction.empty()) continue;
    TRY_OK(tick(0.3 + 0.7 * static_cast<double>(i) / static_cast<double>(setup.cuts.size()),
                "timing cut " + target.about.id));
    const InputSpace& space = setup.data->space;
    TRY(head, Head::make(target.head, attacked_tensors(target.about.tensors, space), space,
                         at::Device(options.device)));
    const double before = now_seconds();
    TRY(store, FeatureStore::make(head, setup.data->inputs, setup.data->used(),
                                  setup.data->training.slice(0, 0, kTried), {}, tick));
    const auto inputs = setup.data->inputs.size(0);
    Estimate::Cut cut{target.about.id, 0, 0};
    cut.seconds = (now_seconds() - before) / kTried * static_cast<double>(inputs);
    const uint64_t bytes = FeatureStore::bytes(store->shapes(), static_cast<uint64_t>(inputs));
    if (bytes <= options.cache_bytes) cut.disk_bytes = bytes;
    const Timing timing(options, *setup.data, store);
    double controls = 0;
    for (const std::string& name : options.attackers) {
      TRY(info, known_attacker(name));
      TRY(seconds, timing.seconds(*info));
      // The data gain trains its attacker once more.
      cut.seconds += info->gains ? 2 * seconds : seconds;
      if (info->learns) controls += seconds;
    }
    estimate.controls_seconds = controls;  // of the last one, the deepest
    estimate.seconds += cut.seconds;
    estimate.disk_bytes = std::max(estimate.disk_bytes, cut.disk_bytes);
    estimate.cuts.push_back(std::move(cut));
  }
  estimate.seconds += estimate.controls_seconds;
  return estimate;
}

}  // namespace cloister::audit
