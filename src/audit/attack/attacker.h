// An attacker on one cut: learns from pairs, then rebuilds inputs from feature maps alone.
#pragma once

#include "audit/attack/generator.h"
#include "audit/attack/pairs.h"
#include "audit/record.h"

namespace cloister::audit {

// How much an attacker may spend. Plain data.
struct Effort {
  NetworkSize network;
  int64_t epochs = 10;
  int64_t batch = 64;
  double learning_rate = 2e-3;  // at the start; falls to 0 along a cosine
  int64_t iterations = 300;     // of rmle, for each start
  int64_t restarts = 2;         // of rmle
};

// Mean score of reconstructions [N, item...] of the first rows of `pairs`: what validation and
// tuning look at. Higher leaks more.
using Score = std::function<Result<double>(const at::Tensor& rebuilt, const Pairs& pairs)>;

// What every attacker is given. Plain data.
struct AttackContext {
  Effort effort;
  uint64_t seed = 1;
  Score score;
  // A file that keeps the state of training after each epoch; empty: none. One that is of another
  // `identity` is started anew.
  fs::path checkpoint;
  std::string identity;
  ProgressCallback tick;
};

// What training came to.
struct Fit {
  std::vector<CurvePoint> curve;
  bool converged = true;
  std::string convergence;       // the numbers behind it
  double inputs_per_second = 0;  // trained on, this time
};

// Not thread-safe.
class Attacker {
 public:
  virtual ~Attacker() = default;

  // `validation` is the attacker's own: to tune on and to see when to stop.
  virtual Result<Fit> fit(const Pairs& train, const Pairs& validation,
                          const AttackContext& context) = 0;

  // f32 [n, item...] on the CPU, pictures in [0,1].
  virtual Result<at::Tensor> reconstruct(const FeatureView& targets,
                                         const AttackContext& context) = 0;
};

// One file each.
std::unique_ptr<Attacker> make_inverse_net();  // a generator trained by regression
std::unique_ptr<Attacker> make_cgan();         // the same against a discriminator
std::unique_ptr<Attacker> make_retrieval();    // the attacker's own input with the nearest maps
std::unique_ptr<Attacker> make_rmle();         // optimises the input until its maps fit
// The same, started from what `first` (fitted already) rebuilds.
std::unique_ptr<Attacker> make_rmle_from(std::shared_ptr<Attacker> first);

}  // namespace cloister::audit
