// Pictures: how an audit reads and scores them.
#include <algorithm>
#include <cstring>

#include "audit/metrics.h"
#include "audit/protocol/gallery.h"
#include "audit/protocol/input_kinds.h"
#include "engine/torch/convert.h"
#include "image/preprocess.h"

namespace cloister::audit {
namespace {

// Decoded pictures are held in memory; more than this is refused.
constexpr uint64_t kMaxPictureBytes = 16ULL << 30;

// The record of the pictures that attackers see, and the model's input from them.
struct PictureSetting {
  Preprocess model;   // what is between a decoded picture and the model
  Preprocess pixels;  // the same geometry, u8 [1,C,H,W]
  Shape item;
};

Result<PictureSetting> picture_setting(const DataOptions& options, const TensorSpec& input) {
  if (input.dims.size() != 4 || input.dtype != DType::kF32) {
    return fail(Kind::kUsage, "input '{}' is {} of rank {}: pictures need f32 of rank 4",
                printable(input.name), dtype_name(input.dtype), input.dims.size());
  }
  PictureSetting setting;
  if (options.preprocess) {
    setting.model = *options.preprocess;
  } else {
    TRY(preset, preprocess_preset("imagenet"));
    setting.model = preset;
  }
  Preprocess& p = setting.model;
  if (p.dtype != DType::kF32) {
    return fail(Kind::kUnsupported, "preprocess: dtype is {}: an audit needs f32 inputs",
                dtype_name(p.dtype));
  }
  const bool nchw = p.layout == Layout::kNchw;
  const int64_t channels = p.channels == Channels::kGray ? 1 : 3;
  const int64_t has = input.dims[nchw ? 1 : 3];
  if (has >= 0 && has != channels) {
    return fail(Kind::kUsage, "input '{}' has {} channels, preprocessing gives {}",
                printable(input.name), has, channels);
  }
  int64_t height = options.size, width = options.size;
  if (options.size == 0) {
    height = input.dims[nchw ? 2 : 1];
    width = input.dims[nchw ? 3 : 2];
    if (height < 1 || width < 1) {
      return fail(Kind::kUsage, "input '{}' has no fixed size: give --size", printable(input.name));
    }
  }
  if (std::min(height, width) < 16) {
    return fail(Kind::kUsage, "pictures of {}x{}: an audit needs 16 pixels a side or more", width,
                height);
  }
  if (height == width) {
    p.resize = ResizeMode::kShorterSide;
    p.resize_size = height;
    p.resize_width = p.resize_height = 0;
  } else {
    p.resize = ResizeMode::kExact;
    p.resize_size = 0;
    p.resize_width = width;
    p.resize_height = height;
  }
  p.crop_width = width;
  p.crop_height = height;
  setting.pixels = p;
  setting.pixels.scale = 1;
  setting.pixels.mean = {0};
  setting.pixels.std = {1};
  setting.pixels.layout = Layout::kNchw;
  setting.pixels.dtype = DType::kU8;
  setting.item = {channels, height, width};
  return setting;
}

Result<AuditData> load_pictures(const DataOptions& options, const Budget& budget,
                                const TensorSpec& input, const ProgressCallback& tick) {
  TRY(setting, picture_setting(options, input));
  ImageOptions image_options = options.images;
  image_options.folder = options.path;
  Result<> stopped;
  TRY(images, scan_images(image_options, [&](size_t done, size_t all) {
        if (!stopped) return;
        stopped =
            tick(0.5 * static_cast<double>(done) / static_cast<double>(all), "reading pictures");
      }));
  TRY_OK(stopped);
  TRY(splits, make_splits(images.items, split_options(options, budget)));
  AuditData data;
  data.space = {InputKind::kPictures, setting.item, setting.model, {}};
  data.height = setting.item[1];
  data.preprocess = preprocess_json(setting.model);
  data.splits = splits_json(images.source, images.items, splits);
  data.notes = images.notes;
  std::vector<size_t> chosen;
  lay_out(splits, data, chosen);
  take_items(images.items, chosen, data);
  note_victim(options, data);

  Shape shape = setting.item;
  shape.insert(shape.begin(), static_cast<int64_t>(chosen.size()));
  TRY(bytes, byte_count(DType::kU8, shape));
  if (bytes > kMaxPictureBytes) {
    return fail(Kind::kUsage, "{} pictures of {} take {} bytes, at most {} are held: lower --size",
                chosen.size(), shape_text(setting.item), bytes, kMaxPictureBytes);
  }
  data.inputs = at::empty(shape, at::kByte);
  auto* out = data.inputs.data_ptr<uint8_t>();
  for (size_t i = 0; i < chosen.size(); ++i) {
    TRY(picture, load_image(images, chosen[i], setting.pixels));
    std::memcpy(out, picture.data().data(), picture.data().size());
    out += picture.data().size();
    if (i % 64 == 0) {
      TRY_OK(tick(0.5 + 0.5 * static_cast<double>(i) / static_cast<double>(chosen.size()),
                  "decoding pictures"));
    }
  }
  return data;
}

Result<std::vector<double>> picture_scores(const AuditData& data, const at::Tensor& rebuilt,
                                           const at::Tensor& positions) {
  TRY(a, from_torch(rebuilt));
  TRY(b, from_torch(data.originals(positions)));
  return ssim(a.view(), b.view());
}

Result<> score_picture_metrics(const AuditData& data, const at::Tensor& rebuilt,
                               const at::Tensor& positions, SplitScores& out) {
  const at::Tensor real = data.originals(positions);
  TRY(a, from_torch(rebuilt));
  TRY(b, from_torch(real));
  TRY(structural, ssim(a.view(), b.view()));
  out.metrics.push_back({Metric::kSsim, std::move(structural)});
  TRY(noise, psnr_db(a.view(), b.view()));
  for (double& value : noise) value = std::min(value, kMaxPsnrDb);
  out.metrics.push_back({Metric::kPsnrDb, std::move(noise)});
  if (std::min(real.size(2), real.size(3)) > kMsSsimSide) {
    TRY(scales, ms_ssim(a.view(), b.view()));
    out.metrics.push_back({Metric::kMsSsim, std::move(scales)});
  }
  return {};
}

}  // namespace

const InputProtocol kPictureProtocol = {.kind = InputKind::kPictures,
                                        .metric = Metric::kSsim,
                                        .policy_metric = Metric::kSsim,
                                        .second_model = true,
                                        .load = load_pictures,
                                        .scores = picture_scores,
                                        .score_all = score_picture_metrics,
                                        .make_gallery = make_gallery};

}  // namespace cloister::audit
