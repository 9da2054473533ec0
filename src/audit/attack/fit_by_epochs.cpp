#include "audit/attack/fit_by_epochs.h"

#include <torch/serialize.h>
#include <torch/utils.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numbers>

#include "audit/attack/precision.h"

namespace cloister::audit {

Trained::Trained(std::shared_ptr<torch::nn::Module> net, double beta1, double share)
    : network(std::move(net)),
      optimiser(std::make_unique<torch::optim::Adam>(
          network->parameters(), torch::optim::AdamOptions(1e-3).betas({beta1, 0.999}))),
      rate_share(share) {}

void Trained::descend(const at::Tensor& loss) const {
  // Gone rather than zeroed: the first gradient is then stored, not added.
  for (at::Tensor& weight : network->parameters()) weight.mutable_grad() = at::Tensor();
  loss.backward();
  optimiser->step();
}

Maps for_training(const Maps& maps, at::Device device) {
  Maps result;
  for (const at::Tensor& map : maps) result.push_back(map.to(training_type(device)));
  return result;
}

Result<at::Tensor> generate(const Generator& generator, const FeatureView& targets) {
  const at::NoGradGuard no_gradients;
  std::vector<at::Tensor> parts;
  for (int64_t first = 0; first < targets.size(); first += 64) {
    TRY(maps, targets.normalised(first, first + 64));
    const Maps typed = for_training(maps, targets.head().device());
    parts.push_back(from_raw(targets.space(), generator.forward(typed)).cpu().contiguous());
  }
  return at::cat(parts);
}

void judge_curve(Fit& fit) {
  const size_t epochs = fit.curve.size();
  const size_t last = std::max<size_t>(2, epochs / 5);
  if (epochs < last + 1) {
    fit.converged = false;
    fit.convergence = fmt::format("{} epochs are too few to judge convergence", epochs);
    return;
  }
  const auto best = [&](size_t begin, size_t end) {
    double highest = fit.curve[begin].validation;
    for (size_t i = begin; i < end; ++i) highest = std::max(highest, fit.curve[i].validation);
    return highest;
  };
  const double before = best(0, epochs - last), after = best(epochs - last, epochs);
  fit.converged = after - before <= kConvergedGain;
  fit.convergence = fmt::format(
      "the last {} of {} epochs took the validation score from {:.3f} to {:.3f}; converged means "
      "by at most {}",
      last, epochs, before, after, kConvergedGain);
}

namespace {

class Loop {
 public:
  Loop(const Training& training, const Pairs& train, const Pairs& validation,
       const AttackContext& context)
      : training_(training), train_(train), validation_(validation), context_(context) {}

  Result<Fit> run() {
    load();
    const auto done_before = static_cast<int64_t>(fit_.curve.size());
    double training_seconds = 0;
    for (int64_t epoch = done_before; epoch < context_.effort.epochs; ++epoch) {
      const auto epoch_start = std::chrono::steady_clock::now();
      TRY(loss, run_epoch(epoch));
      training_seconds += seconds_since(epoch_start);
      TRY(rebuilt, training_.reconstruct(validation_));
      TRY(score, context_.score(rebuilt, validation_));
      fit_.curve.push_back({epoch + 1, loss, score});
      TRY_OK(save());
    }
    const auto trained = (context_.effort.epochs - done_before) * train_.size();
    if (training_seconds > 0)
      fit_.inputs_per_second = static_cast<double>(trained) / training_seconds;
    judge_curve(fit_);
    return fit_;
  }

 private:
  static double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

  int64_t steps_per_epoch() const {
    return std::max<int64_t>(1, train_.size() / context_.effort.batch);
  }

  void set_learning_rate(int64_t step) {
    const auto all = static_cast<double>(steps_per_epoch() * context_.effort.epochs);
    const double rate = context_.effort.learning_rate *
                        (1 + std::cos(std::numbers::pi * static_cast<double>(step) / all)) / 2;
    for (Trained* trained : training_.networks) {
      for (auto& group : trained->optimiser->param_groups()) {
        static_cast<torch::optim::AdamOptions&>(group.options()).lr(rate * trained->rate_share);
      }
    }
  }

  Result<double> run_epoch(int64_t epoch) {
    torch::manual_seed(context_.seed * 1'000'003 + static_cast<uint64_t>(epoch));
    const at::Tensor order = at::randperm(train_.size(), at::kLong);
    double sum = 0;
    const int64_t steps = steps_per_epoch();
    for (int64_t i = 0; i < steps; ++i) {
      set_learning_rate(epoch * steps + i);
      const int64_t first = i * context_.effort.batch;
      TRY(loss, training_.step(order.slice(0, first, first + context_.effort.batch)));
      if (!std::isfinite(loss)) return invalid("the loss of epoch {} is {}", epoch + 1, loss);
      sum += loss;
      const auto all = static_cast<double>(steps * context_.effort.epochs);
      const double share = static_cast<double>(epoch * steps + i + 1) / all;
      const std::string score =
          fit_.curve.empty() ? "" : fmt::format(", score {:.3f}", fit_.curve.back().validation);
      TRY_OK(context_.tick(
          share, fmt::format("epoch {}/{}, loss {:.3f}{}", epoch + 1, context_.effort.epochs,
                             sum / static_cast<double>(i + 1), score)));
    }
    return sum / static_cast<double>(steps);
  }

  Result<> save() const {
    if (context_.checkpoint.empty()) return {};
    torch::serialize::OutputArchive archive;
    archive.write("identity", c10::IValue(context_.identity));
    at::Tensor curve = at::empty({static_cast<int64_t>(fit_.curve.size()), 2}, at::kDouble);
    for (size_t i = 0; i < fit_.curve.size(); ++i) {
      curve[static_cast<int64_t>(i)][0] = fit_.curve[i].loss;
      curve[static_cast<int64_t>(i)][1] = fit_.curve[i].validation;
    }
    archive.write("curve", curve);
    for (size_t i = 0; i < training_.networks.size(); ++i) {
      torch::serialize::OutputArchive network, optimiser;
      training_.networks[i]->network->save(network);
      training_.networks[i]->optimiser->save(optimiser);
      archive.write(fmt::format("network{}", i), network);
      archive.write(fmt::format("optimiser{}", i), optimiser);
    }
    return write_file(context_.checkpoint, [&](std::ostream& out) -> Result<> {
      archive.save_to(out);
      return {};
    });
  }

  // A checkpoint that can't be read or is of something else is as good as none.
  void load() {
    std::error_code code;
    if (context_.checkpoint.empty() || !fs::exists(context_.checkpoint, code)) return;
    try {
      torch::serialize::InputArchive archive;
      archive.load_from(context_.checkpoint.string());
      c10::IValue identity;
      archive.read("identity", identity);
      if (identity.toStringRef() != context_.identity) return;
      at::Tensor curve;
      archive.read("curve", curve);
      for (size_t i = 0; i < training_.networks.size(); ++i) {
        torch::serialize::InputArchive network, optimiser;
        archive.read(fmt::format("network{}", i), network);
        archive.read(fmt::format("optimiser{}", i), optimiser);
        training_.networks[i]->network->load(network);
        training_.networks[i]->optimiser->load(optimiser);
      }
      for (int64_t i = 0; i < curve.size(0); ++i) {
        fit_.curve.push_back({i + 1, curve[i][0].item<double>(), curve[i][1].item<double>()});
      }
    } catch (const std::exception&) {
      fit_.curve.clear();
    }
  }

  const Training& training_;
  const Pairs& train_;
  const Pairs& validation_;
  const AttackContext& context_;
  Fit fit_;
};

}  // namespace

Result<Fit> fit_by_epochs(const Training& training, const Pairs& train, const Pairs& validation,
                          const AttackContext& context) {
  return Loop(training, train, validation, context).run();
}

}  // namespace cloister::audit
