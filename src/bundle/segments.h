// A model as segments, in the order in which they run. Names are names: what a segment is follows
// from its placement and from the cuts that it lies between. docs/design/014-segments.md.
#pragma once

#include <string>
#include <vector>

#include "tensor/spec.h"

namespace cloister {

inline constexpr size_t kMostSegments = 64;

enum class Placement { kTrusted, kUntrusted };

std::string_view to_string(Placement placement);  // "trusted", "untrusted"
Result<> from_string(std::string_view text, Placement& out);

// What happens to a segment's tensors at its border.
enum class Transform {
  kNone,  // they cross as they are; results may be checked by computing some of them again
};

std::string_view to_string(Transform transform);  // "none"
Result<> from_string(std::string_view text, Transform& out);

// Plain data. A cut is named by its id (graph/cut_id.h).
struct PlannedSegment {
  std::string name;
  Placement placement = Placement::kTrusted;
  std::string begin_cut;  // empty: the model's inputs
  std::string end_cut;    // empty: the model's outputs
  Transform transform = Transform::kNone;

  bool operator==(const PlannedSegment&) const = default;
};

// A planned segment, and what it takes and gives.
struct SegmentInfo : PlannedSegment {
  std::vector<TensorSpec> inputs;
  std::vector<TensorSpec> outputs;
};

// What plans are called by those who ask for one by its cuts: none gives one trusted segment, one
// gives "head" and an untrusted "body", two a trusted "tail" as well.
std::vector<PlannedSegment> segments_between(const std::vector<std::string>& cuts);

// The cuts between the segments, in order.
std::vector<std::string> cuts_between(const std::vector<PlannedSegment>& segments);

// Whether any segment is of that placement.
bool has_placement(const std::vector<PlannedSegment>& segments, Placement placement);

// Segments have names of their own (1 to 40 of a-z 0-9 _ -, beginning with a letter), each begins
// where the one before it ends, and no two neighbours could be one. kInvalid.
Result<> check_segments(const std::vector<PlannedSegment>& segments);

// The one rule of what goes where, for those who seal, open and serve: every tensor is made once,
// before it is needed, with the type that it is needed with; what an untrusted segment takes was
// made by a segment, never given by a client. `served` is what the whole model takes and gives.
// kInvalid; kRefused where an untrusted segment would see an input.
Result<> check_flow(const TensorSpecs& served, const std::vector<SegmentInfo>& segments);

}  // namespace cloister
