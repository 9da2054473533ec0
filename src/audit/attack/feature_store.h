// The feature maps of a data set at one cut: computed once and kept on disk, or computed again
// where they would take too much of it.
#pragma once

#include <functional>

#include "audit/attack/head.h"
#include "base/file.h"

namespace cloister::audit {

// Told how much of a long piece of work is done (0 to 1) and how it goes; an error stops the work
// and becomes its result.
using ProgressCallback = std::function<Result<>(double, const std::string&)>;

struct FeatureStoreOptions {
  fs::path folder;           // where maps are kept; empty: nowhere
  uint64_t limit_bytes = 0;  // more than that is not kept
  std::string key;           // what the maps depend on: files of another key are made anew
  int64_t batch = 64;        // inputs at a time
};

// Maps are kept normalised (by channel, from a sample of the attacker's own inputs) and rounded to
// fp16, whether they come from the disk or are computed again. Thread-safe once made.
class FeatureStore {
 public:
  // `inputs` is the whole data set, u8 [N,C,H,W] or f32 [N,width], on the CPU; `used` the positions
  // that will be asked for, `sample` those that normalisation is fitted on. A disk that is full is
  // no error: maps are then computed again, and note() says so. kInvalid for a map that is not
  // finite, naming its tensor and input.
  static Result<std::shared_ptr<const FeatureStore>> make(std::shared_ptr<const Head> head,
                                                          at::Tensor inputs, const at::Tensor& used,
                                                          const at::Tensor& sample,
                                                          const FeatureStoreOptions& options,
                                                          const ProgressCallback& tick);
  ~FeatureStore();

  // For positions i64 [n] in the data set: normalised maps, fp16, channels last where there are
  // channels, on the head's device.
  Result<Maps> normalised(const at::Tensor& positions) const;
  // The maps themselves, f32.
  Result<Maps> exact(const at::Tensor& positions) const;
  // Maps put as normalised() gives them, but in their own type and with gradients.
  Maps normalise(const Maps& maps) const;

  // The inputs at those positions, f32 [n, item...]; pictures in [0,1], channels last.
  at::Tensor inputs(const at::Tensor& positions) const;

  const Head& head() const { return *head_; }
  const std::vector<Shape>& shapes() const { return shapes_; }  // of the maps of one input
  const std::string& note() const { return note_; }             // empty: as planned

  // Bytes on disk of the maps of `count` inputs.
  static uint64_t bytes(const std::vector<Shape>& shapes, uint64_t count);

 private:
  struct Cache;

  FeatureStore() = default;
  Result<Maps> computed(const at::Tensor& positions) const;
  Result<> fit_normalisation(const at::Tensor& sample);
  Result<> open_cache(const at::Tensor& used, const FeatureStoreOptions& options,
                      const ProgressCallback& tick);

  std::shared_ptr<const Head> head_;
  at::Tensor inputs_;
  std::vector<Shape> shapes_;
  Maps centre_, spread_;  // broadcast against a map
  std::unique_ptr<Cache> cache_;
  std::string note_;
};

}  // namespace cloister::audit
