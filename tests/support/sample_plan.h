// A profile as `cloister profile` might measure it of an audited model, and the plan made of both.
#pragma once

#include "plan/plan.h"

namespace cloister::test {

struct SampleProfile {
  size_t between = 3;  // cuts that were not audited, after each that was
  double whole_ms = 38;
  bool described = false;  // with a device that nobody measured
};

inline profile::Timing sample_timing(double ms) {
  return {ms, ms * 0.97, ms * 1.05};
}

inline profile::Device sample_device(const std::string& name, double whole_ms) {
  profile::Device d;
  d.name = name;
  d.engine = "ONNX Runtime 1.30.0";
  d.overlaps = true;
  d.whole = sample_timing(whole_ms);
  d.load_ms = 210;
  d.link.name = "tcp";
  d.link.latency_ms = 0.06;
  d.link.bytes_per_second = 2.4e9;
  return d;
}

inline profile::CutCost sample_cut(const profile::ProfileRecord& r, const std::string& id,
                                   const std::string& tensor, double share, uint64_t bytes) {
  profile::CutCost cut;
  cut.id = id;
  cut.position = r.cuts.size() + 1;
  cut.tensors = {tensor};
  cut.macs_share = share;
  cut.bytes = bytes;
  cut.before.macs = static_cast<uint64_t>(share * static_cast<double>(r.total.macs));
  cut.before.weight_bytes =
      static_cast<uint64_t>(share * share * static_cast<double>(r.total.weight_bytes));
  cut.measured = r.cuts.size() % 3 == 0;
  const double time = 0.04 + 0.96 * share;
  cut.head = sample_timing(time * r.trusted.whole.ms);
  cut.tail = sample_timing((1 - time) * r.trusted.whole.ms);
  for (const profile::Device& device : r.devices) {
    cut.bodies.push_back(sample_timing((1 - time) * device.whole.ms));
  }
  const auto memory = [&](double part) {
    return static_cast<uint64_t>((9 + part * 98) * 1024 * 1024);
  };
  cut.head_memory = {memory(share * share), memory(0.8 * share * share)};
  cut.tail_memory = {memory(1 - share * share), memory(0.8 - 0.8 * share * share)};
  return cut;
}

inline profile::ProfileRecord sample_profile(const audit::AuditRecord& audit,
                                             const SampleProfile& sample = {}) {
  profile::ProfileRecord r;
  r.tool = "cloister 0.1.0";
  r.machine = "x86_64, 2 cores, 7.8 GiB, Linux 6.1";
  r.model_file = audit.model.file;
  r.model_sha256 = audit.model.sha256;
  r.settings.rounds = 30;
  r.output_bytes = 4000;
  r.total = {4'100'000'000, 102'000'000, 44'000'000};
  r.trusted.engine = "ONNX Runtime 1.30.0";
  r.trusted.whole = sample_timing(sample.whole_ms);
  r.trusted.load_ms = 180;
  r.trusted.memory = {131 << 20, 107 << 20};
  r.devices = {sample_device("onnxruntime-cpu", 0.9 * sample.whole_ms)};
  if (sample.described) {
    r.devices.push_back(sample_device("gpu", 0.05 * sample.whole_ms));
    r.devices[1].engine = "described";
    r.devices[1].modelled = r.devices[1].link.modelled = true;
  }
  for (size_t i = 0; i < audit.cuts.size(); ++i) {
    const audit::CutRecord& cut = audit.cuts[i];
    const double next = i + 1 < audit.cuts.size() ? audit.cuts[i + 1].macs_share : 1;
    const auto names = static_cast<double>(sample.between + 1);
    for (size_t k = 0; k <= sample.between; ++k) {
      const double share =
          cut.macs_share + static_cast<double>(k) / names * (next - cut.macs_share);
      r.cuts.push_back(sample_cut(
          r, k == 0 ? cut.id : fmt::format("{}-{}", cut.id, k),
          k == 0 ? cut.tensors[0].name : fmt::format("block{}.{}/add", i, k), share, cut.bytes));
      if (k == 0) r.cuts.back().exposed_by_construction = cut.exposed_by_construction;
    }
  }
  r.checks = {{r.cuts[1].id, 36.9, 35.2, 9 << 20, 10 << 20}};
  r.notes = {"The clock was not fixed."};
  return r;
}

// What the planner makes of it. An audit of no cut may be null.
inline plan::Plan sample_plan(const profile::ProfileRecord& profile,
                              const audit::AuditRecord* audit,
                              const plan::PlanPolicy& policy = {}) {
  const plan::PlanInputs evidence{&profile, audit, std::string(64, 'b'),
                                  audit == nullptr ? "" : std::string(64, 'a')};
  auto made = plan::make_plan(evidence, policy, "cloister 0.1.0");
  if (!made) throw std::runtime_error(made.error().message);
  return *std::move(made);
}

}  // namespace cloister::test
