#include "graph/input_sizes.h"

#include "tests/support/graphs.h"

namespace cloister {
namespace {

using test::TestGraph;
using test::value_of;

TEST(InputSizes, AreFixedByNameOrByPlace) {
  TestGraph b;
  b.f32("x", {"N", "tokens", 4});
  b.f32("m", {"N", "tokens", ""});
  b.op("y", "Concat", {"x", "m"}, {{"axis", int64_t{2}}});
  b.outputs({"y"});
  Model model = value_of(make_model(b.finish()));
  model.file_sha256 = "as it was";
  const Model sized = with_input_sizes(model, {{"tokens", 16}, {"m[2]", 3}, {"x[2]", 9}});
  EXPECT_EQ(sized.file_sha256, "as it was");
  const auto dim = [&](int input, int axis) {
    return sized.proto->graph().input(input).type().tensor_type().shape().dim(axis);
  };
  EXPECT_EQ(dim(0, 0).dim_param(), "N");
  EXPECT_EQ(dim(0, 1).dim_value(), 16);
  EXPECT_EQ(dim(0, 2).dim_value(), 4) << "it was fixed already";
  EXPECT_EQ(dim(1, 1).dim_value(), 16);
  EXPECT_EQ(dim(1, 2).dim_value(), 3);
  EXPECT_EQ(model.proto->graph().input(0).type().tensor_type().shape().dim(1).dim_param(),
            "tokens");
}

}  // namespace
}  // namespace cloister
