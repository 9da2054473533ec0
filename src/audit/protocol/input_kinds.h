// What an audit does with a kind of input: one row each, one file each (pictures.cpp, rows.cpp).
#pragma once

#include "audit/protocol/data.h"
#include "audit/protocol/work_folder.h"

namespace cloister::audit {

// Functions are thread-safe. Reconstructions are f32 [n, item...], of the inputs at `positions`,
// and hold values that an input may have.
struct InputProtocol {
  InputKind kind;
  Metric metric;              // what everything is judged by
  Metric policy_metric;       // what a policy that names none has a threshold on
  bool second_model = false;  // another classifier may say whether it sees the same in both

  // Errors: load_data().
  Result<AuditData> (*load)(const DataOptions& options, const Budget& budget,
                            const TensorSpec& input, const ProgressCallback& tick);

  // One score of `metric` an input.
  Result<std::vector<double>> (*scores)(const AuditData& data, const at::Tensor& rebuilt,
                                        const at::Tensor& positions);

  // Adds all metrics of the kind and, where it has columns, these.
  Result<> (*score_all)(const AuditData& data, const at::Tensor& rebuilt,
                        const at::Tensor& positions, SplitScores& out);

  // gallery.h; null: reconstructions can't be shown as pictures.
  Result<std::vector<GalleryRow>> (*make_gallery)(const AuditData& data, Metric metric,
                                                  const CutRecord& cut, const WorkFolder& work,
                                                  const fs::path& folder) = nullptr;
};

extern const InputProtocol kPictureProtocol;
extern const InputProtocol kRowProtocol;

const InputProtocol& protocol_of(InputKind kind);

}  // namespace cloister::audit
