#include "plan/device.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/parse_number.h"

namespace cloister::plan {
namespace {

using profile::CutCost;
using profile::Device;
using profile::ProfileRecord;
using profile::Timing;
using profile::Work;

constexpr std::string_view kSpec = "flops=60e12,bytes=3e12,link=12e9,latency=20e-6";
constexpr size_t kMostProfileDevices = 64;
constexpr double kMostProfileMs = 1e9;  // as in profile.json
constexpr double kMostASecond = 1e24;   // of anything
constexpr double kMostSeconds = 1e5;

struct Key {
  std::string_view name;
  double Roofline::*field;
  double lowest, highest;
};

constexpr Key kKeys[] = {{"flops", &Roofline::flops, 1, kMostASecond},
                         {"bytes", &Roofline::bytes_per_second, 1, kMostASecond},
                         {"link", &Roofline::link_bytes_per_second, 1, kMostASecond},
                         {"latency", &Roofline::link_latency_seconds, 0, kMostSeconds}};

// "60e12", "60T"
std::optional<double> number_in(std::string_view text) {
  double factor = 1;
  constexpr std::pair<char, double> kFactors[] = {
      {'k', 1e3}, {'M', 1e6}, {'G', 1e9}, {'T', 1e12}, {'P', 1e15}};
  for (const auto& [letter, value] : kFactors) {
    if (!text.ends_with(letter)) continue;
    factor = value;
    text.remove_suffix(1);
    break;
  }
  const auto value = parse_number<double>(text);
  if (!value) return {};
  return *value * factor;
}

Result<> take(std::string_view entry, std::set<std::string_view>& seen, Roofline& out) {
  const size_t equals = entry.find('=');
  const std::string_view name = entry.substr(0, equals);
  const auto key = std::ranges::find(kKeys, name, &Key::name);
  if (key == std::end(kKeys) || equals == std::string_view::npos) {
    return fail(cloister::Kind::kUsage, "'{}', want KEY=NUMBER such as {}", printable(entry, 40),
                kSpec);
  }
  if (!seen.insert(key->name).second) {
    return fail(cloister::Kind::kUsage, "'{}' is given twice", key->name);
  }
  const auto value = number_in(entry.substr(equals + 1));
  if (!value || !(*value >= key->lowest && *value <= key->highest)) {
    return fail(cloister::Kind::kUsage, "'{}', want a number from {:g} to {:g}",
                printable(entry, 40), key->lowest, key->highest);
  }
  out.*key->field = *value;
  return {};
}

Result<> check_new(const ProfileRecord& profile, const std::string& name) {
  if (name.empty() || name.size() > 200) {
    return fail(cloister::Kind::kUsage, "a device's name has {} bytes, want 1 to 200", name.size());
  }
  if (std::ranges::find(profile.devices, name, &Device::name) != profile.devices.end()) {
    return fail(cloister::Kind::kUsage, "device '{}' is already in the profile", printable(name));
  }
  return {};
}

Result<> check_room(const ProfileRecord& profile, size_t more) {
  if (profile.devices.size() + more <= kMostProfileDevices) return {};
  return fail(cloister::Kind::kUsage, "{} devices, want at most {}", profile.devices.size() + more,
              kMostProfileDevices);
}

double less(uint64_t more, uint64_t fewer) {
  return more > fewer ? static_cast<double>(more - fewer) : 0;
}

// What lies between two cuts takes no less than its arithmetic, and no less than moving its weights
// once and what it makes for each item.
double interval_ms(const Roofline& roofline, double batch, const Work& from, const Work& to) {
  const double seconds = std::max(2 * batch * less(to.macs, from.macs) / roofline.flops,
                                  (less(to.weight_bytes, from.weight_bytes) +
                                   batch * less(to.activation_bytes, from.activation_bytes)) /
                                      roofline.bytes_per_second);
  return 1e3 * seconds;
}

Timing exactly(double ms) {
  const double kept = std::min(ms, kMostProfileMs);
  return {kept, kept, kept};
}

Result<> check_same(const ProfileRecord& profile, const ProfileRecord& elsewhere) {
  if (elsewhere.model_sha256 != profile.model_sha256) {
    return invalid("it is of another model: SHA-256 {}, want {}",
                   printable(elsewhere.model_sha256, 12), printable(profile.model_sha256, 12));
  }
  if (elsewhere.settings.batch != profile.settings.batch) {
    return invalid("its batch is {}, want {}", elsewhere.settings.batch, profile.settings.batch);
  }
  if (!std::ranges::equal(elsewhere.cuts, profile.cuts, {}, &CutCost::id, &CutCost::id)) {
    return invalid("its list of {} cuts is not the same as that of {}", elsewhere.cuts.size(),
                   profile.cuts.size());
  }
  if (elsewhere.devices.empty()) return invalid("it has no device");
  return {};
}

}  // namespace

Result<Roofline> parse_roofline(std::string_view text) {
  Roofline out;
  std::set<std::string_view> seen;
  for (size_t start = 0; start <= text.size();) {
    const size_t comma = std::min(text.find(',', start), text.size());
    TRY_OK(take(text.substr(start, comma - start), seen, out));
    start = comma + 1;
  }
  for (const Key& key : kKeys) {
    if (seen.contains(key.name)) continue;
    return fail(cloister::Kind::kUsage, "'{}' has no {}, want all of {}", printable(text, 80),
                key.name, kSpec);
  }
  return out;
}

Result<> add_device(ProfileRecord& profile, const std::string& name, const Roofline& roofline) {
  TRY_OK(check_new(profile, name));
  TRY_OK(check_room(profile, 1));
  Device device;
  device.name = name;
  device.engine = "modelled";
  device.overlaps = true;
  device.modelled = true;
  device.link.name = "modelled";
  device.link.modelled = true;
  device.link.latency_ms = 1e3 * roofline.link_latency_seconds;
  device.link.bytes_per_second = roofline.link_bytes_per_second;

  const auto batch = static_cast<double>(profile.settings.batch);
  const Work* after = &profile.total;
  double ms = 0;
  for (size_t i = profile.cuts.size(); i-- > 0;) {
    CutCost& cut = profile.cuts[i];
    ms += interval_ms(roofline, batch, cut.before, *after);
    cut.bodies.push_back(exactly(ms));
    after = &cut.before;
  }
  device.whole = exactly(ms + interval_ms(roofline, batch, {}, *after));
  profile.devices.push_back(std::move(device));
  return {};
}

Result<> add_device(ProfileRecord& profile, const std::string& name,
                    const ProfileRecord& elsewhere) {
  TRY_OK(check_same(profile, elsewhere));
  const bool one = elsewhere.devices.size() == 1;
  std::vector<Device> devices = elsewhere.devices;
  for (Device& device : devices) {
    device.name = one ? name : name + "/" + device.name;
    device.overlaps = true;
    TRY_OK(check_new(profile, device.name));
  }
  TRY_OK(check_room(profile, devices.size()));
  profile.devices.insert(profile.devices.end(), devices.begin(), devices.end());
  for (size_t i = 0; i < profile.cuts.size(); ++i) {
    const auto& bodies = elsewhere.cuts[i].bodies;
    profile.cuts[i].bodies.insert(profile.cuts[i].bodies.end(), bodies.begin(), bodies.end());
  }
  profile.notes.push_back(
      fmt::format("{} was measured on another machine ({}), and so was the link to it",
                  printable(name), printable(elsewhere.machine, 300)));
  return {};
}

}  // namespace cloister::plan
