// The top classes of a classifier's scores.
#pragma once

#include <nlohmann/json.hpp>

#include "tensor/tensor.h"

namespace cloister {

// Of each row of scores, [classes] or [rows,classes], the `top` largest: an array with an array for
// each row of {"class", "label", "score"}. A row with a score that is no number has no ranking: its
// array is empty. `labels` may be empty (then without "label"), or else must name every class that
// is listed. kInvalid for other shapes.
Result<nlohmann::json> top_classes(const Tensor& scores, const std::vector<std::string>& labels,
                                   int top);

// The same for people. Of several rows each has a heading: its name, or its number from 1.
void print_top_classes(const nlohmann::json& rows, const std::vector<std::string>& names = {});

}  // namespace cloister
