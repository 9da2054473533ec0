// How close reconstructions are to their originals. Pure functions, thread-safe.
//
// Pictures are f32 [C,H,W] or [N,C,H,W] with values in [0,1] (the dynamic range L is 1); both
// arguments have the same shape, and the answer has one number a picture. kInvalid for another type
// or shape, and for values that are not finite or more than kRangeSlack outside [0,1]: clamp an
// attacker's output before it is scored.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "tensor/tensor.h"

namespace cloister::audit {

inline constexpr float kRangeSlack = 1e-3F;

// Mean squared error over channels and pixels.
Result<std::vector<double>> mse(const TensorView& a, const TensorView& b);

// Peak signal-to-noise ratio, 10 log10(1 / MSE), in dB; infinite for equal pictures.
Result<std::vector<double>> psnr_db(const TensorView& a, const TensorView& b);

// Structural similarity (Wang et al. 2004): Gaussian window 11x11, sigma 1.5, valid padding,
// C1 = 0.01^2, C2 = 0.03^2, population moments; the mean over the map and the channels, never
// clamped, so -1 to 1. kInvalid also for pictures under 11 pixels a side.
Result<std::vector<double>> ssim(const TensorView& a, const TensorView& b);

// The smaller side must be larger than this for MS-SSIM: the fifth scale must hold a window.
inline constexpr int64_t kMsSsimSide = 160;

// Multi-scale SSIM (Wang et al. 2003), five scales with weights .0448 .2856 .3001 .2363 .1333 of
// contrast-structure (luminance too at the last), each clamped at 0 before its power, per channel;
// the mean over channels. Scales are halved by 2x2 means; the last row or column of an odd side is
// averaged with itself. kInvalid when the smaller side is kMsSsimSide or less.
Result<std::vector<double>> ms_ssim(const TensorView& a, const TensorView& b);

// Rank-1 re-identification: how often a reconstruction is nearest to its own original.
struct Reidentification {
  std::vector<double> hits;  // one a query: 1 where its original is the nearest, 1/k where k are
                             // equally near and it is among them, else 0
  double rate = 0;           // mean of hits
  double chance = 0;         // 1 / size of the gallery
};

// Query q comes from gallery item q, or truth[q] where truth is not empty; distance(q, g) is
// smaller for nearer items. kInvalid for no queries, a gallery under 2, a truth out of range or a
// NaN distance.
Result<Reidentification> reidentify(size_t queries, size_t gallery, std::span<const size_t> truth,
                                    const std::function<double(size_t, size_t)>& distance);

// The same by Euclidean distance between the items of two finite f32 tensors [Q,...] and [G,...]
// of equal item shapes: pictures, or encoded rows of a table.
Result<Reidentification> reidentify(const TensorView& queries, const TensorView& gallery,
                                    std::span<const size_t> truth = {});

// Share of positions where both say the same class. kInvalid for unequal or no lengths.
Result<double> label_agreement(std::span<const int64_t> a, std::span<const int64_t> b);

}  // namespace cloister::audit
