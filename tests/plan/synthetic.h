// Profiles and audits of a made-up model.
#pragma once

#include "plan/plan.h"
#include "tests/support/sample_audit.h"

namespace cloister::test {

using profile::CutCost;
using profile::Device;
using profile::ProfileRecord;
using profile::Timing;

inline const std::string kModelDigest = std::string(62, '0') + "a1";
inline const std::string kOtherDigest = std::string(62, '0') + "b2";

inline Timing exactly(double ms) {
  return {ms, ms, ms};
}

inline Device device_named(const std::string& name, double whole_ms, bool overlaps = true) {
  Device device;
  device.name = name;
  device.engine = "Engine 1.0";
  device.overlaps = overlaps;
  device.whole = exactly(whole_ms);
  device.link.name = "tcp";
  device.link.latency_ms = 0.5;
  device.link.bytes_per_second = 1e9;
  return device;
}

// Cuts c1, c2, ... after equal shares of the work, which takes 100 ms trusted and `whole_ms` on
// each device. Each later cut carries less.
inline ProfileRecord profile_of(size_t cuts, const std::vector<Device>& devices) {
  ProfileRecord r;
  r.tool = "cloister 0.1.0";
  r.machine = "x86_64, 2 cores";
  r.model_file = "net.onnx";
  r.model_sha256 = kModelDigest;
  r.settings.rounds = 10;
  r.input_shape = {1, 3, 32, 32};
  r.input_bytes = 4000;
  r.output_bytes = 4000;
  r.total = {1'000'000, 4'000'000, 2'000'000};
  r.trusted.engine = "Engine 1.0";
  r.trusted.whole = exactly(100);
  r.trusted.memory = {100 << 20, 80 << 20};
  r.devices = devices;
  for (size_t i = 1; i <= cuts; ++i) {
    const double share = static_cast<double>(i) / static_cast<double>(cuts + 1);
    CutCost& cut = r.cuts.emplace_back();
    cut.id = fmt::format("c{}", i);
    cut.position = 2 * i;
    cut.tensors = {fmt::format("t{}", i)};
    cut.macs_share = share;
    cut.bytes = 1'000'000 / i;
    const auto part = [share](uint64_t of) {
      return static_cast<uint64_t>(share * static_cast<double>(of));
    };
    cut.before = {part(r.total.macs), part(r.total.weight_bytes), part(r.total.activation_bytes)};
    cut.measured = true;
    cut.head = exactly(100 * share);
    cut.tail = exactly(100 * (1 - share));
    for (const Device& device : devices) {
      cut.bodies.push_back(exactly(device.whole.ms * (1 - share)));
    }
    cut.head_memory = {part(100 << 20), part(80 << 20)};
    cut.tail_memory = {(100 << 20) - part(100 << 20), (80 << 20) - part(80 << 20)};
  }
  return r;
}

// An audit of the first cuts of a profile, each leaking about as much as `means` says; nothing:
// the cut is left out. Three attackers over n inputs: the best of them on each input is some 0.05
// above its mean.
inline audit::AuditRecord audit_of(const ProfileRecord& profile,
                                   const std::vector<std::optional<double>>& means, size_t n = 600,
                                   unsigned seed = 1) {
  std::mt19937 random(seed);
  Sample sample;
  sample.certification = n;
  audit::AuditRecord r = sample_base(sample, random);
  r.kind = "images";
  r.policy.resamples = 999;
  r.model.file = profile.model_file;
  r.model.sha256 = profile.model_sha256;
  r.model.input = "data";
  r.model.input_shape = {1, 3, 32, 32};
  r.positive_controls = {{"inverse-net", 0.98, 0.16}};
  r.negative_controls = {{"inverse-net", 0.16, 0.16}};
  for (size_t i = 0; i < means.size(); ++i) {
    if (!means[i]) continue;
    audit::CutRecord& cut = r.cuts.emplace_back();
    cut.id = profile.cuts[i].id;
    cut.tensors = {{profile.cuts[i].tensors[0], DType::kF32, {1, 8}}};
    cut.macs_share = profile.cuts[i].macs_share;
    cut.bytes = 32;
    for (const char* name : {"inverse-net", "cgan", "retrieval"}) {
      cut.attackers.push_back(sample_attacker(random, sample, name, *means[i] - 0.05));
    }
    cut.data_gain = audit::DataGain{*means[i] - 0.01, *means[i]};
  }
  return r;
}

// The default policy with fewer resamples, so that tests are quick.
inline plan::PlanPolicy policy_of(double threshold = 0.3) {
  plan::PlanPolicy policy;
  policy.leakage = audit::default_policy(audit::Metric::kSsim);
  policy.leakage->threshold = threshold;
  policy.leakage->resamples = 999;
  return policy;
}

inline plan::Plan plan_of(const ProfileRecord& profile, const audit::AuditRecord* audit,
                          const plan::PlanPolicy& policy) {
  const auto made = plan::make_plan(
      {&profile, audit, std::string(64, '1'), audit == nullptr ? "" : std::string(64, '2')}, policy,
      "cloister 0.1.0");
  if (!made) throw std::runtime_error(made.error().message);
  return *made;
}

}  // namespace cloister::test
