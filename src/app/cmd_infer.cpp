#include <chrono>
#include <cstdio>

#include "app/arrays.h"
#include "app/classes.h"
#include "app/commands.h"
#include "app/infer_inputs.h"
#include "app/options/trust.h"
#include "cli/progress.h"
#include "client/client.h"
#include "image/labels.h"

namespace cloister {
namespace {

struct InferCommandOptions {
  TrustOptions trust;
  InferSources sources;
  std::string output;
  int top = 5;
  double limit_s = 60;
  bool json_tensors = false;
  bool json = false;
};

void say_notes(const InferInputs& inputs) {
  for (const std::string& note : inputs.notes) fmt::print(stderr, "note: {}\n", note);
  for (const std::string& note : audit::unseen_notes(inputs.unseen)) {
    fmt::print(stderr, "warning: {}\n", note);
  }
}

nlohmann::json unseen_json(const std::vector<audit::UnseenCell>& unseen) {
  nlohmann::json out = nlohmann::json::array();
  for (const audit::UnseenCell& cell : unseen) {
    out.push_back({{"row", cell.row + 1},
                   {"line", cell.line},
                   {"column", cell.column},
                   {"value", cell.value ? nlohmann::json(*cell.value) : nlohmann::json(nullptr)},
                   {"taken_for", cell.taken_as}});
  }
  return out;
}

// Rows and pictures are items; of arrays only the manifest knows whether they have any.
Result<std::vector<NamedTensor>> ask_server(serving::VerifiedPool& pool, const InferInputs& inputs,
                                            const serving::InferOptions& options,
                                            size_t& requests) {
  const bundle::Manifest& manifest = pool.facts().manifest;
  const bool items = !inputs.items.empty() || manifest.max_batch > 1;
  Progress progress("infer", stderr);
  return serving::infer_items(
      pool, inputs.tensors, items ? serving::most_items(manifest) : 0, options,
      [&](size_t done, size_t all) {
        requests = all;
        if (all > 1) {
          progress.update(static_cast<double>(done) / static_cast<double>(all));
        }
      });
}

Result<nlohmann::json> ranked(const std::vector<NamedTensor>& outputs,
                              const serving::ServerFacts& facts, int top) {
  const auto text = facts.files.find("labels.txt");
  if (text == facts.files.end()) return nlohmann::json::array();
  TRY(labels, parse_labels(text->second));
  return top_classes(outputs[0].tensor, labels, top);
}

Outcome infer_at(const InferCommandOptions& options) {
  const InferSources& sources = options.sources;
  const int given = static_cast<int>(!sources.arrays.empty()) +
                    static_cast<int>(!sources.pictures.empty()) +
                    static_cast<int>(!sources.csv.empty());
  if (given != 1) return fail(Kind::kUsage, "give one of --input, --image and --csv");
  if (!options.output.empty()) TRY_OK(check_output_name(options.output));
  TRY(trust, options.trust.read());
  trust.verify.files = {"encoding.json", "labels.txt", "preprocess.json"};
  TRY(pool, serving::VerifiedPool::open(
                {.server = trust.url, .verify = std::move(trust.verify), .connections = 1}));
  const serving::ServerFacts& facts = pool->facts();
  warn_about(facts);
  TRY(inputs, read_infer_inputs(sources, facts));
  say_notes(inputs);
  size_t requests = 1;
  const auto began = std::chrono::steady_clock::now();
  TRY(outputs,
      ask_server(*pool, inputs,
                 {.token = trust.token,
                  .limit = net::Seconds(options.limit_s),
                  .encoding = options.json_tensors ? oip::Encoding::kJson : oip::Encoding::kBinary},
                 requests));
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - began;
  if (!options.output.empty()) TRY_OK(write_outputs(options.output, outputs));
  TRY(top, ranked(outputs, facts, options.top));
  if (options.json) {
    nlohmann::json report = {{"model", facts.manifest.model_name},
                             {"version", facts.manifest.version},
                             {"manifest_sha256", facts.statement.manifest_sha256},
                             {"evidence", attest::to_string(facts.environment->kind)},
                             {"signature_checked", facts.signature_checked},
                             {"audit_checked", facts.audit_checked},
                             {"ms", took.count()},
                             {"requests", requests},
                             {"top", top},
                             {"outputs", outputs_json(outputs)}};
    if (!inputs.items.empty()) report["items"] = inputs.items;
    if (!sources.csv.empty()) {
      report["unseen"] = unseen_json(inputs.unseen);
      report["notes"] = inputs.notes;
    }
    fmt::print("{}\n", report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    return 0;
  }
  print_outputs(outputs);
  print_top_classes(top, inputs.items);
  return 0;
}

}  // namespace

void add_infer_command(CLI::App& app, Outcome& outcome) {
  auto options = std::make_shared<InferCommandOptions>();
  CLI::App* command =
      app.add_subcommand("infer", "Verify a server, send it an input, print the answer");
  options->trust.add_to(*command);
  add_input_option(*command, options->sources.arrays);
  command
      ->add_option("--image", options->sources.pictures,
                   "a picture, or a folder of them, preprocessed as the bundle says (repeatable)")
      ->type_name("PATH");
  command
      ->add_option("--csv", options->sources.csv,
                   "a table with a header, encoded as the bundle says: one answer for each row; "
                   "labels are not needed, and not read")
      ->type_name("FILE");
  command
      ->add_option("--separator", options->sources.separator,
                   "what is between the table's cells: comma, semicolon, tab, or another sign "
                   "(default: as the header shows)")
      ->type_name("SIGN");
  command->add_option("-o,--output", options->output, "write the outputs to FILE.npy or FILE.npz")
      ->type_name("FILE");
  command->add_option("--top", options->top, "how many classes to print, if the bundle has labels")
      ->type_name("N")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  command->add_option("--timeout", options->limit_s, "seconds to wait for each answer")
      ->type_name("S")
      ->capture_default_str()
      ->check(CLI::Range(0.001, 86400.0));
  command->add_flag("--json-tensors", options->json_tensors,
                    "send and receive tensors as JSON instead of binary");
  command->add_flag("--json", options->json, "print classes and verified facts as JSON");
  command->footer(
      "No input is sent before the server has proved, on the same connection,\n"
      "what it is. More rows or pictures than the server takes at once are sent in several\n"
      "requests; answers are in the order of the rows. What training did not see, such as a\n"
      "new category, is said on stderr and listed by --json.\n\n"
      "Examples:\n"
      "  cloister infer https://host:8443 --policy trust-policy.json --image cat.jpg\n"
      "  cloister infer https://127.0.0.1:8443 --input x.npy --allow-simulated\n"
      "  cloister infer https://host:8443 --policy trust-policy.json --csv flows.csv --json\n\n"
      "Exit codes: 0 done; 1 failed; 2 usage; 3 the server was not accepted, or refused.");
  command->callback([options, &outcome] { outcome = infer_at(*options); });
}

}  // namespace cloister
