// The data set of an audit in memory: split, decoded, and as attackers want it.
#pragma once

#include "audit/attack/pairs.h"
#include "audit/protocol/budget.h"
#include "data/encoder_json.h"
#include "data/images.h"
#include "engine/engine.h"

namespace cloister::audit {

struct DataOptions {
  fs::path path;     // a folder of pictures, or a .csv file
  int64_t size = 0;  // pixels a side that pictures are attacked at; 0: the model's
  std::optional<Preprocess> preprocess;  // pictures; none: the preset "imagenet"
  ImageOptions images;                   // without the folder
  std::optional<Encoding> encoding;  // tables: as the model was trained; none: `table`, `encoder`
  TableOptions table;
  EncoderOptions encoder;
  std::optional<VictimTrain> victim_train;
  uint64_t seed = 1;
};

// Positions count through the inputs that are used: certification first, then selection,
// validation, training. Immutable once made.
struct AuditData {
  std::string kind;  // "images" or "table"
  InputSpace space;
  at::Tensor inputs;                                          // u8 [N,C,H,W], or f32 [N,width]
  at::Tensor labels;                                          // i64 [N], or undefined
  std::vector<std::string> ids;                               // one an input
  at::Tensor certification, selection, validation, training;  // positions, i64

  std::string splits;              // docs/formats/splits.md
  std::vector<std::string> notes;  // for the record

  // Tables: what their columns were, by row of the table.
  std::optional<Table> table;
  std::optional<TableEncoder> encoder;
  std::vector<size_t> rows;         // of the table, one an input
  std::vector<Marginal> marginals;  // one a column, from the training part

  at::Tensor used() const;  // all positions
};

// `input` is the model's. kUsage for data that does not go with it; else errors of scan_images(),
// read_table(), bind_encoding() and make_splits(). Pictures that can't be used are skipped, counted
// and named in the record.
Result<AuditData> load_data(const DataOptions& options, const Budget& budget,
                            const TensorSpec& input, const ProgressCallback& tick);

}  // namespace cloister::audit
