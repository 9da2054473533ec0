#include "image/decode.h"

#include <mutex>
#include <opencv2/core.hpp>
#include <opencv2/core/utils/logger.hpp>
#include <opencv2/imgcodecs.hpp>

#include "image/picture_header.h"

namespace cloister {
namespace {

constexpr uint64_t kMaxFileBytes = 256ULL << 20;

// OpenCV reports on stderr what it also throws or returns.
void silence_opencv() {
  static std::once_flag once;
  std::call_once(once, [] {
    cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
    cv::redirectError([](int, const char*, const char*, const char*, int, void*) { return 0; });
  });
}

Result<cv::Mat> decode(Bytes file) {
  silence_opencv();
  try {
    const cv::Mat bytes(1, static_cast<int>(file.size()), CV_8U,
                        const_cast<std::byte*>(file.data()));
    cv::Mat bgr = cv::imdecode(bytes, cv::IMREAD_COLOR);
    if (bgr.empty() || bgr.type() != CV_8UC3) return invalid("damaged: it can't be decoded");
    return bgr;
  } catch (const std::exception& e) {
    return invalid("damaged: {}", printable(e.what(), 200));
  }
}

}  // namespace

Result<Tensor> decode_picture(Bytes file) {
  if (file.size() > kMaxFileBytes) {
    return invalid("{} bytes, at most {} are decoded", file.size(), kMaxFileBytes);
  }
  TRY(header, parse_picture_header(file));
  TRY(bgr, decode(file));
  const bool as_stored = bgr.cols == header.width && bgr.rows == header.height;
  const bool turned = bgr.cols == header.height && bgr.rows == header.width;
  if (!as_stored && !turned) {
    return invalid("declares {}x{} pixels, decodes to {}x{}", header.width, header.height, bgr.cols,
                   bgr.rows);
  }
  TRY(out, Tensor::make(DType::kU8, {bgr.rows, bgr.cols, 3}));
  uint8_t* to = out.mutable_as<uint8_t>().data();
  for (int y = 0; y < bgr.rows; ++y) {
    const uint8_t* from = bgr.ptr<uint8_t>(y);
    for (int x = 0; x < bgr.cols; ++x, from += 3, to += 3) {
      to[0] = from[2];
      to[1] = from[1];
      to[2] = from[0];
    }
  }
  return std::move(out);
}

Result<Tensor> load_picture(const fs::path& path, const Preprocess& preprocess) {
  TRY(content, read_file(path, kMaxFileBytes));
  const auto prepare = [&]() -> Result<Tensor> {
    TRY(pixels, decode_picture(as_bytes(content)));
    return apply_picture(preprocess, pixels.view());
  };
  auto tensor = prepare();
  if (!tensor) {
    return with_context(tensor.error(), fmt::format("'{}'", printable(path.string(), 400)));
  }
  return tensor;
}

}  // namespace cloister
