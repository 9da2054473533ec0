// The ONNX protobuf messages, and the few things that every reader of them needs. Included only by
// graph/ sources and by programs that build models; it costs a second of compile time.
#pragma once

#include <onnx/onnx_pb.h>

#include <functional>
#include <string>

#include "base/error.h"

namespace cloister {

// "Conv 'layer1.0.conv1'", or with its first output when the node has no name; safe to print.
std::string node_label(const onnx::NodeProto& node);

// Whether `domain` is that of the ONNX standard itself ("" and "ai.onnx" are the same).
bool is_onnx_domain(const std::string& domain);

// Calls `visit` for each graph held by the node's attributes (If, Loop, Scan and the like).
void for_each_subgraph(const onnx::NodeProto& node,
                       const std::function<void(const onnx::GraphProto&)>& visit);

bool has_subgraph(const onnx::NodeProto& node);

// Names that the node uses from the scopes around it: its inputs, and what its sub-graphs capture,
// at any depth, without repetition, in order of first use. Empty optional inputs are left out.
std::vector<std::string> used_names(const onnx::NodeProto& node);

}  // namespace cloister
