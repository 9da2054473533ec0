#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "bundle/bundle.h"
#include "bundle/triton.h"
#include "cli/read_keys.h"
#include "cli/text.h"
#include "record/json.h"

namespace cloister {
namespace {

constexpr const char* kShowFooter =
    R"(Checks every entry against its digest in the manifest, so this also says whether
the file is whole. Only with --signer does it say who made it.

Example:
  cloister bundle show net.cloister --signer release.pub

Exit codes: 0 done; 1 failed; 2 usage; 3 wrong signature, or an entry was altered.)";

constexpr const char* kTritonFooter =
    R"(Writes REPO/NAME/config.pbtxt and REPO/NAME/VERSION/model.onnx for the backend
'onnxruntime', NAME and VERSION being the manifest's; versions that are there stay.
The head stays in the bundle: only the trusted server has the key for it.

Example:
  cloister bundle export-triton net.cloister -o models
  tritonserver --model-repository=models)";

struct BundleOptions {
  std::string path, repository;
  std::vector<std::string> signers;
  bool json = false;
};

struct Checked {
  std::string signature;  // in words
  std::vector<std::string> failures;
};

std::string signature_text(const bundle::Bundle& bundle,
                           const std::vector<minisign::PublicKey>& signers) {
  if (bundle.signer()) {
    const auto signature = minisign::parse_signature(bundle.manifest_signature());
    std::string comment = signature ? signature->trusted_comment : "";
    std::ranges::replace(comment, '\t', ' ');
    return fmt::format("good, by {} ({})", signers[*bundle.signer()].id_text(),
                       printable(comment, 200));
  }
  if (bundle.manifest_signature().empty()) return "none";
  const auto signature = minisign::parse_signature(bundle.manifest_signature());
  if (!signature) return fmt::format("NOT CHECKED, and malformed: {}", signature.error().message);
  return fmt::format("NOT CHECKED (see --signer), says to be by {}", signature->key_id_text());
}

std::string ports_text(const std::vector<TensorSpec>& ports) {
  std::vector<std::string> texts;
  for (const TensorSpec& port : ports) {
    texts.push_back(fmt::format("{} {}", printable(port.name, 60), spec_text(port)));
  }
  return fmt::format("{}", fmt::join(texts, ", "));
}

void print_manifest(const bundle::Bundle& bundle, const Checked& checked) {
  const bundle::Manifest& m = bundle.manifest();
  const auto line = [](std::string_view name, std::string_view value) {
    fmt::print("{:<12} {}\n", name, value);
  };
  line("model", fmt::format("{} version {}", m.model_name, m.version));
  line("signature", checked.signature);
  line("manifest", fmt::format("SHA-256 {}", bundle.manifest_sha256()));
  line("made", fmt::format("{} by {}", m.created, printable(m.tool)));
  line("of model", fmt::format("SHA-256 {}", m.model_sha256));
  line("audit", m.audit_sha256.empty() ? "none" : fmt::format("SHA-256 {}", m.audit_sha256));
  line("batch", m.max_batch > 1 ? fmt::format("up to {}", m.max_batch) : "as in the model");
  if (m.segments.size() > 1) line("cut", cuts_text(m));
  line("inputs", ports_text(m.inputs));
  line("outputs", ports_text(m.outputs));
  for (const SegmentInfo& segment : m.segments) {
    line(segment.name, fmt::format("{}: {} -> {}", to_string(segment.placement),
                                   ports_text(segment.inputs), ports_text(segment.outputs)));
  }
  for (const std::string& recipient : m.recipients) line("recipient", recipient);
  std::vector<std::vector<std::string>> rows = {{"entry", "size", "encrypted", "SHA-256"}};
  for (const bundle::Entry& entry : m.entries) {
    rows.push_back({entry.name, bytes_text(entry.bytes), entry.plain_bytes ? "age" : "no",
                    entry.sha256.substr(0, 16)});
  }
  fmt::print("\n{}", table_text(rows, "lrll"));
}

void print_json(const bundle::Bundle& bundle, const Checked& checked,
                const std::vector<minisign::PublicKey>& signers) {
  const auto manifest = parse_strict_json(bundle.manifest_json(), bundle::kMaxManifestBytes);
  Json out = Json::object();
  out["manifest_sha256"] = bundle.manifest_sha256();
  out["signed"] = !bundle.manifest_signature().empty();
  out["signer"] = bundle.signer() ? Json(signers[*bundle.signer()].text()) : Json();
  out["altered"] = checked.failures;
  out["manifest"] = manifest ? *manifest : Json();
  fmt::print("{}", layout_json(out));
}

Outcome show(const BundleOptions& options) {
  TRY(signers, read_signers(options.signers));
  TRY(bundle, bundle::Bundle::open(options.path, signers, 0));
  Checked checked{.signature = signature_text(bundle, signers)};
  for (const bundle::Entry& entry : bundle.manifest().entries) {
    const auto good = bundle.check(entry.name);
    if (!good) checked.failures.push_back(good.error().message);
  }
  if (options.json) {
    print_json(bundle, checked, signers);
  } else {
    print_manifest(bundle, checked);
  }
  if (checked.failures.empty()) return 0;
  return fail(Kind::kRefused, "'{}': {}", printable(options.path, 400),
              fmt::join(checked.failures, "; "));
}

Outcome export_triton(const BundleOptions& options) {
  TRY(signers, read_signers(options.signers));
  TRY(bundle, bundle::Bundle::open(options.path, signers, 0));
  TRY(folder, bundle::export_triton(bundle, options.repository));
  if (signers.empty()) {
    fmt::print(stderr, "cloister bundle: warning: the signature was not checked (see --signer)\n");
  }
  fmt::print("{}\n", folder.string());
  return 0;
}

void add_shared(CLI::App& command, BundleOptions& options) {
  command.add_option("BUNDLE", options.path, "the bundle")->required();
  command
      .add_option("--signer", options.signers,
                  "signer that must have signed it: a .pub file or the key itself (repeatable)")
      ->type_name("KEY")
      ->allow_extra_args(false);
}

}  // namespace

void add_bundle_command(CLI::App& app, Outcome& outcome) {
  auto options = std::make_shared<BundleOptions>();
  CLI::App* command = app.add_subcommand("bundle", "Inspect a bundle, export its body");
  command->require_subcommand(1);
  CLI::App* shown =
      command->add_subcommand("show", "Show the manifest, and check every entry against it");
  add_shared(*shown, *options);
  shown->add_flag("--json", options->json, "print it as JSON");
  shown->footer(kShowFooter);
  shown->callback([options, &outcome] { outcome = show(*options); });
  CLI::App* triton =
      command->add_subcommand("export-triton", "Export the body as a Triton model repository");
  add_shared(*triton, *options);
  triton->add_option("-o,--output", options->repository, "folder of the model repository")
      ->required()
      ->type_name("REPO");
  triton->footer(kTritonFooter);
  triton->callback([options, &outcome] { outcome = export_triton(*options); });
}

}  // namespace cloister
