#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/options/model.h"
#include "base/folder.h"
#include "cli/text.h"
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

fs::path segment_path(const SplitOptions& options, size_t i) {
  return fs::path(options.folder) / (std::string(kSegmentNames[i]) + ".onnx");
}

// The files of each segment. All segments or none: a head beside the body of another split would
// fit it by name only.
Result<std::vector<std::vector<fs::path>>> write_segments(const SplitOptions& options,
                                                          const std::vector<Model>& segments) {
  std::vector<std::vector<fs::path>> files;
  for (size_t i = 0; i < segments.size(); ++i) {
    auto written = write_model(segments[i], segment_path(options, i));
    if (written) {
      files.push_back(*std::move(written));
      continue;
    }
    std::error_code ignored;
    for (size_t k = 0; k <= i; ++k) {
      const fs::path path = segment_path(options, k);
      if (k < i) fs::remove(path, ignored);
      fs::remove(path.string() + ".data", ignored);
    }
    return std::unexpected(written.error());
  }
  return files;
}

Outcome split_model(const SplitOptions& options) {
  TRY_OK(check_cut_count(options.cuts));
  TRY(model, open_model(options.model));
  TRY(cuts, find_cuts(model, options.cuts));
  TRY(segments, split(model.graph, cuts));
  TRY_OK(make_folder(options.folder));
  TRY(files, write_segments(options, segments));
  nlohmann::json report = nlohmann::json::array();
  for (size_t i = 0; i < segments.size(); ++i) {
    nlohmann::json segment = {{"segment", kSegmentNames[i]}, {"file", files[i][0].string()}};
    if (files[i].size() > 1) segment["data_file"] = files[i][1].string();
    report.push_back(std::move(segment));
    for (const fs::path& path : files[i]) {
      if (!options.json) fmt::print("{}  {}\n", path.string(), file_size_text(path));
    }
  }
  if (options.json) {
    nlohmann::json ids = nlohmann::json::array();
    for (const Cut& cut : cuts) ids.push_back(cut.id);
    fmt::print("{}\n", nlohmann::json{{"cuts", ids}, {"segments", report}}.dump(
                           2, ' ', false, nlohmann::json::error_handler_t::replace));
  }
  return 0;
}

}  // namespace

void add_split_command(CLI::App& app, Outcome& outcome) {
  auto options = std::make_shared<SplitOptions>();
  CLI::App* command = app.add_subcommand("split", "Write a model's segments as ONNX files");
  options->model.add_to(*command);
  command
      ->add_option(
          "--cut", options->cuts,
          "where to cut: an id from 'inspect' or a prefix of one, a tensor's name (several "
          "joined by commas), or a share of the MACs such as 40%; given twice: head, body "
          "and tail")
      ->required()
      ->allow_extra_args(false)
      ->type_name("CUT");
  command->add_option("-o,--output", options->folder, "folder for head.onnx, body.onnx, tail.onnx")
      ->required()
      ->type_name("DIR");
  command->add_flag("--json", options->json, "print what was written as JSON");
  command->footer(
      "Segments over 2 GB keep their weights beside them, in NAME.onnx.data.\n\n"
      "Examples:\n"
      "  cloister split model.onnx --cut 40% -o parts\n"
      "  cloister split model.onnx --cut 30% --cut 90% -o parts");
  command->callback([options, &outcome] { outcome = split_model(*options); });
}

}  // namespace cloister
