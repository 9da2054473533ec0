#include <algorithm>
#include <ctime>

#include "app/commands.h"
#include "app/options/model.h"
#include "base/folder.h"
#include "base/sha256.h"
#include "bundle/seal.h"
#include "bundle/specs.h"
#include "cli/keys.h"
#include "cli/text.h"
#include "cli/version.h"
#include "data/encoder_json.h"
#include "engine/check_batch.h"
#include "engine/onnxruntime.h"
#include "engine/probe.h"
#include "image/labels.h"
#include "image/preprocess.h"
#include "plan/plan.h"

namespace cloister {
namespace {

constexpr const char* kSealFooter =
    R"(The plan says where the model is cut; it must be of this model, and the audit must be
the one from which the plan was made. Trusted segments are encrypted to the
recipients, the servers that may open the bundle ('cloister keygen --encryption');
the body is not. A signed manifest lists all of it ('cloister keygen --signing'). You
assign the bundle's version: it must grow, since servers refuse to go back to an
earlier one.

Examples:
  cloister seal net.onnx --plan plan.json --audit audit.json --recipient age1... \
      --sign release.key --bundle-version 7 -o net.cloister
  cloister bundle show net.cloister --signer release.pub

Exit codes: 0 done; 1 failed; 2 usage; 3 the plan may not be served.)";

constexpr uint64_t kMaxText = 256 << 20;
constexpr int64_t kDefaultBatch = 8;

struct SealFlags {
  ModelOptions model;
  std::string plan, audit, report, preprocess, encoding, labels, name, key, password_file, output;
  std::vector<std::string> recipients, recipient_files;
  uint64_t version = 0;
  std::vector<std::string> bounds;
  int64_t max_batch = 0;  // 0: as the model allows
};

std::string quoted_path(const std::string& path) {
  return fmt::format("'{}'", printable(path, 400));
}

void say(std::string_view text) {
  fmt::print(stderr, "cloister seal: {}\n", text);
}

// Contents that are checked before they are sealed; nothing without a path.
template <typename Parse>
Result<std::string> read_checked(const std::string& path, const Parse& parse) {
  if (path.empty()) return std::string();
  TRY(content, read_file(path, kMaxText));
  if (content.empty()) return invalid("{} is empty", quoted_path(path));
  if (auto parsed = parse(content); !parsed) {
    return with_context(parsed.error(), quoted_path(path));
  }
  return content;
}

Result<> check_plan(const plan::Plan& plan, const SealFlags& flags,
                    const std::string& model_sha256) {
  if (plan.model_sha256 != model_sha256) {
    return invalid("{} is of another model: SHA-256 {}, want {}", quoted_path(flags.plan),
                   plan.model_sha256.substr(0, 12), model_sha256.substr(0, 12));
  }
  const plan::Candidate& choice = plan.choice();
  if (is_all_untrusted(choice)) {
    return fail(Kind::kRefused, "{} lets the accelerator see the inputs", quoted_path(flags.plan));
  }
  if (!choice.admissible()) {
    return fail(Kind::kRefused, "{} may not be served: {}", quoted_path(flags.plan),
                choice.refused[0].why);
  }
  return {};
}

// What the plan, the audit and the rest say, each checked; and the inputs that the plan calls no
// secret.
Result<bundle::SealOptions> read_parts(const SealFlags& flags, const std::string& model_sha256,
                                       std::vector<std::string>& public_inputs) {
  bundle::SealOptions options;
  plan::Plan plan;
  TRY(plan_text, read_checked(flags.plan, [&](const std::string& text) -> Result<> {
        TRY(parsed, plan::parse_plan(text));
        plan = std::move(parsed);
        return {};
      }));
  TRY_OK(check_plan(plan, flags, model_sha256));
  TRY(audit, read_checked(flags.audit, audit::parse_record));
  const std::string audit_sha256 = to_hex(sha256(as_bytes(audit)));
  if (!audit.empty() && audit_sha256 != plan.audit_sha256) {
    return invalid("{} is not the audit from which the plan was made: SHA-256 {}, want {}",
                   quoted_path(flags.audit), audit_sha256.substr(0, 12),
                   plan.audit_sha256.empty() ? "none" : plan.audit_sha256.substr(0, 12));
  }
  TRY(report, read_checked(flags.report, [](const std::string&) -> Result<> { return {}; }));
  TRY(preprocess, read_checked(flags.preprocess, parse_preprocess));
  TRY(encoding, read_checked(flags.encoding, audit::parse_encoding));
  TRY(labels, read_checked(flags.labels, parse_labels));
  options.model_sha256 = model_sha256;
  options.segments = plan.choice().segments;
  public_inputs = plan.public_inputs;
  options.audit_sha256 = plan.audit_sha256;
  options.plan = std::move(plan_text);
  options.audit = std::move(audit);
  options.report = std::move(report);
  options.preprocess = std::move(preprocess);
  options.encoding = std::move(encoding);
  options.labels = std::move(labels);
  return options;
}

struct Cutting {
  OpenModel model;
  std::vector<Cut> cuts;
};

Result<Cutting> cut_model(Model model, const ModelOptions& options,
                          const bundle::SealOptions& parts) {
  Cutting out;
  TRY(open, open_model(std::move(model), options));
  out.model = std::move(open);
  for (const std::string& id : cuts_between(parts.segments)) {
    auto cut = find_cut(out.model.graph, out.model.cuts, id);
    if (!cut) return invalid("the plan's cut '{}': {}", printable(id, 40), cut.error().message);
    // A plan has ids, not what else --cut takes.
    if (!id.starts_with(cut->id) && !cut->id.starts_with(id)) {
      return invalid("the plan's cut '{}' is not among this model's cuts", printable(id, 40));
    }
    out.cuts.push_back(std::move(*cut));
  }
  if (out.cuts.empty()) return out;
  const Cut& first = out.cuts.front();
  const size_t end = out.cuts.size() > 1 ? out.cuts[1].position : out.model.graph.data_nodes();
  if (!first.exposed_by_construction.empty() && first.exposed_to < end) {
    return fail(Kind::kRefused, "cut {}: {}", first.id, first.exposed_by_construction);
  }
  return out;
}

// With items side by side, and that checked by running it.
Result<Cutting> cut_batched(const Model& model, ModelOptions options,
                            const bundle::SealOptions& parts) {
  options.dynamic_batch = has_batch_of_one(model);
  TRY(cutting, cut_model(model, options, parts));
  if (const auto why = bundle::why_no_batch(cutting.model.graph, cutting.cuts)) {
    return fail(Kind::kUnsupported, "{}", *why);
  }
  if (!options.dynamic_batch) {
    TRY(engine, make_onnxruntime({}));
    const Segment whole = to_segment(cutting.model.graph.model);
    TRY_OK(check_batch(*engine, whole, whole));
  }
  return std::move(cutting);
}

Result<Cutting> choose_batch(const Model& model, const SealFlags& flags,
                             bundle::SealOptions& parts) {
  parts.max_batch = flags.max_batch == 0 ? kDefaultBatch : flags.max_batch;
  if (parts.max_batch > 1) {
    auto batched = cut_batched(model, flags.model, parts);
    // Not for want of a batch.
    const bool other = !batched && batched.error().kind != Kind::kUnsupported;
    if (batched || other) return batched;
    if (flags.max_batch != 0) {
      return with_context(batched.error(), fmt::format("--max-batch {}", flags.max_batch));
    }
    say(fmt::format("note: batches are off (--max-batch 1): {}", batched.error().message));
    parts.max_batch = 1;
  }
  return cut_model(model, flags.model, parts);
}

// Of inputs with free dimensions for which nobody has given a bound.
void note_bounds(const bundle::Manifest& manifest, const std::vector<bundle::DimBound>& given) {
  for (const TensorSpec& spec : manifest.inputs) {
    const auto bounds = std::ranges::count_if(spec.most, [](int64_t most) { return most >= 0; });
    if (bounds > std::ranges::count(given, spec.name, &bundle::DimBound::input)) {
      say(fmt::format("note: requests may have '{}' of up to {}; --max-dim sets other bounds",
                      printable(spec.name), spec_text(spec)));
    }
  }
}

Result<std::vector<bundle::DimBound>> read_bounds(const std::vector<std::string>& texts) {
  std::vector<bundle::DimBound> bounds;
  for (const std::string& text : texts) {
    auto bound = bundle::parse_dim_bound(text);
    if (!bound) return fail(Kind::kUsage, "--max-dim {}", bound.error().message);
    bounds.push_back(std::move(*bound));
  }
  return bounds;
}

Outcome seal_model(SealFlags& flags) {
  if (flags.version == 0) return fail(Kind::kUsage, "--bundle-version is missing: want 1 or more");
  const std::string name =
      flags.name.empty() ? fs::path(flags.model.path).stem().string() : flags.name;
  if (const auto checked = bundle::check_model_name(name); !checked) {
    return fail(Kind::kUsage, "{} (see --name)", checked.error().message);
  }
  TRY(recipients, read_recipients(flags.recipients, flags.recipient_files));
  if (recipients.empty())
    return fail(Kind::kUsage, "--recipient is missing: want at least one that may open the bundle");
  TRY(bounds, read_bounds(flags.bounds));
  TRY(model, read_model(flags.model));
  TRY(parts, read_parts(flags, model.file_sha256, flags.model.public_inputs));
  TRY(key, read_signing_key(flags.key, flags.password_file));
  TRY(cutting, choose_batch(model, flags, parts));
  parts.tool = std::string("cloister ") + kVersion;
  parts.created_seconds = std::time(nullptr);
  parts.model_name = name;
  parts.version = flags.version;
  parts.recipients = std::move(recipients);
  parts.key = &key;
  parts.bounds = std::move(bounds);
  TRY_OK(make_folder_of(flags.output));
  TRY(manifest, bundle::seal(cutting.model.graph, cutting.cuts, parts, flags.output));
  note_bounds(manifest, parts.bounds);
  fmt::print("{}  {}  {} version {}, {} segment{}, signed by {}\n", flags.output,
             file_size_text(flags.output), name, flags.version, manifest.segments.size(),
             manifest.segments.size() == 1 ? "" : "s", key.public_key.id_text());
  return 0;
}

void add_inputs(CLI::App& command, SealFlags& flags) {
  const auto add = [&](const char* flag, std::string& path, const char* text) {
    return command.add_option(flag, path, text)->type_name("FILE");
  };
  add("--plan", flags.plan, "where to cut the model: plan.json")->required();
  add("--audit", flags.audit, "the audit from which the plan was made, to include");
  add("--report", flags.report, "report.html, to include");
  add("--preprocess", flags.preprocess, "how pictures become inputs: preprocess.json");
  add("--encoding", flags.encoding, "how a table's rows become inputs: encoding.json");
  add("--labels", flags.labels, "the names of the classes: labels.txt");
}

}  // namespace

void add_seal_command(CLI::App& app, Outcome& outcome) {
  auto flags = std::make_shared<SealFlags>();
  CLI::App* command = app.add_subcommand(
      "seal", "Make a signed bundle of a model: encrypted head, plain body, plan");
  flags->model.add_cuts_to(*command);
  add_inputs(*command, *flags);
  command
      ->add_option("--recipient", flags->recipients,
                   "recipient that may open the bundle: age1... (repeatable)")
      ->type_name("KEY")
      ->allow_extra_args(false);
  command
      ->add_option("--recipients-file", flags->recipient_files,
                   "file of recipients, one per line (repeatable)")
      ->type_name("FILE")
      ->allow_extra_args(false);
  command->add_option("--sign", flags->key, "minisign secret key that signs the bundle")
      ->required()
      ->type_name("KEY");
  command
      ->add_option("--password-file", flags->password_file,
                   "file whose first line is that key's password")
      ->type_name("FILE");
  command
      ->add_option("--name", flags->name, "the model's name on servers (default: the file's name)")
      ->type_name("NAME");
  command
      ->add_option("--bundle-version", flags->version, "version, which must grow with every bundle")
      ->required()
      ->type_name("N")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1} << 53));
  command
      ->add_option("--max-batch", flags->max_batch,
                   "largest batch (default: 8, or 1 if the model can't)")
      ->type_name("N")
      ->check(CLI::Range(int64_t{1}, bundle::kMostBatch));
  command
      ->add_option("--max-dim", flags->bounds,
                   fmt::format("the most that a free dimension of an input may be in a request "
                               "(default: {}; repeatable)",
                               bundle::SealOptions().free_dimension))
      ->type_name("INPUT[AXIS]=N")
      ->allow_extra_args(false);
  command->add_option("-o,--output", flags->output, "the bundle to write")
      ->required()
      ->type_name("OUT");
  command->footer(kSealFooter);
  command->callback([flags, &outcome] { outcome = seal_model(*flags); });
}

}  // namespace cloister
