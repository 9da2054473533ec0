#include "audit/attack/flat_maps.h"

namespace cloister::audit {
namespace {

at::Tensor flatten_one(at::Tensor map) {
  map = map.to(at::kFloat);
  if (map.dim() == 4) {
    int64_t height = map.size(2), width = map.size(3);
    while (map.size(1) * height * width > kMaxFlatFeatures && height * width > 1) {
      height = (height + 1) / 2;
      width = (width + 1) / 2;
    }
    if (height != map.size(2) || width != map.size(3)) {
      map = at::adaptive_avg_pool2d(map, at::IntArrayRef({height, width}));
    }
  }
  at::Tensor flat = map.contiguous().reshape({map.size(0), -1});
  if (flat.size(1) > kMaxFlatFeatures) {
    flat = at::adaptive_avg_pool1d(flat.unsqueeze(1), kMaxFlatFeatures).squeeze(1);
  }
  return flat.cpu();
}

}  // namespace

Result<at::Tensor> flat_maps(const FeatureView& view) {
  const at::NoGradGuard no_gradients;
  std::vector<at::Tensor> parts;
  for (int64_t first = 0; first < view.size(); first += 64) {
    TRY(maps, view.normalised(first, first + 64));
    std::vector<at::Tensor> flat;
    for (const at::Tensor& map : maps) flat.push_back(flatten_one(map));
    parts.push_back(at::cat(flat, 1));
  }
  return at::cat(parts);
}

}  // namespace cloister::audit
