#include <set>

#include "base/parse_file.h"
#include "profile/record.h"
#include "record/reader.h"
#include "record/writer.h"

namespace cloister::profile {
namespace {

constexpr std::string_view kSchema = "cloister/profile/1";
constexpr size_t kMaxCuts = 100'000;
constexpr size_t kMaxDevices = 64;
constexpr size_t kMaxInputs = 1000;
constexpr double kMaxMs = 1e9;

}  // namespace

template <typename Io>
void fields(Io& io, Of<Io, Timing> r) {
  io.real("ms", r.ms, 0, kMaxMs);
  io.real("low", r.low, 0, kMaxMs);
  io.real("high", r.high, 0, kMaxMs);
}

template <typename Io>
void fields(Io& io, Of<Io, Memory> r) {
  io.integer("peak", r.peak, 0, kMaxCount);
  io.integer("resident", r.resident, 0, kMaxCount);
}

template <typename Io>
void fields(Io& io, Of<Io, Work> r) {
  io.integer("macs", r.macs, 0, kMaxCount);
  io.integer("weight_bytes", r.weight_bytes, 0, kMaxCount);
  io.integer("activation_bytes", r.activation_bytes, 0, kMaxCount);
}

template <typename Io>
void fields(Io& io, Of<Io, LinkCost::Sample> r) {
  io.integer("bytes", r.bytes, 0, kMaxCount);
  io.object("ms", r.time);
}

template <typename Io>
void fields(Io& io, Of<Io, LinkCost> r) {
  io.text("name", r.name, kShort);
  io.flag("modelled", r.modelled);
  io.real("latency_ms", r.latency_ms, 0, kMaxMs);
  io.real("bytes_per_second", r.bytes_per_second, 1, kHuge);
  io.list("samples", r.samples, 1000);
}

template <typename Io>
void fields(Io& io, Of<Io, Trusted> r) {
  io.text("engine", r.engine, kShort);
  io.object("whole_ms", r.whole);
  io.real("load_ms", r.load_ms, 0, kMaxMs);
  io.object("memory", r.memory);
}

template <typename Io>
void fields(Io& io, Of<Io, Device> r) {
  io.text("name", r.name, kShort);
  io.text("engine", r.engine, kShort);
  io.flag("overlaps", r.overlaps);
  io.flag("modelled", r.modelled);
  io.object("whole_ms", r.whole);
  io.real("load_ms", r.load_ms, 0, kMaxMs);
  io.object("link", r.link);
}

template <typename Io>
void fields(Io& io, Of<Io, CutCost> r) {
  io.text("id", r.id, kShort);
  io.integer("position", r.position, 0, kMaxCount);
  io.texts("tensors", r.tensors, 1000, kName);
  io.text_or_null("exposed_by_construction", r.exposed_by_construction, kName);
  io.count_if_any("exposed_to", r.exposed_to, kMaxCount);
  io.real("macs_share", r.macs_share, 0, 1);
  io.integer("bytes", r.bytes, 0, kMaxCount);
  io.object("before", r.before);
  io.flag("measured", r.measured);
  io.object("head_ms", r.head);
  io.object("tail_ms", r.tail);
  io.list("bodies_ms", r.bodies, kMaxDevices);
  io.real("head_load_ms", r.head_load_ms, 0, kMaxMs);
  io.object("head_memory", r.head_memory);
  io.object("tail_memory", r.tail_memory);
}

template <typename Io>
void fields(Io& io, Of<Io, Check> r) {
  io.text("cut", r.cut, kShort);
  io.real("predicted_ms", r.predicted_ms, 0, kMaxMs);
  io.real("measured_ms", r.measured_ms, 0, kMaxMs);
  io.integer("predicted_bytes", r.predicted_bytes, 0, kMaxCount);
  io.integer("measured_bytes", r.measured_bytes, 0, kMaxCount);
}

template <typename Io>
void fields(Io& io, Of<Io, Settings> r) {
  io.integer("batch", r.batch, 1, 1 << 20);
  io.integer("threads", r.threads, 1, 1 << 20);
  io.shape("cores", r.cores);
  io.integer("rounds", r.rounds, 1, 1 << 20);
  io.integer("seed", r.seed, 0, kAnyCount);
  io.count_or_null("trusted_limit_bytes", r.trusted_limit_bytes, kMaxCount);
}

template <typename Io>
void fields(Io& io, Of<Io, ProfileRecord> r) {
  io.schema("schema", kSchema);
  io.text("tool", r.tool, kShort);
  io.text("machine", r.machine, kLong);
  io.text("model_file", r.model_file, kName);
  io.digest("model_sha256", r.model_sha256);
  io.object("settings", r.settings);
  io.texts_if_any("public_inputs", r.public_inputs, kMaxInputs, kName);
  io.shape("input_shape", r.input_shape);
  io.integer("input_bytes", r.input_bytes, 0, kMaxCount);
  io.integer("output_bytes", r.output_bytes, 0, kMaxCount);
  io.object("total", r.total);
  io.object("trusted", r.trusted);
  io.list("devices", r.devices, kMaxDevices);
  io.list("cuts", r.cuts, kMaxCuts);
  io.list("checks", r.checks, kMaxCuts);
  io.texts("notes", r.notes, 1000, kLong);
}

namespace {

// What no field can tell alone.
Result<> check(const ProfileRecord& record) {
  std::set<std::string_view> names;
  for (const Device& device : record.devices) {
    if (!names.insert(device.name).second) {
      return invalid("device '{}': occurs twice", printable(device.name));
    }
  }
  std::set<std::string_view> ids;
  uint64_t position = 0;
  for (const CutCost& cut : record.cuts) {
    const std::string context = fmt::format("cut '{}'", printable(cut.id));
    if (!ids.insert(cut.id).second) return invalid("{}: occurs twice", context);
    if (cut.position < position) {
      return invalid("{}: position {} after a cut at {}, want shallowest first", context,
                     cut.position, position);
    }
    position = cut.position;
    if (cut.bodies.size() != record.devices.size()) {
      return invalid("{}: {} bodies_ms, want one for each of {} devices", context,
                     cut.bodies.size(), record.devices.size());
    }
    if (cut.before.macs > record.total.macs ||
        cut.before.weight_bytes > record.total.weight_bytes ||
        cut.before.activation_bytes > record.total.activation_bytes) {
      return invalid("{}: more work before it than in total", context);
    }
  }
  for (const Check& check : record.checks) {
    if (!ids.contains(check.cut)) return invalid("checks: no cut '{}'", printable(check.cut));
    if (check.measured_ms <= 0 || check.measured_bytes == 0) {
      return invalid("checks: cut '{}': measured nothing", printable(check.cut));
    }
  }
  return {};
}

Result<ProfileRecord> parse(std::string_view json) {
  TRY(record, read_json_record<ProfileRecord>(json, kSchema, kMaxProfileBytes));
  TRY_OK(check(record));
  return record;
}

}  // namespace

std::string profile_json(const ProfileRecord& record) {
  return write_json_record(record);
}

Result<ProfileRecord> parse_profile(std::string_view json) {
  auto parsed = parse(json);
  if (!parsed) return with_context(parsed.error(), "profile record");
  return parsed;
}

Result<ProfileRecord> read_profile(const fs::path& path) {
  return parse_file(path, kMaxProfileBytes, parse_profile);
}

}  // namespace cloister::profile
