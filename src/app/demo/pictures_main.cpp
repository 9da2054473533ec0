// cloister-pictures: small labelled pictures to try things on. `cloister pictures` starts it.
#include <fmt/ranges.h>

#include "app/demo/pictures.h"
#include "cli/program.h"

namespace cloister {
namespace {

constexpr const char* kExamples = R"(
DIR gets a folder of 32x32 PNG files for each class: cross, disc, heart and so on.
The same seed gives the same pictures on every machine; different seeds share none.

Examples:
  cloister pictures photos --count 2560 --seed 1
  cloister audit model.onnx --data photos --size 32 --budget quick -o audit)";

struct Options {
  std::string folder;
  uint64_t count = 2560;
  uint64_t seed = 1;
};

Outcome run(const Options& options) {
  TRY_OK(write_demo_pictures(options.folder, options.seed, options.count));
  fmt::print("{}  {} pictures of {}\n", options.folder, options.count,
             fmt::join(demo_classes(), ", "));
  return 0;
}

int main_with(int argc, char** argv) {
  const std::string who = "cloister pictures";
  Options options;
  CLI::App app("Draw small labelled pictures for training and auditing a model", who);
  set_help_layout(app);
  app.footer(kExamples);
  app.add_option("DIR", options.folder, "folder to create, or to add to")->required();
  app.add_option("--count", options.count, "number of pictures, the same for each class")
      ->type_name("N")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  app.add_option("--seed", options.seed, "seed of the drawings")
      ->type_name("N")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  return parse_and_run(app, who, argc, argv, [&] { return run(options); });
}

}  // namespace
}  // namespace cloister

int main(int argc, char** argv) {
  return cloister::run_guarded("cloister pictures", argc, argv, cloister::main_with);
}
