// numpy's .npy file: one array. Format: numpy.lib.format (NEP 1), versions 1.0, 2.0 and 3.0.
//
//   "\x93NUMPY"  u8 major  u8 minor  u16 (1.0) or u32 (2.0, 3.0) length of the dict  dict  data
//
// The dict is Python's text of {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }. It is
// parsed, never evaluated; Python objects (pickles) are refused.
#pragma once

#include <ostream>

#include "base/file.h"
#include "tensor/tensor.h"

namespace cloister {

// The longest dict that is read. numpy itself stops at 10,000 characters.
inline constexpr uint64_t kMaxNpyDict = 1 << 16;

// Everything of a file up to its data. Plain data.
struct NpyHeader {
  DType dtype = DType::kF32;
  Shape shape;
  bool big_endian = false;
  bool fortran_order = false;  // the first index runs fastest in the data
  uint64_t data_bytes = 0;     // what dtype and shape take; never overflows
};

// Reads the header and leaves `in` at the data. kInvalid for anything but a well-formed header;
// kUnsupported, with the type's name, for complex, text, time, structured, raw and object arrays
// (bfloat16 among them: numpy has no type for it) and for other versions. Thread-safe.
Result<NpyHeader> parse_npy_header(Reader& in);

// The array of `header`, from its data: in C order and native byte order whatever the file has.
// kInvalid when the size of `data` is not header.data_bytes, or a bool is neither 0 nor 1.
Result<Tensor> npy_tensor(const NpyHeader& header, Bytes data);

// A whole file: exactly header and data, nothing after it. Errors of the two above. The tensor is a
// copy. Thread-safe.
Result<Tensor> parse_npy(Bytes file);

// The same from a path; errors carry the path, kNotFound and kIo are added.
Result<Tensor> read_npy(const fs::path& path);

// What numpy.save writes before the data (version 1.0, data 64-byte aligned), byte for byte.
// kUnsupported for a type that numpy has no name for, kInvalid when the sizes do not agree.
Result<std::string> npy_header(const TensorView& tensor);

// A whole file. Errors of npy_header(), and kIo. The path is replaced at once or not at all.
Result<> write_npy(std::ostream& out, const TensorView& tensor);
Result<> write_npy(const fs::path& path, const TensorView& tensor);

}  // namespace cloister
