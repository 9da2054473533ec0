// numpy's .npz file: a ZIP archive with one NAME.npy entry an array (numpy.savez, and
// numpy.savez_compressed).
#pragma once

#include <span>
#include <vector>

#include "tensor/npy.h"

namespace cloister {

// The most that the arrays of one file may take together, in bytes.
inline constexpr uint64_t kMaxNpzBytes = 1ULL << 34;

// All arrays of an archive, in its order. Entries may be stored or deflated. What an entry unpacks
// to is bounded before memory is taken: by max_bytes for all together, by its own .npy header, and
// by what deflate can make of its packed size; CRCs are checked. kInvalid for a damaged archive, a
// repeated name, an entry that is no .npy or whose sizes disagree (errors name the entry);
// kUnsupported for encryption, other compression methods and the types that parse_npy() refuses.
// Thread-safe.
Result<std::vector<NamedTensor>> parse_npz(Bytes file, uint64_t max_bytes = kMaxNpzBytes);

// The same from a path; errors carry the path, kNotFound and kIo are added.
Result<std::vector<NamedTensor>> read_npz(const fs::path& path, uint64_t max_bytes = kMaxNpzBytes);

// Stored entries with fixed times, so that equal arrays make equal files. The path is replaced at
// once or not at all. kInvalid for no arrays at all, a repeated name, or a name that is empty, not
// UTF-8 or has control characters; errors of npy_header(); kIo. Thread-safe.
Result<> write_npz(const fs::path& path, std::span<const NamedTensor> arrays);

}  // namespace cloister
