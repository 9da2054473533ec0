// What `cloister inspect` tells, as JSON and as text. docs/formats/inspect.md describes the JSON.
#pragma once

#include <nlohmann/json.hpp>

#include "app/options/model.h"

namespace cloister {

nlohmann::json inspection_json(const OpenModel& model, const std::string& path);

std::string layers_text(const Graph& graph);
std::string cuts_text(const OpenModel& model);
std::string summary_text(const OpenModel& model, const std::string& path);

// "f32[N,64,56,56] layer1.0.relu", several joined by " + "; names cut to fit a table.
std::string cut_tensors_text(const Graph& graph, const Cut& cut);

}  // namespace cloister
