#include "bundle/seal.h"

#include "base/sha256.h"
#include "base/time.h"
#include "bundle/archive_writer.h"
#include "bundle/bundle.h"
#include "graph/extract.h"

namespace cloister::bundle {
namespace {

Result<std::vector<Model>> segments_of(const Graph& graph, const std::vector<Cut>& cuts) {
  if (!cuts.empty()) return split(graph, cuts);
  TRY(whole, extract_whole(graph));
  return std::vector<Model>{std::move(whole)};
}

Result<Manifest> describe(const Graph& graph, const std::vector<Model>& segments,
                          const SealOptions& options) {
  Manifest m;
  m.tool = options.tool;
  m.created = time_text(Time(std::chrono::seconds(options.created_seconds)));
  m.model_name = options.model_name;
  m.version = options.version;
  m.model_sha256 = options.model_sha256;
  m.plan_sha256 = to_hex(sha256(as_bytes(options.plan)));
  m.audit_sha256 = options.audit_sha256;
  m.max_batch = options.max_batch;
  TRY(inputs, input_specs(graph));
  TRY(outputs, output_specs(graph));
  TRY_OK(set_bounds(options.bounds, options.free_dimension, options.max_batch, inputs));
  m.inputs = std::move(inputs);
  m.outputs = std::move(outputs);
  for (size_t i = 0; i < segments.size(); ++i) {
    TRY(specs, segment_specs(graph, segments[i]));
    m.segments.push_back({options.segments[i], std::move(specs.inputs), std::move(specs.outputs)});
  }
  for (const age::Recipient& recipient : options.recipients) {
    m.recipients.push_back(recipient.text());
  }
  return m;
}

class Sealer {
 public:
  Sealer(ArchiveWriter& writer, const SealOptions& options, Manifest& manifest)
      : writer_(writer), options_(options), manifest_(manifest) {}

  Result<> add_segment(const SegmentInfo& info, const Model& model) {
    TRY(parts, with_external_weights(model, weights_file(info)));
    TRY_OK(add(info, model_entry(info),
               [&, &parts = parts](const age::Sink& sink) { return sink(as_bytes(parts.model)); }));
    if (parts.weights.empty()) return {};
    return add(info, weights_entry(info),
               [&, &parts = parts](const age::Sink& sink) { return write_weights(parts, sink); });
  }

  Result<> add_texts() {
    const std::pair<const char*, const std::string*> texts[] = {
        {"plan.json", &options_.plan},         {"audit.json", &options_.audit},
        {"report.html", &options_.report},     {"preprocess.json", &options_.preprocess},
        {"encoding.json", &options_.encoding}, {"labels.txt", &options_.labels}};
    for (const auto& [name, content] : texts) {
      if (content->empty()) continue;
      TRY(entry, writer_.add(name, *content));
      manifest_.entries.push_back(std::move(entry));
    }
    return {};
  }

 private:
  Result<> add(const SegmentInfo& info, const std::string& name,
               const ArchiveWriter::Write& write) {
    TRY(entry, info.placement == Placement::kTrusted
                   ? writer_.add_encrypted(name, options_.recipients, write)
                   : writer_.add(name, write));
    manifest_.entries.push_back(std::move(entry));
    return {};
  }

  ArchiveWriter& writer_;
  const SealOptions& options_;
  Manifest& manifest_;
};

Result<std::string> sign_manifest(const std::string& json, const Manifest& manifest,
                                  const SealOptions& options) {
  return minisign::sign(
      as_bytes(json), *options.key,
      fmt::format("timestamp:{}\tfile:{}\thashed\t{} version {}", options.created_seconds,
                  kManifestName, manifest.model_name, manifest.version));
}

}  // namespace

Result<Manifest> seal(const Graph& graph, const std::vector<Cut>& cuts, const SealOptions& options,
                      const fs::path& output) {
  TRY_OK(check_model_name(options.model_name));
  TRY(segments, segments_of(graph, cuts));
  if (segments.size() != options.segments.size()) {
    return invalid("{} segments are planned, and the cuts make {}", options.segments.size(),
                   segments.size());
  }
  TRY(manifest, describe(graph, segments, options));
  TRY(writer, ArchiveWriter::start(output));
  Sealer sealer(writer, options, manifest);
  TRY_OK(sealer.add_texts());
  for (size_t i = 0; i < segments.size(); ++i) {
    TRY_OK(sealer.add_segment(manifest.segments[i], segments[i]));
  }
  // What could not be opened again must not be made; read back, it is checked as any other is.
  const std::string json = manifest_json(manifest);
  TRY_OK(parse_manifest(json));
  TRY(signature, sign_manifest(json, manifest, options));
  TRY_OK(writer.add(kManifestName, json));
  TRY_OK(writer.add(kSignatureName, signature));
  std::vector<std::string> order = {kManifestName, kSignatureName};
  for (const Entry& entry : manifest.entries) order.push_back(entry.name);
  TRY_OK(writer.finish(order));
  return manifest;
}

}  // namespace cloister::bundle
