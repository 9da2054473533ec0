// The fields of a record: one list of them, `fields(io, record)`, serves both directions, so that
// what is written can be read. RecordWriter makes JSON of a record; RecordReader makes a record of
// JSON that may be hostile, and checks each field against the limits given there. A type with words
// of its own has `to_string(T)` and `from_string(text, T&)` beside it.
#pragma once

#include <limits>
#include <type_traits>

#include "base/error.h"

namespace cloister {

// A record to be filled in or to be written.
template <typename Io, typename T>
using Of = std::conditional_t<Io::kReads, T&, const T&>;

// Limits that records share. Texts in bytes.
inline constexpr size_t kShort = 200;
inline constexpr size_t kName = 1024;  // names of tensors and columns come from outside
inline constexpr size_t kLong = 4000;
inline constexpr int64_t kMaxDimension = int64_t{1} << 40;
inline constexpr int64_t kMaxCount = int64_t{1} << 53;  // what every reader of JSON can hold
inline constexpr uint64_t kAnyCount = std::numeric_limits<uint64_t>::max();
inline constexpr double kHuge = 1e300;

// Of a number.
struct Limits {
  double lowest = -kHuge;
  double highest = kHuge;
};

}  // namespace cloister
