#include "profile/memory.h"

#include <charconv>
#include <fstream>

#include "engine/onnxruntime.h"
#include "engine/random_inputs.h"
#include "graph/model.h"

namespace cloister::profile {
namespace {

constexpr int kRuns = 3;

// "VmRSS" or "VmHWM" of /proc/self/status, bytes.
Result<uint64_t> status_bytes(std::string_view key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with(key)) continue;
    const size_t digit = line.find_first_of("0123456789");
    uint64_t kib = 0;
    if (digit != std::string::npos &&
        std::from_chars(line.data() + digit, line.data() + line.size(), kib).ec == std::errc()) {
      return kib * 1024;
    }
  }
  return fail(Kind::kIo, "/proc/self/status has no {}", key);
}

// Makes VmHWM count from now on.
Result<> reset_peak() {
  std::ofstream clear("/proc/self/clear_refs");
  clear << 5 << std::flush;
  if (clear) return {};
  return fail(Kind::kIo, "can't reset the peak of memory in /proc/self/clear_refs");
}

Result<std::unique_ptr<Program>> load(Engine& engine, const fs::path& path) {
  TRY(model, read_model(path));
  return engine.load(to_segment(model));
}

uint64_t growth(uint64_t from, uint64_t to) {
  return to > from ? to - from : 0;
}

}  // namespace

Result<Memory> memory_to_run(const fs::path& model, int64_t batch, int threads) {
  TRY(before, status_bytes("VmRSS"));
  TRY_OK(reset_peak());
  TRY(engine, make_onnxruntime({.threads = threads}));
  TRY(program, load(*engine, model));
  TRY(inputs, random_inputs(program->inputs(), batch, 1));
  TRY(ordered, order_inputs(program->inputs(), inputs));
  for (int run = 0; run < kRuns; ++run) TRY_OK(program->run(ordered));
  TRY(after, status_bytes("VmRSS"));
  TRY(peak, status_bytes("VmHWM"));
  return Memory{growth(before, peak), growth(before, after)};
}

}  // namespace cloister::profile
