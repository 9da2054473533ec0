// Small bundles, and ways of spoiling them.
#pragma once

#include <zip.h>

#include "bundle/bundle.h"
#include "bundle/seal.h"
#include "engine/probe.h"
#include "graph/zoo/builder.h"
#include "tests/support/graphs.h"
#include "tests/support/temp_dir.h"

namespace cloister::test {

// "x" f32[batch,16] to "y" f32[batch,5] through "h" and "a", 64 wide each: the cuts. Weights of
// more than a chunk of age's on either side.
inline Graph sample_graph(const zoo::Dimension& batch = "N") {
  zoo::ModelBuilder b("sample");
  const auto dense = [&](const std::string& from, const std::string& to, int64_t in, int64_t out) {
    b.random("w_" + to, {out, in});
    b.random("b_" + to, {out});
    b.add({.op = "Gemm",
           .inputs = {from, "w_" + to, "b_" + to},
           .attrs = {{"transB", 1}},
           .outputs = {to}});
  };
  b.input("x", DType::kF32, {batch, 16});
  dense("x", "h0", 16, 1300);
  b.add({.op = "Relu", .inputs = {"h0"}, .outputs = {"h"}});
  dense("h", "a0", 1300, 64);
  b.add({.op = "Relu", .inputs = {"a0"}, .outputs = {"a"}});
  dense("a", "y", 64, 5);
  b.output("y", DType::kF32, {batch, 5});
  Graph graph = value_of(build_graph(value_of(make_model(b.finish()))));
  const auto typed = infer_types(graph, onnxruntime_probe(), {});
  if (!typed) throw std::runtime_error(typed.error().message);
  return graph;
}

struct SampleOptions {
  size_t cuts = 1;
  uint64_t version = 3;
  int64_t max_batch = 8;
};

// A bundle in a folder of its own, and the keys that belong to it.
struct SampleBundle {
  explicit SampleBundle(const SampleOptions& sample = {}) {
    identities.push_back(value_of(age::Identity::generate()));
    key = value_of(minisign::generate_key());
    graph = sample_graph(sample.max_batch > 1 ? zoo::Dimension("N") : zoo::Dimension(1));
    const CutList list = list_cuts(graph);
    bundle::SealOptions options;
    options.tool = "cloister 0.1.0";
    options.created_seconds = 1'700'000'000;
    options.model_name = "sample";
    options.version = sample.version;
    options.max_batch = sample.max_batch;
    options.model_sha256 = std::string(64, 'a');
    options.recipients = {identities[0].recipient()};
    options.key = &key;
    options.plan = "{\"plan\": true}\n";
    options.labels = "a\nb\nc\nd\ne\n";
    const std::string names[] = {"h", "a"};
    std::vector<std::string> ids;
    for (size_t i = 0; i < sample.cuts; ++i) {
      cuts.push_back(value_of(find_cut(graph, list, names[i])));
      ids.push_back(cuts[i].id);
    }
    options.segments = segments_between(ids);
    manifest = value_of(bundle::seal(graph, cuts, options, path));
  }

  Result<bundle::Bundle> open(uint64_t min_version = 0) const {
    return bundle::Bundle::open(path, {key.public_key}, min_version);
  }

  TempDir dir;
  fs::path path = dir / "m.cloister";
  std::vector<age::Identity> identities;
  minisign::SecretKey key;
  Graph graph;
  std::vector<Cut> cuts;
  bundle::Manifest manifest;
};

using Entries = std::vector<std::pair<std::string, std::string>>;

inline Entries read_zip(const fs::path& path) {
  Entries entries;
  int code = 0;
  zip_t* zip = zip_open(path.c_str(), ZIP_RDONLY, &code);
  if (zip == nullptr) throw std::runtime_error("zip_open");
  for (zip_int64_t i = 0; i < zip_get_num_entries(zip, 0); ++i) {
    const auto index = static_cast<zip_uint64_t>(i);
    zip_stat_t stat;
    zip_stat_index(zip, index, 0, &stat);
    std::string content(stat.size, '\0');
    zip_file_t* file = zip_fopen_index(zip, index, 0);
    zip_fread(file, content.data(), content.size());
    zip_fclose(file);
    entries.emplace_back(zip_get_name(zip, index, 0), std::move(content));
  }
  zip_discard(zip);
  return entries;
}

// Stored, or deflated.
inline void write_zip(const fs::path& path, const Entries& entries,
                      zip_int32_t method = ZIP_CM_STORE) {
  fs::remove(path);
  int code = 0;
  zip_t* zip = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code);
  if (zip == nullptr) throw std::runtime_error("zip_open");
  for (const auto& [name, content] : entries) {
    zip_source_t* source = zip_source_buffer(zip, content.data(), content.size(), 0);
    const auto index =
        static_cast<zip_uint64_t>(zip_file_add(zip, name.c_str(), source, ZIP_FL_ENC_UTF_8));
    zip_set_file_compression(zip, index, method, 0);
  }
  if (zip_close(zip) != 0) throw std::runtime_error("zip_close");
}

inline std::string& content_of(Entries& entries, const std::string& name) {
  for (auto& [found, content] : entries) {
    if (found == name) return content;
  }
  throw std::runtime_error("no entry " + name);
}

}  // namespace cloister::test
