// What a model's cuts cost on one machine, as plain data: profile.json (docs/formats/profile.md).
// The planner and the report read it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "tensor/tensor.h"

namespace cloister::profile {

// Milliseconds for one run of the batch.
struct Timing {
  double ms = 0;    // median
  double low = 0;   // lower quartile
  double high = 0;  // upper quartile
};

// What a loaded segment takes of its process's memory, bytes.
struct Memory {
  uint64_t peak = 0;      // while it is loaded and run
  uint64_t resident = 0;  // afterwards, with what it was loaded from released
};

// Work, for one item of the batch.
struct Work {
  uint64_t macs = 0;
  uint64_t weight_bytes = 0;
  uint64_t activation_bytes = 0;  // tensors made
};

// How tensors get from the head to the body.
struct LinkCost {
  struct Sample {
    uint64_t bytes = 0;
    Timing time;  // one way
  };

  std::string name;  // "http", a worker's address, "modelled"; before: "shm", "tcp"
  bool modelled = false;
  // One way takes latency_ms + bytes / bytes_per_second: fitted to the samples.
  double latency_ms = 0;
  double bytes_per_second = 1;
  std::vector<Sample> samples;

  double ms(uint64_t bytes) const {
    return latency_ms + 1e3 * static_cast<double>(bytes) / bytes_per_second;
  }
};

// What runs inside the TEE.
struct Trusted {
  std::string engine;  // with its version: "ONNX Runtime 1.30.0"
  Timing whole;        // the model in one segment
  double load_ms = 0;  // once
  Memory memory;       // of the whole model
};

// What can run a body.
struct Device {
  std::string name;    // "onnxruntime-cpu", "torch-cuda", or a user's, "gpu"
  std::string engine;  // with its version
  // It computes beside the trusted cores: the head of one request runs while the body of another
  // does.
  bool overlaps = false;
  bool modelled = false;  // described, not measured
  Timing whole;           // the model in one segment
  double load_ms = 0;     // once
  LinkCost link;          // from the trusted side to it
};

struct CutCost {
  std::string id;
  uint64_t position = 0;             // data nodes before the cut
  std::vector<std::string> tensors;  // names of what crosses
  std::string exposed_by_construction;
  // Of such a cut: a body that ends at this position or before gets nothing of it.
  std::optional<uint64_t> exposed_to;
  double macs_share = 0;  // of the model, before the cut
  uint64_t bytes = 0;     // that cross, for the batch
  Work before;            // of the head, for one item
  // Times and memory below: measured on the cut itself, or interpolated between cuts that were.
  bool measured = false;
  Timing head;                 // what comes before the cut, on the trusted engine
  Timing tail;                 // what comes after it, on the trusted engine
  std::vector<Timing> bodies;  // what comes after it, on each of ProfileRecord::devices
  double head_load_ms = 0;     // once, on the trusted engine
  Memory head_memory;
  Memory tail_memory;
};

// A cut that was measured whole, yet kept out of the interpolation, to see how good that is.
struct Check {
  std::string cut;
  double predicted_ms = 0;  // head and body (of the first device)
  double measured_ms = 0;
  uint64_t predicted_bytes = 0;  // peak of the head's memory
  uint64_t measured_bytes = 0;

  double time_error() const { return predicted_ms / measured_ms - 1; }
  double memory_error() const {
    return static_cast<double>(predicted_bytes) / static_cast<double>(measured_bytes) - 1;
  }
};

struct Settings {
  int64_t batch = 1;
  int64_t threads = 1;                          // of the trusted engine, and of a body on the CPU
  std::vector<int64_t> cores;                   // that the process was pinned to; empty: none
  int64_t rounds = 0;                           // runs that a median is of
  uint64_t seed = 1;                            // of the inputs and of the order of runs
  std::optional<uint64_t> trusted_limit_bytes;  // --epc
};

struct ProfileRecord {
  std::string tool;     // "cloister 0.1.0"
  std::string machine;  // processor, cores, memory, kernel
  std::string model_file;
  std::string model_sha256;
  Settings settings;
  std::vector<std::string> public_inputs;  // that the owner calls no secret
  Shape input_shape;                       // of the model's first input, as it was run
  uint64_t input_bytes = 0;                // the model's inputs, for the batch
  uint64_t output_bytes = 0;               // its results, for the batch
  Work total;                              // for one item
  Trusted trusted;
  std::vector<Device> devices;
  std::vector<CutCost> cuts;  // shallowest first
  std::vector<Check> checks;
  std::vector<std::string> notes;
};

inline constexpr uint64_t kMaxProfileBytes = 64ULL << 20;

// Strict both ways: profile_json(*parse_profile(t)) == t for what profile_json made. Errors of
// parse_profile: kInvalid naming the key, what was found and what is expected; kUnsupported for
// another schema version. read_profile also fails as read_file does. Thread-safe.
std::string profile_json(const ProfileRecord& record);
Result<ProfileRecord> parse_profile(std::string_view json);
Result<ProfileRecord> read_profile(const fs::path& path);

}  // namespace cloister::profile
