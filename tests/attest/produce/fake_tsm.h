// configfs-tsm as the kernel has it: fs/configfs/file.c and drivers/virt/coco/guest/report.c, with
// a driver of the test's own behind it.
#pragma once

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>

#include "tests/support/made_up_files.h"

namespace cloister::attest::test {

// An SEV-SNP or TDX guest's driver.
struct FakeDriver {
  std::string name = "sev_guest";  // "": none is loaded
  bool has_auxblob = true;
  bool has_privilege_levels = true;
  unsigned floor = 0;
  // Makes a report: 0, or an errno, negative.
  std::function<int(const std::string& inblob, unsigned level, std::string& report,
                    std::string& auxblob)>
      make_report;
};

class FakeTsm : public cloister::test::FileMaker {
 public:
  FakeDriver driver;
  // Called with each entry before its report is read: a place to interfere.
  std::function<void(FakeTsm&)> before_report;

  size_t entries() const { return entries_.size(); }
  // Another program finds our entry, and writes to it.
  void interfere(const std::string& inblob) {
    for (auto& [name, entry] : entries_) set_inblob(entry, inblob);
  }
  int made = 0;  // entries, ever

  mode_t mode(const std::string& path) override {
    const auto [folder, file] = split(path);
    if (path == "/") return S_IFDIR | 0755;
    if (!entries_.contains(folder)) return 0;
    return file.empty() ? S_IFDIR | 0755 : mode_of(file);
  }

  int mkdir(const std::string& path) override {
    if (driver.name.empty()) return -ENXIO;
    const auto [folder, file] = split(path);
    if (!file.empty()) return -EPERM;
    ++made;
    return entries_.try_emplace(folder).second ? 0 : -EEXIST;
  }

  int rmdir(const std::string& path) override {
    const auto [folder, file] = split(path);
    if (!file.empty()) return -ENOTDIR;
    return entries_.erase(folder) == 1 ? 0 : -ENOENT;
  }

  int read(const std::string& path, std::string& content) override {
    const auto [folder, file] = split(path);
    if (!entries_.contains(folder)) return -ENOENT;
    Entry& entry = entries_.at(folder);
    if (file == "generation") {
      content = std::to_string(entry.write_generation) + "\n";
      return 0;
    }
    if (driver.name.empty()) return -ENXIO;
    if (file == "provider") content = driver.name + "\n";
    if (file == "privlevel_floor") content = std::to_string(driver.floor) + "\n";
    if (file != "outblob" && file != "auxblob") return 0;
    const int result = make_report(entry);
    if (result == 0) content = file == "outblob" ? entry.report : entry.auxblob;
    return result;
  }

  // Texts are taken at once. A binary one only has to fit: what it is is found out at its end.
  int written(const std::string& path, const std::string& content) override {
    const auto [folder, file] = split(path);
    if (!entries_.contains(folder)) return -ENOENT;
    Entry& entry = entries_.at(folder);
    if (file == "inblob") return content.size() > 64 ? -EFBIG : 0;
    unsigned level = 0;
    const char* const end = content.data() + content.size();
    const auto [stop, error] = std::from_chars(content.data(), end, level);
    if (error != std::errc{} || stop != end) return -EINVAL;
    if (level < driver.floor || level > 3) return -EINVAL;
    ++entry.write_generation;
    entry.level = level;
    return 0;
  }

  void closed(const std::string& path, const std::string& content) override {
    const auto [folder, file] = split(path);
    if (file == "inblob" && entries_.contains(folder)) set_inblob(entries_.at(folder), content);
  }

 private:
  struct Entry {
    std::string inblob;
    unsigned level = 0;
    unsigned long write_generation = 0;
    unsigned long read_generation = 0;
    std::string report;
    std::string auxblob;
  };

  static std::pair<std::string, std::string> split(const std::string& path) {
    const size_t slash = path.find('/', 1);
    if (slash == std::string::npos) return {path.substr(1), ""};
    return {path.substr(1, slash - 1), path.substr(slash + 1)};
  }

  mode_t mode_of(const std::string& file) const {
    if (file == "inblob") return S_IFREG | 0200;
    if (file == "outblob" || file == "provider" || file == "generation") return S_IFREG | 0400;
    if (file == "auxblob" && driver.has_auxblob) return S_IFREG | 0400;
    if (file == "privlevel" && driver.has_privilege_levels) return S_IFREG | 0200;
    if (file == "privlevel_floor" && driver.has_privilege_levels) return S_IFREG | 0400;
    return 0;
  }

  static void set_inblob(Entry& entry, const std::string& inblob) {
    ++entry.write_generation;
    entry.inblob = inblob;
  }

  int make_report(Entry& entry) {
    if (before_report) std::exchange(before_report, nullptr)(*this);
    if (entry.inblob.empty()) return -EINVAL;
    if (!entry.report.empty() && entry.read_generation == entry.write_generation) return 0;
    if (entry.inblob.size() != 64) return -EINVAL;  // both drivers
    entry.report.clear();
    entry.auxblob.clear();
    const int result = driver.make_report(entry.inblob, entry.level, entry.report, entry.auxblob);
    if (result == 0) entry.read_generation = entry.write_generation;
    return result;
  }

  std::map<std::string, Entry> entries_;
};

}  // namespace cloister::attest::test
