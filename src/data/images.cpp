#include "data/images.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/parse_number.h"
#include "data/table.h"
#include "image/decode.h"

namespace cloister::audit {
namespace {

constexpr uint64_t kMaxFileBytes = 256ULL << 20;

// A label a file, by its path.
using Labels = std::map<std::string, int64_t>;

Result<int64_t> folder_class(const std::string& name, const ImageOptions& options,
                             const std::vector<std::string>& names) {
  if (options.class_names.empty() && options.classes > 0) {
    const auto label = parse_number<int64_t>(name);
    if (label && *label >= 0 && *label < options.classes) return *label;
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
  table_options.separator = options.separator;
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
  for (const std::string& note : table.notes) {
    out.notes.push_back(fmt::format("'{}': {}", printable(options.csv.string(), 400), note));
  }
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

// Why no picture has a class although some are in folders.
void find_beside(const std::vector<std::string>& files, ImageSet& out) {
  const auto beside = [](const std::string& file) { return !file.contains('/'); };
  const auto count = std::ranges::count_if(files, beside);
  if (count == 0 || static_cast<size_t>(count) == files.size()) return;
  out.beside_folders = static_cast<uint64_t>(count);
  out.first_beside = *std::ranges::find_if(files, beside);
}

void add_notes(size_t files, ImageSet& out) {
  if (out.others.count > 0) out.notes.push_back(passed_over_text(out.others));
  if (out.unlisted_files > 0) {
    out.notes.push_back(
        fmt::format("{} of {} pictures are not in the CSV and were passed over, "
                    "the first: '{}'",
                    out.unlisted_files, files, printable(out.first_unlisted)));
  }
  if (out.beside_folders > 0) {
    out.notes.push_back(
        fmt::format("{} of {} pictures are in no class folder, the first: '{}'; "
                    "so no picture has a class",
                    out.beside_folders, files, printable(out.first_beside)));
  }
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
  TRY(listed, list_pictures(options.folder));
  const std::vector<std::string>& files = listed.files;
  out.others = std::move(listed.others);
  if (files.empty()) {
    return invalid("'{}': no JPEG or PNG pictures among {} other files{}",
                   printable(options.folder.string(), 400), out.others.count,
                   out.others.count > 0 ? "; " + passed_over_text(out.others) : "");
  }
  const LabelsFrom from = labels_from(options, files);
  Labels labels;
  if (from == LabelsFrom::kNone && options.labels == LabelsFrom::kAuto) find_beside(files, out);
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
        if (out.unlisted_files++ == 0) out.first_unlisted = files[i];
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
  add_notes(files.size(), out);
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
