#include "app/commands.h"
#include "app/inspection.h"

namespace cloister {
namespace {

struct InspectOptions {
  ModelOptions model = {.only_looks = true};
  bool layers = false;
  bool json = false;
};

Outcome inspect(const InspectOptions& options) {
  TRY(model, open_model(options.model));
  if (options.json) {
    const auto json = inspection_json(model, options.model.path);
    // Names in a model file need not be UTF-8.
    fmt::print("{}\n", json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    return 0;
  }
  fmt::print("{}\n", summary_text(model, options.model.path));
  if (options.layers) fmt::print("{}\n", layers_text(model.graph));
  fmt::print("{}", cuts_text(model));
  return 0;
}

}  // namespace

void add_inspect_command(CLI::App& app, Outcome& outcome) {
  auto options = std::make_shared<InspectOptions>();
  CLI::App* command =
      app.add_subcommand("inspect", "List a model's layers and every place where it can be cut");
  options->model.add_to(*command);
  command->add_flag("--layers", options->layers, "list the layers too");
  command->add_flag("--json", options->json, "print layers and cuts as JSON");
  command->footer(
      "Sizes and MACs are for one item of the batch N. A cut that carries several\n"
      "tensors (skip connections) is listed with all of them. '!' marks cuts that are\n"
      "exposed by construction: they carry an input, or what each of its elements (or\n"
      "tokens) can be had from alone. Inputs that are no secret are named with --public.\n\n"
      "Examples:\n"
      "  cloister inspect model.onnx\n"
      "  cloister inspect model.onnx --json | jq '.cuts[] | select(.single_tensor) | .id'");
  command->callback([options, &outcome] { outcome = inspect(*options); });
}

}  // namespace cloister
