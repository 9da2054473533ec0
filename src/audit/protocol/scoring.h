// How close an attacker came, in the metrics of an audit.
#pragma once

#include "audit/protocol/data.h"

namespace cloister::audit {

// A second network that says what it sees, for label agreement. Not the victim.
class EvaluationModel {
 public:
  // Its input may have another size than the pictures, which are then resized for it; they are
  // scaled and normalised as `preprocess` says, whose geometry is not looked at.
  static Result<std::shared_ptr<const EvaluationModel>> make(const Model& model,
                                                             const Preprocess& preprocess,
                                                             at::Device device);
  // The class of each picture, i64 [n]. Channels in the order of `from`.
  Result<at::Tensor> classes(const at::Tensor& pictures) const;

 private:
  std::shared_ptr<const Head> head_;
  int64_t height_ = 0, width_ = 0;  // of its input; 0: any
};

// Thread-safe.
class Scorer {
 public:
  explicit Scorer(const AuditData& data) : data_(data) {}

  // From now on all() also says how often `witness` sees the same in both, for certification.
  Result<> add_witness(std::shared_ptr<const EvaluationModel> witness);

  // What everything is judged by: SSIM of pictures, the share of a row that came back.
  Metric metric() const;

  // One score an input, for reconstructions f32 [n, item...] of the inputs at `positions`.
  Result<std::vector<double>> scores(const at::Tensor& rebuilt, const at::Tensor& positions) const;
  Result<double> mean(const at::Tensor& rebuilt, const at::Tensor& positions) const;

  // All metrics. Scores are rounded to 5 decimals. `inputs`: see SplitScores.
  Result<SplitScores> all(const at::Tensor& rebuilt, const at::Tensor& positions,
                          std::vector<size_t> inputs) const;

 private:
  // Reconstructions without values that no input has.
  at::Tensor possible(const at::Tensor& rebuilt) const;
  // How often the witness sees the same; none without a witness, and of other parts.
  Result<std::optional<double>> agreement(const at::Tensor& rebuilt,
                                          const at::Tensor& positions) const;

  const AuditData& data_;
  std::shared_ptr<const EvaluationModel> witness_;
  at::Tensor witnessed_;  // classes of the certification inputs
};

}  // namespace cloister::audit
