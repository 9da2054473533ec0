#include "tee/recompute.h"

#include <cmath>

#include "base/random.h"
#include "tensor/compare.h"

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

class SampledRecompute final : public SegmentTransform {
 public:
  SampledRecompute(std::unique_ptr<Program> segment, const TensorSpecs& specs,
                   const RecomputeOptions& options)
      : segment_(std::move(segment)),
        options_(options),
        inputs_(places(segment_->inputs(), specs.inputs)),
        outputs_(places(specs.outputs, segment_->outputs())) {}

  Result<Verification> verify(const std::vector<Tensor>& inputs,
                              std::vector<Tensor> outputs) override {
    if (!draw(options_.rate)) return Verification{.outputs = std::move(outputs)};
    std::vector<TensorView> views;
    for (const size_t place : inputs_) views.push_back(inputs[place].view());
    TRY(made, segment_->run(views));
    std::vector<Tensor> ours;
    for (const size_t place : outputs_) ours.push_back(made[place]);
    bool matches = true;
    for (size_t i = 0; matches && i < ours.size(); ++i) {
      const auto difference = compare(outputs[i].view(), ours[i].view());
      matches =
          difference && (difference->identical || difference->relative() <= options_.tolerance);
    }
    return Verification{.checked = true, .matches = matches, .outputs = std::move(ours)};
  }

 private:
  const std::unique_ptr<Program> segment_;
  const RecomputeOptions options_;
  const std::vector<size_t> inputs_;   // of each of the program's inputs among those given
  const std::vector<size_t> outputs_;  // of each output that is wanted among the program's
};

}  // namespace

std::unique_ptr<SegmentTransform> sampled_recompute(std::unique_ptr<Program> segment,
                                                    const TensorSpecs& specs,
                                                    const RecomputeOptions& options) {
  return std::make_unique<SampledRecompute>(std::move(segment), specs, options);
}

}  // namespace cloister::serving
