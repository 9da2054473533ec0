// If, Loop, Scan: their sub-graphs run in the frame of the whole.
#include "engine/torch/plan.h"

namespace cloister::ops {
namespace {

const Block& block_of(const Step& step, const std::string& name) {
  const auto found = step.blocks.find(name);
  if (found == step.blocks.end()) reject("attribute '{}' is missing", name);
  return found->second;
}

Values run_inner(const Block& block, const Values& inputs, Frame& frame, bool training) {
  if (inputs.size() != block.inputs.size()) {
    reject("{} values for a sub-graph of {} inputs", inputs.size(), block.inputs.size());
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    frame[static_cast<size_t>(block.inputs[i])] = inputs[i];
  }
  run_block(block, frame, training);
  Values outputs;
  for (const Slot slot : block.outputs) outputs.push_back(frame.at(static_cast<size_t>(slot)));
  return outputs;
}

Values run_if(const Step& step, const Call& call, Frame& frame) {
  const bool chosen = call.scalar(0, 0) != 0;
  return run_inner(block_of(step, chosen ? "then_branch" : "else_branch"), {}, frame,
                   call.training);
}

// Values that each iteration gives, gathered along a new axis.
at::Tensor stack(const Values& values, int64_t axis) {
  if (values.empty()) refuse("no iterations: the shape of their outputs is not known");
  return at::stack(values, axis);
}

Values run_loop(const Step& step, const Call& call, Frame& frame) {
  const Block& body = block_of(step, "body");
  const double limit = call.scalar(0, std::numeric_limits<double>::infinity());
  bool go_on = call.scalar(1, 1) != 0;
  Values carried(call.inputs.begin() + std::min<std::ptrdiff_t>(2, std::ssize(call.inputs)),
                 call.inputs.end());
  const size_t scans = body.outputs.size() - 1 - carried.size();
  std::vector<Values> scanned(scans);
  for (int64_t i = 0; go_on && static_cast<double>(i) < limit; ++i) {
    Values inputs = {at::scalar_tensor(i, at::kLong), at::scalar_tensor(go_on, at::kBool)};
    inputs.insert(inputs.end(), carried.begin(), carried.end());
    const Values outputs = run_inner(body, inputs, frame, call.training);
    go_on = outputs[0].item<bool>();
    for (size_t j = 0; j < carried.size(); ++j) carried[j] = outputs[1 + j];
    for (size_t j = 0; j < scans; ++j) scanned[j].push_back(outputs[1 + carried.size() + j]);
  }
  for (const Values& values : scanned) carried.push_back(stack(values, 0));
  return carried;
}

Values run_scan(const Step& step, const Call& call, Frame& frame) {
  if (call.opset() < 9) refuse("Scan of opset 8");
  const Block& body = block_of(step, "body");
  const auto scans = static_cast<size_t>(call.integer("num_scan_inputs", 0));
  if (scans == 0 || scans > call.inputs.size()) reject("{} scan inputs", scans);
  const size_t states = call.inputs.size() - scans;
  const size_t results = body.outputs.size() - states;
  const Ints in_axes = call.integers("scan_input_axes", Ints(scans, 0));
  const Ints in_backwards = call.integers("scan_input_directions", Ints(scans, 0));
  const Ints out_axes = call.integers("scan_output_axes", Ints(results, 0));
  const Ints out_backwards = call.integers("scan_output_directions", Ints(results, 0));

  Values carried(call.inputs.begin(), call.inputs.begin() + static_cast<std::ptrdiff_t>(states));
  std::vector<Values> scanned(results);
  const auto axis = [&](size_t j) { return axis_of(in_axes.at(j), call.in(states + j).dim()); };
  const int64_t length = call.in(states).size(axis(0));
  for (int64_t i = 0; i < length; ++i) {
    Values inputs = carried;
    for (size_t j = 0; j < scans; ++j) {
      const int64_t at = in_backwards.at(j) != 0 ? length - 1 - i : i;
      inputs.push_back(call.in(states + j).select(axis(j), at));
    }
    const Values outputs = run_inner(body, inputs, frame, call.training);
    for (size_t j = 0; j < states; ++j) carried[j] = outputs[j];
    for (size_t j = 0; j < results; ++j) scanned[j].push_back(outputs[states + j]);
  }
  for (size_t j = 0; j < results; ++j) {
    if (out_backwards.at(j) != 0) std::ranges::reverse(scanned[j]);
    carried.push_back(stack(scanned[j], out_axes.at(j)));
  }
  return carried;
}

const std::map<std::string, Values (*)(const Step&, const Call&, Frame&)> kControlFlow = {
    {"If", run_if},
    {"Loop", run_loop},
    {"Scan", run_scan},
};

}  // namespace

bool is_control_flow(const std::string& op) {
  return kControlFlow.contains(op);
}

Values run_control_flow(const Step& step, const Call& call, Frame& frame) {
  return kControlFlow.at(step.node.op)(step, call, frame);
}

}  // namespace cloister::ops
