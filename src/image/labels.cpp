#include "image/labels.h"

#include "base/parse_file.h"

namespace cloister {

Result<std::vector<std::string>> parse_labels(std::string_view text) {
  if (text.empty()) return invalid("labels: 0 lines, want one for each class");
  if (text.starts_with("\xef\xbb\xbf")) return invalid("labels: byte order mark, want plain UTF-8");
  std::vector<std::string> labels;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    const size_t number = labels.size() + 1;
    at = end + 1;
    if (number > kMaxLabels) return invalid("labels: more than {} lines", kMaxLabels);
    if (line.empty()) return invalid("labels: line {} is empty, want a class name", number);
    if (line.size() > kMaxLabelBytes) {
      return invalid("labels: line {} has {} bytes, at most {} are read", number, line.size(),
                     kMaxLabelBytes);
    }
    // What needs escaping for a terminal is what a label must not have.
    if (printable(line, 4 * line.size()) != line) {
      return invalid("labels: line {} is '{}', want UTF-8 without control characters{}", number,
                     printable(line, 40),
                     line.ends_with('\r') ? "; line ends must be \\n, not \\r\\n" : "");
    }
    labels.emplace_back(line);
  }
  return labels;
}

Result<std::vector<std::string>> read_labels(const fs::path& path) {
  return parse_file(path, kMaxLabels * (kMaxLabelBytes + 1), parse_labels);
}

}  // namespace cloister
