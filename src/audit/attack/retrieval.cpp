// Nearest neighbour: the attacker's own input whose feature maps are nearest, by Euclidean
// distance.
#include "audit/attack/attacker.h"
#include "audit/attack/flat_maps.h"

namespace cloister::audit {
namespace {

class Retrieval final : public Attacker {
 public:
  Result<Fit> fit(const Pairs& train, const Pairs&, const AttackContext&) override {
    TRY(flat, flat_maps(train));
    known_ = flat;
    train_ = std::make_unique<Pairs>(train);
    return Fit{};
  }

  Result<at::Tensor> reconstruct(const FeatureView& targets,
                                 const AttackContext& context) override {
    const at::NoGradGuard no_gradients;
    TRY(wanted, flat_maps(targets));
    const at::Tensor squares = known_.square().sum(1);
    std::vector<at::Tensor> parts;
    for (int64_t first = 0; first < wanted.size(0); first += 256) {
      const at::Tensor some = wanted.slice(0, first, first + 256);
      // |a - b|^2 without |a|^2, which is the same for all.
      const at::Tensor distances = squares - 2 * some.matmul(known_.t());
      parts.push_back(train_->inputs(distances.argmin(1)).cpu().contiguous());
      TRY_OK(context.tick(static_cast<double>(first) / static_cast<double>(wanted.size(0)),
                          "nearest neighbours"));
    }
    return at::cat(parts);
  }

 private:
  at::Tensor known_;
  std::unique_ptr<Pairs> train_;
};

}  // namespace

std::unique_ptr<Attacker> make_retrieval() {
  return std::make_unique<Retrieval>();
}

}  // namespace cloister::audit
