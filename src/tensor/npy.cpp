#include "tensor/npy.h"

#include <algorithm>

namespace cloister {
namespace {

void reverse_elements(MutableBytes data, size_t width) {
  for (size_t at = 0; at < data.size(); at += width) {
    std::ranges::reverse(data.subspan(at, width));
  }
}

// Copies Fortran-ordered `data` into C-ordered `out`: walks `out` from first to last, with an
// odometer of indices and the offset in `data` that they stand for.
void to_c_order(Bytes data, const Shape& shape, size_t width, MutableBytes out) {
  std::vector<size_t> stride(shape.size());
  size_t next = width;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    stride[axis] = next;
    next *= static_cast<size_t>(shape[axis]);
  }
  std::vector<int64_t> index(shape.size(), 0);
  size_t from = 0;
  for (size_t to = 0; to < out.size(); to += width) {
    std::memcpy(out.data() + to, data.data() + from, width);
    for (size_t axis = shape.size(); axis-- > 0;) {
      from += stride[axis];
      if (++index[axis] < shape[axis]) break;
      from -= stride[axis] * static_cast<size_t>(shape[axis]);
      index[axis] = 0;
    }
  }
}

}  // namespace

Result<Tensor> npy_tensor(const NpyHeader& header, Bytes data) {
  if (data.size() != header.data_bytes) {
    return invalid("npy data has {} bytes, {} {} needs {}", data.size(), dtype_name(header.dtype),
                   shape_text(header.shape), header.data_bytes);
  }
  if (header.dtype == DType::kBool) {
    const auto* bad = std::ranges::find_if(data.data(), data.data() + data.size(),
                                           [](std::byte b) { return b > std::byte{1}; });
    if (bad != data.data() + data.size()) {
      return invalid("npy data has the bool {} at element {}, want 0 or 1",
                     std::to_integer<int>(*bad), bad - data.data());
    }
  }
  TRY(tensor, Tensor::make(header.dtype, header.shape));
  const size_t width = dtype_bits(header.dtype) / 8;
  if (header.fortran_order && header.shape.size() > 1) {
    to_c_order(data, header.shape, width, tensor.mutable_data());
  } else if (!data.empty()) {
    std::memcpy(tensor.mutable_data().data(), data.data(), data.size());
  }
  if (header.big_endian) reverse_elements(tensor.mutable_data(), width);
  return std::move(tensor);
}

Result<Tensor> parse_npy(Bytes file) {
  Reader in(file);
  TRY(header, parse_npy_header(in));
  TRY(data, in.take(in.left()));
  return npy_tensor(header, data);
}

Result<Tensor> read_npy(const fs::path& path) {
  TRY(file, MappedFile::open(path));
  auto tensor = parse_npy(file->bytes());
  if (!tensor) {
    return with_context(tensor.error(), fmt::format("'{}'", printable(path.string(), 400)));
  }
  return tensor;
}

Result<> write_npy(std::ostream& out, const TensorView& tensor) {
  TRY(header, npy_header(tensor));
  out.write(header.data(), static_cast<std::streamsize>(header.size()));
  const std::string_view data = as_text(tensor.data);
  out.write(data.data(), static_cast<std::streamsize>(data.size()));
  if (!out) return fail(Kind::kIo, "can't write {} bytes", header.size() + data.size());
  return {};
}

Result<> write_npy(const fs::path& path, const TensorView& tensor) {
  return write_file(path, [&](std::ostream& out) { return write_npy(out, tensor); });
}

}  // namespace cloister
