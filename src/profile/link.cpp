#include "profile/link.h"

#include <algorithm>

#include "profile/timing.h"

namespace cloister::profile {
namespace {

constexpr Seconds kLimit{60};  // for one tensor

// Tensors of 4 bytes, 4 KiB, 32 KiB, ... and of the largest size.
Result<std::vector<Tensor>> tensors_up_to(uint64_t largest) {
  std::vector<uint64_t> sizes = {sizeof(float)};
  for (uint64_t size = 4096; size < largest; size *= 8) sizes.push_back(size);
  sizes.push_back(largest);
  std::vector<Tensor> tensors;
  for (const uint64_t size : sizes) {
    TRY(tensor, Tensor::make(DType::kF32, {static_cast<int64_t>(size / sizeof(float))}));
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

}  // namespace

void fit_link(LinkCost& link) {
  // Weighted least squares of ms = a + b * bytes with weights 1 / ms^2.
  double w = 0, x = 0, y = 0, xx = 0, xy = 0;
  for (const LinkCost::Sample& sample : link.samples) {
    const double weight = 1 / (sample.time.ms * sample.time.ms);
    const auto bytes = static_cast<double>(sample.bytes);
    w += weight;
    x += weight * bytes;
    y += weight * sample.time.ms;
    xx += weight * bytes * bytes;
    xy += weight * bytes * sample.time.ms;
  }
  const double spread = w * xx - x * x;
  const double slope = spread > 0 ? (w * xy - x * y) / spread : 0;
  link.bytes_per_second = slope > 0 ? 1e3 / slope : 1e15;
  link.latency_ms = std::max(0.0, (y - slope * x) / w);
}

Result<LinkCost> measure_link(Link& link, std::string_view name, uint64_t largest, int rounds) {
  TRY_OK(link.probe(kLimit));
  TRY(tensors, tensors_up_to(std::max<uint64_t>(largest, 8192)));
  std::vector<std::vector<double>> times(tensors.size());
  for (int round = -1; round < rounds; ++round) {
    for (size_t i = 0; i < tensors.size(); ++i) {
      const auto start = Clock::now();
      TRY_OK(link.call({tensors[i]}, 0, kLimit));
      // The first round is a warm-up.
      if (round >= 0) times[i].push_back(ms_since(start));
    }
  }
  LinkCost cost;
  cost.name = name;
  // The way back carries nothing: half of what nothing takes both ways. It is never the longer one.
  const double back = timing_of(times[0]).ms / 2;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const Timing both = timing_of(times[i]);
    const auto one_way = [&](double ms) { return std::max(ms / 2, ms - back); };
    cost.samples.push_back(
        {tensors[i].data().size(), {one_way(both.ms), one_way(both.low), one_way(both.high)}});
  }
  fit_link(cost);
  return cost;
}

}  // namespace cloister::profile
