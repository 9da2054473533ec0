#include "plan/device.h"

#include <gmock/gmock.h>

#include "tests/plan/synthetic.h"

namespace cloister::plan {
namespace {

using testing::HasSubstr;
using namespace test;

TEST(Roofline, IsRead) {
  const auto sheet = parse_roofline("flops=60e12,bytes=3T,link=12G,latency=20e-6");
  ASSERT_TRUE(sheet) << sheet.error().message;
  EXPECT_EQ(sheet->flops, 60e12);
  EXPECT_EQ(sheet->bytes_per_second, 3e12);
  EXPECT_EQ(sheet->link_bytes_per_second, 12e9);
  EXPECT_EQ(sheet->link_latency_seconds, 20e-6);
}

TEST(Roofline, WrongTextIsNamed) {
  const auto wrong = [](const std::string& text, const std::string& part) {
    const auto sheet = parse_roofline(text);
    ASSERT_FALSE(sheet) << text;
    EXPECT_EQ(sheet.error().kind, cloister::Kind::kUsage);
    EXPECT_THAT(sheet.error().message, HasSubstr(part)) << text;
  };
  wrong("", "want KEY=NUMBER");
  wrong("flops=1e12", "has no bytes");
  wrong("flops=1e12,bytes=1e12,link=1e9", "has no latency");
  wrong("flops=1e12,flops=1e12", "'flops' is given twice");
  wrong("flops=1e12,", "''");
  wrong("flops=x", "'flops=x', want a number");
  wrong("flops=1e12x", "want a number");
  wrong("flops=T", "want a number");
  wrong("flops= 1", "want a number");
  wrong("flops=nan", "want a number from 1");
  wrong("flops=inf", "want a number from 1");
  wrong("flops=0", "want a number from 1");
  wrong("flops=-1", "want a number from 1");
  wrong("flops=1e999", "want a number");
  wrong("latency=-1", "want a number from 0");
  wrong("speed=1", "'speed=1', want KEY=NUMBER");
  wrong("flops", "'flops', want KEY=NUMBER");
}

TEST(Roofline, TakesTheLongerOfArithmeticAndMemory) {
  ProfileRecord profile = profile_of(1, {});
  profile.settings.batch = 2;
  profile.total = {1000, 800, 60};
  profile.cuts[0].before = {900, 100, 50};
  // Before the cut: 2 * 900 * 2 = 3600 operations, 100 + 2 * 50 = 200 bytes; after it 400 and 720.
  ASSERT_TRUE(add_device(profile, "gpu", Roofline{1e6, 1e6, 5e9, 0.001}));
  const Device& device = profile.devices.at(0);
  EXPECT_TRUE(device.modelled && device.overlaps && device.link.modelled);
  EXPECT_DOUBLE_EQ(profile.cuts[0].bodies.at(0).ms, 0.72);
  EXPECT_DOUBLE_EQ(device.whole.ms, 3.6 + 0.72);
  EXPECT_DOUBLE_EQ(device.link.latency_ms, 1);
  EXPECT_DOUBLE_EQ(device.link.bytes_per_second, 5e9);
  EXPECT_TRUE(profile::parse_profile(profile::profile_json(profile)));
  const auto again = add_device(profile, "gpu", Roofline{1, 1, 1, 0});
  EXPECT_THAT(again.error().message, HasSubstr("'gpu' is already in the profile"));
}

TEST(Roofline, KeepsWhatIsHugeInRange) {
  ProfileRecord profile = profile_of(3, {});
  profile.total = {1ULL << 53, 1ULL << 53, 1ULL << 53};
  profile.settings.batch = 1 << 20;
  ASSERT_TRUE(add_device(profile, "slow", Roofline{1, 1, 1, 1e5}));
  const auto read = profile::parse_profile(profile::profile_json(profile));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->devices[0].whole.ms, 1e9);
}

TEST(DeviceElsewhere, IsAddedWithItsLink) {
  ProfileRecord profile = profile_of(2, {device_named("cpu", 90, false)});
  const ProfileRecord one = profile_of(2, {device_named("cuda", 5, false)});
  ASSERT_TRUE(add_device(profile, "gpu", one));
  ASSERT_EQ(profile.devices.size(), 2u);
  EXPECT_EQ(profile.devices[1].name, "gpu");
  EXPECT_TRUE(profile.devices[1].overlaps);
  EXPECT_FALSE(profile.devices[1].modelled);
  EXPECT_EQ(profile.cuts[1].bodies.at(1).ms, one.cuts[1].bodies[0].ms);
  EXPECT_THAT(profile.notes.at(0), HasSubstr("another machine"));

  const ProfileRecord more = profile_of(2, {device_named("a", 5), device_named("b", 6)});
  ASSERT_TRUE(add_device(profile, "far", more));
  EXPECT_EQ(profile.devices.at(3).name, "far/b");
  EXPECT_TRUE(profile::parse_profile(profile::profile_json(profile)));
}

TEST(DeviceElsewhere, MustBeOfTheSameModelBatchAndCuts) {
  const ProfileRecord good = profile_of(2, {device_named("cuda", 5)});
  const auto wrong = [](const ProfileRecord& elsewhere, const std::string& part) {
    ProfileRecord profile = profile_of(2, {device_named("cpu", 90)});
    const std::string before = profile::profile_json(profile);
    const auto added = add_device(profile, "gpu", elsewhere);
    ASSERT_FALSE(added);
    EXPECT_THAT(added.error().message, HasSubstr(part));
    EXPECT_EQ(profile::profile_json(profile), before);
  };
  ProfileRecord other = good;
  other.model_sha256 = kOtherDigest;
  wrong(other, "another model");
  other = good;
  other.settings.batch = 4;
  wrong(other, "its batch is 4, want 1");
  other = good;
  other.cuts.pop_back();
  wrong(other, "list of 1 cuts");
  wrong(profile_of(2, {}), "no device");
  ProfileRecord profile = profile_of(2, {device_named("gpu", 90)});
  EXPECT_EQ(add_device(profile, "gpu", good).error().kind, cloister::Kind::kUsage);
}

}  // namespace
}  // namespace cloister::plan
