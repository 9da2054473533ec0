// How `cloister inspect` scales: a graph of 20,000 nodes, and 3 GB of external weights. Makes both
// models in a temporary folder (the weights are a hole in a file: they take no disk), runs the
// command on each, and reports its wall time and peak memory as the operating system saw them.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "graph/weights.h"
#include "graph/zoo/builder.h"

namespace cloister {
namespace {

using nlohmann::json;
using zoo::ModelBuilder;

constexpr int kBlocks = 5000;  // of four nodes
constexpr int kLayers = 12;
constexpr int64_t kWidth = 8192;  // weights of one layer: 256 MiB

// Residual blocks of MatMul, Add, Relu, Add; all share their weights.
onnx::ModelProto deep_model() {
  ModelBuilder b("deep");
  const auto w = b.random("w", {64, 64});
  const auto bias = b.random("bias", {64});
  std::string x = b.input("x", DType::kF32, {"N", 64});
  for (int i = 0; i < kBlocks; ++i) {
    const auto product = b.node("MatMul", {x, w});
    x = b.node("Add", {x, b.node("Relu", {b.node("Add", {product, bias})})});
  }
  b.output(x, DType::kF32, {"N", 64});
  return b.finish();
}

onnx::ModelProto wide_model(const std::string& data_file) {
  ModelBuilder b("wide");
  std::string x = b.input("x", DType::kF32, {"N", kWidth});
  constexpr uint64_t kLayerBytes = kWidth * kWidth * sizeof(float);
  for (int i = 0; i < kLayers; ++i) {
    onnx::TensorProto weight;
    weight.set_data_type(static_cast<int32_t>(DType::kF32));
    weight.add_dims(kWidth);
    weight.add_dims(kWidth);
    mark_external(weight, data_file, kLayerBytes * i, kLayerBytes);
    const auto w = b.initializer("w" + std::to_string(i), std::move(weight));
    x = b.node("Relu", {b.node("MatMul", {x, w})});
  }
  b.output(x, DType::kF32, {"N", kWidth});
  return b.finish();
}

struct Usage {
  double seconds = 0;
  long peak_kib = 0;
};

// Runs `program inspect model`, its output thrown away.
Result<Usage> run_inspect(const std::string& program, const std::string& model) {
  const auto start = std::chrono::steady_clock::now();
  const pid_t child = ::fork();
  if (child < 0) return fail(Kind::kIo, "can't fork");
  if (child == 0) {
    const int null = ::open("/dev/null", O_WRONLY);
    ::dup2(null, STDOUT_FILENO);
    ::execl(program.c_str(), program.c_str(), "inspect", model.c_str(), nullptr);
    ::_exit(127);
  }
  int status = 0;
  struct rusage usage {};
  if (::wait4(child, &status, 0, &usage) != child) return fail(Kind::kIo, "can't wait");
  if (status != 0) return fail(Kind::kInvalid, "'{} inspect {}' failed", program, model);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  return Usage{elapsed.count(), usage.ru_maxrss};
}

Result<json> measure(const std::string& program, const std::string& name, const fs::path& model,
                     uint64_t weight_bytes, int runs) {
  std::vector<double> seconds;
  long peak_kib = 0;
  for (int i = 0; i < runs; ++i) {
    TRY(usage, run_inspect(program, model.string()));
    seconds.push_back(usage.seconds);
    peak_kib = std::max(peak_kib, usage.peak_kib);
  }
  std::ranges::sort(seconds);
  return json{{"model", name},
              {"weight_bytes", weight_bytes},
              {"seconds_median", seconds[seconds.size() / 2]},
              {"seconds_max", seconds.back()},
              {"peak_rss_bytes", peak_kib * 1024},
              {"runs", runs}};
}

Result<json> bench(const std::string& program, int runs) {
  std::string pattern = (fs::temp_directory_path() / "inspect-bench-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) return fail(Kind::kIo, "no temporary folder");
  const fs::path folder = pattern;
  json rows = json::array();
  const auto run = [&]() -> Result<> {
    const fs::path deep = folder / "deep.onnx";
    TRY_OK(write_file(deep, deep_model().SerializeAsString()));
    TRY(deep_row, measure(program, fmt::format("{} nodes", 4 * kBlocks), deep, 64 * 65 * 4, runs));
    rows.push_back(deep_row);
    const fs::path wide = folder / "wide.onnx";
    const uint64_t bytes = kLayers * kWidth * kWidth * sizeof(float);
    TRY_OK(write_file(wide, wide_model("wide.data").SerializeAsString()));
    TRY_OK(write_file(folder / "wide.data", ""));
    fs::resize_file(folder / "wide.data", bytes);
    TRY(wide_row, measure(program, "external weights", wide, bytes, runs));
    rows.push_back(wide_row);
    return {};
  };
  const auto done = run();
  std::error_code ignored;
  fs::remove_all(folder, ignored);
  if (!done) return std::unexpected(done.error());
  return json{{"schema", "cloister/bench-inspect/1"}, {"rows", rows}};
}

}  // namespace
}  // namespace cloister

int main(int argc, char** argv) {
  CLI::App app("Measures `cloister inspect` on a 20,000-node graph and on 3 GB of weights.");
  std::string program =
      (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "cloister").string();
  int runs = 5;
  app.add_option("--cloister", program, "the program to run")->capture_default_str();
  app.add_option("--runs", runs, "runs of each")->capture_default_str()->check(CLI::Range(1, 1000));
  CLI11_PARSE(app, argc, argv);
  const auto report = cloister::bench(program, runs);
  if (!report) {
    fmt::print(stderr, "inspect_bench: {}\n", report.error().message);
    return cloister::exit_code(report.error().kind);
  }
  fmt::print("{}\n", report->dump(2));
  return 0;
}
