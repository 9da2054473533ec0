#include "audit/protocol/cut_attack.h"

#include <algorithm>
#include <numeric>

#include "audit/attack/attackers.h"
#include "audit/attack/label_probe.h"
#include "audit/protocol/input_kinds.h"
#include "audit/protocol/stages.h"
#include "base/clock.h"
#include "base/mean.h"
#include "base/sha256.h"

namespace cloister::audit {
namespace {

// Chance of one piece of work, whatever ran before it.
uint64_t seed_of(const Attack& attack, const std::string& job, const std::string& what) {
  const std::string text = fmt::format("{} {} {}", attack.seed, job, what);
  const Digest digest = sha256(std::as_bytes(std::span(text)));
  uint64_t seed = 0;
  for (size_t i = 0; i < 4; ++i) seed = seed << 8 | std::to_integer<uint64_t>(digest[i]);
  return seed;
}

bool makes_gallery(const AuditData& data) {
  return protocol_of(data.space.kind).make_gallery != nullptr;
}

// One cut's work: what it has in hand while its attackers run.
class CutWork {
 public:
  CutWork(const Attack& attack, std::string job, std::shared_ptr<const FeatureStore> store)
      : attack_(attack), job_(std::move(job)), store_(std::move(store)) {}

  Pairs pairs(const at::Tensor& positions) const {
    return {store_, positions, attack_.data.labels};
  }

  AttackContext context(const std::string& what, const ProgressCallback& tick,
                        Effort effort) const {
    AttackContext context;
    context.effort = effort;
    context.seed = seed_of(attack_, job_, what);
    context.score = [this](const at::Tensor& rebuilt, const Pairs& pairs) {
      return attack_.scorer.mean(rebuilt, pairs.targets());
    };
    context.checkpoint = attack_.work.checkpoint(job_, what);
    context.identity = attack_.work.identity() + job_ + what;
    context.tick = tick;
    return context;
  }

  // Trains the attacker (again from its checkpoint, when it was trained before).
  Result<Fit> fit(Attacker& attacker, const std::string& what, const Pairs& train,
                  const Pairs& validation, const ProgressCallback& tick, Effort effort) const {
    return attacker.fit(train, validation, context(what, tick, effort));
  }

  // An attacker that another one starts from was fitted before, and then comes out of its
  // checkpoint, or is fitted now.
  Result<std::shared_ptr<Attacker>> make(const AttackerInfo& info,
                                         const ProgressCallback& tick) const {
    return make_attacker(info, [&](const AttackerInfo& first) -> Result<std::shared_ptr<Attacker>> {
      TRY(attacker, make(first, tick));
      TRY_OK(fit(*attacker, std::string(first.name), pairs(attack_.data.training),
                 pairs(attack_.data.validation), tick, attack_.budget.effort));
      return attacker;
    });
  }

  // Attacks one part of the data.
  Result<SplitScores> score(Attacker& attacker, const AttackerInfo& info, const at::Tensor& part,
                            const ProgressCallback& tick, at::Tensor* rebuilt_out) const {
    const int64_t n =
        info.subsampled ? std::min(attack_.budget.subsample, part.size(0)) : part.size(0);
    const at::Tensor positions = part.slice(0, 0, n);
    TRY(rebuilt, attacker.reconstruct(pairs(positions), context(std::string(info.name), tick,
                                                                attack_.budget.effort)));
    std::vector<size_t> inputs;
    if (n < part.size(0)) {
      inputs.resize(static_cast<size_t>(n));
      std::iota(inputs.begin(), inputs.end(), size_t{0});
    }
    if (rebuilt_out != nullptr) *rebuilt_out = rebuilt;
    return attack_.scorer.all(rebuilt, positions, std::move(inputs));
  }

  Result<AttackerRecord> run(const AttackerInfo& info, const ProgressCallback& tick) const {
    const std::string name(info.name);
    const double start = now_seconds();
    const Stages stages(tick, {{"training", 8}, {"selection", 1}, {"certification", 1}});
    TRY(attacker, make(info, stages.stage("training")));
    TRY(fitted, fit(*attacker, name, pairs(attack_.data.training), pairs(attack_.data.validation),
                    stages.stage("training"), attack_.budget.effort));
    AttackerRecord record;
    record.name = name;
    record.converged = fitted.converged;
    record.convergence = fitted.convergence;
    record.curve = fitted.curve;
    record.training_inputs = static_cast<uint64_t>(attack_.data.training.size(0));
    // What selection is for can do without slow attackers.
    if (!info.subsampled) {
      TRY(selection,
          score(*attacker, info, attack_.data.selection, stages.stage("selection"), nullptr));
      record.selection = std::move(selection);
    }
    at::Tensor rebuilt;
    TRY(certification, score(*attacker, info, attack_.data.certification,
                             stages.stage("certification"), &rebuilt));
    record.certification = std::move(certification);
    if (makes_gallery(attack_.data)) TRY_OK(attack_.work.keep(job_, name, rebuilt));
    record.seconds = now_seconds() - start;
    return record;
  }

  // What half of the data gives, at as many steps.
  Result<DataGain> data_gain(const AttackerRecord& whole, const ProgressCallback& tick) const {
    TRY(attacker, make(gain_attacker(), tick));
    const Pairs train = pairs(attack_.data.training);
    Effort effort = attack_.budget.effort;
    effort.epochs *= 2;
    TRY_OK(fit(*attacker, "half-data", train.first(train.size() / 2),
               pairs(attack_.data.validation), tick, effort));
    TRY(scores, score(*attacker, gain_attacker(), attack_.data.certification, tick, nullptr));
    const Metric metric = attack_.scorer.metric();
    const auto mean = [&](const SplitScores& split) { return mean_of(*split.scores(metric)); };
    return DataGain{mean(scores), mean(whole.certification)};
  }

  Result<ProbeRecord> probe(const ProgressCallback& tick) const {
    TRY(found, probe_labels(pairs(attack_.data.training), pairs(attack_.data.certification),
                            seed_of(attack_, job_, "probe"), tick));
    return ProbeRecord{"label", found};
  }

 private:
  const Attack& attack_;
  std::string job_;
  std::shared_ptr<const FeatureStore> store_;
};

Result<std::shared_ptr<const FeatureStore>> open_features(const Attack& attack,
                                                          const CutTarget& target,
                                                          const std::string& job,
                                                          const ProgressCallback& tick) {
  TRY(head, Head::make(target.head, attacked_tensors(target.about.tensors, attack.data.space),
                       attack.data.space, attack.device));
  auto store =
      FeatureStore::make(head, attack.data.inputs, attack.data.used(), attack.data.training,
                         {.folder = attack.work.features(job),
                          .limit_bytes = attack.cache_bytes,
                          .key = attack.work.identity() + job},
                         tick);
  if (!store) return with_context(store.error(), "cut " + job);
  if (!(*store)->note().empty()) attack.notes.push_back((*store)->note());
  return store;
}

bool has(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

std::vector<std::string> attacked_tensors(const std::vector<CrossingTensor>& crossing,
                                          const InputSpace& space) {
  std::vector<std::string> names;
  for (const CrossingTensor& tensor : crossing) {
    if (!is_held(space, tensor.name)) names.push_back(tensor.name);
  }
  return names;
}

Result<CutRecord> attack_cut(const Attack& attack, const CutTarget& target, const fs::path& gallery,
                             const ProgressCallback& tick) {
  const std::string& job = target.about.id;
  AuditRecord progress = attack.frame;
  progress.cuts = {target.about};
  if (auto known = attack.work.load(job); known && known->cuts.size() == 1) {
    progress.cuts = std::move(known->cuts);
  }
  CutRecord& cut = progress.cuts[0];
  std::vector<std::pair<std::string, double>> lengths = {{"features", 0.1}};
  for (const AttackerInfo& info : kAttackers) {
    if (has(attack.attackers, info.name)) lengths.emplace_back(info.name, info.length);
  }
  lengths.emplace_back("half data", 1);
  lengths.emplace_back("label probe", 0.1);
  const Stages stages(tick, lengths);

  const auto done = [&](std::string_view name) {
    return std::ranges::find(cut.attackers, name, &AttackerRecord::name) != cut.attackers.end();
  };
  const bool gain_wanted = has(attack.attackers, gain_attacker().name);
  const bool probe_wanted = attack.data.labels.defined();
  const bool complete = std::ranges::all_of(attack.attackers, done) &&
                        (!gain_wanted || cut.data_gain) && (!probe_wanted || cut.probe) &&
                        (gallery.empty() || !cut.gallery.empty() || !makes_gallery(attack.data));
  if (complete) return cut;

  TRY(store, open_features(attack, target, job, stages.stage("features")));
  const CutWork work(attack, job, store);
  auto shape = store->shapes().begin();
  for (CrossingTensor& tensor : cut.tensors) {
    if (is_held(attack.data.space, tensor.name)) continue;
    tensor.shape = *shape++;
    tensor.shape.insert(tensor.shape.begin(), 1);
  }
  cut.bytes = 2 * FeatureStore::bytes(store->shapes(), 1);  // f32 where the cache has fp16
  for (const AttackerInfo& info : kAttackers) {
    if (!has(attack.attackers, info.name) || done(info.name)) continue;
    TRY(record, work.run(info, stages.stage(std::string(info.name))));
    cut.attackers.push_back(std::move(record));
    TRY_OK(attack.work.save(job, progress));
  }
  if (gain_wanted && !cut.data_gain) {
    const auto whole =
        std::ranges::find(cut.attackers, gain_attacker().name, &AttackerRecord::name);
    TRY(gain, work.data_gain(*whole, stages.stage("half data")));
    cut.data_gain = gain;
    cut.data_gain_attacker = gain_attacker().name;
    TRY_OK(attack.work.save(job, progress));
  }
  if (probe_wanted && !cut.probe) {
    TRY(probe, work.probe(stages.stage("label probe")));
    cut.probe = probe;
  }
  if (!gallery.empty() && makes_gallery(attack.data)) {
    const InputProtocol& protocol = protocol_of(attack.data.space.kind);
    TRY(rows, protocol.make_gallery(attack.data, protocol.metric, cut, attack.work, gallery));
    cut.gallery = std::move(rows);
  }
  TRY_OK(attack.work.save(job, progress));
  attack.work.drop(job);
  return cut;
}

std::vector<double> floor_scores(const std::vector<AttackerRecord>& baselines, Metric metric) {
  std::vector<double> floor;
  for (const AttackerRecord& baseline : baselines) {
    const auto* scores = baseline.certification.scores(metric);
    if (scores == nullptr) continue;
    if (floor.empty()) floor = *scores;
    for (size_t i = 0; i < floor.size(); ++i) floor[i] = std::max(floor[i], (*scores)[i]);
  }
  return floor;
}

Result<std::vector<Control>> negative_controls(const Attack& attack, const CutTarget& target,
                                               const std::vector<std::string>& attackers,
                                               const ProgressCallback& tick) {
  const std::string job = target.about.id + "-shuffled";
  AuditRecord progress = attack.frame;
  if (auto known = attack.work.load(job)) progress = std::move(*known);
  const auto done = [&](const std::string& name) {
    return std::ranges::find(progress.negative_controls, name, &Control::attacker) !=
           progress.negative_controls.end();
  };
  if (std::ranges::all_of(attackers, done)) return progress.negative_controls;

  std::vector<std::pair<std::string, double>> lengths = {{"features", 0.1}};
  for (const std::string& name : attackers) {
    TRY(info, known_attacker(name));
    lengths.emplace_back(name, info->length);
  }
  const Stages stages(tick, lengths);
  TRY(store, open_features(attack, target, job, stages.stage("features")));
  const CutWork work(attack, job, store);
  const std::vector<double> floor = floor_scores(attack.frame.baselines, attack.scorer.metric());
  const double floor_mean = mean_of(floor);
  for (const std::string& name : attackers) {
    if (done(name)) continue;
    const ProgressCallback stage = stages.stage(name);
    TRY(info, known_attacker(name));
    TRY(attacker, work.make(*info, stage));
    TRY_OK(work.fit(*attacker, name, work.pairs(attack.data.training).shuffled(),
                    work.pairs(attack.data.validation).shuffled(), stage, attack.budget.effort));
    TRY(scores, work.score(*attacker, *info, attack.data.certification, stage, nullptr));
    const double mean = mean_of(*scores.scores(attack.scorer.metric()));
    progress.negative_controls.push_back({name, mean, floor_mean});
    progress.negative_control_cut = target.about.id;
    TRY_OK(attack.work.save(job, progress));
  }
  attack.work.drop(job);
  return progress.negative_controls;
}

}  // namespace cloister::audit
