#include "profile/link.h"

#include <gmock/gmock.h>

#include "tests/support/echo_link.h"

namespace cloister::profile {
namespace {

TEST(LinkCost, FindsTheLineOfItsSamples) {
  LinkCost link;
  for (const uint64_t bytes : {0, 4096, 65536, 1'000'000}) {
    const double ms = 0.02 + 1e3 * static_cast<double>(bytes) / 2e9;
    link.samples.push_back({bytes, {ms, ms, ms}});
  }
  fit_link(link);
  EXPECT_NEAR(link.latency_ms, 0.02, 1e-9);
  EXPECT_NEAR(link.bytes_per_second, 2e9, 1);
  EXPECT_NEAR(link.ms(2'000'000), 1.02, 1e-6);
}

TEST(LinkCost, Measured) {
  test::EchoLink echo;
  const auto link = measure_link(echo, "http", 4 << 20, 5);
  ASSERT_TRUE(link) << link.error().message;
  EXPECT_EQ(link->name, "http");
  EXPECT_FALSE(link->modelled);
  EXPECT_EQ(link->samples.front().bytes, 4U);
  EXPECT_EQ(link->samples.back().bytes, 4U << 20);
  EXPECT_EQ(echo.bytes().size(), 6 * link->samples.size()) << "a warm-up and five rounds";
}

class Broken final : public Link {
 public:
  const TensorSpecs& specs() const override { return specs_; }
  Result<std::vector<Tensor>> call(const std::vector<Tensor>&, int64_t, Seconds) override {
    return fail(Kind::kUnavailable, "lost");
  }
  Result<> probe(Seconds) override { return {}; }

 private:
  const TensorSpecs specs_ = echo_specs();
};

TEST(LinkCost, AWorkerThatIsLostIsAnError) {
  Broken broken;
  const auto link = measure_link(broken, "http", 4096, 3);
  ASSERT_FALSE(link);
  EXPECT_EQ(link.error().message, "lost");
}

}  // namespace
}  // namespace cloister::profile
