#!/usr/bin/env python3
"""Training throughput of Cloister's cgan against the same networks written plainly in PyTorch.

Both train on pictures of 64x64 from feature maps of 64x16x16, in batches of 64, taking turns in one
run. Prints JSON: images a second of each round, and the ratio of the medians. Needs python3-torch.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

BIN = Path(__file__).resolve().parent.parent / "build/release/bin/attack_bench"
SIZE, BATCH = 64, 64


class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x):
        return x + self.second(F.relu(self.first(x)))


def upsample(width, out):
    return nn.Sequential(nn.Conv2d(width, 4 * out, 3, padding=1), nn.PixelShuffle(2), nn.ReLU())


def generator():
    return nn.Sequential(
        nn.Conv2d(64, 48, 1), Residual(48), Residual(48), upsample(48, 32),
        Residual(32), Residual(32), upsample(32, 16), nn.Conv2d(16, 3, 3, padding=1), nn.Sigmoid(),
    )  # fmt: skip


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.picture = nn.Conv2d(3, 32, 3, stride=2, padding=1)
        self.condition = nn.Conv2d(64, 16, 1)
        self.second = nn.Conv2d(48, 64, 3, stride=2, padding=1)
        self.third = nn.Conv2d(64, 64, 3, stride=2, padding=1)
        self.last = nn.Conv2d(64, 1, 3, padding=1)

    def forward(self, pictures, maps):
        condition = F.interpolate(self.condition(maps), scale_factor=2)
        x = torch.cat([F.leaky_relu(self.picture(pictures * 2 - 1), 0.2), condition], 1)
        x = F.leaky_relu(self.third(F.leaky_relu(self.second(x), 0.2)), 0.2)
        return self.last(x)


def box_ssim(a, b):
    def mean(x):
        return F.avg_pool2d(x, 8, 4)

    ma, mb = mean(a), mean(b)
    va, vb, cov = mean(a * a) - ma * ma, mean(b * b) - mb * mb, mean(a * b) - ma * mb
    return (
        (2 * ma * mb + 1e-4) * (2 * cov + 9e-4) / ((ma * ma + mb * mb + 1e-4) * (va + vb + 9e-4))
    ).mean()


def plain_pytorch(images):
    """Images a second of one epoch."""
    torch.manual_seed(1)
    maker, judge = generator(), Discriminator()
    make_step = torch.optim.Adam(maker.parameters(), 2e-3, betas=(0.5, 0.999))
    judge_step = torch.optim.Adam(judge.parameters(), 4e-4, betas=(0.5, 0.999))
    all_maps = torch.randn(images, 64, SIZE // 4, SIZE // 4)
    all_pictures = torch.randint(0, 256, (images, 3, SIZE, SIZE), dtype=torch.uint8)
    says = F.binary_cross_entropy_with_logits

    def step(rows):
        maps, pictures = all_maps[rows], all_pictures[rows].float() / 255
        rebuilt = maker(maps)
        real, fake = judge(pictures, maps), judge(rebuilt.detach(), maps)
        loss = (says(real, torch.ones_like(real)) + says(fake, torch.zeros_like(fake))) / 2
        judge_step.zero_grad()
        loss.backward()
        judge_step.step()
        fooled = judge(rebuilt, maps)
        loss = F.l1_loss(rebuilt, pictures) + 1 - box_ssim(rebuilt, pictures)
        loss = loss + 0.01 * says(fooled, torch.ones_like(fooled))
        make_step.zero_grad()
        loss.backward()
        make_step.step()
        return loss.item()

    for _ in range(4):  # to warm up
        step(torch.arange(BATCH))
    order = torch.randperm(images)
    start = time.perf_counter()
    for first in range(0, images, BATCH):
        step(order[first : first + BATCH])
    return images / (time.perf_counter() - start)


def cloister(threads):
    done = subprocess.run(
        [BIN, "cgan", str(SIZE), str(threads)], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)["images_per_second"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    if not BIN.exists():
        sys.exit(f"{BIN} is not there: cmake --build --preset release")
    torch.set_num_threads(options.threads)
    rounds = [(cloister(options.threads), plain_pytorch(1280)) for _ in range(options.rounds)]
    ours, plain = (statistics.median(column) for column in zip(*rounds))
    print(
        json.dumps(
            {
                "threads": options.threads,
                "torch": torch.__version__,
                "cloister_images_per_second": [round(ours, 1) for ours, _ in rounds],
                "pytorch_images_per_second": [round(plain, 1) for _, plain in rounds],
                "ratio_of_medians": round(ours / plain, 3),
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
