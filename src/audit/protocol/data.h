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
  InputSpace space;
  at::Tensor inputs;                                          // u8 [N,C,H,W], or f32 [N,width]
  at::Tensor labels;                                          // i64 [N], or undefined
  std::vector<std::string> ids;                               // one an input
  at::Tensor certification, selection, validation, training;  // positions, i64

  // Pictures: the size they are attacked at, and what is between them and the model, as JSON.
  int64_t height = 0;
  std::string preprocess;

  std::string splits;              // docs/formats/splits.md
  std::vector<std::string> notes;  // for the record

  // Tables: what their columns were, by row of the table.
  std::optional<Table> table;
  std::optional<TableEncoder> encoder;
  std::vector<size_t> rows;         // of the table, one an input
  std::vector<Marginal> marginals;  // one a column, from the training part

  at::Tensor used() const;                                  // all positions
  at::Tensor originals(const at::Tensor& positions) const;  // as attackers are to rebuild them
};

// `input` is the model's. kUsage for data that does not go with it; else errors of scan_images(),
// read_table(), bind_encoding() and make_splits(). Pictures that can't be used are skipped, counted
// and named in the record.
Result<AuditData> load_data(const DataOptions& options, const Budget& budget,
                            const TensorSpec& input, const ProgressCallback& tick);

// What loading has in common, whatever the kind.

SplitOptions split_options(const DataOptions& options, const Budget& budget);
// Lays the parts one after another; `chosen` gets the data set's positions.
void lay_out(const Splits& splits, AuditData& data, std::vector<size_t>& chosen);
// Names and classes of the chosen items.
void take_items(const std::vector<Item>& items, const std::vector<size_t>& chosen, AuditData& data);
// Says in the record where the model's training inputs are not known.
void note_victim(const DataOptions& options, AuditData& data);

}  // namespace cloister::audit
