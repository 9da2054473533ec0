#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/model_options.h"
#include "app/text.h"
#include "graph/extract.h"

namespace cloister {
namespace {

struct SplitOptions {
  ModelOptions model;
  std::vector<std::string> cuts;
  std::string folder;
  bool json = false;
};

constexpr const char* kSegmentNames[] = {"head", "body", "tail"};

Outcome split_model(const SplitOptions& options) {
  TRY(model, open_model(options.model));
  std::vector<Cut> cuts;
  for (const std::string& text : options.cuts) {
    TRY(cut, find_cut(model.graph, model.cuts, text));
    cuts.push_back(std::move(cut));
  }
  TRY(segments, split(model.graph, cuts));
  std::error_code code;
  fs::create_directories(options.folder, code);
  if (code) return fail(Kind::kIo, "can't make folder '{}': {}", options.folder, code.message());
  nlohmann::json report = nlohmann::json::array();
  for (size_t i = 0; i < segments.size(); ++i) {
    const fs::path path = fs::path(options.folder) / (std::string(kSegmentNames[i]) + ".onnx");
    TRY_OK(write_model(segments[i], path));
    report.push_back({{"segment", kSegmentNames[i]}, {"file", path.string()}});
    if (!options.json) {
      fmt::print("{}  {}\n", path.string(), bytes_text(fs::file_size(path, code)));
    }
  }
  if (options.json) {
    nlohmann::json ids = nlohmann::json::array();
    for (const Cut& cut : cuts) ids.push_back(cut.id);
    fmt::print("{}\n", nlohmann::json{{"cuts", ids}, {"segments", report}}.dump(2));
  }
  return 0;
}

}  // namespace

void add_split_command(CLI::App& app, Outcome& outcome) {
  auto options = std::make_shared<SplitOptions>();
  CLI::App* command = app.add_subcommand("split", "Write a model's segments as ONNX files");
  options->model.add_to(*command);
  command
      ->add_option("--cut", options->cuts,
                   "where to cut: an id from 'inspect' (or the start of one), tensor names joined "
                   "by commas, or a share of the MACs such as 40%; twice for head, body and tail")
      ->required()
      ->expected(1, 2)
      ->type_name("CUT");
  command->add_option("-o,--output", options->folder, "folder for head.onnx, body.onnx, tail.onnx")
      ->required()
      ->type_name("DIR");
  command->add_flag("--json", options->json, "print what was written as JSON");
  command->footer(
      "Segments over 2 GB keep their weights beside them, in NAME.onnx.data.\n\n"
      "Example: cloister split model.onnx --cut 40% -o parts");
  command->callback([options, &outcome] { outcome = split_model(*options); });
}

}  // namespace cloister
