#include "image/encode.h"

#include <opencv2/imgcodecs.hpp>

namespace cloister {

Result<std::string> encode_png(const TensorView& pixels) {
  const Shape& shape = pixels.shape;
  if (pixels.dtype != DType::kU8 || shape.size() != 3 || (shape[2] != 1 && shape[2] != 3) ||
      shape[0] < 1 || shape[1] < 1 || shape[0] > 65'535 || shape[1] > 65'535) {
    return invalid("a picture is {}{}, want u8[H,W,3] or u8[H,W,1]", dtype_name(pixels.dtype),
                   shape_text(shape));
  }
  const auto height = static_cast<int>(shape[0]), width = static_cast<int>(shape[1]);
  cv::Mat picture(height, width, shape[2] == 3 ? CV_8UC3 : CV_8UC1);
  const auto in = pixels.as<uint8_t>();
  // OpenCV's order is BGR.
  for (size_t i = 0; i < in.size(); ++i) {
    const size_t channel = shape[2] == 3 ? i % 3 : 1;
    picture.data[channel == 1 ? i : i + 2 - 2 * channel] = in[i];
  }
  std::vector<uchar> png;
  try {
    if (cv::imencode(".png", picture, png)) return std::string(png.begin(), png.end());
  } catch (const cv::Exception& error) {
    return fail(Kind::kInternal, "writing PNG: {}", printable(error.what(), 200));
  }
  return fail(Kind::kInternal, "OpenCV wrote no PNG");
}

}  // namespace cloister
