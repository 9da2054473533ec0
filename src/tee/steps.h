// A plan's segments as steps over numbered slots: names are resolved once, when it is loaded.
#pragma once

#include "bundle/segments.h"
#include "engine/engine.h"

namespace cloister::serving {

// A segment and, if it runs inside, its program.
struct LoadedSegment {
  SegmentInfo info;
  std::unique_ptr<Program> program;  // of an untrusted one: to check results with, or null
};

using Slot = size_t;

// One segment at work: takes the tensors in some slots, and fills others.
struct Step {
  size_t segment = 0;  // position
  bool offload = false;
  std::vector<Slot> inputs;
  std::vector<Slot> outputs;
  std::vector<Slot> last_used;  // slots that nothing needs after this step
};

// Plain data.
struct Steps {
  size_t slots = 0;
  std::vector<Slot> inputs;  // of the whole model
  std::vector<Slot> outputs;
  std::vector<Step> steps;
  size_t first_offload = 0;  // steps.size() when all is trusted
  // What steps before the first offload make, and steps from there on or the answer need.
  std::vector<Slot> carried;
  bool inputs_carried = false;  // whether any of the model's inputs are needed there, too
};

// kInvalid when segments do not fit together or a program is not what its segment says, kRefused
// when an untrusted segment would see an input.
Result<Steps> make_steps(const TensorSpecs& served, const std::vector<LoadedSegment>& segments);

}  // namespace cloister::serving
