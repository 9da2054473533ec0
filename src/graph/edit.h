// Changes to a model by the ids of its graph: what guards, slices and probes put into it.
#pragma once

#include <list>
#include <unordered_set>

#include "graph/fragment.h"
#include "graph/graph.h"

namespace cloister {

// A copy of a graph's model while it is changed. Ids are those of the graph, which must outlive
// this. After an error it is as it was before that call. What the graph's outputs do not depend on
// is not in it. Not thread-safe.
class GraphEdit {
 public:
  static Result<GraphEdit> make(const Graph& graph);
  // Moving leaves iterators at nodes valid; copying would not.
  GraphEdit(GraphEdit&&) = default;
  GraphEdit(const GraphEdit&) = delete;
  GraphEdit& operator=(const GraphEdit&) = delete;

  // Whatever used the tensor now uses the fragment's output, whose input the tensor is. The id
  // then means that output: a second insertion comes behind the first. Inputs and outputs of the
  // model keep their names. kInvalid for no such id and for a fragment that is not well-formed or
  // has not one input and one output; kUnsupported for an input or initializer that is an output.
  Result<> insert(ValueId at, const Fragment& fragment);

  // The fragment in place of a node: its inputs are the node's first ones, its outputs all of the
  // node's. kInvalid as above, and for a node that was replaced before.
  Result<> replace(uint32_t node, const Fragment& fragment);

  // kInvalid for a name that is empty or that was ever taken, in whatever scope. Walks the whole
  // model.
  Result<> rename(ValueId value, const std::string& name);

  // The label that engines report; it need not be the only one.
  Result<> label(uint32_t node, const std::string& label);

  // Behind the outputs that there are. Its type is what was inferred or declared; without either it
  // is only named. kInvalid for what is an output already.
  Result<> add_output(ValueId value);

  // A new initializer; gives its name, which is `wish` or begins with it.
  Result<std::string> add_constant(const std::string& wish, const Tensor& value);

  // Has an input of a node, counted as in the file, be another tensor of the outermost scope.
  Result<> set_input(uint32_t node, int slot, const std::string& name);

  // The tensor's name as it is now.
  Result<std::string> name(ValueId value) const;

  // The model, which build_graph takes: kInvalid for a cycle, that set_input made.
  Result<Model> finish() &&;

 private:
  using Nodes = std::list<onnx::NodeProto>;
  struct Maker {
    Nodes::iterator node;
    int slot = 0;  // of its outputs
  };

  GraphEdit(const Graph& graph, Model model);
  Result<Nodes::iterator> node_at(uint32_t node);
  std::string fresh_name(const std::string& wish);
  Result<> check(const Fragment& fragment) const;
  Nodes instantiate(const Fragment& fragment, const std::vector<std::string>& inputs,
                    const std::vector<std::string>& outputs);
  void place(Nodes nodes, Nodes::const_iterator before);
  void add_initializer(const std::string& name, const Tensor& value);
  void tidy_declarations();

  const Graph* graph_;
  Model model_;
  onnx::ModelProto proto_;  // without its nodes
  Nodes nodes_;
  std::vector<std::optional<Nodes::iterator>> node_of_;  // by the graph's index; nothing: replaced
  std::vector<std::string> name_of_;                     // by ValueId
  std::unordered_map<std::string, Maker> makers_;
  std::unordered_map<std::string, const onnx::ValueInfoProto*> declared_;  // by name in the graph
  std::unordered_set<std::string> names_;               // of tensors, in all scopes
  std::unordered_map<std::string, uint64_t> repeated_;  // how often a name was wished for
  std::unordered_set<std::string> given_;               // inputs and initializers
  std::unordered_set<std::string> outputs_;             // of the model
  std::vector<bool> changed_;                           // by ValueId: has another type
};

// `model` with these values in place of its initializers of those names; it is of no file. kInvalid
// for a name that is no initializer's, and for another type or shape than it has.
Result<Model> with_initializers(const Model& model, const std::map<std::string, Tensor>& values);

}  // namespace cloister
