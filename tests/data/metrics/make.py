#!/usr/bin/python3
"""Makes the inputs of this folder and what independent implementations say of them: scikit-image
for SSIM, scipy for the statistics, numpy for the rest (Debian's python3-skimage, python3-scipy and
python3-numpy). Run it in this folder. The files are committed, so that the tests need none.
"""
import json

import numpy as np
import scipy.ndimage
import scipy.stats
from skimage.metrics import mean_squared_error, peak_signal_noise_ratio, structural_similarity

rng = np.random.default_rng(20)


def texture(height, width, channels, sigma):
    noise = rng.normal(size=(channels, height, width))
    smooth = scipy.ndimage.gaussian_filter(noise, (0, sigma, sigma)) * sigma * 2
    return np.clip(0.5 + 0.25 * smooth, 0, 1)


def ssim(a, b, **keywords):
    return structural_similarity(a.astype("f8"), b.astype("f8"), channel_axis=0, data_range=1,
                                 gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
                                 **keywords)


def halve(x):
    height, width = x.shape[-2:]
    x = np.pad(x, ((0, 0), (0, height % 2), (0, width % 2)), mode="edge")
    return (x[:, ::2, ::2] + x[:, 1::2, ::2] + x[:, ::2, 1::2] + x[:, 1::2, 1::2]) / 4


def ms_ssim(a, b):
    a, b = a.astype("f8"), b.astype("f8")
    products = np.ones(len(a))
    for scale, weight in enumerate([.0448, .2856, .3001, .2363, .1333]):
        # A huge C1 makes the luminance term 1: what is left is contrast-structure.
        keywords = {} if scale == 4 else {"K1": 1e6}
        factors = [max(ssim(x[None], y[None], **keywords), 0) for x, y in zip(a, b)]
        products *= np.power(factors, weight)
        a, b = halve(a), halve(b)
    return products.mean()


pairs = {"a": [], "b": []}
for kind in range(6):
    a = texture(23, 19, 3, 2)
    b = {0: lambda: a + rng.normal(0, 0.05, a.shape),       # noise
         1: lambda: scipy.ndimage.gaussian_filter(a, (0, 2, 2)),  # blur
         2: lambda: 1 - a,                                  # negative: SSIM below 0
         3: lambda: texture(23, 19, 3, 2),                  # unrelated
         4: lambda: np.full_like(a, a.mean()),              # a constant
         5: lambda: a * 0.5}[kind]()                        # darker
    pairs["a"].append(a)
    pairs["b"].append(np.clip(b, 0, 1))
a, b = (np.stack(pairs[k]).astype("f4") for k in "ab")
# A gallery and reconstructions that are sometimes nearer to another picture.
noisy = np.clip(a + rng.normal(0, 0.45, a.shape), 0, 1).astype("f4")
distances = ((noisy[:, None].astype("f8") - a[None]) ** 2).reshape(6, 6, -1).sum(-1)
np.savez_compressed(
    "pictures.npz", a=a, b=b, noisy=noisy,
    mse=[mean_squared_error(x.astype("f8"), y.astype("f8")) for x, y in zip(a, b)],
    psnr_db=[peak_signal_noise_ratio(x.astype("f8"), y.astype("f8"), data_range=1)
             for x, y in zip(a, b)],
    ssim=[ssim(x, y) for x, y in zip(a, b)],
    hits=(distances.argmin(1) == np.arange(6)).astype("f8"))

# Whole 256ths, so that the file is small.
large = (texture(176, 163, 1, 6) * 255).round().astype("u1")
blurred = scipy.ndimage.gaussian_filter(large.astype("f8"), (0, 1.5, 1.5)).round().astype("u1")
darker = (large * 0.6).round().astype("u1")
one = [x.astype("f4") / np.float32(255) for x in (large, blurred, darker)]
np.savez_compressed("large.npz", large=large, blurred=blurred, darker=darker,
                    ms_ssim=[ms_ssim(one[0], one[1]), ms_ssim(one[0], one[2])],
                    ssim=[ssim(one[0], one[1]), ssim(one[0], one[2])])

# A numeric column with missing cells, and a categorical one; train and test part.
train = rng.exponential(3, 101).round(2)
train[::13] = np.nan
test = rng.exponential(3, 60).round(2)
test[::17] = np.nan
answer = test + rng.normal(0, 0.8, 60)
answer[1:20:4] = test[1:20:4]
answer[np.isnan(answer)] = 1.0
seen = train[~np.isnan(train)]
there = ~np.isnan(test)
t, p = test[there], answer[there]
values, counts = np.unique(seen, return_counts=True)
mode, median, sigma = values[counts.argmax()], np.median(seen), seen.std()
codes_train = rng.integers(0, 4, 80) * rng.integers(0, 2, 80)
codes, guesses = rng.integers(0, 4, 50), rng.integers(0, 4, 50)
code_mode = np.bincount(codes_train).argmax()
tables = {
    "train": [None if np.isnan(v) else v for v in train],
    "test": [None if np.isnan(v) else v for v in test],
    "answer": list(answer),
    "median": median, "mode": mode, "sigma": sigma, "step": 0.01, "count": int(there.sum()),
    "r2": 1 - ((t - p) ** 2).sum() / ((t - t.mean()) ** 2).sum(),
    "within": np.mean(np.abs(t - p) <= 0.319 * sigma),
    "exact": np.mean(np.abs(t - p) <= 0.005),
    "baseline_within": np.mean(np.abs(t - median) <= 0.319 * sigma),
    "baseline_exact": np.mean(t == mode),
    "codes_train": codes_train.tolist(), "codes": codes.tolist(), "guesses": guesses.tolist(),
    "codes_exact": np.mean(codes == guesses), "codes_baseline": np.mean(codes == code_mode),
}
with open("tables.json", "w") as out:
    json.dump(tables, out, indent=1)

# Statistics.
normal = rng.normal(0.3, 0.1, 200).round(6)
skewed = rng.exponential(0.1, 150).round(6)
bootstrap = []
for values in (normal, skewed):
    for confidence in (0.95, 0.99):
        bounds = scipy.stats.bootstrap((values,), np.mean, confidence_level=confidence,
                                       n_resamples=200_000, method="percentile", batch=10_000,
                                       random_state=rng).confidence_interval
        bootstrap.append({"values": list(values), "confidence": confidence,
                          "lower": bounds.low, "upper": bounds.high})
clopper = []
for k, n in [(0, 10), (0, 1000), (1, 1000), (3, 20), (10, 20), (20, 20), (997, 1000), (1, 1)]:
    for confidence in (0.9, 0.95, 0.999):
        bounds = scipy.stats.binomtest(k, n).proportion_ci(confidence, method="exact")
        clopper.append({"k": k, "n": n, "confidence": confidence, "lower": bounds.low,
                        "upper": bounds.high})
quantiles = []
for n in (30, 58, 59, 72, 73, 200, 2000):
    values = rng.permutation(n) / n
    ordered = np.sort(values)
    for alpha in (0.05, 0.025):
        # The fewest values at or below, and the most above, that alpha allows.
        above = [k for k in range(n) if scipy.stats.binom.cdf(k, n, 0.05) <= alpha]
        enough = [k for k in range(1, n + 1) if scipy.stats.binom.sf(k - 1, n, 0.05) <= alpha]
        quantiles.append({
            "values": list(values), "alpha": alpha, "p95": np.quantile(values, 0.95),
            "upper": ordered[n - 1 - max(above)] if above else None,
            "lower": ordered[n - min(enough)] if enough else None})
# Holm (1979), straight from its definition.
holm = []
for size in (1, 2, 5, 12):
    p = (rng.random(size) ** 2).round(4)
    p[-1] = p[0]
    adjusted = [max(min(1, (size - j) * sorted(p)[j]) for j in range(size)
                    if j <= sorted(p).index(v)) for v in p]
    holm.append({"p": list(p), "adjusted": adjusted})
with open("statistics.json", "w") as out:
    json.dump({"bootstrap": bootstrap, "clopper_pearson": clopper, "quantiles": quantiles,
               "holm": holm}, out)
