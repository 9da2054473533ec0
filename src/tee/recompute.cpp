#include "tee/recompute.h"

#include <cmath>

#include "base/random.h"
#include "tensor/compare.h"
#include "tensor/items.h"

namespace cloister::serving {
namespace {

// The untrusted side must not know which batches are looked at. Without chance all of them are.
bool draw(double rate) {
  const auto number = random_number();
  return !number || std::ldexp(static_cast<double>(*number), -64) < rate;
}

// Where each of `want` stands in `among`.
std::vector<size_t> places(const std::vector<TensorSpec>& want,
                           const std::vector<TensorSpec>& among) {
  std::vector<size_t> out;
  for (const TensorSpec& spec : want) {
    out.push_back(static_cast<size_t>(find_spec(among, spec.name) - among.data()));
  }
  return out;
}

// What is smaller counts as this: sums that cancel out differ by rounding alone.
constexpr double kSmallest = 1e-6;

bool matches(const TensorView& theirs, const TensorView& ours, double tolerance) {
  const auto difference = compare(theirs, ours);
  return difference &&
         (difference->identical ||
          difference->max_abs <= tolerance * std::max(difference->max_magnitude, kSmallest));
}

// Item by item where there are several: they belong to clients that do not trust each other, and
// large numbers of one must not excuse false ones of another.
bool all_match(const Tensor& theirs, const Tensor& ours, bool is_batch, double tolerance) {
  const bool apart = is_batch && theirs.shape() == ours.shape();
  if (!apart) return matches(theirs.view(), ours.view(), tolerance);
  for (int64_t i = 0; i < ours.shape()[0]; ++i) {
    const auto a = slice_items(theirs, i, 1);
    const auto b = slice_items(ours, i, 1);
    if (!a || !b || !matches(a->view(), b->view(), tolerance)) return false;
  }
  return true;
}

class SampledRecompute final : public SegmentTransform {
 public:
  SampledRecompute(std::unique_ptr<Program> segment, const TensorSpecs& specs,
                   const RecomputeOptions& options)
      : segment_(std::move(segment)),
        options_(options),
        inputs_(places(segment_->inputs(), specs.inputs)),
        outputs_(places(specs.outputs, segment_->outputs())) {
    for (const TensorSpec& spec : specs.outputs) {
      is_batch_.push_back(options.has_batches && !spec.dims.empty() && spec.dims[0] < 0);
    }
  }

  Result<Verification> verify(const std::vector<Tensor>& inputs,
                              std::vector<Tensor> outputs) override {
    if (!draw(options_.rate)) return Verification{.outputs = std::move(outputs)};
    std::vector<TensorView> views;
    for (const size_t place : inputs_) views.push_back(inputs[place].view());
    TRY(made, segment_->run(views));
    std::vector<Tensor> ours;
    for (const size_t place : outputs_) ours.push_back(made[place]);
    bool good = true;
    for (size_t i = 0; good && i < ours.size(); ++i) {
      good = all_match(outputs[i], ours[i], is_batch_[i], options_.tolerance);
    }
    return Verification{.checked = true, .matches = good, .outputs = std::move(ours)};
  }

 private:
  const std::unique_ptr<Program> segment_;
  const RecomputeOptions options_;
  const std::vector<size_t> inputs_;   // of each of the program's inputs among those given
  const std::vector<size_t> outputs_;  // of each output that is wanted among the program's
  std::vector<bool> is_batch_;         // by output: its items lie one after the other
};

}  // namespace

std::unique_ptr<SegmentTransform> sampled_recompute(std::unique_ptr<Program> segment,
                                                    const TensorSpecs& specs,
                                                    const RecomputeOptions& options) {
  return std::make_unique<SampledRecompute>(std::move(segment), specs, options);
}

}  // namespace cloister::serving
