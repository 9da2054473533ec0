#include "audit/attackers.h"

#include <algorithm>

#include "base/nearest.h"

namespace cloister::audit {

static_assert(std::ranges::count_if(kAttackers, &AttackerInfo::gains) == 1,
              "one attacker measures the data gain");

const std::vector<std::string>& attacker_names() {
  static const std::vector<std::string> kNames = [] {
    std::vector<std::string> all;
    for (const AttackerInfo& info : kAttackers) all.emplace_back(info.name);
    return all;
  }();
  return kNames;
}

const AttackerInfo* find_attacker(std::string_view name) {
  const auto found = std::ranges::find(kAttackers, name, &AttackerInfo::name);
  return found == kAttackers.end() ? nullptr : &*found;
}

Result<const AttackerInfo*> known_attacker(std::string_view name) {
  if (const AttackerInfo* info = find_attacker(name)) return info;
  const std::string text(name);
  return fail(Kind::kUsage, "no attacker '{}'; nearest: {}", printable(text),
              nearest_texts(text, attacker_names(), 1)[0]);
}

const AttackerInfo& gain_attacker() {
  return *std::ranges::find_if(kAttackers, &AttackerInfo::gains);
}

std::string_view attacker_meaning(std::string_view name) {
  if (const AttackerInfo* info = find_attacker(name)) return info->meaning;
  const auto found = std::ranges::find(kBaselines, name, &BaselineInfo::name);
  return found == kBaselines.end() ? std::string_view() : found->meaning;
}

}  // namespace cloister::audit
