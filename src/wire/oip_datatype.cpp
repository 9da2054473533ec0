#include "wire/oip_datatype.h"

#include <fmt/ranges.h>

namespace cloister::oip {
namespace {

struct Entry {
  DType dtype;
  std::string_view name;
};

// BF16 is Triton's addition.
constexpr Entry kDatatypes[] = {
    {DType::kBool, "BOOL"},  {DType::kU8, "UINT8"},   {DType::kU16, "UINT16"},
    {DType::kU32, "UINT32"}, {DType::kU64, "UINT64"}, {DType::kI8, "INT8"},
    {DType::kI16, "INT16"},  {DType::kI32, "INT32"},  {DType::kI64, "INT64"},
    {DType::kF16, "FP16"},   {DType::kBF16, "BF16"},  {DType::kF32, "FP32"},
    {DType::kF64, "FP64"},
};

}  // namespace

Result<std::string_view> datatype(DType dtype) {
  for (const Entry& entry : kDatatypes) {
    if (entry.dtype == dtype) return entry.name;
  }
  return fail(Kind::kUnsupported, "the Open Inference Protocol has no datatype for {}",
              dtype_name(dtype));
}

Result<DType> parse_datatype(std::string_view text) {
  std::vector<std::string_view> known;
  for (const Entry& entry : kDatatypes) {
    if (entry.name == text) return entry.dtype;
    known.push_back(entry.name);
  }
  if (text == "BYTES") return invalid("datatype BYTES (texts) is not supported");
  return invalid("datatype '{}', want {}", printable(text, 40), fmt::join(known, ", "));
}

}  // namespace cloister::oip
