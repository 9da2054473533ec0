#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "base/folder.h"
#include "bundle/bundle.h"
#include "cli/read_keys.h"

namespace cloister {
namespace {

constexpr const char* kUnsealFooter =
    R"(Segments become ONNX files with their weights beside them (head.onnx, head.data).
Servers never need this: they open bundles in memory. It lets the model's owner
look at what was sealed.

Examples:
  cloister unseal net.cloister --identity server.txt --signer release.pub -o parts)";

struct UnsealOptions {
  std::string bundle, folder;
  std::vector<std::string> identities, signers;
  bool json = false;
};

// What was written, and is removed again when the rest can't be.
class Written {
 public:
  Result<> add(const fs::path& path, Bytes content, bool secret) {
    TRY_OK(write_new_file(path, content, secret));
    paths_.push_back(path);
    return {};
  }

  void remove() {
    std::error_code ignored;
    for (const fs::path& path : paths_) fs::remove(path, ignored);
  }

  const std::vector<fs::path>& paths() const { return paths_; }

 private:
  std::vector<fs::path> paths_;
};

Result<> write_segment(const bundle::Bundle& bundle, const SegmentInfo& info,
                       const std::vector<age::Identity>& identities, const fs::path& folder,
                       Written& written) {
  const bool secret = info.placement == Placement::kTrusted;
  TRY(segment, bundle.segment(info.name, identities));
  TRY_OK(written.add(folder / (info.name + ".onnx"), as_bytes(segment.model), secret));
  for (const Segment::File& file : segment.files) {
    TRY_OK(written.add(folder / file.name, file.bytes, secret));
  }
  return {};
}

Outcome unseal(const UnsealOptions& options) {
  TRY(signers, read_signers(options.signers));
  TRY(identities, read_identities(options.identities));
  TRY(bundle, bundle::Bundle::open(options.bundle, signers, 0));
  TRY_OK(make_folder(options.folder));
  if (signers.empty()) {
    fmt::print(stderr, "cloister unseal: warning: the signature was not checked (see --signer)\n");
  }
  fmt::print(
      stderr,
      "cloister unseal: warning: '{}' now holds the encrypted segments in the clear; protect it\n",
      printable(options.folder, 400));
  Written written;
  for (const SegmentInfo& info : bundle.manifest().segments) {
    const auto done = write_segment(bundle, info, identities, options.folder, written);
    if (done) continue;
    written.remove();
    return std::unexpected(done.error());
  }
  nlohmann::json files = nlohmann::json::array();
  for (const fs::path& path : written.paths()) {
    files.push_back(path.string());
    if (!options.json) fmt::print("{}\n", path.string());
  }
  if (options.json) {
    fmt::print("{}\n", nlohmann::json{{"files", files}}.dump(
                           2, ' ', false, nlohmann::json::error_handler_t::replace));
  }
  return 0;
}

}  // namespace

void add_unseal_command(CLI::App& app, Outcome& outcome) {
  auto options = std::make_shared<UnsealOptions>();
  CLI::App* command = app.add_subcommand("unseal", "Write a bundle's segments in the clear");
  command->add_option("BUNDLE", options->bundle, "the bundle")->required();
  command
      ->add_option("--identity", options->identities,
                   "file with a secret key for which it was sealed (repeatable)")
      ->required()
      ->type_name("FILE")
      ->allow_extra_args(false);
  command
      ->add_option("--signer", options->signers,
                   "signer that must have signed it: a .pub file or the key itself (repeatable)")
      ->type_name("KEY")
      ->allow_extra_args(false);
  command->add_option("-o,--output", options->folder, "folder for the segments")
      ->required()
      ->type_name("DIR");
  command->add_flag("--json", options->json, "print what was written as JSON");
  command->footer(kUnsealFooter);
  command->callback([options, &outcome] { outcome = unseal(*options); });
}

}  // namespace cloister
