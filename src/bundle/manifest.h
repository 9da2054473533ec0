// manifest.json: what a bundle is and the digest of all that is in it. docs/formats/bundle.md.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bundle/segments.h"

namespace cloister::bundle {

inline constexpr uint64_t kMaxManifestBytes = 4 << 20;
inline constexpr int64_t kMostBatch = 1 << 20;

// Something that the archive holds.
struct Entry {
  std::string name;
  uint64_t bytes = 0;  // as stored
  std::string sha256;
  // Of what an encrypted entry (NAME.age) holds; nothing for others.
  std::optional<uint64_t> plain_bytes;
  std::string plain_sha256;
};

struct Manifest {
  std::string tool;
  std::string created;     // UTC, RFC 3339: "2025-01-31T12:00:00Z"
  std::string model_name;  // letters, digits, '.', '_' and '-'
  uint64_t version = 1;    // grows with every bundle of the model: the guard against going back
  std::string model_sha256;
  std::string plan_sha256;
  std::string audit_sha256;  // empty: none
  // 1: the batch is as the model has it. More: every spec's first dimension is the batch, up to
  // this.
  int64_t max_batch = 1;
  std::vector<TensorSpec> inputs;  // of the whole model
  std::vector<TensorSpec> outputs;
  std::vector<SegmentInfo> segments;  // as they run
  std::vector<std::string> recipients;
  std::vector<Entry> entries;  // all but the manifest and its signature

  const Entry* entry(std::string_view name) const;  // null: there is none
  const SegmentInfo* segment(std::string_view name) const;
};

// The first of that placement; null: there is none.
const SegmentInfo* find_segment(const Manifest& manifest, Placement placement);

// "c7, c9", safe to print; "none" where one segment is all.
std::string cuts_text(const Manifest& manifest);

// The entry that holds a segment's model, or its weights.
std::string model_entry(const SegmentInfo& segment);    // "head.onnx.age", "body.onnx"
std::string weights_entry(const SegmentInfo& segment);  // "head.data.age", "body.data"
// What the model calls the file of its weights: "head.data".
std::string weights_file(const SegmentInfo& segment);

// Names the bytes of an untrusted segment, model and weights: the same in each bundle that has the
// very same one. Hexadecimal.
std::string segment_sha256(const Manifest& manifest, const SegmentInfo& segment);

// 1 to 100 of A-Z a-z 0-9 . _ -, not beginning with a dot. kInvalid.
Result<> check_model_name(std::string_view name);

// What no field can tell alone: segments, specs and entries fit together. kInvalid.
Result<> check_manifest(const Manifest& manifest);

// Strict both ways, as records are (record/reader.h). Version 1, which knew head, body and tail, is
// still read. Thread-safe.
std::string manifest_json(const Manifest& manifest);
Result<Manifest> parse_manifest(std::string_view json);

}  // namespace cloister::bundle
