#include "app/commands.h"
#include "base/folder.h"
#include "cli/text.h"
#include "graph/zoo/zoo.h"

namespace cloister {
namespace {

struct ZooOptions {
  std::string name;
  std::string file;
  uint64_t seed = 0;
  ZooSizes sizes;
};

std::string zoo_text() {
  std::vector<std::vector<std::string>> rows = {{"name", "parameters", "MACs", "what it is"}};
  for (const ZooEntry* entry : zoo_entries()) {
    rows.push_back({std::string(entry->name), count_text(entry->parameters),
                    count_text(entry->macs), std::string(entry->description)});
  }
  return table_text(rows, "lrrl");
}

Outcome write_zoo_model(const ZooOptions& options) {
  if (options.name.empty()) {
    fmt::print("{}", zoo_text());
    return 0;
  }
  if (options.file.empty()) return fail(Kind::kUsage, "-o FILE.onnx is missing");
  auto model = zoo_model(options.name, options.seed, options.sizes);
  if (!model && model.error().kind == Kind::kNotFound) {
    return fail(Kind::kUsage, "{}", model.error().message);
  }
  if (!model) return std::unexpected(model.error());
  TRY_OK(make_folder_of(options.file));
  TRY(files, write_model(*model, options.file));
  for (const fs::path& file : files) {
    fmt::print("{}  {}\n", file.string(), file_size_text(file));
  }
  return 0;
}

}  // namespace

void add_zoo_command(CLI::App& app, Outcome& outcome) {
  auto options = std::make_shared<ZooOptions>();
  CLI::App* command = app.add_subcommand(
      "zoo", "Write a well-known architecture with random weights, to experiment with");
  command->add_option("NAME", options->name, "the architecture; without it they are listed");
  command->add_option("-o,--output", options->file, "the ONNX file to write")->type_name("FILE");
  command->add_option("--seed", options->seed, "seed of the random weights")
      ->type_name("N")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  const auto add_size = [&](const char* flag, int64_t& size, const char* text) {
    command->add_option(flag, size, text)->type_name("N")->check(CLI::PositiveNumber);
  };
  add_size("--features", options->sizes.features, "columns of a row: mlp and cnn1d (64)");
  add_size("--classes", options->sizes.classes, "number of classes: mlp, cnn1d, small_cnn (10)");
  std::string names;
  for (size_t i = 0; i < zoo_entries().size(); ++i) {
    const bool first = i % 4 == 0;  // of its line
    names += fmt::format("{}{}{}", i == 0 ? "" : ",", first ? "\n  " : " ", zoo_entries()[i]->name);
  }
  command->footer(
      fmt::format("Architectures:{}\n\n"
                  "Examples:\n"
                  "  cloister zoo resnet50 -o resnet50.onnx --seed 1\n"
                  "  cloister zoo mlp --features 39 --classes 5 -o detector.onnx",
                  names));
  command->callback([options, &outcome] { outcome = write_zoo_model(*options); });
}

}  // namespace cloister
