// Times of segments, measured whole.
#pragma once

#include <random>

#include "engine/engine.h"
#include "engine/segments.h"
#include "profile/record.h"

namespace cloister::profile {

// An engine with the name that the profile has for it.
struct Runner {
  std::string name;    // "onnxruntime-cpu"
  std::string engine;  // with its version
  bool overlaps = false;
  Engine* use = nullptr;  // null: the trusted engine itself, so nothing is measured twice
};

// Times in units of what the whole model took meanwhile: Timing::ms of 0.5 is half of it.
struct CutTimes {
  Timing head;
  Timing tail;
  std::vector<Timing> bodies;  // on each device
  double head_load_ms = 0;     // milliseconds
};

struct WholeTimes {
  Timing time;  // of whole_on(): in units of the trusted engine's
  double load_ms = 0;
};

// Runs segments in turn with the whole model, in random order, and reports their times relative to
// what the whole took meanwhile: a machine that changes its speed does so for both. Not
// thread-safe.
class Stopwatch {
 public:
  // The graph and the engines must outlive this.
  static Result<Stopwatch> make(const Graph& graph, const Runner& trusted,
                                const Settings& settings);

  // The whole model on a device; kUnsupported when its engine lacks an operator.
  Result<WholeTimes> whole_on(const Runner& device);
  // Memory: beside the whole, its two parts on the trusted engine, and one on each device.
  Result<CutTimes> measure(const Cut& cut, const std::vector<Runner>& devices);

  // The whole model on the trusted engine: of all runs so far, if there were any.
  WholeTimes whole() const;
  const std::vector<NamedTensor>& inputs() const { return inputs_; }
  uint64_t output_bytes() const { return output_bytes_; }

 private:
  struct Item;

  Stopwatch(const Graph& graph, const Runner& trusted, const Settings& settings)
      : graph_(&graph), trusted_(trusted), settings_(settings), random_(settings.seed) {}

  Result<std::vector<Timing>> time(std::vector<Item> items);

  const Graph* graph_;
  Runner trusted_;
  Settings settings_;
  std::mt19937_64 random_;
  LoadedModel whole_;
  std::vector<NamedTensor> inputs_;
  uint64_t output_bytes_ = 0;
  double load_ms_ = 0;
  std::vector<double> whole_ms_;
};

}  // namespace cloister::profile
