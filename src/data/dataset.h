// Inputs with identities, and their split into parts that share nothing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/sha256.h"

namespace cloister::audit {

// One input of a data set, without its data. Plain data.
struct Item {
  std::string id;      // the file's path below its folder, or "line N" of a table
  Digest digest{};     // of what the model sees: decoded pixels, or a row's kept cells
  int64_t label = -1;  // class, from 0; -1: none
};

// An input that was left out, and why.
struct Skip {
  std::string id;
  std::string reason;
};

// What the victim model was trained on. An input with the identity or the content of any of these
// is kept out of everything but the attacker's training part.
struct VictimTrain {
  std::vector<std::string> ids;
  std::vector<Digest> digests;
};

struct SplitOptions {
  uint64_t seed = 1;
  // Shares of the different inputs; the sum is at most 1.
  double attacker_train = 0.6;
  double attacker_validation = 0.1;
  double selection = 0.1;
  double certification = 0.2;
  // Fewest inputs that each part must get.
  uint64_t min_attacker_train = 50;
  uint64_t min_attacker_validation = 10;
  uint64_t min_selection = 10;
  uint64_t min_certification = 20;
  // Most inputs that each part gets, whatever its share; the rest is left unused. 0: no limit.
  uint64_t max_attacker_train = 0;
  uint64_t max_attacker_validation = 0;
  uint64_t max_selection = 0;
  uint64_t max_certification = 0;
  std::optional<VictimTrain> victim_train;  // none: unknown
};

// Positions in the data set, in an order that depends on seed and content alone. No two inputs of
// all parts together are equal.
struct Splits {
  std::vector<size_t> attacker_train;
  std::vector<size_t> attacker_validation;
  std::vector<size_t> selection;
  std::vector<size_t> certification;

  uint64_t seed = 0;
  uint64_t items = 0;            // before duplicates were removed
  uint64_t duplicates = 0;       // removed: the first of equal inputs is kept
  uint64_t label_conflicts = 0;  // of those, the ones with another label than the one kept
  uint64_t unused = 0;           // what the shares and limits left over
  bool victim_train_known = false;
  uint64_t victim_train = 0;            // different inputs that the victim was trained on
  uint64_t victim_train_not_found = 0;  // ids of the list that are not in the data set
};

// Deterministic: the parts depend on seed, shares and the inputs' content, not on their order or
// names (names decide which of equal inputs is kept, the first one). kUsage for shares that make no
// sense; kInvalid for a part under its minimum, an id there twice, labels on some inputs only, and
// labels of one class alone.
Result<Splits> make_splits(std::span<const Item> items, const SplitOptions& options);

// What a model is trained on and what it is tried on meanwhile. No two inputs of both are equal.
struct Holdout {
  std::vector<size_t> training;
  std::vector<size_t> validation;
  uint64_t duplicates = 0;       // as in Splits
  uint64_t label_conflicts = 0;  // likewise
};

// Deterministic, as make_splits(); and in its order, so that an audit under the same seed takes its
// certification part from the validation part. kUsage for a share under 0 or not under 1; kInvalid
// for a part that would be empty, and as make_splits() for ids and labels.
Result<Holdout> make_holdout(std::span<const Item> items, double validation, uint64_t seed);

// Where the inputs came from, for the record below.
struct Source {
  std::string kind;            // "images" or "table"
  std::string name;            // file or folder, without its path
  std::string sha256;          // of a table's file; empty for a folder
  uint64_t removed_early = 0;  // exact duplicates that the reader removed before
  std::vector<Skip> skipped;
};

// JSON: seed, counts, and for each part its size and the SHA-256 of its ids, sorted and each ended
// by \n. At most 100 skipped inputs are named, all are counted. Ends with a newline.
std::string splits_json(const Source& source, std::span<const Item> items, const Splits& splits);

}  // namespace cloister::audit
