#include "tee/steps.h"

#include <algorithm>
#include <map>
#include <set>

namespace cloister::serving {
namespace {

// In any order; the manifest's dimensions are those that count.
Result<> check_specs(const char* what, const std::vector<TensorSpec>& want,
                     const std::vector<TensorSpec>& got) {
  if (want.size() != got.size()) {
    return invalid("its model has {} {}s, want {}", got.size(), what, want.size());
  }
  for (const TensorSpec& spec : want) {
    const TensorSpec* const found = find_spec(got, spec.name);
    if (found == nullptr) return invalid("its model has no {} '{}'", what, printable(spec.name));
    if (found->dtype != spec.dtype) {
      return invalid("its model's {} '{}' is {}, want {}", what, printable(spec.name),
                     spec_text(*found), spec_text(spec));
    }
  }
  return {};
}

Result<> check_program(const LoadedSegment& segment) {
  const auto check = [&]() -> Result<> {
    TRY_OK(check_specs("input", segment.info.inputs, segment.program->inputs()));
    return check_specs("output", segment.info.outputs, segment.program->outputs());
  };
  if (auto checked = check(); !checked) return with_context(checked.error(), segment.info.name);
  return {};
}

class Maker {
 public:
  explicit Maker(const TensorSpecs& served) { steps_.inputs = slots_of(served.inputs); }

  void add(size_t position, const LoadedSegment& segment) {
    const bool offload = segment.info.placement == Placement::kUntrusted;
    Step step{.segment = position, .offload = offload};
    // A program has an order of its own.
    step.inputs = slots_of(offload ? segment.info.inputs : segment.program->inputs());
    step.outputs = slots_of(offload ? segment.info.outputs : segment.program->outputs());
    steps_.steps.push_back(std::move(step));
  }

  Steps finish(const TensorSpecs& served) {
    steps_.outputs = slots_of(served.outputs);
    steps_.slots = slots_.size();
    const auto offload = std::ranges::find(steps_.steps, true, &Step::offload);
    steps_.first_offload = static_cast<size_t>(offload - steps_.steps.begin());
    find_last_uses();
    find_carried();
    return std::move(steps_);
  }

 private:
  std::vector<Slot> slots_of(const std::vector<TensorSpec>& specs) {
    std::vector<Slot> slots;
    for (const TensorSpec& spec : specs) {
      slots.push_back(slots_.try_emplace(spec.name, slots_.size()).first->second);
    }
    return slots;
  }

  void find_last_uses() {
    std::set<Slot> needed(steps_.outputs.begin(), steps_.outputs.end());
    for (auto step = steps_.steps.rbegin(); step != steps_.steps.rend(); ++step) {
      for (const auto* slots : {&step->inputs, &step->outputs}) {
        for (const Slot slot : *slots) {
          if (needed.insert(slot).second) step->last_used.push_back(slot);
        }
      }
    }
  }

  void find_carried() {
    std::set<Slot> needed(steps_.outputs.begin(), steps_.outputs.end());
    for (size_t i = steps_.first_offload; i < steps_.steps.size(); ++i) {
      needed.insert(steps_.steps[i].inputs.begin(), steps_.steps[i].inputs.end());
    }
    for (size_t i = 0; i < steps_.first_offload; ++i) {
      for (const Slot slot : steps_.steps[i].outputs) {
        if (needed.contains(slot)) steps_.carried.push_back(slot);
      }
    }
    steps_.inputs_carried =
        std::ranges::any_of(steps_.inputs, [&](Slot slot) { return needed.contains(slot); });
  }

  Steps steps_;
  std::map<std::string, Slot, std::less<>> slots_;
};

}  // namespace

Result<Steps> make_steps(const TensorSpecs& served, const std::vector<LoadedSegment>& segments) {
  std::vector<SegmentInfo> infos;
  for (const LoadedSegment& segment : segments) infos.push_back(segment.info);
  TRY_OK(check_flow(served, infos));
  Maker maker(served);
  for (size_t i = 0; i < segments.size(); ++i) {
    if (segments[i].program) {
      TRY_OK(check_program(segments[i]));
    } else if (segments[i].info.placement == Placement::kTrusted) {
      return invalid("{}: not loaded", segments[i].info.name);
    }
    maker.add(i, segments[i]);
  }
  return maker.finish(served);
}

}  // namespace cloister::serving
