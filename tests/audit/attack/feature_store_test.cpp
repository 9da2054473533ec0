#include "audit/attack/feature_store.h"

#include <gmock/gmock.h>

#include <fstream>

#include "tests/audit/attack/small_attack.h"

namespace cloister::audit {
namespace {

using namespace test;
using ::testing::HasSubstr;

at::Tensor some(const std::vector<int64_t>& positions) {
  return at::tensor(positions, at::kLong);
}

class Store : public ::testing::Test {
 protected:
  cloister::test::TempDir dir_;
  std::shared_ptr<const Head> head_ = picture_head();
  at::Tensor inputs_ = pictures(40);
  FeatureStoreOptions kept_{
      .folder = dir_ / "maps", .limit_bytes = 1 << 20, .key = "one", .batch = 7};
};

TEST_F(Store, KeepsWhatItComputes) {
  const auto kept = store_of(head_, inputs_, kept_);
  const auto computed = store_of(head_, inputs_);
  EXPECT_TRUE(fs::exists(kept_.folder / "map0.f16"));
  EXPECT_EQ(fs::file_size(kept_.folder / "map0.f16"), 40u * 2 * 12 * 8 * 8);
  EXPECT_EQ(kept->shapes(), (std::vector<Shape>{{12, 8, 8}, {12, 1, 1}}));
  const auto a = kept->normalised(some({3, 39, 3, 0})),
             b = computed->normalised(some({3, 39, 3, 0}));
  ASSERT_TRUE(a && b);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ((*a)[i].scalar_type(), at::kHalf);
    EXPECT_TRUE(at::allclose((*a)[i].to(at::kFloat), (*b)[i].to(at::kFloat), 0, 2e-3));
  }
  EXPECT_TRUE((*a)[0].is_contiguous(at::MemoryFormat::ChannelsLast));
}

TEST_F(Store, NormalisesByChannel) {
  const auto store = store_of(head_, inputs_);
  const at::Tensor map = (*store->normalised(at::arange(40, at::kLong)))[0].to(at::kFloat);
  EXPECT_LT(map.mean({0, 2, 3}).abs().max().item<double>(), 0.01);
  EXPECT_LT((map.square().mean({0, 2, 3}) - 1).abs().max().item<double>(), 0.01);
  // And its inverse: what the head really gives.
  const Maps exact = *store->exact(some({5}));
  EXPECT_TRUE(at::allclose(store->normalise(exact)[0], map.slice(0, 5, 6), 0, 2e-3));
}

TEST_F(Store, AnotherKeyOrADamagedFileIsMadeAnew) {
  const Maps before = *store_of(head_, inputs_, kept_)->normalised(some({1}));
  {
    std::fstream file(kept_.folder / "map0.f16", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(100);
    file.put('\x7b').put('\x7b');
  }
  EXPECT_TRUE(at::equal((*store_of(head_, inputs_, kept_)->normalised(some({1})))[0], before[0]));
  kept_.key = "two";
  const at::Tensor others = pictures(40, 2);
  const Maps of_others = *store_of(head_, others, kept_)->normalised(some({1}));
  EXPECT_FALSE(at::equal(of_others[0], before[0]));
}

TEST_F(Store, NothingIsKeptOverTheLimit) {
  kept_.limit_bytes = 100;
  const auto store = store_of(head_, inputs_, kept_);
  EXPECT_FALSE(fs::exists(kept_.folder));
  EXPECT_EQ(store->note(), "");
  EXPECT_TRUE(store->normalised(some({1})));
}

TEST_F(Store, AFolderThatCantBeWrittenIsNoError) {
  std::ofstream(dir_ / "file").put('x');
  kept_.folder = dir_ / "file" / "maps";
  const auto store = store_of(head_, inputs_, kept_);
  EXPECT_THAT(store->note(), HasSubstr("could not be stored"));
  EXPECT_TRUE(store->normalised(some({1})));
}

TEST_F(Store, AMapThatIsNotFiniteIsAnErrorThatNamesIt) {
  const Tensor weight = cloister::test::floats({1, 1}, {1});
  const auto head = row_head({{.name = "n", .width = 1}}, weight);
  at::Tensor rows = at::zeros({5, 1});
  rows[3][0] = std::numeric_limits<float>::quiet_NaN();
  const at::Tensor all = at::arange(5, at::kLong);
  const auto store = FeatureStore::make(head, rows, all, all, {}, kSilent);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().message, "feature map 'y' of input 3 is not finite");
}

TEST_F(Store, CanBeStopped) {
  const at::Tensor all = at::arange(40, at::kLong);
  const auto store = FeatureStore::make(
      head_, inputs_, all, all, kept_,
      [](double, const std::string&) -> Result<> { return fail(Kind::kIo, "stopped"); });
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().message, "stopped");
}

}  // namespace
}  // namespace cloister::audit
