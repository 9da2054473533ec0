// Pictures as samples: decoded, resized and cropped once, kept as bytes where they are not too
// many, and made numbers batch by batch.
#include <algorithm>

#include "data/images.h"
#include "train/training_data.h"

namespace cloister {
namespace {

using audit::ImageSet;

// For training and validation pictures together; more are decoded again in each epoch.
constexpr uint64_t kMaxHeldBytes = 2ULL << 30;

// Resized and cropped as `p` says, but still u8 [1,H,W,3] in RGB order.
Preprocess only_pixels(Preprocess p) {
  p.channels = Channels::kRgb;
  p.layout = Layout::kNhwc;
  p.dtype = DType::kU8;
  p.scale = 1;
  p.mean = {0};
  p.std = {1};
  return p;
}

// SplitMix64's finisher: a coin for each picture and step.
bool coin(uint64_t seed, size_t item) {
  uint64_t x = seed + (item + 1) * 0x9e3779b97f4a7c15U;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return ((x ^ (x >> 31)) & 1) != 0;
}

void flip_rows(std::span<std::byte> pixels, int64_t height, int64_t width) {
  for (int64_t y = 0; y < height; ++y) {
    std::byte* const row = pixels.data() + y * width * 3;
    for (int64_t left = 0, right = width - 1; left < right; ++left, --right) {
      std::swap_ranges(row + left * 3, row + left * 3 + 3, row + right * 3);
    }
  }
}

class ImageSamples final : public Samples {
 public:
  ImageSamples(std::shared_ptr<const ImageSet> images, std::vector<size_t> part, Preprocess p,
               Shape pixels, bool flip, Tensor labels)
      : images_(std::move(images)),
        part_(std::move(part)),
        preprocess_(std::move(p)),
        pixels_shape_(std::move(pixels)),
        flip_(flip),
        labels_(std::move(labels)) {}

  int64_t count() const override { return static_cast<int64_t>(part_.size()); }
  TensorView labels() const override { return labels_.view(); }

  Result<Tensor> inputs(std::span<const int64_t> picked, std::optional<uint64_t> seed) override {
    Tensor batch;
    std::byte* to = nullptr;
    for (const int64_t i : picked) {
      TRY(one, input(static_cast<size_t>(i), seed));
      if (to == nullptr) {
        Shape shape = one.shape();
        shape[0] = static_cast<int64_t>(picked.size());
        TRY(made, Tensor::make(one.dtype(), shape));
        batch = made;
        to = batch.mutable_data().data();
      }
      to = std::ranges::copy(one.data(), to).out;
    }
    return batch;
  }

  // Decodes all of them, to keep; false when `update` says so. `before` of `all` pictures are done.
  Result<bool> hold(size_t before, size_t all, const std::function<bool(double)>& update) {
    Shape shape = pixels_shape_;
    shape[0] = count();
    TRY(made, Tensor::make(DType::kU8, shape));
    std::byte* to = made.mutable_data().data();
    for (size_t i = 0; i < part_.size(); ++i) {
      TRY(one, decode(i));
      to = std::ranges::copy(one.data(), to).out;
      if (!update(static_cast<double>(before + i + 1) / static_cast<double>(all))) return false;
    }
    held_ = made;
    return true;
  }

 private:
  Result<Tensor> decode(size_t i) const {
    TRY(pixels, audit::load_image(*images_, part_[i], only_pixels(preprocess_)));
    if (pixels.shape() == pixels_shape_) return std::move(pixels);
    return fail(Kind::kInternal, "'{}' became {}", printable(images_->items[part_[i]].id),
                shape_text(pixels.shape()));
  }

  Result<Tensor> input(size_t i, std::optional<uint64_t> seed) const {
    const Shape shape(pixels_shape_.begin() + 1, pixels_shape_.end());
    const auto bytes = static_cast<size_t>(shape[0] * shape[1] * 3);
    Tensor pixels;
    if (held_.data().empty()) {
      TRY(decoded, decode(i));
      TRY(copy, Tensor::copy_of(DType::kU8, shape, decoded.data()));
      pixels = copy;
    } else {
      TRY(copy, Tensor::copy_of(DType::kU8, shape, held_.data().subspan(i * bytes, bytes)));
      pixels = copy;
    }
    if (flip_ && seed && coin(*seed, part_[i])) {
      flip_rows(pixels.mutable_data(), shape[0], shape[1]);
    }
    return apply_pixels(preprocess_, pixels.view());
  }

  std::shared_ptr<const ImageSet> images_;
  std::vector<size_t> part_;
  Preprocess preprocess_;
  Shape pixels_shape_;  // of one: [1,H,W,3]
  bool flip_;
  Tensor labels_;
  Tensor held_;  // u8 [N,H,W,3]; empty: decoded each time
};

Result<Preprocess> preprocess_of(const std::string& text) {
  if (text.empty()) {
    return fail(Kind::kUsage,
                "pictures need --preprocess: a preprocess.json, or imagenet, tiny-imagenet, half "
                "or raw");
  }
  return find_preprocess(text);
}

std::unexpected<Error> stopped() {
  return fail(Kind::kIo, "interrupted while pictures were read");
}

Result<std::shared_ptr<const ImageSet>> scan(const DataOptions& options,
                                             const std::function<bool(double)>& update) {
  audit::ImageOptions scan_options;
  scan_options.folder = options.path;
  scan_options.csv = options.labels;
  scan_options.separator = options.separator;
  if (!options.label.empty()) scan_options.label_column = options.label;
  scan_options.min_side = 1;
  bool go_on = true;
  TRY(images, audit::scan_images(scan_options, [&](size_t done, size_t all) {
        go_on = update(0.5 * static_cast<double>(done) / static_cast<double>(all)) && go_on;
      }));
  if (!go_on) return stopped();
  const std::string shown = printable(options.path, 400);
  if (images.beside_folders > 0) {
    return invalid(
        "'{}': some pictures are in class folders, {} not, the first: '{}'; move what is beside "
        "them, or give --labels CSV",
        shown, images.beside_folders == 1 ? "one is" : fmt::format("{} are", images.beside_folders),
        printable(images.first_beside));
  }
  if (images.items.front().label < 0) {
    return invalid(
        "'{}': the pictures have no classes; put them in class folders, or give "
        "--labels CSV",
        shown);
  }
  return std::make_shared<const ImageSet>(std::move(images));
}

}  // namespace

Result<TrainingData> load_training_images(const DataOptions& options,
                                          const std::function<bool(double)>& update) {
  TRY(preprocess, preprocess_of(options.preprocess));
  auto shape = output_shape(only_pixels(preprocess));
  if (!shape) return with_context(shape.error(), "--preprocess");
  TRY(images, scan(options, update));
  TRY(holdout, audit::make_holdout(images->items, options.validation.value_or(kUsualValidation),
                                   options.seed));
  const size_t count = holdout.training.size() + holdout.validation.size();
  TRY(one, byte_count(DType::kU8, *shape));
  const bool hold = one <= kMaxHeldBytes / count;

  TrainingData data;
  Sha256 hash;
  hash.update(as_bytes(preprocess_json(preprocess) + (options.flip ? "flip" : "")));
  size_t before = 0;
  for (const bool training : {true, false}) {
    const std::vector<size_t>& part = training ? holdout.training : holdout.validation;
    if (part.empty()) continue;
    TRY(labels, Tensor::make(DType::kI64, {static_cast<int64_t>(part.size())}));
    for (size_t i = 0; i < part.size(); ++i) {
      labels.mutable_as<int64_t>()[i] = images->items[part[i]].label;
      hash.update(images->items[part[i]].digest);
    }
    hash.update(labels.data());
    auto samples = std::make_unique<ImageSamples>(images, part, preprocess, *shape,
                                                  options.flip && training, labels);
    if (hold) {
      TRY(whole,
          samples->hold(before, count, [&](double share) { return update(0.5 + share / 2); }));
      if (!whole) return stopped();
    }
    before += part.size();
    (training ? data.training : data.validation) = std::move(samples);
  }
  data.digest = to_hex(hash.finish());
  data.class_names = images->class_names;
  data.facts = {{"kind", "images"},
                {"name", images->source.name},
                {"skipped", images->source.skipped.size()},
                {"other_files", images->others.count},
                {"unlisted_files", images->unlisted_files},
                {"equal_inputs_removed", holdout.duplicates},
                {"equal_inputs_with_other_labels", holdout.label_conflicts},
                {"held_in_memory", hold}};
  data.notes = images->notes;
  if (!images->source.skipped.empty()) {
    data.notes.push_back(
        fmt::format("{} pictures skipped, the first: '{}': {}", images->source.skipped.size(),
                    printable(images->source.skipped[0].id), images->source.skipped[0].reason));
  }
  data.records.push_back({"preprocess.json", preprocess_json(preprocess)});
  add_records(images->source, images->items, holdout, data);
  return data;
}

}  // namespace cloister
