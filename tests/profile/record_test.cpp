#include "profile/record.h"

#include "tests/support/graphs.h"
#include "tests/support/small_profile.h"

namespace cloister::profile {
namespace {

using test::expect_error;

TEST(ProfileRecord, GoesThereAndBack) {
  const std::string text = profile_json(test::small_profile());
  const auto parsed = parse_profile(text);
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(profile_json(*parsed), text);
  EXPECT_EQ(parsed->cuts.size(), 3U);
  EXPECT_EQ(parsed->devices[0].link.samples.size(), 2U);
  EXPECT_NEAR(parsed->checks[0].time_error(), 0.1, 1e-12);
}

TEST(ProfileRecord, StrictTable) {
  const std::string good = profile_json(test::small_profile());
  const struct {
    const char* from;
    const char* to;
    const char* message;
  } kTable[] = {
      {"cloister/profile/1", "cloister/profile/2", "schema: 'cloister/profile/2'"},
      {"\"batch\": 1", "\"batch\": 0", "settings.batch: 0, want a whole number from 1"},
      {"batch\": 1", "batch\": 1, \"batch\": 2", "key 'batch' occurs twice"},
      {"\"batch\": 1", "\"btach\": 1", "settings: no key 'batch'"},
      {"\"measured\": true", "\"measured\": 1", "cuts[1].measured: 1, want true or false"},
      {"id\": \"c2", "id\": \"c1", "cut 'c1': occurs twice"},
      {"\"position\": 2", "\"position\": 9", "position 3 after a cut at 9, want shallowest first"},
      {"\"cut\": \"c2\"", "\"cut\": \"c9\"", "checks: no cut 'c9'"},
      {"\"predicted_ms\": 11", "\"predicted_ms\": -1", "checks[0].predicted_ms: -1"},
      {"\"measured_ms\": 10", "\"measured_ms\": 0", "measured nothing"},
      {"\"macs\": 1000", "\"macs\": 10", "more work before it than in total"},
      {"\"name\": \"onnxruntime-cpu\"", "\"name\": \"\"", "devices[0].name: 0 bytes"},
  };
  for (const auto& row : kTable) {
    SCOPED_TRACE(row.to);
    std::string text = good;
    const size_t at = text.find(row.from);
    ASSERT_NE(at, std::string::npos) << text;
    text.replace(at, std::string(row.from).size(), row.to);
    const auto parsed = parse_profile(text);
    ASSERT_FALSE(parsed);
    EXPECT_THAT(parsed.error().message, testing::AllOf(testing::StartsWith("profile record: "),
                                                       testing::HasSubstr(row.message)));
  }
}

TEST(ProfileRecord, ABodyForEachDevice) {
  ProfileRecord record = test::small_profile();
  record.cuts[1].bodies.clear();
  expect_error(parse_profile(profile_json(record)), Kind::kInvalid,
               "cut 'c2': 0 bodies_ms, want one for each of 1 devices");
}

}  // namespace
}  // namespace cloister::profile
