#include "bundle/segments.h"

#include <algorithm>
#include <set>

#include "base/words.h"

namespace cloister {
namespace {

constexpr size_t kLongestName = 40;

constexpr Word<Placement> kPlacements[] = {{Placement::kTrusted, "trusted"},
                                           {Placement::kUntrusted, "untrusted"}};
constexpr Word<Transform> kTransforms[] = {{Transform::kNone, "none"}};

bool is_good_name(std::string_view name) {
  const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
  return !name.empty() && name.size() <= kLongestName && is_letter(name[0]) &&
         std::ranges::all_of(name, [&](char c) {
           return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-';
         });
}

Result<> check_inputs_of(const SegmentInfo& segment, const std::vector<TensorSpec>& given,
                         const std::vector<TensorSpec>& made) {
  for (const TensorSpec& spec : segment.inputs) {
    const std::string shown = printable(spec.name);
    const TensorSpec* from = find_spec(given, spec.name);
    if (from != nullptr && segment.placement == Placement::kUntrusted) {
      return fail(Kind::kRefused, "{}: it would see the model's input '{}'", segment.name, shown);
    }
    if (from == nullptr) from = find_spec(made, spec.name);
    if (from == nullptr) return invalid("{}: nothing makes its input '{}'", segment.name, shown);
    if (from->dtype != spec.dtype || from->dims.size() != spec.dims.size()) {
      return invalid("{}: its input '{}' is {}, and {} is made", segment.name, shown,
                     spec_text(spec), spec_text(*from));
    }
  }
  return {};
}

}  // namespace

std::string_view to_string(Placement placement) {
  return word_of(kPlacements, placement);
}

Result<> from_string(std::string_view text, Placement& out) {
  return value_of_word(kPlacements, text, out);
}

std::string_view to_string(Transform transform) {
  return word_of(kTransforms, transform);
}

Result<> from_string(std::string_view text, Transform& out) {
  return value_of_word(kTransforms, text, out);
}

std::vector<PlannedSegment> segments_between(const std::vector<std::string>& cuts) {
  static constexpr std::string_view kNames[] = {"head", "body", "tail"};
  std::vector<PlannedSegment> segments;
  for (size_t i = 0; i <= cuts.size(); ++i) {
    PlannedSegment& segment = segments.emplace_back();
    segment.name = i < std::size(kNames) ? std::string(kNames[i]) : fmt::format("segment{}", i + 1);
    segment.placement = i % 2 == 0 ? Placement::kTrusted : Placement::kUntrusted;
    if (i > 0) segment.begin_cut = cuts[i - 1];
    if (i < cuts.size()) segment.end_cut = cuts[i];
  }
  return segments;
}

std::vector<std::string> cuts_between(const std::vector<PlannedSegment>& segments) {
  std::vector<std::string> cuts;
  for (size_t i = 1; i < segments.size(); ++i) cuts.push_back(segments[i].begin_cut);
  return cuts;
}

bool has_placement(const std::vector<PlannedSegment>& segments, Placement placement) {
  return std::ranges::find(segments, placement, &PlannedSegment::placement) != segments.end();
}

Result<> check_segments(const std::vector<PlannedSegment>& segments) {
  if (segments.empty()) return invalid("none");
  if (segments.size() > kMostSegments) {
    return invalid("{}, want at most {}", segments.size(), kMostSegments);
  }
  std::set<std::string_view> names;
  std::set<std::string_view> cuts;
  for (size_t i = 0; i < segments.size(); ++i) {
    const PlannedSegment& segment = segments[i];
    const std::string shown = printable(segment.name, kLongestName);
    if (!is_good_name(segment.name)) {
      return invalid("name '{}', want 1 to {} of a-z, 0-9, '_' and '-', a letter first", shown,
                     kLongestName);
    }
    if (!names.insert(segment.name).second) return invalid("'{}' is there twice", shown);
    const std::string before = i == 0 ? "" : segments[i - 1].end_cut;
    if (segment.begin_cut != before) {
      return invalid("'{}' begins at cut '{}', want '{}'", shown, printable(segment.begin_cut, 40),
                     printable(before, 40));
    }
    const bool is_last = i + 1 == segments.size();
    if (segment.end_cut.empty() != is_last) {
      return invalid("'{}' {}", shown, is_last ? "ends at a cut, and is the last" : "has no end");
    }
    if (!is_last && !cuts.insert(segment.end_cut).second) {
      return invalid("cut '{}' is there twice", printable(segment.end_cut, 40));
    }
    if (i > 0 && segment.placement == segments[i - 1].placement &&
        segment.transform == segments[i - 1].transform) {
      return invalid("'{}' and '{}' are both {}: one segment", segments[i - 1].name, shown,
                     to_string(segment.placement));
    }
  }
  return {};
}

Result<> check_flow(const TensorSpecs& served, const std::vector<SegmentInfo>& segments) {
  std::vector<TensorSpec> made;
  for (const SegmentInfo& segment : segments) {
    TRY_OK(check_inputs_of(segment, served.inputs, made));
    for (const TensorSpec& spec : segment.outputs) {
      if (find_spec(served.inputs, spec.name) != nullptr || find_spec(made, spec.name) != nullptr) {
        return invalid("{}: its output '{}' is made before it", segment.name, printable(spec.name));
      }
    }
    made.insert(made.end(), segment.outputs.begin(), segment.outputs.end());
  }
  for (const TensorSpec& spec : served.outputs) {
    const TensorSpec* from = find_spec(made, spec.name);
    if (from == nullptr) from = find_spec(served.inputs, spec.name);
    if (from == nullptr || from->dtype != spec.dtype) {
      return invalid("outputs: nothing makes '{}'", printable(spec.name));
    }
  }
  return {};
}

}  // namespace cloister
