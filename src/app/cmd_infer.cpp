#include <boost/process/args.hpp>
#include <boost/process/io.hpp>
#include <boost/process/system.hpp>
#include <chrono>
#include <numeric>

#include "app/arrays.h"
#include "app/classes.h"
#include "app/commands.h"
#include "app/options/trust.h"
#include "cli/scratch.h"
#include "client/client.h"
#include "data/encoder_json.h"
#include "image/labels.h"
#include "tensor/npy.h"

namespace cloister {
namespace {

struct InferCommandOptions {
  TrustOptions trust;
  std::vector<std::string> inputs;
  std::vector<std::string> images;
  std::string csv;
  std::string output;
  int top = 5;
  double limit_s = 60;
  bool json_tensors = false;
  bool json = false;
};

// Pictures as the bundle's record says, through cloister-preprocess, which has the decoders.
Result<std::vector<NamedTensor>> read_images(const std::vector<std::string>& images,
                                             const serving::ServerFacts& facts) {
  namespace bp = boost::process;
  const auto record = facts.files.find("preprocess.json");
  if (record == facts.files.end()) {
    return fail(Kind::kUsage,
                "--image: the bundle does not say how pictures become inputs (it has no "
                "preprocess.json); use 'cloister preprocess' and --input");
  }
  if (facts.manifest.inputs.size() != 1) {
    return fail(Kind::kUsage, "--image: the model has {} inputs", facts.manifest.inputs.size());
  }
  TRY(scratch, Scratch::make("cloister-infer"));
  const fs::path preprocess = scratch.path() / "preprocess.json";
  const fs::path array = scratch.path() / "input.npy";
  TRY_OK(write_file(preprocess, record->second));
  std::vector<std::string> arguments = images;
  for (const std::string& flag :
       {std::string("--preprocess"), preprocess.string(), std::string("-o"), array.string()}) {
    arguments.push_back(flag);
  }
  std::error_code code;
  const fs::path program =
      fs::read_symlink("/proc/self/exe", code).parent_path() / "cloister-preprocess";
  const int ended = bp::system(program.string(), bp::args(arguments), bp::std_out > bp::null, code);
  if (code) return fail(Kind::kIo, "can't start '{}': {}", program.string(), code.message());
  if (ended != 0) return invalid("the pictures could not be read");
  TRY(tensor, read_npy(array));
  return std::vector<NamedTensor>{{facts.manifest.inputs[0].name, std::move(tensor)}};
}

// Rows of a table as the bundle's record says, in the shape that the model takes.
Result<std::vector<NamedTensor>> read_rows(const std::string& path,
                                           const serving::ServerFacts& facts) {
  const auto record = facts.files.find("encoding.json");
  if (record == facts.files.end()) {
    return fail(Kind::kUsage,
                "--csv: the bundle does not say how rows become inputs (it has no encoding.json)");
  }
  if (facts.manifest.inputs.size() != 1) {
    return fail(Kind::kUsage, "--csv: the model has {} inputs", facts.manifest.inputs.size());
  }
  const TensorSpec& spec = facts.manifest.inputs[0];
  TRY(encoding, audit::parse_encoding(record->second));
  // Whoever asks does not know the label, and need not have its column.
  auto table = audit::read_table(path, encoding.table);
  if (!table && table.error().kind == Kind::kUsage) {
    encoding.table.label.clear();
    table = audit::read_table(path, encoding.table);
  }
  if (!table) return std::unexpected(table.error());
  if (table->source.removed_early > 0) {
    return invalid("'{}': {} rows repeat earlier ones; give each row once", printable(path, 400),
                   table->source.removed_early);
  }
  TRY(encoder, audit::bind_encoding(encoding, *table));
  std::vector<size_t> rows(table->items.size());
  std::iota(rows.begin(), rows.end(), size_t{0});
  TRY(tensor, encoder.encode(*table, rows));
  Shape shape = spec.dims;
  if (shape.empty()) return invalid("--csv: the model's input is a scalar");
  shape[0] = static_cast<int64_t>(rows.size());
  TRY(shaped, Tensor::copy_of(DType::kF32, std::move(shape), tensor.data()));
  return std::vector<NamedTensor>{{spec.name, std::move(shaped)}};
}

Result<std::vector<NamedTensor>> gather_inputs(const InferCommandOptions& options,
                                               const serving::ServerFacts& facts) {
  if (!options.csv.empty()) return read_rows(options.csv, facts);
  if (!options.images.empty()) return read_images(options.images, facts);
  return read_inputs(options.inputs, facts.manifest.inputs);
}

Result<nlohmann::json> ranked(const std::vector<NamedTensor>& outputs,
                              const serving::ServerFacts& facts, int top) {
  const auto text = facts.files.find("labels.txt");
  if (text == facts.files.end()) return nlohmann::json::array();
  TRY(labels, parse_labels(text->second));
  return top_classes(outputs[0].tensor, labels, top);
}

Outcome infer_at(const InferCommandOptions& options) {
  const int given = static_cast<int>(!options.inputs.empty()) +
                    static_cast<int>(!options.images.empty()) +
                    static_cast<int>(!options.csv.empty());
  if (given != 1) return fail(Kind::kUsage, "give one of --input, --image and --csv");
  if (!options.output.empty()) TRY_OK(check_output_name(options.output));
  TRY(trust, options.trust.read());
  trust.verify.files = {"encoding.json", "labels.txt", "preprocess.json"};
  TRY(connection, serving::VerifiedConnection::open(trust.url, trust.verify));
  const serving::ServerFacts& facts = connection->facts();
  warn_about(facts);
  TRY(inputs, gather_inputs(options, facts));
  const auto began = std::chrono::steady_clock::now();
  TRY(outputs, serving::infer(*connection, inputs,
                              {.token = trust.token,
                               .limit = net::Seconds(options.limit_s),
                               .encoding = options.json_tensors ? oip::Encoding::kJson
                                                                : oip::Encoding::kBinary}));
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - began;
  if (!options.output.empty()) TRY_OK(write_outputs(options.output, outputs));
  TRY(top, ranked(outputs, facts, options.top));
  if (options.json) {
    const nlohmann::json report = {{"model", facts.manifest.model_name},
                                   {"version", facts.manifest.version},
                                   {"manifest_sha256", facts.statement.manifest_sha256},
                                   {"evidence", attest::to_string(facts.environment->kind)},
                                   {"signature_checked", facts.signature_checked},
                                   {"audit_checked", facts.audit_checked},
                                   {"ms", took.count()},
                                   {"top", top},
                                   {"outputs", outputs_json(outputs)}};
    fmt::print("{}\n", report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    return 0;
  }
  print_outputs(outputs);
  print_top_classes(top);
  return 0;
}

}  // namespace

void add_infer_command(CLI::App& app, Outcome& outcome) {
  auto options = std::make_shared<InferCommandOptions>();
  CLI::App* command =
      app.add_subcommand("infer", "Verify a server, send it an input, print the answer");
  options->trust.add_to(*command);
  add_input_option(*command, options->inputs);
  command
      ->add_option("--image", options->images,
                   "a picture, preprocessed as the bundle says (repeat for a batch)")
      ->type_name("FILE");
  command
      ->add_option("--csv", options->csv,
                   "rows of a table, encoded as the bundle says; with a header, the label's "
                   "column may be missing")
      ->type_name("FILE");
  command->add_option("-o,--output", options->output, "write the outputs to FILE.npy or FILE.npz")
      ->type_name("FILE");
  command->add_option("--top", options->top, "how many classes to print, if the bundle has labels")
      ->type_name("N")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  command->add_option("--timeout", options->limit_s, "seconds to wait for the answer")
      ->type_name("S")
      ->capture_default_str()
      ->check(CLI::Range(0.001, 86400.0));
  command->add_flag("--json-tensors", options->json_tensors,
                    "send and receive tensors as JSON instead of binary");
  command->add_flag("--json", options->json, "print classes and verified facts as JSON");
  command->footer(
      "No input is sent before the server has proved, on the same connection,\n"
      "what it is.\n\n"
      "Examples:\n"
      "  cloister infer https://host:8443 --policy trust-policy.json --image cat.jpg\n"
      "  cloister infer https://127.0.0.1:8443 --input x.npy --allow-simulated\n\n"
      "Exit codes: 0 done; 1 failed; 2 usage; 3 the server was not accepted, or refused.");
  command->callback([options, &outcome] { outcome = infer_at(*options); });
}

}  // namespace cloister
