// The fields of segments in plan.json and manifest.json, for RecordWriter and RecordReader.
#pragma once

#include "bundle/segments.h"
#include "record/fields.h"

namespace cloister {

inline constexpr size_t kMostSpecs = 1000;

template <typename Io>
void fields(Io& io, Of<Io, TensorSpec> r) {
  io.text("name", r.name, kName);
  io.dtype("dtype", r.dtype);
  io.dimensions("shape", r.dims);
  io.dimensions_if_any("most", r.most);
}

template <typename Io>
void fields(Io& io, Of<Io, PlannedSegment> r) {
  io.text("name", r.name, kShort);
  io.term("placement", r.placement);
  io.text_or_null("begin_cut", r.begin_cut, kShort);
  io.text_or_null("end_cut", r.end_cut, kShort);
  io.term("transform", r.transform);
}

template <typename Io>
void fields(Io& io, Of<Io, SegmentInfo> r) {
  fields(io, static_cast<Of<Io, PlannedSegment>>(r));
  io.list("inputs", r.inputs, kMostSpecs);
  io.list("outputs", r.outputs, kMostSpecs);
}

}  // namespace cloister
