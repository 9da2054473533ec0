#include "engine/torch/segment_module.h"

#include "engine/torch/plan.h"
#include "graph/onnx.h"

namespace cloister {
namespace {

Result<TensorSpec> spec_of(const onnx::ValueInfoProto& info, const char* what) {
  const auto& type = info.type().tensor_type();
  const auto dtype = dtype_from_onnx(type.elem_type());
  if (!info.type().has_tensor_type() || !dtype || !is_portable(*dtype)) {
    return fail(Kind::kUnsupported, "{} '{}' is {}: only numeric tensors can be passed", what,
                printable(info.name()), dtype ? dtype_name(*dtype) : "not a tensor");
  }
  TensorSpec spec{info.name(), *dtype, {}};
  for (const auto& dim : type.shape().dim()) {
    spec.dims.push_back(dim.has_dim_value() ? dim.dim_value() : -1);
  }
  return spec;
}

// The specs of the values `ids`, in order, out of the model's declarations.
Result<std::vector<TensorSpec>> specs_of(
    const Graph& graph, const std::vector<ops::Slot>& slots,
    const google::protobuf::RepeatedPtrField<onnx::ValueInfoProto>& declared, const char* what) {
  std::map<std::string, const onnx::ValueInfoProto*> by_name;
  for (const auto& info : declared) by_name[info.name()] = &info;
  std::vector<TensorSpec> specs;
  for (const ops::Slot slot : slots) {
    TRY(spec, spec_of(*by_name.at(graph.values[static_cast<size_t>(slot)].name), what));
    specs.push_back(std::move(spec));
  }
  return specs;
}

}  // namespace

SegmentModule::SegmentModule(std::unique_ptr<ops::Plan> plan) : plan_(std::move(plan)) {}
SegmentModule::~SegmentModule() = default;

Result<std::shared_ptr<SegmentModule>> SegmentModule::make(const Model& model) {
  TRY(graph, build_graph(model));
  TRY(plan, ops::make_plan(graph));
  const std::shared_ptr<SegmentModule> module(
      new SegmentModule(std::make_unique<ops::Plan>(std::move(plan))));
  const ops::Block& main = module->plan_->main;
  TRY(inputs, specs_of(graph, main.inputs, model.proto->graph().input(), "input"));
  TRY(outputs, specs_of(graph, main.outputs, model.proto->graph().output(), "output"));
  module->inputs_ = std::move(inputs);
  module->outputs_ = std::move(outputs);
  try {
    module->register_weights();
  } catch (const std::exception& error) {
    return fail(Kind::kInternal, "registering weights: {}", error.what());
  }
  module->eval();
  return module;
}

Result<std::shared_ptr<SegmentModule>> SegmentModule::make(const Segment& segment) {
  TRY(model, to_model(segment));
  return make(model);
}

// The module that holds what is named `path`.anything, made when there is none yet.
torch::nn::Module& SegmentModule::branch(const std::string& path) {
  if (path.empty()) return *this;
  const auto found = branches_.find(path);
  if (found != branches_.end()) return *found->second;
  const size_t dot = path.rfind('.');
  const std::string parent = dot == std::string::npos ? "" : path.substr(0, dot);
  auto module = std::make_shared<torch::nn::Module>();
  branch(parent).register_module(path.substr(dot + 1), module);
  return *branches_.emplace(path, std::move(module)).first->second;
}

void SegmentModule::register_weights() {
  for (ops::Weight& weight : plan_->weights) {
    if (!weight.value.is_floating_point() || weight.is_host_only) continue;
    std::string name = weight.name;
    // LibTorch's names have no empty parts.
    if (name.front() == '.' || name.back() == '.' || name.find("..") != std::string::npos) {
      std::ranges::replace(name, '.', '/');
    }
    const size_t dot = name.rfind('.');
    torch::nn::Module& owner = branch(dot == std::string::npos ? "" : name.substr(0, dot));
    const std::string last = name.substr(dot + 1);
    const bool trained = weight.value.dim() > 0 && !weight.is_running_statistic;
    weight.value = trained ? owner.register_parameter(last, weight.value)
                           : owner.register_buffer(last, weight.value);
    weights_.emplace(weight.name, weight.value);
  }
}

Result<std::vector<at::Tensor>> SegmentModule::forward(
    const std::vector<at::Tensor>& inputs) const {
  const ops::Block& main = plan_->main;
  if (inputs.size() != main.inputs.size()) {
    return invalid("got {} inputs, want {}", inputs.size(), main.inputs.size());
  }
  ops::Frame frame(plan_->slots);
  for (const ops::Weight& weight : plan_->weights) {
    frame[static_cast<size_t>(weight.slot)] = weight.value;
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    frame[static_cast<size_t>(main.inputs[i])] = inputs[i];
  }
  try {
    ops::run_block(main, frame, is_training());
  } catch (const ops::Refusal& refusal) {
    return fail(refusal.kind(), "{}", refusal.what());
  }
  std::vector<at::Tensor> outputs;
  for (const ops::Slot slot : main.outputs) outputs.push_back(frame[static_cast<size_t>(slot)]);
  return outputs;
}

Result<std::map<std::string, at::Tensor>> SegmentModule::forward(
    const std::map<std::string, at::Tensor>& inputs) const {
  std::vector<at::Tensor> ordered;
  for (const TensorSpec& spec : inputs_) {
    const auto found = inputs.find(spec.name);
    if (found == inputs.end()) return invalid("input '{}' is missing", printable(spec.name));
    ordered.push_back(found->second);
  }
  TRY(outputs, forward(ordered));
  std::map<std::string, at::Tensor> named;
  for (size_t i = 0; i < outputs.size(); ++i) named.emplace(outputs_[i].name, outputs[i]);
  return named;
}

}  // namespace cloister
