// What attackers get: feature maps alone, or with the inputs they were made from.
#pragma once

#include "audit/attack/feature_store.h"

namespace cloister::audit {

// The feature maps of some inputs: all that an attacker sees when it attacks. Rows count from 0.
class FeatureView {
 public:
  FeatureView(std::shared_ptr<const FeatureStore> store, at::Tensor positions)
      : store_(std::move(store)), positions_(std::move(positions)) {}

  int64_t size() const { return positions_.size(0); }
  const std::vector<Shape>& shapes() const { return store_->shapes(); }
  const Head& head() const { return store_->head(); }
  const InputSpace& space() const { return store_->head().space(); }

  // As FeatureStore has them, for rows i64 [n] or first .. last - 1.
  Result<Maps> normalised(const at::Tensor& rows) const {
    return store_->normalised(positions_.index_select(0, rows));
  }
  Result<Maps> normalised(int64_t first, int64_t last) const {
    return store_->normalised(positions_.slice(0, first, last));
  }
  Result<Maps> exact(int64_t first, int64_t last) const {
    return store_->exact(positions_.slice(0, first, last));
  }
  Maps normalise(const Maps& maps) const { return store_->normalise(maps); }

  // The first `count` rows.
  FeatureView first(int64_t count) const { return {store_, positions_.slice(0, 0, count)}; }

 protected:
  std::shared_ptr<const FeatureStore> store_;
  at::Tensor positions_;
};

// Feature maps and the inputs behind them: what an attacker learns from. Shuffled pairs (of the
// negative control) have the maps of one input and the pixels of another.
class Pairs : public FeatureView {
 public:
  // `labels`: i64 of the whole data set, or undefined.
  Pairs(std::shared_ptr<const FeatureStore> store, at::Tensor positions, at::Tensor labels)
      : FeatureView(std::move(store), positions),
        targets_(std::move(positions)),
        labels_(std::move(labels)) {}

  // f32 [n, item...].
  at::Tensor inputs(const at::Tensor& rows) const {
    return store_->inputs(targets_.index_select(0, rows));
  }
  at::Tensor inputs(int64_t first, int64_t last) const {
    return store_->inputs(targets_.slice(0, first, last));
  }
  // Of the inputs, in the data set.
  const at::Tensor& targets() const { return targets_; }
  bool has_labels() const { return labels_.defined(); }
  at::Tensor labels() const { return labels_.index_select(0, targets_); }

  Pairs first(int64_t count) const {
    Pairs part = *this;
    part.positions_ = positions_.slice(0, 0, count);
    part.targets_ = targets_.slice(0, 0, count);
    return part;
  }
  // The same maps, each with the input of another row.
  Pairs shuffled() const {
    Pairs part = *this;
    part.targets_ = targets_.roll(1);
    return part;
  }

 private:
  at::Tensor targets_;
  at::Tensor labels_;
};

}  // namespace cloister::audit
