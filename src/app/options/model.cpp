#include "app/options/model.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <thread>

#include "base/words.h"
#include "engine/check_batch.h"
#include "engine/onnxruntime.h"
#include "engine/probe.h"
#include "graph/dynamic_batch.h"
#include "graph/input_sizes.h"
#include "graph/map_outputs.h"
#include "graph/onnx.h"

namespace cloister {
namespace {

Result<TypeOptions> type_options(const std::vector<std::string>& dimensions) {
  TypeOptions options;
  for (const std::string& text : dimensions) {
    const size_t equals = text.rfind('=');
    int64_t value = 0;
    const char* begin = text.data() + equals + 1;
    const char* end = text.data() + text.size();
    const bool is_pair = equals != std::string::npos && equals > 0;
    if (!is_pair || std::from_chars(begin, end, value) != std::from_chars_result{end, {}} ||
        value < 1) {
      return fail(Kind::kUsage, "--dim '{}': want NAME=VALUE with a value of 1 or more",
                  printable(text));
    }
    options.dimensions[text.substr(0, equals)] = value;
  }
  return options;
}

Result<std::set<ValueId>> inputs_named(const Graph& graph, const std::vector<std::string>& names) {
  std::vector<std::string> known;
  for (const Value& value : graph.values) {
    if (value.is_input) known.push_back(printable(value.name));
  }
  std::set<ValueId> inputs;
  for (const std::string& name : names) {
    const auto id = graph.ids.find(name);
    if (id == graph.ids.end() || !graph.values[id->second].is_input) {
      return fail(Kind::kUsage, "--public: no input '{}', want one of {}", printable(name),
                  fmt::join(known, ", "));
    }
    inputs.insert(id->second);
  }
  return inputs;
}

}  // namespace

void ModelOptions::add_cuts_to(CLI::App& command) {
  constexpr const char* kGroup = "The model";
  command.add_option("MODEL", path, "ONNX model file")->required();
  command
      .add_option("--max-tensors", max_tensors,
                  "leave out cuts with more crossing tensors than this")
      ->type_name("N")
      ->group(kGroup)
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  command
      .add_option("--dim", dimensions,
                  "size of a symbolic dimension other than the batch (repeatable)")
      ->type_name("NAME=VALUE")
      ->group(kGroup)
      ->allow_extra_args(false);
  links.add_to(command, kGroup);
}

void ModelOptions::add_public_to(CLI::App& command) {
  command
      .add_option("--public", public_inputs,
                  "input that is no secret, such as a mask or a size: a cut that carries it is not "
                  "exposed for that (repeatable)")
      ->type_name("INPUT")
      ->group("The model")
      ->allow_extra_args(false);
}

void ModelOptions::add_to(CLI::App& command) {
  add_cuts_to(command);
  add_public_to(command);
  command
      .add_flag("--dynamic-batch", dynamic_batch,
                "make a fixed batch of 1 symbolic; checked by running the model on batches")
      ->group("The model");
}

void ModelOptions::add_engine_to(CLI::App& command) {
  constexpr const char* kGroup = "The engine";
  threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  command.add_option("--threads", threads, "threads for one run (default: all cores)")
      ->type_name("N")
      ->group(kGroup)
      ->check(CLI::Range(1, 1024));
  command
      .add_option("--provider", provider,
                  "execution provider: " + or_text(known_onnxruntime_providers()))
      ->type_name("NAME")
      ->group(kGroup)
      ->capture_default_str();
}

Result<std::unique_ptr<Engine>> open_engine(const ModelOptions& options) {
  return make_onnxruntime({.provider = options.provider, .threads = options.threads});
}

bool has_batch_of_one(const Model& model) {
  return std::ranges::any_of(model.proto->graph().input(), [&](const onnx::ValueInfoProto& input) {
    const auto& dims = input.type().tensor_type().shape().dim();
    return !model.weights.contains(input.name()) && dims.size() > 0 && dims[0].dim_value() == 1;
  });
}

Result<Model> read_model(const ModelOptions& options) {
  TRY(links, options.links.read());
  return read_model(options.path, links);
}

Result<OpenModel> open_model(const ModelOptions& options) {
  TRY_OK(type_options(options.dimensions));
  TRY(model, read_model(options));
  return open_model(std::move(model), options);
}

Result<OpenModel> open_model(Model model, const ModelOptions& options) {
  TRY(types, type_options(options.dimensions));
  std::vector<std::string> notes;
  TRY(graph, build_graph(with_tensors_for_maps(std::move(model), notes)));
  if (options.dynamic_batch) {
    TRY(symbolic, make_batch_symbolic(graph));
    TRY(engine, make_onnxruntime({.threads = options.threads}));
    TRY_OK(check_batch(*engine, to_segment(graph.model), to_segment(symbolic)));
    TRY(rebuilt, build_graph(std::move(symbolic)));
    graph = std::move(rebuilt);
  }
  TRY_OK(infer_types(graph, onnxruntime_probe(), types));
  if (!options.only_looks && !types.dimensions.empty()) {
    TRY(sized, build_graph(with_input_sizes(graph.model, types.dimensions)));
    graph = std::move(sized);
    TRY_OK(infer_types(graph, onnxruntime_probe()));
  }
  notes.insert(notes.end(), graph.notes.begin(), graph.notes.end());
  for (const std::string& note : notes) fmt::print(stderr, "note: {}\n", printable(note, 1000));
  TRY(public_inputs, inputs_named(graph, options.public_inputs));
  OpenModel open{std::move(graph), {}};
  open.cuts = list_cuts(open.graph, {.max_tensors = options.max_tensors,
                                     .exposure = {.public_inputs = std::move(public_inputs),
                                                  .run = onnxruntime_piece_runner()}});
  return open;
}

Result<> check_cut_count(const std::vector<std::string>& texts) {
  if (texts.size() <= 2) return {};
  return fail(Kind::kUsage, "--cut is given {} times, at most 2 make head, body and tail",
              texts.size());
}

Result<std::vector<Cut>> find_cuts(const OpenModel& model, const std::vector<std::string>& texts) {
  std::vector<Cut> cuts;
  for (const std::string& text : texts) {
    TRY(cut, find_cut(model.graph, model.cuts, text));
    cuts.push_back(std::move(cut));
  }
  return cuts;
}

}  // namespace cloister
