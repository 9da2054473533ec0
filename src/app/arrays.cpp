#include "app/arrays.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/folder.h"
#include "base/number_text.h"
#include "tensor/convert.h"
#include "tensor/npz.h"

namespace cloister {
namespace {

// Splits "NAME=FILE"; an existing file whose name has a '=' in it is a file.
std::pair<std::string, std::string> split_argument(const std::string& argument) {
  const size_t equals = argument.find('=');
  std::error_code code;
  if (equals == std::string::npos || fs::exists(argument, code)) return {"", argument};
  return {argument.substr(0, equals), argument.substr(equals + 1)};
}

// The first values, and the range of all that are numbers.
std::string values_text(const TensorView& tensor) {
  constexpr size_t kShown = 4;
  auto values = to_doubles(tensor);
  if (!values || values->empty()) return "";
  std::vector<std::string> first;
  for (const double value : std::span(*values).first(std::min(kShown, values->size()))) {
    first.push_back(short_number_text(value, 4));
  }
  if (first.size() < values->size()) first.emplace_back("...");
  const size_t all = values->size();
  const size_t nans = std::erase_if(*values, [](double value) { return std::isnan(value); });
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  const auto [low, high] = values->empty() ? std::ranges::minmax_result<double>{kNan, kNan}
                                           : std::ranges::minmax(*values);
  return fmt::format("[{}] min {} max {}{}", fmt::join(first, ", "), short_number_text(low, 4),
                     short_number_text(high, 4),
                     nans > 0 ? fmt::format(" ({} of {} are no numbers)", nans, all) : "");
}

}  // namespace

void add_input_option(CLI::App& command, std::vector<std::string>& inputs) {
  command
      .add_option("-i,--input", inputs,
                  "an array: FILE.npy, NAME=FILE.npy, or FILE.npz with one for each input "
                  "(repeatable)")
      ->allow_extra_args(false)
      ->type_name("ARRAY");
}

Result<std::vector<NamedTensor>> read_inputs(const std::vector<std::string>& arguments,
                                             const std::vector<TensorSpec>& specs) {
  std::vector<NamedTensor> inputs;
  for (const std::string& argument : arguments) {
    const auto [name, file] = split_argument(argument);
    if (file.ends_with(".npz")) {
      TRY(arrays, read_npz(file));
      for (NamedTensor& array : arrays) inputs.push_back(std::move(array));
      continue;
    }
    TRY(tensor, read_npy(file));
    if (name.empty() && specs.size() != 1) {
      return fail(Kind::kUsage, "the model has {} inputs: give --input NAME={} or an .npz",
                  specs.size(), printable(file, 400));
    }
    inputs.push_back({name.empty() ? specs[0].name : name, std::move(tensor)});
  }
  return inputs;
}

Result<> check_output_name(const std::string& file) {
  if (file.ends_with(".npy") || file.ends_with(".npz")) return {};
  return fail(Kind::kUsage, "can't write '{}': want a name that ends in .npy or .npz",
              printable(file, 400));
}

Result<> write_outputs(const std::string& file, const std::vector<NamedTensor>& outputs) {
  TRY_OK(check_output_name(file));
  if (!file.ends_with(".npz") && outputs.size() != 1) {
    return fail(Kind::kUsage, "the model has {} outputs: write an .npz", outputs.size());
  }
  TRY_OK(make_folder_of(file));
  if (file.ends_with(".npz")) return write_npz(file, outputs);
  return write_npy(file, outputs[0].tensor.view());
}

void print_outputs(const std::vector<NamedTensor>& outputs) {
  for (const NamedTensor& output : outputs) {
    fmt::print("{} {}{} {}\n", printable(output.name), dtype_name(output.tensor.dtype()),
               shape_text(output.tensor.shape()), values_text(output.tensor.view()));
  }
}

nlohmann::json outputs_json(const std::vector<NamedTensor>& outputs) {
  nlohmann::json list = nlohmann::json::array();
  for (const NamedTensor& output : outputs) {
    list.push_back({{"name", output.name},
                    {"dtype", dtype_name(output.tensor.dtype())},
                    {"shape", output.tensor.shape()}});
  }
  return list;
}

}  // namespace cloister
