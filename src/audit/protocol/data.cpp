#include "audit/protocol/data.h"

#include <algorithm>
#include <cstring>

namespace cloister::audit {
namespace {

// Decoded pictures are held in memory; more than this is refused.
constexpr uint64_t kMaxPictureBytes = 16ULL << 30;

SplitOptions split_options(const DataOptions& options, const Budget& budget) {
  SplitOptions split;
  split.seed = options.seed;
  split.victim_train = options.victim_train;
  split.max_attacker_train = static_cast<uint64_t>(budget.attacker_train);
  split.max_attacker_validation = static_cast<uint64_t>(budget.attacker_validation);
  split.max_selection = static_cast<uint64_t>(budget.selection);
  split.max_certification = static_cast<uint64_t>(budget.certification);
  return split;
}

// The parts one after another; `chosen` gets the data set's positions.
void lay_out(const Splits& splits, AuditData& data, std::vector<size_t>& chosen) {
  const auto add = [&](const std::vector<size_t>& part) {
    const auto first = static_cast<int64_t>(chosen.size());
    chosen.insert(chosen.end(), part.begin(), part.end());
    return at::arange(first, static_cast<int64_t>(chosen.size()), at::kLong);
  };
  data.certification = add(splits.certification);
  data.selection = add(splits.selection);
  data.validation = add(splits.attacker_validation);
  data.training = add(splits.attacker_train);
}

void take_items(const std::vector<Item>& items, const std::vector<size_t>& chosen,
                AuditData& data) {
  std::vector<int64_t> labels;
  for (const size_t i : chosen) {
    data.ids.push_back(items[i].id);
    labels.push_back(items[i].label);
  }
  if (std::ranges::all_of(labels, [](int64_t label) { return label >= 0; })) {
    data.labels = at::tensor(labels, at::kLong);
  }
}

void note_victim(const DataOptions& options, AuditData& data) {
  if (options.victim_train) return;
  data.notes.emplace_back(
      "The model's training inputs are not known: some of the inputs on which the attacks were "
      "scored "
      "on may have been among it.");
}

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
  data.kind = "images";
  data.space = {setting.item, setting.model, {}};
  data.splits = splits_json(images.source, images.items, splits);
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

Result<AuditData> load_rows(const DataOptions& options, const Budget& budget,
                            const TensorSpec& input, const ProgressCallback& tick) {
  TRY_OK(tick(0, "reading the table"));
  TRY(table, read_table(options.path, options.encoding ? options.encoding->table : options.table));
  TRY(splits, make_splits(table.items, split_options(options, budget)));
  AuditData data;
  data.kind = "table";
  data.splits = splits_json(table.source, table.items, splits);
  data.notes = table.notes;
  lay_out(splits, data, data.rows);
  take_items(table.items, data.rows, data);
  note_victim(options, data);
  if (options.encoding) {
    TRY(bound, bind_encoding(*options.encoding, table));
    data.encoder = bound;
  } else {
    TRY(fitted, TableEncoder::fit(table, splits.attacker_train, options.encoder));
    data.encoder = fitted;
  }
  const auto width = static_cast<int64_t>(data.encoder->width());
  if (input.dtype != DType::kF32 || input.dims.size() != 2 ||
      (input.dims[1] >= 0 && input.dims[1] != width)) {
    return fail(Kind::kUsage,
                "the table's rows are f32[{}] when encoded, input '{}' is {} of rank {}{}: give "
                "--encoding as the model was trained with",
                width, printable(input.name), dtype_name(input.dtype), input.dims.size(),
                input.dims.size() == 2 ? fmt::format(" and width {}", input.dims[1]) : "");
  }
  data.space = {{width}, {}, data.encoder->columns()};
  TRY(encoded, data.encoder->encode(table, data.rows));
  const auto values = encoded.as<float>();
  data.inputs = at::tensor(at::ArrayRef<float>(values.data(), values.size()))
                    .view({static_cast<int64_t>(data.rows.size()), width});
  for (size_t column = 0; column < table.columns.size(); ++column) {
    TRY(marginal, data.encoder->marginal(table, splits.attacker_train, column));
    data.marginals.push_back(marginal);
  }
  data.table = std::move(table);
  return data;
}

}  // namespace

at::Tensor AuditData::used() const {
  return at::arange(inputs.size(0), at::kLong);
}

Result<AuditData> load_data(const DataOptions& options, const Budget& budget,
                            const TensorSpec& input, const ProgressCallback& tick) {
  std::error_code code;
  if (!fs::exists(options.path, code)) {
    return fail(Kind::kNotFound, "no data '{}'", printable(options.path.string(), 400));
  }
  const bool folder = fs::is_directory(options.path, code);
  auto data = folder ? load_pictures(options, budget, input, tick)
                     : load_rows(options, budget, input, tick);
  if (!data && data.error().kind != Kind::kUsage) {
    return with_context(data.error(),
                        fmt::format("data '{}'", printable(options.path.string(), 400)));
  }
  return data;
}

}  // namespace cloister::audit
