#include "bench/serve_load/engine_rounds.h"

#include "engine/onnxruntime.h"
#include "engine/random_inputs.h"

namespace cloister::bench {
namespace {

Result<nlohmann::json> run_round(const LoadedModel& model, const std::vector<NamedTensor>& inputs,
                                 const Round& round, int64_t batch) {
  std::vector<double> ms;
  const auto began = Clock::now();
  const auto after = [&](double seconds) {
    return began +
           std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  };
  const auto warm = after(round.warmup_s);
  const auto until = after(round.seconds);
  for (auto now = began; now < until;) {
    const auto start = now;
    TRY_OK(model.run(inputs));
    now = Clock::now();
    if (start >= warm) ms.push_back(std::chrono::duration<double, std::milli>(now - start).count());
  }
  double busy_ms = 0;
  for (const double one : ms) busy_ms += one;
  return nlohmann::json{
      {"runs", ms.size()},
      {"batch", batch},
      {"per_second", static_cast<double>(ms.size()) * static_cast<double>(batch) * 1e3 / busy_ms},
      {"latency_ms", latency_json(ms)}};
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
