// A graph made ready for LibTorch: nodes in an order that runs, tensors as numbered slots.
#pragma once

#include "engine/torch/call.h"
#include "graph/graph.h"

namespace cloister::ops {

using Slot = int;  // index into a Frame
inline constexpr Slot kNoSlot = -1;
using Frame = Values;  // the tensors of one run

struct Step;

// A graph, or the sub-graph of an If, Loop or Scan. Sub-graphs share the frame of the whole, where
// every tensor has a slot of its own.
struct Block {
  std::vector<Step> steps;
  std::vector<Slot> inputs;
  std::vector<Slot> outputs;
  std::vector<std::pair<Slot, at::Tensor>> constants;  // initializers of sub-graphs
};

struct Step {
  NodeInfo node;
  Operator run = nullptr;  // null: control flow, by its name
  uint32_t host_inputs = 0;
  std::vector<Slot> inputs;
  std::vector<Slot> outputs;
  std::vector<Slot> release;            // what no later step reads
  std::map<std::string, Block> blocks;  // sub-graphs, by attribute
};

// An initializer of the outermost graph.
struct Weight {
  std::string name;
  Slot slot;
  at::Tensor value;                   // its own memory
  bool is_running_statistic = false;  // of a BatchNormalization
  bool is_host_only = false;          // read as plain numbers wherever it is used
};

struct Plan {
  Block main;
  size_t slots = 0;
  std::vector<Weight> weights;
};

// kUnsupported for an operator that there is none of here, naming node and operator.
Result<Plan> make_plan(const Graph& graph);

// Runs the steps of a block whose inputs are in the frame. Throws Refusal, naming the node.
void run_block(const Block& block, Frame& frame, bool training);

// If, Loop, Scan.
bool is_control_flow(const std::string& op);
Values run_control_flow(const Step& step, const Call& call, Frame& frame);

}  // namespace cloister::ops
