#include "wire/oip_datatype.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/support/oip.h"

namespace cloister::oip {
namespace {

TEST(OipDatatype, EachHasItsName) {
  std::set<std::string_view> names;
  for (const DType dtype : test::oip_types()) {
    ASSERT_TRUE(datatype(dtype));
    names.insert(*datatype(dtype));
    EXPECT_EQ(*parse_datatype(*datatype(dtype)), dtype);
  }
  EXPECT_EQ(names,
            (std::set<std::string_view>{"BF16", "BOOL", "FP16", "FP32", "FP64", "INT16", "INT32",
                                        "INT64", "INT8", "UINT16", "UINT32", "UINT64", "UINT8"}));
}

TEST(OipDatatype, WhatTheProtocolLacksIsRefused) {
  for (int32_t value = 1; dtype_from_onnx(value); ++value) {
    const DType dtype = *dtype_from_onnx(value);
    EXPECT_EQ(datatype(dtype).has_value(), is_portable(dtype)) << dtype_name(dtype);
  }
  EXPECT_EQ(datatype(DType::kC64).error().kind, Kind::kUnsupported);
  EXPECT_EQ(datatype(DType::kC64).error().message,
            "the Open Inference Protocol has no datatype for c64");
  EXPECT_EQ(parse_datatype("BYTES").error().message, "datatype BYTES (texts) is not supported");
  EXPECT_EQ(parse_datatype("fp32").error().message,
            "datatype 'fp32', want BOOL, UINT8, UINT16, UINT32, UINT64, INT8, INT16, INT32, INT64, "
            "FP16, BF16, FP32, FP64");
}

TEST(OipDatatype, StoredTypesHaveTheirSizes) {
  for (const DType dtype : test::oip_types()) {
    const size_t size = with_element_type(dtype, [](auto element) { return sizeof(element); });
    EXPECT_EQ(size * 8, dtype_bits(dtype)) << dtype_name(dtype);
  }
}

}  // namespace
}  // namespace cloister::oip
