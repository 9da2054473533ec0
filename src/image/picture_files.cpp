#include "image/picture_files.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>

namespace cloister {
namespace {

constexpr size_t kMaxFiles = 50'000'000;
constexpr size_t kMaxEndings = 20;  // that are told apart

std::string ending_of(const fs::path& path) {
  std::string ending = path.extension().string();
  std::ranges::transform(ending, ending.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return ending;
}

void add_other(OtherFiles& others, std::string ending, const std::string& file) {
  if (!others.endings.contains(ending) && others.endings.size() >= kMaxEndings) ending = "";
  OtherFiles::Ending& of = others.endings[ending];
  // Folders are listed in no order, messages are to be the same each time.
  if (of.files++ == 0 || file < of.first) of.first = file;
  ++others.count;
}

}  // namespace

std::string passed_over_text(const OtherFiles& others) {
  if (others.count == 0) return "";
  std::vector<std::string> parts;
  for (const auto& [ending, of] : others.endings) {
    parts.push_back(fmt::format("{} {} ('{}'{})", of.files,
                                ending.empty() ? "other" : printable(ending, 20),
                                printable(of.first), of.files > 1 ? ", ..." : ""));
  }
  return fmt::format(
      "{} JPEG or PNG {} passed over: {}",
      others.count == 1 ? "1 file is no" : fmt::format("{} files are no", others.count),
      others.count == 1 ? "picture and was" : "pictures and were", fmt::join(parts, ", "));
}

bool is_picture_name(const fs::path& path) {
  const std::string ending = ending_of(path);
  return ending == ".jpg" || ending == ".jpeg" || ending == ".png";
}

Result<PictureFiles> list_pictures(const fs::path& folder) {
  std::error_code code;
  const std::string shown = printable(folder.string(), 400);
  if (!fs::is_directory(folder, code)) return fail(Kind::kNotFound, "no folder '{}'", shown);
  PictureFiles found;
  fs::recursive_directory_iterator at(folder, fs::directory_options::skip_permission_denied, code);
  for (; !code && at != fs::recursive_directory_iterator(); at.increment(code)) {
    std::error_code ignored;
    if (!at->is_regular_file(ignored)) continue;
    std::string file = at->path().lexically_relative(folder).generic_string();
    if (!is_picture_name(at->path())) {
      add_other(found.others, ending_of(at->path()), file);
      continue;
    }
    if (found.files.size() == kMaxFiles) return invalid("more than {} pictures", kMaxFiles);
    found.files.push_back(std::move(file));
  }
  if (code) return fail(Kind::kIo, "can't list '{}': {}", shown, code.message());
  std::ranges::sort(found.files);
  return found;
}

Result<std::vector<std::string>> expand_folders(const std::vector<std::string>& arguments,
                                                OtherFiles& others) {
  std::vector<std::string> files;
  for (const std::string& argument : arguments) {
    std::error_code ignored;
    if (!fs::is_directory(argument, ignored)) {
      files.push_back(argument);
      continue;
    }
    TRY(found, list_pictures(argument));
    if (found.files.empty()) {
      return invalid("'{}': no JPEG or PNG pictures among {} other files", printable(argument, 400),
                     found.others.count);
    }
    for (const std::string& file : found.files) files.push_back(fs::path(argument) / file);
    for (const auto& [ending, of] : found.others.endings) {
      const std::string first = fs::path(argument) / of.first;
      OtherFiles::Ending& all = others.endings[ending];
      if (all.files == 0) all.first = first;
      all.files += of.files;
    }
    others.count += found.others.count;
  }
  return files;
}

}  // namespace cloister
