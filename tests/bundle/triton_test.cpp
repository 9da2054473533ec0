#include "bundle/triton.h"

#include "engine/onnxruntime.h"
#include "tests/bundle/sample_bundle.h"

namespace cloister::bundle {
namespace {

using test::expect_error;
using test::SampleBundle;
using test::value_of;
using testing::HasSubstr;

TEST(Triton, ARepositoryOfTheBody) {
  const SampleBundle sample;
  const Bundle bundle = value_of(sample.open());
  const fs::path repository = sample.dir / "models";
  const fs::path version = value_of(export_triton(bundle, repository));
  EXPECT_EQ(version, repository / "sample" / "3");
  EXPECT_EQ(*read_file(repository / "sample" / "config.pbtxt"), R"(name: "sample"
backend: "onnxruntime"
max_batch_size: 8
input [
  {
    name: "h"
    data_type: TYPE_FP32
    dims: [ 1300 ]
  }
]
output [
  {
    name: "y"
    data_type: TYPE_FP32
    dims: [ 5 ]
  }
]
version_policy: { all { } }
)");
  // As Triton opens it: the weights beside the model.
  const Model model = value_of(read_model(version / "model.onnx"));
  EXPECT_TRUE(value_of(make_onnxruntime())->load(to_segment(model)));
  EXPECT_TRUE(fs::exists(version / "body.data"));
  expect_error(export_triton(bundle, repository), Kind::kUsage, "sample/3' already exists");
  // The next version stands beside it.
  const SampleBundle next({.version = 4});
  EXPECT_EQ(value_of(export_triton(value_of(next.open()), repository)).filename(), "4");
  EXPECT_TRUE(fs::exists(version / "model.onnx"));
}

TEST(Triton, WithoutBatchesAndWithoutABody) {
  const SampleBundle fixed({.max_batch = 1});
  const std::string config = value_of(triton_config(fixed.manifest));
  EXPECT_THAT(config, HasSubstr("max_batch_size: 0\n"));
  EXPECT_THAT(config, HasSubstr("dims: [ 1, 1300 ]"));
  const SampleBundle trusted({.cuts = 0});
  expect_error(triton_config(trusted.manifest), Kind::kUsage, "has no body");
}

TEST(Triton, NamesAndScalars) {
  Manifest m;
  m.model_name = "m";
  m.max_batch = 4;
  m.segments = {{{.name = "body", .placement = Placement::kUntrusted},
                 {{"a\"\\\n\xc3", DType::kBool, {-1}}},
                 {{"b", DType::kBF16, {-1, -1, 2}}, {"c", DType::kI64, {-1, 3}}}}};
  const std::string config = value_of(triton_config(m));
  EXPECT_THAT(config, HasSubstr(R"(name: "a\042\134\012\303")"));
  EXPECT_THAT(config, HasSubstr("dims: [ 1 ]\n    reshape: { shape: [ ] }"));
  EXPECT_THAT(config, HasSubstr("data_type: TYPE_BF16\n    dims: [ -1, 2 ]\n  },"));
}

}  // namespace
}  // namespace cloister::bundle
