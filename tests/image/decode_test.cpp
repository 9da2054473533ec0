#include "image/decode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "image/picture_header.h"
#include "tensor/npz.h"
#include "tests/support/data.h"
#include "tests/support/temp_dir.h"

namespace cloister {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::string picture(const std::string& name) {
  return *read_file(test::data_path("image/" + name));
}

Tensor expected_pixels(const std::string& name) {
  const auto arrays = read_npz(test::data_path("image/expected.npz"));
  for (const NamedTensor& array : *arrays) {
    if (array.name == name) return array.tensor;
  }
  ADD_FAILURE() << "no array " << name;
  return {};
}

Tensor decoded(const std::string& name) {
  auto pixels = decode_picture(as_bytes(picture(name)));
  EXPECT_TRUE(pixels) << name << ": " << pixels.error().message;
  return pixels ? *pixels : Tensor();
}

// The largest difference of two u8 tensors of one shape.
int distance(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape()) {
    ADD_FAILURE() << shape_text(a.shape()) << " and " << shape_text(b.shape());
    return 256;
  }
  int largest = 0;
  for (size_t i = 0; i < a.data().size(); ++i) {
    largest = std::max(largest, std::abs(a.as<uint8_t>()[i] - b.as<uint8_t>()[i]));
  }
  return largest;
}

TEST(Decode, PngIsExact) {
  EXPECT_EQ(distance(decoded("color.png"), expected_pixels("color")), 0);
  EXPECT_EQ(distance(decoded("alpha.png"), expected_pixels("color")), 0) << "alpha is dropped";
  EXPECT_EQ(distance(decoded("palette.png"), expected_pixels("palette")), 0);
}

TEST(Decode, GrayBecomesThreeEqualChannels) {
  const Tensor gray = expected_pixels("gray");
  for (const std::string name : {"gray.png", "gray.jpg"}) {
    const Tensor pixels = decoded(name);
    ASSERT_EQ(pixels.shape(), Shape({23, 37, 3}));
    for (size_t i = 0; i < gray.data().size(); ++i) {
      const auto rgb = pixels.as<uint8_t>().subspan(3 * i, 3);
      ASSERT_EQ(rgb[0], rgb[1]);
      ASSERT_EQ(rgb[0], rgb[2]);
      ASSERT_NEAR(rgb[0], gray.as<uint8_t>()[i], name == "gray.png" ? 0 : 20);
    }
  }
}

// Other builds of libjpeg may round otherwise.
TEST(Decode, JpegIsPillowsWithinRounding) {
  EXPECT_LE(distance(decoded("color.jpg"), expected_pixels("jpeg")), 2);
  EXPECT_LE(distance(decoded("progressive.jpg"), expected_pixels("jpeg")), 2);
}

TEST(Decode, ExifOrientationIsHonoured) {
  EXPECT_EQ(decoded("rotated.jpg").shape(), Shape({37, 23, 3}));
  EXPECT_LE(distance(decoded("rotated.jpg"), expected_pixels("upright")), 2);
}

TEST(Decode, SixteenBitsKeepTheHighByte) {
  EXPECT_THAT(decoded("deep.png").as<uint8_t>(), ElementsAre(0x12, 0x80, 0xff, 0, 0, 1));
  EXPECT_THAT(decoded("deep-gray.png").as<uint8_t>(), ElementsAre(0x12, 0x12, 0x12, 0, 0, 0));
}

TEST(Decode, OnePixel) {
  EXPECT_THAT(decoded("one.png").as<uint8_t>(), ElementsAre(10, 20, 30));
  EXPECT_EQ(decoded("one.jpg").shape(), Shape({1, 1, 3}));
}

TEST(Decode, BadPicturesAreNamed) {
  const std::string jpeg = picture("color.jpg");
  const std::string png = picture("color.png");
  const std::tuple<std::string, Kind, std::string> table[] = {
      {"", Kind::kUnsupported, "starts with '', want a JPEG or PNG"},
      {picture("text.png"), Kind::kUnsupported, "starts with 'this is ', want a JPEG or PNG"},
      {"GIF89a\x01\x00", Kind::kUnsupported, "starts with 'GIF89a"},
      {picture("bomb-side.png"), Kind::kInvalid, "declares 60000x60000 pixels, want 1 to 32768"},
      {picture("bomb-pixels.png"), Kind::kInvalid, "20000x20000 = 400000000 pixels, at most"},
      {picture("zero.png"), Kind::kInvalid, "declares 0x10 pixels"},
      {picture("no-data.png"), Kind::kInvalid, "PNG without IDAT"},
      {picture("bad-data.png"), Kind::kInvalid, "damaged"},
      {picture("cmyk.jpg"), Kind::kUnsupported,
       "JPEG with 4 components (CMYK), want 1 (gray) or 3"},
      {jpeg.substr(0, jpeg.size() - 2), Kind::kInvalid, "truncated: JPEG"},
      {png.substr(0, png.size() - 1), Kind::kInvalid, "truncated: PNG"},
  };
  for (const auto& [bytes, kind, message] : table) {
    const auto refused = decode_picture(as_bytes(bytes));
    ASSERT_FALSE(refused) << message;
    EXPECT_EQ(refused.error().kind, kind) << message;
    EXPECT_THAT(refused.error().message, HasSubstr(message));
  }
}

TEST(Decode, EveryTruncationFails) {
  for (const std::string name : {"color.png", "color.jpg", "progressive.jpg", "rotated.jpg"}) {
    const std::string whole = picture(name);
    for (size_t length = 0; length < whole.size(); ++length) {
      EXPECT_FALSE(parse_picture_header(as_bytes(whole).first(length))) << name << " " << length;
    }
    const auto header = parse_picture_header(as_bytes(whole));
    ASSERT_TRUE(header) << name << ": " << header.error().message;
    EXPECT_EQ(header->width, 37);
    EXPECT_EQ(header->height, 23);
  }
}

TEST(PictureHeader, JpegTable) {
  const auto segment = [](char marker, const std::string& data) {
    return std::string("\xff") + marker + '\0' + static_cast<char>(data.size() + 2) + data;
  };
  const std::string soi = "\xff\xd8";
  const auto frame = [&](char marker, char precision, char parts) {
    return segment(marker, std::string{precision, 0, 8, 0, 8, parts});
  };
  const std::string good = frame('\xc0', 8, 3);
  const std::string end = segment('\xda', "abc") + "\x12\xff" + std::string(1, '\0') + "\xff\xd9";
  EXPECT_TRUE(parse_picture_header(as_bytes(soi + good + end)));
  EXPECT_TRUE(parse_picture_header(as_bytes(soi + good + end + "trailing")));
  const std::pair<std::string, std::string> table[] = {
      {soi + frame('\xc0', 12, 3) + end, "12 bits a sample, want 8"},
      {soi + frame('\xc0', 8, 2) + end, "2 components, want 1"},
      {soi + frame('\xc3', 8, 3) + end, "kind SOF3, want SOF0"},
      {soi + frame('\xc9', 8, 3) + end, "kind SOF9, want SOF0"},
      {soi + good + frame('\xc1', 8, 3) + end, "two frames"},
      {soi + end, "scan before its frame"},
      {soi + good + "\xff\xd9", "without a picture"},
      {soi + good + "x", "byte 78 where a JPEG marker is due"},
      {soi + good + "\xff\xfe" + std::string(2, '\0'), "segment of 0 bytes"},
  };
  for (const auto& [bytes, message] : table) {
    const auto refused = parse_picture_header(as_bytes(bytes));
    ASSERT_FALSE(refused) << message;
    EXPECT_THAT(refused.error().message, HasSubstr(message));
  }
}

TEST(Load, IsTorchvisionsImageNetPipeline) {
  Preprocess p = *preprocess_preset("imagenet");
  p.resize_size = 16;
  p.crop_width = 13;
  p.crop_height = 14;
  const auto tensor = load_picture(test::data_path("image/color.png"), p);
  ASSERT_TRUE(tensor) << tensor.error().message;
  const Tensor want = expected_pixels("prepared");
  ASSERT_EQ(tensor->shape(), want.shape());
  for (size_t i = 0; i < want.as<float>().size(); ++i) {
    ASSERT_NEAR(tensor->as<float>()[i], want.as<float>()[i], 1e-6) << i;
  }
}

TEST(Load, ErrorsCarryThePath) {
  const Preprocess p;
  EXPECT_EQ(load_picture(test::data_path("image/none.png"), p).error().kind, Kind::kNotFound);
  EXPECT_THAT(load_picture(test::data_path("image/text.png"), p).error().message,
              AllOf(HasSubstr("text.png': starts with"), HasSubstr("want a JPEG")));
}

}  // namespace
}  // namespace cloister
