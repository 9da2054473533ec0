#include "engine/ort_trace.h"

#include "engine/ort_session.h"

namespace cloister {
namespace {

// A trace of thousands of nodes and tens of runs has some ten megabytes.
constexpr uint64_t kMaxTraceBytes = 1ULL << 30;

std::vector<const char*> c_strings(const std::vector<std::string>& texts) {
  std::vector<const char*> out;
  for (const std::string& text : texts) out.push_back(text.c_str());
  return out;
}

}  // namespace

Result<std::string> ort_trace(const Segment& segment, int threads,
                              const std::vector<NamedTensor>& inputs, int runs,
                              const fs::path& folder) {
  std::string file;
  const auto ran = catch_ort([&]() -> Result<> {
    Ort::SessionOptions options = ort_session_options(threads);
    options.EnableProfiling((folder / "trace").c_str());
    std::vector<std::string> names;
    std::vector<Ort::Value> weights;
    for (const NamedTensor& weight : segment.weights) {
      names.push_back(weight.name);
      weights.push_back(ort_value(weight.tensor.view()));
    }
    if (!names.empty()) options.AddExternalInitializers(names, weights);
    Ort::Session session(ort_environment(threads), segment.model.data(), segment.model.size(),
                         options);
    TRY(outputs, ort_outputs(session));
    std::vector<std::string> input_names, output_names;
    std::vector<Ort::Value> values;
    for (const NamedTensor& input : inputs) {
      input_names.push_back(input.name);
      values.push_back(ort_value(input.tensor.view()));
    }
    for (const OrtPort& output : outputs) output_names.push_back(output.name);
    const auto from = c_strings(input_names);
    const auto to = c_strings(output_names);
    for (int run = 0; run < runs; ++run) {
      session.Run(Ort::RunOptions{nullptr}, from.data(), values.data(), values.size(), to.data(),
                  to.size());
    }
    Ort::AllocatorWithDefaultOptions allocator;
    file = session.EndProfilingAllocated(allocator).get();
    return {};
  });
  if (!ran) return std::unexpected(ran.error());
  auto trace = read_file(file, kMaxTraceBytes);
  std::error_code ignored;
  fs::remove(file, ignored);
  return trace;
}

}  // namespace cloister
