#include "app/profile/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cli/text.h"

namespace cloister {
namespace {

using profile::CutCost;
using profile::Device;
using profile::ProfileRecord;
using profile::Timing;

constexpr int kBarWidth = 16;

std::string ms_text(double ms) {
  return ms < 10 ? fmt::format("{:.2f}", ms) : fmt::format("{:.1f}", ms);
}

std::string spread_text(const Timing& time) {
  return fmt::format("{} ms ({} to {})", ms_text(time.ms), ms_text(time.low), ms_text(time.high));
}

std::string rate_text(double bytes_per_second) {
  return fmt::format("{:.2f} GB/s", bytes_per_second / 1e9);
}

std::string head_text(const ProfileRecord& record) {
  const profile::Settings& settings = record.settings;
  std::string cores;
  for (const int64_t core : settings.cores) {
    cores += fmt::format("{}{}", cores.empty() ? ", pinned to core " : ",", core);
  }
  std::string out = fmt::format(
      "{}, batch {}, {} thread{}{}: {}\ntrusted: {}, the whole model {}, loaded in {:.0f} ms, {} "
      "at peak\n",
      printable(record.model_file), settings.batch, settings.threads,
      settings.threads == 1 ? "" : "s", cores, printable(record.machine),
      printable(record.trusted.engine), spread_text(record.trusted.whole), record.trusted.load_ms,
      bytes_text(record.trusted.memory.peak));
  for (const Device& device : record.devices) {
    out += fmt::format("body on: {} ({}), the whole model {}; link {}: {:.3f} ms + {}\n",
                       printable(device.name), printable(device.engine), spread_text(device.whole),
                       printable(device.link.name), device.link.latency_ms,
                       rate_text(device.link.bytes_per_second));
  }
  return out;
}

std::vector<std::string> cut_row(const ProfileRecord& record, const CutCost& cut) {
  const auto limit = record.settings.trusted_limit_bytes;
  const uint64_t peak = cut.head_memory.peak;
  std::vector<std::string> row = {cut.id + (cut.measured ? "" : " ~"), bytes_text(cut.bytes),
                                  ms_text(cut.head.ms)};
  double first = 0;
  for (size_t i = 0; i < cut.bodies.size(); ++i) {
    const double link =
        record.devices[i].link.ms(cut.bytes) + record.devices[i].link.ms(record.output_bytes);
    const double all = cut.head.ms + link + cut.bodies[i].ms;
    if (i == 0) {
      row.push_back(ms_text(link));
      first = all;
    }
    row.push_back(ms_text(cut.bodies[i].ms));
    row.push_back(ms_text(all));
  }
  row.push_back(bar_text(first > 0 ? cut.head.ms / first : 1, kBarWidth));
  row.push_back(bytes_text(peak) + (limit && peak > *limit ? " !" : ""));
  std::string tensors;
  for (const std::string& name : cut.tensors) {
    if (!tensors.empty()) tensors += " + ";
    tensors += printable(name, 40);
  }
  row.push_back((cut.exposed_by_construction.empty() ? "" : "the input itself: ") + tensors);
  return row;
}

std::string cuts_table(const ProfileRecord& record) {
  std::vector<std::string> heading = {"cut", "crosses", "head ms", "link ms"};
  std::string align = "lrrr";
  for (const Device& device : record.devices) {
    heading.push_back(record.devices.size() == 1 ? "body ms" : printable(device.name, 24) + " ms");
    heading.emplace_back("all ms");
    align += "rr";
  }
  for (const char* text : {"time that stays", "trusted memory", "tensors"}) {
    heading.emplace_back(text);
  }
  align += "lrl";
  std::vector<std::vector<std::string>> rows = {heading};
  for (const CutCost& cut : record.cuts) rows.push_back(cut_row(record, cut));
  return table_text(rows, align);
}

std::string checks_text(const ProfileRecord& record) {
  if (record.checks.empty()) return "";
  double time = 0, memory = 0;
  for (const profile::Check& check : record.checks) {
    time = std::max(time, std::abs(check.time_error()));
    memory = std::max(memory, std::abs(check.memory_error()));
  }
  return fmt::format(
      "{} cut{} measured but kept out of the interpolation: predicted times at most {:.1f} % off, "
      "trusted memory {:.1f} %\n",
      record.checks.size(), record.checks.size() == 1 ? "" : "s", 100 * time, 100 * memory);
}

}  // namespace

std::string profile_text(const ProfileRecord& record) {
  std::string out = head_text(record) + "\n" + cuts_table(record) + "\n";
  const auto measured = std::ranges::count_if(record.cuts, &CutCost::measured);
  out += fmt::format("~ interpolated between the {} of {} cuts that were measured directly\n",
                     measured, record.cuts.size());
  if (const auto limit = record.settings.trusted_limit_bytes) {
    const auto over = std::ranges::count_if(
        record.cuts, [&](const CutCost& cut) { return cut.head_memory.peak > *limit; });
    out += fmt::format("! more trusted memory than {} at peak: {} of {} cuts\n", bytes_text(*limit),
                       over, record.cuts.size());
  }
  out += checks_text(record);
  for (const std::string& note : record.notes) {
    out += fmt::format("note: {}\n", printable(note, 1000));
  }
  return out;
}

}  // namespace cloister
