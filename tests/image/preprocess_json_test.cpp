#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "image/preprocess.h"
#include "tests/support/temp_dir.h"

namespace cloister {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

std::string record(std::string_view fields) {
  return fmt::format(R"({{"schema": "cloister/preprocess/1"{}{}}})", fields.empty() ? "" : ", ",
                     fields);
}

TEST(PreprocessJson, RoundTrip) {
  Preprocess odd;
  odd.resize = ResizeMode::kExact;
  odd.resize_width = 30;
  odd.resize_height = 20;
  odd.interpolation = Interpolation::kLanczos;
  odd.crop_width = 7;
  odd.crop_height = 9;
  odd.channels = Channels::kBgr;
  odd.scale = 1;
  odd.mean = {103.939, 116.779, 123.68};
  odd.layout = Layout::kNhwc;
  Preprocess bytes;
  bytes.scale = 1;
  bytes.dtype = DType::kU8;
  bytes.channels = Channels::kGray;
  std::vector<Preprocess> all = {odd, bytes};
  for (const std::string_view name : preprocess_presets()) all.push_back(*preprocess_preset(name));
  for (const Preprocess& p : all) {
    const auto again = parse_preprocess(preprocess_json(p));
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(*again, p) << preprocess_json(p);
  }
}

// The record is hashed with the training data: its bytes must not change.
TEST(PreprocessJson, WritesTheseBytes) {
  constexpr const char* kText = R"({
  "schema": "cloister/preprocess/1",
  "resize": {
    "mode": "exact",
    "width": 32,
    "height": 32
  },
  "interpolation": "bilinear",
  "crop": {
    "width": 28,
    "height": 30
  },
  "channels": "rgb",
  "scale": 0.00392156862745098,
  "mean": [
    0.5
  ],
  "std": [
    0.5,
    1.0,
    0.25
  ],
  "layout": "nchw",
  "dtype": "f32"
}
)";
  const auto read = parse_preprocess(kText);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(preprocess_json(*read), kText);
  EXPECT_THAT(preprocess_json({}), AllOf(HasSubstr("\"resize\": {\n    \"mode\": \"none\"\n  },\n"),
                                         HasSubstr("\"crop\": null,\n")));
}

TEST(PreprocessJson, LeftOutFieldsHaveDefaults) {
  EXPECT_EQ(*parse_preprocess(record("")), Preprocess());
  const auto p = parse_preprocess(record(R"("crop": null, "resize": {"mode": "none"})"));
  ASSERT_TRUE(p) << p.error().message;
  EXPECT_EQ(*p, Preprocess());
  EXPECT_EQ(parse_preprocess(record(R"("mean": [5], "scale": 2)"))->mean[0], 5) << "whole numbers";
}

TEST(PreprocessJson, StrictTable) {
  const std::pair<std::string, std::string> table[] = {
      {"", "not JSON"},
      {"{", "not JSON"},
      {"[]", "record: [], want an object"},
      {record("") + "x", "not JSON"},
      {"// c\n" + record(""), "not JSON"},
      {"{}", "record: no key 'schema'"},
      {R"({"schema": 1})", "schema: 1, want a string"},
      {R"({"schema": "cloister/preprocess/2"})",
       "schema: 'cloister/preprocess/2', want 'cloister/preprocess/1'"},
      {record(R"("men": [0])"), "record: unknown key 'men', want schema, resize"},
      {record(R"("mean": [0], "mean": [1])"), "key 'mean' occurs twice"},
      {record(R"("crop": {"width": 1, "height": 1, "width": 2})"), "key 'width' occurs twice"},
      {record(R"("mean": 0)"), "mean: 0, want an array"},
      {record(R"("mean": [])"), "mean: 0 numbers, want 1 or 3"},
      {record(R"("mean": [1, 2])"), "mean: 2 numbers, want 1 or 3"},
      {record(R"("mean": ["0.5"])"), "mean[0]: \"0.5\", want a number"},
      {record(R"("mean": [null])"), "mean[0]: null, want a number"},
      {record(R"("mean": [1, 2, 3, 4])"), "mean: 4 items, want at most 3"},
      {record(R"("mean": [NaN])"), "not JSON"},
      {record(R"("mean": [1e999])"), "not JSON"},
      {record(R"("mean": [1e30])"), "mean: 1e+30, want -1e+09 to 1e+09"},
      {record(R"("std": [0])"), "std: 0, want 1e-09 to 1e+09"},
      {record(R"("std": [1, 1, -1])"), "std: -1, want 1e-09"},
      {record(R"("scale": "1/255")"), "scale: \"1/255\", want a number"},
      {record(R"("scale": 0)"), "scale: 0, want 1e-09"},
      {record(R"("channels": "RGB")"), "channels: 'RGB', want rgb, bgr, gray"},
      {record(R"("channels": true)"), "channels: true, want a string"},
      {record(R"("channels": "gray", "mean": [1, 2, 3])"), "mean: 3 numbers, want 1"},
      {record(R"("layout": "chw")"), "layout: 'chw', want nchw, nhwc"},
      {record(R"("interpolation": "cubic")"), "interpolation: 'cubic', want nearest, bilinear"},
      {record(R"("dtype": "f16")"), "dtype: 'f16', want f32, u8"},
      {record(R"("dtype": "u8")"), "dtype: u8 with scale, mean or std, want scale 1"},
      {record(R"("resize": 256)"), "resize: 256, want an object"},
      {record(R"("resize": {})"), "resize: no key 'mode'"},
      {record(R"("resize": {"mode": "fit"})"),
       "resize.mode: 'fit', want none, shorter-side, exact"},
      {record(R"("resize": {"mode": "none", "size": 1})"), "resize: unknown key 'size', want mode"},
      {record(R"("resize": {"mode": "shorter-side"})"), "resize: no key 'size'"},
      {record(R"("resize": {"mode": "exact", "width": 1})"), "resize: no key 'height'"},
      {record(R"("resize": {"mode": "shorter-side", "size": 0})"),
       "resize.size: 0, want a whole number from 1 to 16384"},
      {record(R"("resize": {"mode": "shorter-side", "size": -1})"), "resize.size: -1, want"},
      {record(R"("resize": {"mode": "shorter-side", "size": 224.0})"), "resize.size: 224.0, want"},
      {record(R"("resize": {"mode": "shorter-side", "size": 18446744073709551617})"),
       "resize.size: 1.8446744073709552e+19, want"},
      {record(R"("crop": {"width": 16385, "height": 1})"), "crop.width: 16385, want"},
      {record(R"("crop": {"width": 1})"), "crop: no key 'height'"},
      {record(R"("crop": 224)"), "crop: 224, want an object"},
      {record(R"("resize": {"mode": "exact", "width": 9, "height": 9}, )"
              R"("crop": {"width": 9, "height": 10})"),
       "crop: 9x10, want at most the 9x9"},
      {std::string(70000, ' '), "70000 bytes, at most 65536"},
      {std::string(60000, '['), "nested too deep"},
  };
  for (const auto& [json, message] : table) {
    const auto refused = parse_preprocess(json);
    ASSERT_FALSE(refused) << json;
    EXPECT_THAT(refused.error().message,
                AllOf(StartsWith("preprocess record: "), HasSubstr(message)));
  }
}

TEST(PreprocessJson, FilesCarryThePath) {
  const test::TempDir dir;
  EXPECT_EQ(read_preprocess(dir / "none.json").error().kind, Kind::kNotFound);
  ASSERT_TRUE(write_file(dir / "p.json", "{}"));
  EXPECT_THAT(read_preprocess(dir / "p.json").error().message, HasSubstr("p.json': preprocess"));
  ASSERT_TRUE(write_file(dir / "p.json", preprocess_json(*preprocess_preset("half"))));
  EXPECT_EQ(*read_preprocess(dir / "p.json"), *preprocess_preset("half"));
}

}  // namespace
}  // namespace cloister
