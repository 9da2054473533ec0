// Regularised maximum likelihood estimation (He et al., ACSAC 2019): with the head in hand, the
// input is optimised until its feature maps are those that were seen, under a total-variation
// prior. How much the prior counts is tuned on the attacker's own validation inputs.
#include <torch/optim/adam.h>
#include <torch/utils.h>

#include <array>
#include <cmath>
#include <numbers>

#include "audit/attack/attacker.h"
#include "audit/attack/input_kinds.h"
#include "base/number_text.h"

namespace cloister::audit {
namespace {

constexpr std::array kPriors = {0.01, 0.1, 1.0};
constexpr int64_t kTuned = 8;   // validation inputs that the prior is tuned on
constexpr int64_t kBatch = 25;  // inputs optimised side by side
constexpr double kRate = 0.05;  // of Adam, at the start

// What is found for each of a batch: an input, and how badly its maps fit.
struct Found {
  at::Tensor inputs;
  at::Tensor misfit;
};

class Rmle final : public Attacker {
 public:
  explicit Rmle(std::shared_ptr<Attacker> first) : first_(std::move(first)) {}

  Result<Fit> fit(const Pairs& train, const Pairs& validation,
                  const AttackContext& context) override {
    // Where nothing better is known, the search starts from the mean of what the attacker has.
    mean_ = train.inputs(0, std::min<int64_t>(train.size(), 256)).mean(0, true);
    const Pairs tuned = validation.first(kTuned);
    double best = 0;
    std::string tried;
    for (size_t i = 0; i < kPriors.size(); ++i) {
      AttackContext part = context;
      part.tick = [&, i](double share, const std::string& text) {
        return context.tick((static_cast<double>(i) + share) / kPriors.size(), "tuning, " + text);
      };
      part.effort.restarts = 1;
      TRY(rebuilt, search(tuned, kPriors[i], part));
      TRY(score, context.score(rebuilt, tuned));
      tried += fmt::format("{}{}: {}", i ? ", " : "", kPriors[i], number_text(score, 3));
      if (i == 0 || score > best) {
        best = score;
        prior_ = kPriors[i];
      }
    }
    Fit fit;
    fit.convergence = fmt::format("prior {} of those tried on {} validation inputs ({})", prior_,
                                  tuned.size(), tried);
    return fit;
  }

  Result<at::Tensor> reconstruct(const FeatureView& targets,
                                 const AttackContext& context) override {
    return search(targets, prior_, context);
  }

 private:
  Result<at::Tensor> search(const FeatureView& targets, double prior,
                            const AttackContext& context) const {
    at::Tensor starts;
    if (first_) {
      AttackContext silent = context;
      silent.tick = [](double, const std::string&) { return Result<>(); };
      TRY(rebuilt, first_->reconstruct(targets, silent));
      starts = rebuilt;
    }
    std::vector<at::Tensor> parts;
    for (int64_t first = 0; first < targets.size(); first += kBatch) {
      const int64_t last = std::min(first + kBatch, targets.size());
      TRY(seen, targets.exact(first, last));
      const at::Tensor from = starts.defined() ? starts.slice(0, first, last) : at::Tensor();
      AttackContext part = context;
      part.tick = [&](double share, const std::string& text) {
        const auto all = static_cast<double>(targets.size());
        return context.tick(
            (static_cast<double>(first) + share * static_cast<double>(last - first)) / all, text);
      };
      torch::manual_seed(context.seed * 1'000'003 + static_cast<uint64_t>(first));
      TRY(found, search_batch(targets, targets.normalise(seen), from, last - first, prior, part));
      parts.push_back(found.cpu().contiguous());
    }
    return at::cat(parts);
  }

  // The best of several starts for each input, by what the attacker can see: how well the maps fit.
  Result<at::Tensor> search_batch(const FeatureView& targets, const Maps& seen,
                                  const at::Tensor& from, int64_t count, double prior,
                                  const AttackContext& context) const {
    // A start from another attacker's answer is one; there is nothing to draw.
    const int64_t restarts = from.defined() ? 1 : context.effort.restarts;
    Found best;
    for (int64_t restart = 0; restart < restarts; ++restart) {
      at::Tensor start;
      if (from.defined()) {
        start = from.to(targets.head().device()).clone();
      } else {
        Shape shape = mean_.sizes().vec();
        shape[0] = count;
        start = mean_.expand(shape).clone();
        if (restart > 0) start = start + 0.2 * at::randn_like(start);
      }
      const auto tick = [&](double share, const std::string& text) {
        return context.tick((static_cast<double>(restart) + share) / static_cast<double>(restarts),
                            text);
      };
      TRY(found, descend(targets, seen, start, prior, context.effort.iterations, tick));
      if (restart == 0) {
        best = found;
        continue;
      }
      Shape broadcast(static_cast<size_t>(start.dim()), 1);
      broadcast[0] = count;
      const at::Tensor better = found.misfit < best.misfit;
      best.inputs = at::where(better.view(broadcast), found.inputs, best.inputs);
      best.misfit = at::minimum(found.misfit, best.misfit);
    }
    return best.inputs;
  }

  Result<Found> descend(const FeatureView& targets, const Maps& seen, const at::Tensor& start,
                        double prior, int64_t iterations, const ProgressCallback& tick) const {
    const InputOperations& operations = operations_of(targets.space());
    at::Tensor x = start.detach().clone().set_requires_grad(true);
    torch::optim::Adam optimiser({x}, torch::optim::AdamOptions(kRate));
    at::Tensor misfit;
    for (int64_t i = 0; i < iterations; ++i) {
      const double rate = kRate *
                          (1 + std::cos(std::numbers::pi * static_cast<double>(i) /
                                        static_cast<double>(iterations))) /
                          2;
      static_cast<torch::optim::AdamOptions&>(optimiser.param_groups()[0].options()).lr(rate);
      TRY(maps, targets.head().run(x));
      const Maps now = targets.normalise(maps);
      misfit = at::zeros({x.size(0)}, x.options().requires_grad(false));
      for (size_t m = 0; m < now.size(); ++m) {
        misfit = misfit + (now[m] - seen[m]).square().reshape({x.size(0), -1}).mean(1);
      }
      const at::Tensor rough = operations.roughness(x, mean_);
      // A sum: every input is on its own.
      const at::Tensor loss = (misfit + prior * rough).sum();
      optimiser.zero_grad();
      loss.backward();
      optimiser.step();
      {
        const at::NoGradGuard no_gradients;
        operations.clamp(x);
      }
      TRY_OK(tick(static_cast<double>(i + 1) / static_cast<double>(iterations),
                  fmt::format("iteration {}/{}, misfit {}", i + 1, iterations,
                              number_text(misfit.mean().item<double>(), 4))));
    }
    return Found{x.detach(), misfit.detach()};
  }

  std::shared_ptr<Attacker> first_;
  at::Tensor mean_;
  double prior_ = kPriors[0];
};

}  // namespace

std::unique_ptr<Attacker> make_rmle() {
  return std::make_unique<Rmle>(nullptr);
}

std::unique_ptr<Attacker> make_rmle_from(std::shared_ptr<Attacker> first) {
  return std::make_unique<Rmle>(std::move(first));
}

}  // namespace cloister::audit
