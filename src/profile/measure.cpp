#include "profile/measure.h"

#include <algorithm>

#include "engine/random_inputs.h"
#include "profile/timing.h"

namespace cloister::profile {
namespace {

constexpr int kWarmUp = 2;

struct Loaded {
  std::unique_ptr<Program> program;
  double ms = 0;
};

Result<Loaded> load_timed(Engine& engine, const Model& model) {
  const Segment segment = to_segment(model);
  const auto start = Clock::now();
  TRY(program, engine.load(segment));
  return Loaded{std::move(program), ms_since(start)};
}

Result<std::vector<NamedTensor>> outputs_of(Program& program,
                                            const std::vector<TensorView>& inputs) {
  TRY(tensors, program.run(inputs));
  std::vector<NamedTensor> out;
  for (size_t i = 0; i < tensors.size(); ++i) {
    out.push_back({program.outputs()[i].name, std::move(tensors[i])});
  }
  return out;
}

// Those of `tensors` that the program takes, in its order.
Result<std::vector<TensorView>> taken_by(const Program& program,
                                         const std::vector<NamedTensor>& tensors) {
  std::vector<NamedTensor> wanted;
  for (const NamedTensor& tensor : tensors) {
    if (std::ranges::find(program.inputs(), tensor.name, &TensorSpec::name) !=
        program.inputs().end()) {
      wanted.push_back(tensor);
    }
  }
  return order_inputs(program.inputs(), wanted);
}

}  // namespace

struct Stopwatch::Item {
  Program* program = nullptr;
  std::vector<TensorView> inputs;
  std::vector<double> ms;
};

Result<Stopwatch> Stopwatch::make(const Graph& graph, const Runner& trusted,
                                  const Settings& settings) {
  Stopwatch watch(graph, trusted, settings);
  const auto start = Clock::now();
  TRY(whole, load_cut_model(*trusted.use, graph));
  watch.load_ms_ = ms_since(start);
  watch.whole_ = std::move(whole);
  TRY(inputs, random_inputs(watch.whole_.segments[0]->inputs(), settings.batch, settings.seed));
  watch.inputs_ = std::move(inputs);
  TRY(outputs, watch.whole_.run(watch.inputs_));
  for (const NamedTensor& output : outputs) watch.output_bytes_ += output.tensor.data().size();
  return watch;
}

// The whole model joins the items. What is compared ran within one round: a machine that is slow
// for a second is slow for all of it.
Result<std::vector<Timing>> Stopwatch::time(std::vector<Item> items) {
  Program* const whole = whole_.segments[0].get();
  TRY(inputs, order_inputs(whole->inputs(), inputs_));
  items.push_back({whole, std::move(inputs), {}});
  std::vector<Item*> order;
  for (Item& item : items) order.push_back(&item);
  for (int64_t round = -kWarmUp; round < settings_.rounds; ++round) {
    std::ranges::shuffle(order, random_);
    for (Item* item : order) {
      const auto start = Clock::now();
      TRY_OK(item->program->run(item->inputs));
      if (round >= 0) item->ms.push_back(ms_since(start));
    }
  }
  const std::vector<double> unit = std::move(items.back().ms);
  whole_ms_.insert(whole_ms_.end(), unit.begin(), unit.end());
  items.pop_back();
  std::vector<Timing> times;
  for (Item& item : items) {
    for (size_t round = 0; round < unit.size(); ++round) item.ms[round] /= unit[round];
    times.push_back(timing_of(std::move(item.ms)));
  }
  return times;
}

WholeTimes Stopwatch::whole() const {
  return {timing_of(whole_ms_), load_ms_};
}

Result<WholeTimes> Stopwatch::whole_on(const Runner& device) {
  TRY(loaded, load_timed(*device.use, graph_->model));
  TRY(inputs, order_inputs(loaded.program->inputs(), inputs_));
  std::vector<Item> items;
  items.push_back({loaded.program.get(), std::move(inputs), {}});
  TRY(times, time(std::move(items)));
  return WholeTimes{times[0], loaded.ms};
}

Result<CutTimes> Stopwatch::measure(const Cut& cut, const std::vector<Runner>& devices) {
  TRY(models, split(*graph_, {cut}));
  TRY(head, load_timed(*trusted_.use, models[0]));
  TRY(tail, load_timed(*trusted_.use, models[1]));
  TRY(head_inputs, taken_by(*head.program, inputs_));
  TRY(crossing, outputs_of(*head.program, head_inputs));
  crossing.insert(crossing.end(), inputs_.begin(), inputs_.end());
  TRY(tail_inputs, taken_by(*tail.program, crossing));
  std::vector<Item> items;
  items.push_back({head.program.get(), std::move(head_inputs), {}});
  items.push_back({tail.program.get(), std::move(tail_inputs), {}});
  std::vector<Loaded> bodies;
  for (const Runner& device : devices) {
    if (device.use == nullptr) continue;
    TRY(body, load_timed(*device.use, models[1]));
    TRY(inputs, taken_by(*body.program, crossing));
    items.push_back({body.program.get(), std::move(inputs), {}});
    bodies.push_back(std::move(body));
  }
  TRY(times, time(std::move(items)));
  CutTimes out{times[0], times[1], {}, head.ms};
  size_t next = 2;
  for (const Runner& device : devices) {
    out.bodies.push_back(device.use == nullptr ? times[1] : times[next++]);
  }
  return out;
}

}  // namespace cloister::profile
