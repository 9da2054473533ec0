#include "bundle/manifest.h"

#include <algorithm>
#include <set>

#include "base/sha256.h"
#include "base/time.h"
#include "bundle/age.h"
#include "bundle/segments_fields.h"
#include "record/reader.h"
#include "record/writer.h"

namespace cloister::bundle {
namespace {

constexpr std::string_view kSchema = "cloister/manifest/2";
constexpr std::string_view kSchemaV1 = "cloister/manifest/1";
constexpr size_t kMostEntries = 8 + 2 * kMostSegments;
constexpr size_t kTimeLength = 20;

struct SegmentV1 {
  std::string name;
  Placement placement = Placement::kTrusted;
  std::vector<TensorSpec> inputs;
  std::vector<TensorSpec> outputs;
};

// As version 1 had it: up to three segments of fixed names, and the cuts between them.
struct ManifestV1 {
  Manifest manifest;
  std::vector<SegmentV1> segments;
  std::string cut;
  std::string second_cut;
};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

template <typename Io>
void fields(Io& io, Of<Io, Entry> r) {
  io.text("name", r.name, kShort);
  io.integer("bytes", r.bytes, 0, kMaxCount);
  io.digest("sha256", r.sha256);
  io.count_or_null("plain_bytes", r.plain_bytes, kMaxCount);
  io.digest_or_null("plain_sha256", r.plain_sha256);
}

namespace {

template <typename Io>
void shared_fields(Io& io, Of<Io, Manifest> r, std::string_view schema) {
  io.schema("schema", schema);
  io.text("tool", r.tool, kShort);
  io.text("created", r.created, kTimeLength);
  io.text("model_name", r.model_name, kShort);
  // From 1: other servers ignore a version 0.
  io.integer("version", r.version, 1, kMaxCount);
  io.digest("model_sha256", r.model_sha256);
  io.digest("plan_sha256", r.plan_sha256);
  io.digest_or_null("audit_sha256", r.audit_sha256);
  io.integer("max_batch", r.max_batch, 1, kMostBatch);
  io.list("inputs", r.inputs, kMostSpecs);
  io.list("outputs", r.outputs, kMostSpecs);
  io.texts("recipients", r.recipients, age::kMaxRecipients, kShort);
  io.list("entries", r.entries, kMostEntries);
}

}  // namespace

template <typename Io>
void fields(Io& io, Of<Io, Manifest> r) {
  shared_fields<Io>(io, r, kSchema);
  io.list("segments", r.segments, kMostSegments);
}

namespace {

template <typename Io>
void fields(Io& io, Of<Io, SegmentV1> r) {
  io.text("name", r.name, kShort);
  io.term("placement", r.placement);
  io.list("inputs", r.inputs, kMostSpecs);
  io.list("outputs", r.outputs, kMostSpecs);
}

template <typename Io>
void fields(Io& io, Of<Io, ManifestV1> r) {
  shared_fields<Io>(io, r.manifest, kSchemaV1);
  io.text_or_null("cut", r.cut, kShort);
  io.text_or_null("second_cut", r.second_cut, kShort);
  io.list("segments", r.segments, 3);
}

}  // namespace

const Entry* Manifest::entry(std::string_view name) const {
  const auto found = std::ranges::find(entries, name, &Entry::name);
  return found == entries.end() ? nullptr : &*found;
}

const SegmentInfo* Manifest::segment(std::string_view name) const {
  const auto found = std::ranges::find(segments, name, &SegmentInfo::name);
  return found == segments.end() ? nullptr : &*found;
}

const SegmentInfo* find_segment(const Manifest& manifest, Placement placement) {
  const auto found = std::ranges::find(manifest.segments, placement, &SegmentInfo::placement);
  return found == manifest.segments.end() ? nullptr : &*found;
}

std::string cuts_text(const Manifest& manifest) {
  std::string text;
  for (size_t i = 1; i < manifest.segments.size(); ++i) {
    text += (text.empty() ? "" : ", ") + printable(manifest.segments[i].begin_cut);
  }
  return text.empty() ? "none" : text;
}

std::string model_entry(const SegmentInfo& segment) {
  return segment.name + (segment.placement == Placement::kTrusted ? ".onnx.age" : ".onnx");
}

std::string segment_sha256(const Manifest& manifest, const SegmentInfo& segment) {
  std::string digests;
  for (const std::string& name : {model_entry(segment), weights_entry(segment)}) {
    const Entry* const entry = manifest.entry(name);
    digests += (entry == nullptr ? "" : entry->sha256) + "\n";
  }
  return to_hex(sha256(as_bytes(digests)));
}

std::string weights_file(const SegmentInfo& segment) {
  return segment.name + ".data";
}

std::string weights_entry(const SegmentInfo& segment) {
  return weights_file(segment) + (segment.placement == Placement::kTrusted ? ".age" : "");
}

Result<> check_model_name(std::string_view name) {
  const bool good = !name.empty() && name.size() <= 100 && name[0] != '.' &&
                    std::ranges::all_of(name, [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) ||
                             c == '.' || c == '_' || c == '-';
                    });
  if (good) return {};
  return invalid("model name '{}': want 1 to 100 letters, digits, '.', '_' or '-'",
                 printable(name, 100));
}

namespace {

Result<> check_bounds(const TensorSpec& spec, int64_t max_batch) {
  if (spec.most.empty()) return {};
  const std::string shown = printable(spec.name);
  if (spec.most.size() != spec.dims.size()) {
    return invalid("'{}' has {} dimensions and {} bounds", shown, spec.dims.size(),
                   spec.most.size());
  }
  for (size_t i = 0; i < spec.dims.size(); ++i) {
    if (spec.most[i] == -1) continue;
    if (spec.dims[i] != -1) {
      return invalid("'{}' has a bound for dimension {}, which is fixed", shown, i);
    }
    if (max_batch > 1 && i == 0) {
      return invalid("'{}' has a bound for its batch, whose bound is max_batch", shown);
    }
    if (spec.most[i] == 0) return invalid("'{}' has a bound of 0", shown);
  }
  return {};
}

Result<> check_specs(const std::vector<TensorSpec>& specs, int64_t max_batch) {
  std::set<std::string_view> names;
  for (const TensorSpec& spec : specs) {
    const std::string shown = printable(spec.name);
    if (!names.insert(spec.name).second) return invalid("'{}' occurs twice", shown);
    if (!is_portable(spec.dtype)) {
      return fail(Kind::kUnsupported, "'{}' is {}", shown, dtype_name(spec.dtype));
    }
    if (max_batch > 1 && (spec.dims.empty() || spec.dims[0] != -1)) {
      return invalid("the first dimension of '{}' is not the batch, but max_batch is {}", shown,
                     max_batch);
    }
    TRY_OK(check_bounds(spec, max_batch));
  }
  if (specs.empty()) return invalid("none");
  return {};
}

Result<> check_unbounded(const std::vector<TensorSpec>& specs) {
  for (const TensorSpec& spec : specs) {
    if (!spec.most.empty()) {
      return invalid("'{}' has bounds, which only the model's inputs have", printable(spec.name));
    }
  }
  return {};
}

Result<> check_manifest_segments(const Manifest& m) {
  std::vector<PlannedSegment> planned(m.segments.begin(), m.segments.end());
  if (auto checked = check_segments(planned); !checked) {
    return with_context(checked.error(), "segments");
  }
  if (m.segments.front().placement != Placement::kTrusted) {
    return invalid("segments: the first, '{}', is untrusted: it would see the inputs",
                   m.segments.front().name);
  }
  for (const SegmentInfo& segment : m.segments) {
    for (const auto* specs : {&segment.inputs, &segment.outputs}) {
      if (auto checked = check_specs(*specs, m.max_batch); !checked) {
        return with_context(
            checked.error(),
            fmt::format("{}.{}", segment.name, specs == &segment.inputs ? "inputs" : "outputs"));
      }
    }
  }
  // What a segment takes follows from what the model takes.
  for (const SegmentInfo& segment : m.segments) {
    for (const auto* specs : {&segment.inputs, &segment.outputs}) TRY_OK(check_unbounded(*specs));
  }
  TRY_OK(check_unbounded(m.outputs));
  for (const auto* specs : {&m.inputs, &m.outputs}) {
    if (auto checked = check_specs(*specs, m.max_batch); !checked) {
      return with_context(checked.error(), specs == &m.inputs ? "inputs" : "outputs");
    }
  }
  return check_flow({m.inputs, m.outputs}, m.segments);
}

Result<> check_entry(const Entry& entry) {
  const bool encrypted = entry.name.ends_with(".age");
  if (encrypted != entry.plain_bytes.has_value() || encrypted == entry.plain_sha256.empty()) {
    return invalid(
        "plain_bytes and plain_sha256 are required for encrypted entries, and only for them");
  }
  if (encrypted && *entry.plain_bytes >= entry.bytes) {
    return invalid("{} plain bytes in {}", *entry.plain_bytes, entry.bytes);
  }
  return {};
}

Result<> check_entries(const Manifest& m) {
  std::vector<std::string> required = {"plan.json"};
  std::vector<std::string> allowed = {"preprocess.json", "encoding.json", "labels.txt",
                                      "audit.json", "report.html"};
  for (const SegmentInfo& segment : m.segments) {
    required.push_back(model_entry(segment));
    allowed.push_back(weights_entry(segment));
  }
  allowed.insert(allowed.end(), required.begin(), required.end());
  std::set<std::string_view> names;
  for (const Entry& entry : m.entries) {
    const std::string shown = printable(entry.name, 40);
    if (std::ranges::find(allowed, entry.name) == allowed.end()) {
      return invalid("entry '{}' does not belong in this kind of bundle", shown);
    }
    if (!names.insert(entry.name).second) return invalid("entry '{}' occurs twice", shown);
    if (auto checked = check_entry(entry); !checked) {
      return with_context(checked.error(), fmt::format("entry '{}'", shown));
    }
  }
  for (const std::string& name : required) {
    if (!names.contains(name)) return invalid("no entry '{}'", name);
  }
  if (m.entry("plan.json")->sha256 != m.plan_sha256) {
    return invalid("plan_sha256 is not that of entry 'plan.json'");
  }
  const Entry* audit = m.entry("audit.json");
  if (audit != nullptr && audit->sha256 != m.audit_sha256) {
    return invalid("audit_sha256 is not that of entry 'audit.json'");
  }
  return {};
}

// Head, body and tail, with the cuts between them.
Result<Manifest> upgrade(ManifestV1 old) {
  std::vector<std::string> cuts;
  for (const std::string& cut : {old.cut, old.second_cut}) {
    if (!cut.empty()) cuts.push_back(cut);
  }
  if (old.cut.empty() && !old.second_cut.empty()) return invalid("'second_cut' without a 'cut'");
  const std::vector<PlannedSegment> planned = segments_between(cuts);
  if (old.segments.size() != planned.size()) {
    return invalid("{} segments contradict 'cut' and 'second_cut'", old.segments.size());
  }
  for (size_t i = 0; i < planned.size(); ++i) {
    SegmentV1& segment = old.segments[i];
    if (segment.name != planned[i].name || segment.placement != planned[i].placement) {
      return invalid("segments[{}]: {} '{}', want {} '{}'", i, to_string(segment.placement),
                     printable(segment.name, 40), to_string(planned[i].placement), planned[i].name);
    }
    old.manifest.segments.push_back(
        {planned[i], std::move(segment.inputs), std::move(segment.outputs)});
  }
  return std::move(old.manifest);
}

Result<Manifest> read(std::string_view json) {
  auto manifest = read_json_record<Manifest>(json, kSchema, kMaxManifestBytes);
  if (manifest || manifest.error().kind != Kind::kUnsupported) return manifest;
  auto old = read_json_record<ManifestV1>(json, kSchemaV1, kMaxManifestBytes);
  // Of neither version: what is asked for is the newer one.
  if (!old && old.error().kind == Kind::kUnsupported) return manifest;
  if (!old) return std::unexpected(old.error());
  return upgrade(std::move(*old));
}

Result<Manifest> parse(std::string_view json) {
  TRY(manifest, read(json));
  TRY_OK(check_manifest(manifest));
  return manifest;
}

}  // namespace

Result<> check_manifest(const Manifest& manifest) {
  if (auto created = parse_time(manifest.created); !created) {
    return with_context(created.error(), "created");
  }
  TRY_OK(check_model_name(manifest.model_name));
  TRY_OK(check_manifest_segments(manifest));
  if (manifest.recipients.empty()) return invalid("recipients: none");
  for (const std::string& recipient : manifest.recipients) {
    TRY_OK(age::Recipient::parse(recipient));
  }
  return check_entries(manifest);
}

std::string manifest_json(const Manifest& manifest) {
  return write_json_record(manifest);
}

Result<Manifest> parse_manifest(std::string_view json) {
  auto parsed = parse(json);
  if (!parsed) return with_context(parsed.error(), "manifest");
  return parsed;
}

}  // namespace cloister::bundle
