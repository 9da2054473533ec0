#include "tensor/items.h"

#include <cstring>

#include "base/checked.h"

namespace cloister {

Result<Tensor> concatenate(const std::vector<Tensor>& pieces) {
  Shape shape = pieces[0].shape();
  shape.at(0) = 0;
  for (const Tensor& piece : pieces) shape[0] += piece.shape().at(0);
  TRY(whole, Tensor::uninitialized(pieces[0].dtype(), std::move(shape)));
  MutableBytes rest = whole.mutable_data();
  for (const Tensor& piece : pieces) {
    const Bytes data = piece.data();
    if (data.size() > rest.size()) return fail(Kind::kInternal, "a batch outgrew itself");
    std::memcpy(rest.data(), data.data(), data.size());
    rest = rest.subspan(data.size());
  }
  if (!rest.empty()) return fail(Kind::kInternal, "a batch is smaller than its shape says");
  return whole;
}

Result<Tensor> slice_items(const Tensor& tensor, int64_t begin, int64_t count) {
  Shape shape = tensor.shape();
  shape.at(0) = count;
  TRY(size, byte_count(tensor.dtype(), shape));
  TRY(offset, checked_mul(size / static_cast<uint64_t>(count), static_cast<uint64_t>(begin)));
  return Tensor::adopt(tensor.dtype(), std::move(shape), tensor.data().subspan(offset, size),
                       std::make_shared<const Tensor>(tensor));
}

}  // namespace cloister
