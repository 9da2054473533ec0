// The LibTorch engine against the ONNX backend tests: what does not pass is listed, with the
// reason, in onnx_backend_torch_expected.txt.
#include <gmock/gmock.h>

#include "engine/torch.h"
#include "tests/engine/backend_list.h"
#include "tests/support/data.h"

namespace cloister {
namespace {

constexpr test::Cause kCauses[] = {
    {"test_bernoulli.*", "random numbers of another generator than numpy's"},
    {"test_training_dropout(_default)?(_mask)?",
     "random numbers of another generator than numpy's"},
    {"test_cast_FLOAT_to_BFLOAT16", "the test data is truncated, LibTorch rounds to nearest"},
    {"test_castlike_.*BFLOAT16.*", "test data 'like' is [1], its model says [3,4]"},
    {"test_resize_downsample_scales_(cubic|linear)_align_corners",
     "length_resized is 2.4 for the test data, the output's whole 2 here and for ONNX Runtime"},
};

TEST(TorchBackend, EveryCaseDoesWhatTheListSays) {
  const auto engine = *make_torch();
  test::check_backend_list(*engine, "LibTorch " + torch_version(), kCauses,
                           test::data_path("onnx_backend_torch_expected.txt"));
}

}  // namespace
}  // namespace cloister
