// cloister-preprocess: pictures to an input tensor, and the record of how. `cloister preprocess`
// starts it.
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/folder.h"
#include "base/parse_number.h"
#include "base/sha256.h"
#include "cli/program.h"
#include "image/decode.h"
#include "image/labels.h"
#include "image/picture_files.h"
#include "tensor/npy.h"

namespace cloister {
namespace {

constexpr uint64_t kMaxBatchBytes = 1ULL << 34;

constexpr const char* kExamples = R"(Examples:
  cloister preprocess cat.jpg dog.png -o x.npy          # as ImageNet models want it
  cloister preprocess *.jpg --preprocess preprocess.json -o x.npy
  cloister preprocess cat.jpg --preset half --resize 224x224 --crop none -o x.npy
  cloister preprocess --preset tiny-imagenet --write model/preprocess.json \
    --labels labels.txt)";

struct Options {
  std::vector<std::string> pictures;
  std::string preset, record;
  std::string resize, crop, interpolation, channels, layout, dtype;
  std::string mean, std, scale;
  std::string output, write, labels;
  bool json = false;
};

struct Size {
  int64_t width, height;
};

Result<int64_t> parse_side(std::string_view flag, std::string_view text) {
  const auto side = parse_number<int64_t>(text);
  if (!side || *side < 1 || *side > kMaxSide) {
    return fail(Kind::kUsage, "{}: '{}', want a whole number from 1 to {}", flag,
                printable(text, 40), kMaxSide);
  }
  return *side;
}

// "WxH"
Result<Size> parse_size(std::string_view flag, std::string_view text) {
  const size_t x = text.find('x');
  TRY(width, parse_side(flag, text.substr(0, x)));
  TRY(height, parse_side(flag, text.substr(x + 1)));
  return Size{width, height};
}

// "0.485,0.456,0.406"
Result<std::vector<double>> parse_numbers(std::string_view flag, std::string_view text) {
  std::vector<double> numbers;
  const char* at = text.data();
  const char* last = at + text.size();
  while (true) {
    double number = 0;
    const auto [end, code] = std::from_chars(at, last, number);
    if (code != std::errc() || (end != last && *end != ',')) {
      return fail(Kind::kUsage, "{}: '{}', want numbers with commas between them", flag,
                  printable(text, 40));
    }
    numbers.push_back(number);
    if (end == last) return numbers;
    at = end + 1;
  }
}

Result<> override_sizes(const Options& options, Preprocess& p) {
  if (options.resize == "none") {
    p.resize = ResizeMode::kAsIs;
  } else if (options.resize.contains('x')) {
    TRY(size, parse_size("--resize", options.resize));
    p.resize = ResizeMode::kExact;
    p.resize_width = size.width;
    p.resize_height = size.height;
  } else if (!options.resize.empty()) {
    TRY(side, parse_side("--resize", options.resize));
    p.resize = ResizeMode::kShorterSide;
    p.resize_size = side;
  }
  // Sizes that a mode does not use are not part of a record.
  if (p.resize != ResizeMode::kExact) p.resize_width = p.resize_height = 0;
  if (p.resize != ResizeMode::kShorterSide) p.resize_size = 0;
  if (options.crop == "none") {
    p.crop_width = p.crop_height = 0;
  } else if (options.crop.contains('x')) {
    TRY(size, parse_size("--crop", options.crop));
    p.crop_width = size.width;
    p.crop_height = size.height;
  } else if (!options.crop.empty()) {
    TRY(side, parse_side("--crop", options.crop));
    p.crop_width = p.crop_height = side;
  }
  return {};
}

// The parsed value of a flag into `field`, if the flag was given.
template <typename T, typename Parse>
Result<> set(T& field, Parse parse, std::string_view flag, std::string_view text) {
  if (text.empty()) return {};
  TRY(value, parse(flag, text));
  field = value;
  return {};
}

Result<> override_fields(const Options& options, Preprocess& p) {
  TRY_OK(set(p.interpolation, parse_interpolation, "--interpolation", options.interpolation));
  TRY_OK(set(p.channels, parse_channels, "--channels", options.channels));
  TRY_OK(set(p.layout, parse_layout, "--layout", options.layout));
  TRY_OK(set(p.dtype, parse_pixel_dtype, "--dtype", options.dtype));
  TRY_OK(set(p.mean, parse_numbers, "--mean", options.mean));
  TRY_OK(set(p.std, parse_numbers, "--std", options.std));
  std::vector<double> scale = {p.scale};
  TRY_OK(set(scale, parse_numbers, "--scale", options.scale));
  if (scale.size() != 1) return invalid("--scale: {} numbers, want 1", scale.size());
  p.scale = scale[0];
  return {};
}

// The record or preset, with the flags' fields in place of its own.
Result<Preprocess> settings(const Options& options) {
  const std::string preset = options.preset.empty() ? "imagenet" : options.preset;
  TRY(p, options.record.empty() ? preprocess_preset(preset) : read_preprocess(options.record));
  const auto with_flags = [&]() -> Result<> {
    TRY_OK(override_sizes(options, p));
    TRY_OK(override_fields(options, p));
    return validate(p);
  };
  // The record was valid, so whatever is wrong now was asked for on the command line.
  if (auto valid = with_flags(); !valid) {
    return std::unexpected(Error{Kind::kUsage, valid.error().message});
  }
  return p;
}

// All pictures in one tensor, along the batch.
Result<Tensor> load_batch(const std::vector<std::string>& pictures, const Preprocess& p) {
  Tensor batch;
  size_t offset = 0;
  for (const std::string& path : pictures) {
    TRY(one, load_picture(path, p));
    if (offset == 0) {
      Shape shape = one.shape();
      shape[0] = static_cast<int64_t>(pictures.size());
      TRY(bytes, byte_count(one.dtype(), shape));
      if (bytes > kMaxBatchBytes) {
        return invalid("{} pictures take {} bytes, at most {}", pictures.size(), bytes,
                       kMaxBatchBytes);
      }
      TRY(made, Tensor::make(one.dtype(), shape));
      batch = made;
    }
    Shape want = batch.shape();
    want[0] = 1;
    if (one.shape() != want) {
      return invalid("'{}' gives {}, the pictures before it {}: set --crop, or --resize WxH",
                     printable(path, 400), shape_text(one.shape()), shape_text(want));
    }
    std::ranges::copy(one.data(), batch.mutable_data().begin() + static_cast<ptrdiff_t>(offset));
    offset += one.data().size();
  }
  return batch;
}

// What was written, for people or as JSON.
class Report {
 public:
  Result<> add(std::string_view what, const fs::path& path, const nlohmann::ordered_json& details) {
    TRY(file, MappedFile::open(path));
    nlohmann::ordered_json entry{{"what", what}, {"path", path.string()}};
    entry.update(details);
    entry["sha256"] = to_hex(sha256(file->bytes()));
    written_.push_back(std::move(entry));
    return {};
  }

  void print(bool json) const {
    const auto text = [](const nlohmann::ordered_json& value) {
      return value.is_string() ? value.get<std::string>() : value.dump();
    };
    if (json) {
      const nlohmann::ordered_json root{{"schema", "cloister/written/1"}, {"written", written_}};
      fmt::print("{}\n", root.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
      return;
    }
    for (const auto& entry : written_) {
      std::string line;
      for (const auto& [key, value] : entry.items()) {
        if (key != "what") line += fmt::format("{}{}", line.empty() ? "" : "  ", text(value));
      }
      fmt::print("{}\n", printable(line, 4000));
    }
  }

 private:
  nlohmann::ordered_json written_ = nlohmann::ordered_json::array();
};

Result<> run(const Options& options) {
  if (options.pictures.empty() != options.output.empty()) {
    return fail(
        Kind::kUsage, "{}",
        options.output.empty() ? "pictures, but no -o FILE.npy" : "-o FILE.npy, but no pictures");
  }
  if (options.output.empty() && options.write.empty()) {
    return fail(Kind::kUsage, "nothing to do: give pictures and -o, or --write; see --help");
  }
  if (!options.labels.empty() && options.write.empty()) {
    return fail(Kind::kUsage, "--labels is copied beside the record: give --write too");
  }
  TRY(p, settings(options));
  // Whatever can be wrong with the inputs is found before anything is written.
  std::vector<std::string> labels;
  if (!options.labels.empty()) {
    TRY(read, read_labels(options.labels));
    labels = std::move(read);
  }
  Report report;
  if (!options.output.empty()) {
    OtherFiles others;
    TRY(pictures, expand_folders(options.pictures, others));
    if (others.count > 0) fmt::print(stderr, "note: {}\n", passed_over_text(others));
    TRY(batch, load_batch(pictures, p));
    TRY_OK(make_folder_of(options.output));
    TRY_OK(write_npy(fs::path(options.output), batch.view()));
    TRY_OK(report.add("tensor", options.output,
                      {{"dtype", dtype_name(batch.dtype())}, {"shape", batch.shape()}}));
  }
  if (!options.labels.empty()) {
    TRY_OK(make_folder_of(options.write));
    const fs::path copy = fs::path(options.write).parent_path() / "labels.txt";
    TRY_OK(write_file(copy, fmt::format("{}\n", fmt::join(labels, "\n"))));
    TRY_OK(report.add("labels", copy, {{"labels", labels.size()}}));
  }
  if (!options.write.empty()) {
    TRY_OK(make_folder_of(options.write));
    TRY_OK(write_file(options.write, preprocess_json(p)));
    TRY_OK(report.add("preprocess", options.write, nlohmann::ordered_json::object()));
  }
  report.print(options.json);
  return {};
}

void declare(CLI::App& app, Options& o) {
  set_help_layout(app);
  app.footer(kExamples);
  app.add_option("IMAGE", o.pictures,
                 "JPEG or PNG pictures, or folders of them; one batch, in this order");
  const auto add = [&app](const char* group, const char* flag, const char* value,
                          std::string& field, const char* text) {
    return app.add_option(flag, field, text)->type_name(value)->group(group);
  };
  const char* const files = "Files";
  add(files, "-o,--output", "FILE", o.output, "the array, as numpy's .npy");
  add(files, "--write", "FILE", o.write, "write the record of all fields here (preprocess.json)");
  add(files, "--labels", "FILE", o.labels, "check this labels.txt and copy it beside the record");
  app.add_flag("--json", o.json, "print what was written as JSON")->group(files);
  const char* const start = "Starting values";
  auto* preset =
      add(start, "--preset", "NAME", o.preset, "imagenet (default), tiny-imagenet, half or raw");
  add(start, "--preprocess", "FILE", o.record, "start from this preprocess.json")->excludes(preset);
  const char* const fields = "Fields to change";
  add(fields, "--resize", "SIZE", o.resize, "pixels of the shorter side, or WxH, or none");
  add(fields, "--crop", "SIZE", o.crop, "from the centre: WxH or one number for both, or none");
  add(fields, "--interpolation", "KIND", o.interpolation,
      "nearest, bilinear, bicubic, area or lanczos");
  add(fields, "--channels", "ORDER", o.channels, "rgb, bgr or gray");
  add(fields, "--scale", "X", o.scale, "value = (pixel * scale - mean) / std, pixel 0 to 255");
  add(fields, "--mean", "X,...", o.mean, "one number, or one for each channel: 0.485,0.456,0.406");
  add(fields, "--std", "X,...", o.std, "in the same form");
  add(fields, "--layout", "ORDER", o.layout, "nchw or nhwc");
  add(fields, "--dtype", "TYPE", o.dtype, "f32 or u8");
}

int main_with(int argc, char** argv) {
  const std::string who = "cloister preprocess";
  Options options;
  CLI::App app("Turn pictures into a model's input array, and record how", who);
  declare(app, options);
  return parse_and_run(app, who, argc, argv, [&]() -> Outcome {
    TRY_OK(run(options));
    return 0;
  });
}

}  // namespace
}  // namespace cloister

int main(int argc, char** argv) {
  return cloister::run_guarded("cloister preprocess", argc, argv, cloister::main_with);
}
