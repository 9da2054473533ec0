// What a model was trained on, as a file that travels with the model, so that an audit keeps it out
// of the parts that must be new to the model: docs/formats/trained-on.md.
#pragma once

#include "base/file.h"
#include "data/dataset.h"

namespace cloister::audit {

// Ids and digests of items[i] for each i of `training`. An id that is not UTF-8 is written with
// replacement characters; its digest still counts.
std::string victim_train_json(const Source& source, std::span<const Item> items,
                              std::span<const size_t> training);

// Strict: kInvalid naming the key, what was found and what is expected; kUnsupported for another
// schema. Thread-safe.
Result<VictimTrain> parse_victim_train(std::string_view json);
Result<VictimTrain> read_victim_train(const fs::path& path);

}  // namespace cloister::audit
