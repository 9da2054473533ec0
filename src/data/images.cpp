#include "data/images.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>
#include <set>

#include "data/table.h"
#include "image/decode.h"

namespace cloister::audit {
namespace {

constexpr uint64_t kMaxFileBytes = 256ULL << 20;
constexpr size_t kMaxFiles = 50'000'000;

bool is_picture(const fs::path& path) {
  std::string extension = path.extension().string();
  std::ranges::transform(extension, extension.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension == ".jpg" || extension == ".jpeg" || extension == ".png";
}

// Sorted paths below the folder.
Result<std::vector<std::string>> list_pictures(const fs::path& folder, uint64_t& other_files) {
  std::error_code code;
  if (!fs::is_directory(folder, code)) {
    return fail(Kind::kNotFound, "no folder '{}'", printable(folder.string(), 400));
  }
  std::vector<std::string> found;
  fs::recursive_directory_iterator at(folder, fs::directory_options::skip_permission_denied, code);
  for (; !code && at != fs::recursive_directory_iterator(); at.increment(code)) {
    std::error_code ignored;
    if (!at->is_regular_file(ignored)) continue;
    if (!is_picture(at->path())) {
      ++other_files;
      continue;
    }
    if (found.size() == kMaxFiles) return invalid("more than {} pictures", kMaxFiles);
    found.push_back(at->path().lexically_relative(folder).generic_string());
  }
  if (code) {
    return fail(Kind::kIo, "can't list '{}': {}", printable(folder.string(), 400), code.message());
  }
  std::ranges::sort(found);
  return found;
}

// A label a file, by its path.
using Labels = std::map<std::string, int64_t>;

Result<int64_t> folder_class(const std::string& name, const ImageOptions& options,
                             const std::vector<std::string>& names) {
  if (options.class_names.empty() && options.classes > 0) {
    int64_t label = -1;
    const auto [end, code] = std::from_chars(name.data(), name.data() + name.size(), label);
    if (code == std::errc() && end == name.data() + name.size() && label >= 0 &&
        label < options.classes) {
      return label;
    }
    return invalid("class folder '{}', want a whole number under {}, or class names",
                   printable(name, 40), options.classes);
  }
  const auto at = std::ranges::find(names, name);
  if (at != names.end()) return at - names.begin();
  return invalid("class folder '{}' is not one of the {} classes", printable(name, 40),
                 names.size());
}

Result<Labels> labels_from_folders(const std::vector<std::string>& files,
                                   const ImageOptions& options, ImageSet& out) {
  std::set<std::string> folders;
  for (const std::string& file : files) {
    const size_t slash = file.find('/');
    if (slash == file.npos) {
      return invalid("picture '{}' is beside the class folders, want all pictures inside them",
                     printable(file));
    }
    folders.insert(file.substr(0, slash));
  }
  std::map<std::string, int64_t> classes;
  const bool numbered = options.class_names.empty() && options.classes > 0;
  if (!numbered) out.class_names = options.class_names;
  if (!numbered && out.class_names.empty()) out.class_names.assign(folders.begin(), folders.end());
  for (const std::string& folder : folders) {
    TRY(label, folder_class(folder, options, out.class_names));
    classes[folder] = label;
  }
  Labels labels;
  for (const std::string& file : files) labels[file] = classes[file.substr(0, file.find('/'))];
  return labels;
}

// The file and label columns read as a table, so that its errors, limits and classes are a table's.
Result<Labels> labels_from_csv(const ImageOptions& options, ImageSet& out) {
  TableOptions table_options;
  table_options.label = options.label_column;
  table_options.categorical = {options.file_column};
  table_options.class_names = options.class_names;
  table_options.classes = options.classes;
  TRY(table, read_table(options.csv, table_options));
  const auto files = std::ranges::find(table.columns, options.file_column, &Column::name);
  if (files == table.columns.end() || files->missing == table.items.size()) {
    return fail(Kind::kUsage, "column '{}' names no files", printable(options.file_column));
  }
  Labels labels;
  for (size_t row = 0; row < table.items.size(); ++row) {
    if (files->is_missing(row)) {
      out.source.skipped.push_back({table.items[row].id, "names no file"});
      continue;
    }
    const std::string& file = files->categories[files->codes[row]];
    const auto [at, is_new] = labels.emplace(file, table.items[row].label);
    if (!is_new && at->second != table.items[row].label) {
      return invalid("{}: '{}' has label {}, and {} before", table.items[row].id, printable(file),
                     table.items[row].label, at->second);
    }
  }
  out.class_names = table.class_names;
  std::ranges::move(table.source.skipped, std::back_inserter(out.source.skipped));
  return labels;
}

LabelsFrom labels_from(const ImageOptions& options, const std::vector<std::string>& files) {
  if (options.labels != LabelsFrom::kAuto) return options.labels;
  if (!options.csv.empty()) return LabelsFrom::kCsv;
  const bool in_folders =
      std::ranges::all_of(files, [](const std::string& file) { return file.contains('/'); });
  return in_folders ? LabelsFrom::kFolders : LabelsFrom::kNone;
}

// The digest is of size and pixels.
Digest digest_of(const Tensor& pixels) {
  Sha256 hash;
  hash.update(std::as_bytes(std::span(pixels.shape())));
  hash.update(pixels.data());
  return hash.finish();
}

Result<Tensor> read_pixels(const fs::path& path) {
  TRY(content, read_file(path, kMaxFileBytes));
  return decode_picture(as_bytes(content));
}

Result<Digest> scan_one(const fs::path& path, int64_t min_side) {
  TRY(pixels, read_pixels(path));
  const int64_t side = std::min(pixels.shape()[0], pixels.shape()[1]);
  if (side < min_side) {
    return invalid("{}x{} pixels, want {} a side or more", pixels.shape()[1], pixels.shape()[0],
                   min_side);
  }
  return digest_of(pixels);
}

}  // namespace

Result<ImageSet> scan_images(const ImageOptions& options,
                             const std::function<void(size_t, size_t)>& progress) {
  ImageSet out;
  out.folder = options.folder;
  out.source.kind = "images";
  out.source.name = options.folder.filename().string();
  TRY(files, list_pictures(options.folder, out.other_files));
  if (files.empty()) {
    return invalid("'{}': no JPEG or PNG pictures among {} other files",
                   printable(options.folder.string(), 400), out.other_files);
  }
  const LabelsFrom from = labels_from(options, files);
  Labels labels;
  if (from == LabelsFrom::kFolders) {
    TRY(found, labels_from_folders(files, options, out));
    labels = std::move(found);
  } else if (from == LabelsFrom::kCsv) {
    TRY(found, labels_from_csv(options, out));
    labels = std::move(found);
    for (const auto& [file, _] : labels) {
      if (!std::ranges::binary_search(files, file)) {
        out.source.skipped.push_back({file, "named in the CSV, not in the folder"});
      }
    }
  }
  for (size_t i = 0; i < files.size(); ++i) {
    if (progress) progress(i, files.size());
    Item item;
    item.id = files[i];
    if (from != LabelsFrom::kNone) {
      const auto label = labels.find(files[i]);
      if (label == labels.end()) {
        ++out.unlisted_files;
        continue;
      }
      item.label = label->second;
    }
    const auto digest = scan_one(options.folder / files[i], options.min_side);
    if (!digest) {
      out.source.skipped.push_back({files[i], digest.error().message});
      continue;
    }
    item.digest = *digest;
    out.items.push_back(std::move(item));
  }
  if (progress) progress(files.size(), files.size());
  if (out.items.empty()) {
    const std::string why =
        out.source.skipped.empty()
            ? std::string("the CSV names none of them")
            : fmt::format("the first, '{}': {}", printable(out.source.skipped.front().id),
                          out.source.skipped.front().reason);
    return invalid("'{}': none of {} pictures can be used; {}",
                   printable(options.folder.string(), 400), files.size(), why);
  }
  return out;
}

Result<Tensor> load_image(const ImageSet& images, size_t index, const Preprocess& preprocess) {
  if (index >= images.items.size()) return invalid("picture {} of {}", index, images.items.size());
  const Item& item = images.items[index];
  const auto load = [&]() -> Result<Tensor> {
    TRY(pixels, read_pixels(images.folder / item.id));
    if (digest_of(pixels) != item.digest) return invalid("has changed since it was scanned");
    return apply_picture(preprocess, pixels.view());
  };
  auto loaded = load();
  if (!loaded) return with_context(loaded.error(), fmt::format("'{}'", printable(item.id)));
  return loaded;
}

}  // namespace cloister::audit
