#include "app/options/data_links.h"

#include <cstdlib>

namespace cloister {

void DataLinkOptions::add_to(CLI::App& command, const char* group) {
  command
      .add_option("--allow-links-under", folders,
                  "follow links from the model's folder to data below DIR (repeatable); those "
                  "within a Hugging Face cache are followed anyway")
      ->type_name("DIR")
      ->group(group)
      ->allow_extra_args(false);
}

Result<DataLinks> DataLinkOptions::read() const {
  DataLinks links;
  for (const std::string& folder : folders) {
    std::error_code ignored;
    if (!fs::is_directory(folder, ignored)) {
      return fail(Kind::kUsage, "--allow-links-under '{}': no such folder", printable(folder, 400));
    }
    links.folders.emplace_back(folder);
  }
  const fs::path cache = hub_cache([](const char* name) { return std::getenv(name); });
  if (!cache.empty()) links.caches.push_back(cache);
  return links;
}

// As huggingface_hub/constants.py has it.
fs::path hub_cache(const std::function<const char*(const char*)>& get) {
  const auto value = [&](const char* name) -> std::string {
    const char* const found = get(name);
    return found == nullptr ? "" : found;
  };
  const auto expanded = [&](const std::string& path) -> fs::path {
    const std::string home = value("HOME");
    return path.starts_with("~/") && !home.empty() ? fs::path(home) / path.substr(2)
                                                   : fs::path(path);
  };
  for (const char* const name : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"}) {
    if (const std::string cache = value(name); !cache.empty()) return expanded(cache);
  }
  if (const std::string home = value("HF_HOME"); !home.empty()) return expanded(home) / "hub";
  if (const std::string caches = value("XDG_CACHE_HOME"); !caches.empty()) {
    return expanded(caches) / "huggingface/hub";
  }
  const std::string home = value("HOME");
  return home.empty() ? fs::path() : fs::path(home) / ".cache/huggingface/hub";
}

}  // namespace cloister
