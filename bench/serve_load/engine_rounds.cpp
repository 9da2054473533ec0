#include "bench/serve_load/engine_rounds.h"

#include <ctime>

#include "engine/onnxruntime.h"
#include "engine/random_inputs.h"

namespace cloister::bench {
namespace {

// Of this thread, which does all of the work when the engine has one thread.
double cpu_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return 1e3 * static_cast<double>(now.tv_sec) + 1e-6 * static_cast<double>(now.tv_nsec);
}

Result<nlohmann::json> run_round(const LoadedModel& model, const std::vector<NamedTensor>& inputs,
                                 const Round& round, int64_t batch) {
  std::vector<double> ms;
  std::vector<double> used_ms;
  const auto began = Clock::now();
  const auto after = [&](double seconds) {
    return began +
           std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  };
  const auto warm = after(round.warmup_s);
  const auto until = after(round.seconds);
  for (auto now = began; now < until;) {
    const auto start = now;
    const double cpu_began_ms = cpu_ms();
    TRY_OK(model.run(inputs));
    const double used = cpu_ms() - cpu_began_ms;
    now = Clock::now();
    if (start < warm) continue;
    ms.push_back(std::chrono::duration<double, std::milli>(now - start).count());
    used_ms.push_back(used);
  }
  double busy_ms = 0;
  for (const double one : ms) busy_ms += one;
  return nlohmann::json{
      {"runs", ms.size()},
      {"batch", batch},
      {"per_second", static_cast<double>(ms.size()) * static_cast<double>(batch) * 1e3 / busy_ms},
      {"latency_ms", latency_json(ms)},
      {"cpu_ms", latency_json(used_ms)}};
}

}  // namespace

Result<> run_engine(const EngineFlags& flags, const Round& defaults) {
  TRY(engine, make_onnxruntime({.threads = flags.threads}));
  TRY(opened, open_model(flags.model));
  TRY(whole, load_cut_model(*engine, opened.graph));
  LoadedModel segments;
  if (!flags.cut.empty()) {
    TRY(cut, find_cut(opened.graph, opened.cuts, flags.cut));
    TRY(loaded, load_cut_model(*engine, opened.graph, {cut}));
    segments = std::move(loaded);
  }
  TRY(inputs, random_inputs(whole.segments[0]->inputs(), flags.batch, flags.seed));
  return for_each_line(defaults, [&](const Round& round) -> Result<nlohmann::json> {
    if (!round.whole && flags.cut.empty()) {
      return fail(Kind::kUsage, "segments are measured with --cut only");
    }
    return run_round(round.whole ? whole : segments, inputs, round, flags.batch);
  });
}

}  // namespace cloister::bench
