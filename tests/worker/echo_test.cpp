#include "worker/echo.h"

#include "link/echo.h"
#include "link/http_link.h"
#include "tests/support/fake_program.h"
#include "tests/support/result.h"
#include "worker/worker_server.h"

namespace cloister::serving {
namespace {

using test::floats;
using test::value_of;
using testing::ElementsAre;

TEST(Echo, GivesTheFirstValue) {
  const auto echo = echo_program();
  const Tensor x = floats({3}, {7, 8, 9});
  EXPECT_THAT(test::floats_of(value_of(echo->run({x.view()}))[0]), ElementsAre(7));
  const Tensor none = value_of(Tensor::make(DType::kF32, {0}));
  EXPECT_THAT(test::floats_of(value_of(echo->run({none.view()}))[0]), ElementsAre(0));
  const Tensor wrong = value_of(Tensor::make(DType::kF64, {1}));
  test::expect_error(echo->run({wrong.view()}), Kind::kInvalid, "want f32[?]");
}

// As `cloister-worker --echo` serves it and `cloister profile` asks it.
TEST(Echo, IsServedToALink) {
  const TensorSpecs specs = echo_specs();
  const auto server = value_of(WorkerServer::start(
      echo_program(), specs.inputs, specs.outputs,
      {.listen = "127.0.0.1:0", .tool = "test", .model = kEchoModel, .version = "1"}));
  HttpLink link({.model = {.host = "127.0.0.1",
                           .port = server->port(),
                           .path = std::string("/v2/models/") + kEchoModel}},
                {specs});
  ASSERT_TRUE(link.probe(Seconds(20)));
  for (const int64_t size : {1, 100'000}) {
    const Tensor x = value_of(Tensor::make(DType::kF32, {size}));
    const auto y = link.call({x}, 0, Seconds(20));
    ASSERT_TRUE(y) << y.error().message;
    EXPECT_EQ((*y)[0].shape(), Shape{1});
  }
}

}  // namespace
}  // namespace cloister::serving
