// The pictures are the same everywhere, all different, and can't be guessed.
#include "app/demo/pictures.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <numeric>
#include <set>

#include "audit/metrics.h"
#include "base/sha256.h"
#include "image/decode.h"
#include "tests/support/temp_dir.h"

namespace cloister {
namespace {

Digest digest_of(uint64_t seed, uint64_t index) {
  return sha256(make_demo_picture(seed, index)->data());
}

TEST(DemoPictures, AreTheSameEverywhere) {
  EXPECT_EQ(make_demo_picture(1, 0)->shape(), Shape({kDemoSide, kDemoSide, 3}));
  std::string all;
  for (uint64_t i = 0; i < 64; ++i) all += to_hex(digest_of(1, i));
  EXPECT_EQ(to_hex(sha256(as_bytes(all))),
            "dcb379361acec5b8e7cbf7f0969aa755f06f64b1ebd67cdf9f20e34fc6aab796");
}

TEST(DemoPictures, NoTwoAreAlike) {
  std::set<Digest> seen;
  for (uint64_t seed = 0; seed < 3; ++seed) {
    for (uint64_t i = 0; i < 256; ++i) EXPECT_TRUE(seen.insert(digest_of(seed, i)).second) << i;
  }
}

// What an audit takes as its floor: the mean of many says next to nothing of one.
TEST(DemoPictures, CanNotBeGuessed) {
  constexpr size_t kOthers = 512, kShown = 64;
  constexpr auto kValues = static_cast<size_t>(3 * kDemoSide * kDemoSide);
  const auto planes = [](uint64_t index, float share, std::span<float> sum) {
    const auto picture = make_demo_picture(1, index);
    const auto pixels = picture->view().as<uint8_t>();
    for (size_t i = 0; i < kValues; ++i) {
      sum[i % 3 * (kValues / 3) + i / 3] += share * static_cast<float>(pixels[i]) / 255;
    }
  };
  const Shape shape = {kShown, 3, kDemoSide, kDemoSide};
  auto shown = *Tensor::make(DType::kF32, shape), guess = *Tensor::make(DType::kF32, shape);
  std::ranges::fill(shown.mutable_as<float>(), 0.0F);
  std::vector<float> mean(kValues);
  for (size_t i = 0; i < kOthers; ++i) planes(kShown + i, 1.0F / kOthers, mean);
  for (size_t i = 0; i < kShown; ++i) {
    planes(i, 1, shown.mutable_as<float>().subspan(i * kValues, kValues));
    std::ranges::copy(mean, guess.mutable_as<float>().subspan(i * kValues).begin());
  }
  const auto scores = audit::ssim(guess.view(), shown.view());
  ASSERT_TRUE(scores) << scores.error().message;
  EXPECT_LT(std::accumulate(scores->begin(), scores->end(), 0.0) / kShown, 0.1);
}

TEST(DemoPictures, GoIntoOneFolderAClass) {
  const test::TempDir dir;
  const fs::path folder = dir / "made/on the way";
  ASSERT_TRUE(write_demo_pictures(folder, 5, 2 * demo_classes().size()));
  for (size_t i = 0; i < 2 * demo_classes().size(); ++i) {
    const fs::path file =
        folder / demo_classes()[i % demo_classes().size()] / fmt::format("{:05}.png", i);
    const auto bytes = read_file(file);
    ASSERT_TRUE(bytes) << bytes.error().message;
    const auto decoded = decode_picture(as_bytes(*bytes));
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_TRUE(std::ranges::equal(decoded->data(), make_demo_picture(5, i)->data())) << file;
  }
  ASSERT_TRUE(write_file(dir / "file", "here"));
  const auto refused = write_demo_pictures(dir / "file", 5, 1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Kind::kIo);
}

}  // namespace
}  // namespace cloister
