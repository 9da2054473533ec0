#!/usr/bin/python3
"""Makes the pictures of this folder, and what Pillow makes of them (Debian's python3-pil and
python3-numpy). Run it in this folder. The files are committed, so that the tests need neither.
"""
import struct
import zlib

import numpy as np
from PIL import Image

rng = np.random.default_rng(7)
W, H = 37, 23
y, x = np.mgrid[0:H, 0:W]
smooth = np.stack([x * 255 / (W - 1), y * 255 / (H - 1), (x + y) * 255 / (W + H - 2)], -1)
pixels = np.clip(smooth + rng.normal(0, 12, smooth.shape), 0, 255).astype("u1")
color = Image.fromarray(pixels)
gray = color.convert("L")


def png(name, width, height, depth, kind, rows):
    """A PNG from raw scanlines (filter byte included); rows None leaves the data out."""
    def chunk(type_, data):
        return struct.pack(">I", len(data)) + type_ + data + struct.pack(
            ">I", zlib.crc32(type_ + data))
    body = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0))
    if rows is not None:
        body += chunk(b"IDAT", zlib.compress(rows))
    with open(name, "wb") as out:
        out.write(b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b""))


color.save("color.png")
color.save("color.jpg", quality=92)
color.save("progressive.jpg", quality=92, progressive=True)
gray.save("gray.png")
gray.save("gray.jpg", quality=92)
alpha = color.copy()
alpha.putalpha(Image.fromarray((x * 6).astype("u1")))
alpha.save("alpha.png")
color.quantize(16).save("palette.png")
color.convert("CMYK").save("cmyk.jpg")
exif = Image.Exif()
exif[0x0112] = 6  # turn by 90 degrees clockwise to see it upright
color.save("rotated.jpg", quality=92, exif=exif)
Image.new("RGB", (1, 1), (10, 20, 30)).save("one.png")
Image.new("RGB", (1, 1), (128, 128, 128)).save("one.jpg")
wide = np.array([[[0x1234, 0x8000, 0xFFFF], [0, 0x00FF, 0x0100]]], ">u2")
png("deep.png", 2, 1, 16, 2, b"\0" + wide.tobytes())
png("deep-gray.png", 2, 1, 16, 0, b"\0" + wide[0, :, 0].tobytes())
png("bomb-side.png", 60000, 60000, 8, 2, None)
png("bomb-pixels.png", 20000, 20000, 8, 2, None)
png("zero.png", 0, 10, 8, 2, None)
png("no-data.png", 4, 4, 8, 2, None)
png("bad-data.png", 4, 4, 8, 2, b"\0\1\2")
with open("text.png", "w") as out:
    out.write("this is no picture\n")

MODES = {"nearest": Image.NEAREST, "bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC,
         "area": Image.BOX, "lanczos": Image.LANCZOS}
resized = {"color": pixels, "gray": np.array(gray),
           "jpeg": np.array(Image.open("color.jpg").convert("RGB")),
           "upright": np.array(Image.open("rotated.jpg").convert("RGB").rotate(-90, expand=True)),
           "palette": np.array(Image.open("palette.png").convert("RGB"))}
for name, mode in MODES.items():
    for width, height in [(11, 7), (60, 41), (37, 9), (50, 23), (1, 1)]:
        resized[f"{name}-{width}x{height}"] = np.array(color.resize((width, height), mode))

# torchvision's Resize(16), CenterCrop(13, 14), ToTensor, Normalize, without torchvision.
small = color.resize((int(16 * W / H), 16), Image.BILINEAR)
left, top = round((small.width - 13) / 2.0), round((small.height - 14) / 2.0)
crop = np.array(small.crop((left, top, left + 13, top + 14))).astype("f4") / np.float32(255)
mean = np.array([0.485, 0.456, 0.406], "f4")
std = np.array([0.229, 0.224, 0.225], "f4")
resized["prepared"] = ((crop - mean) / std).transpose(2, 0, 1)[None]
np.savez_compressed("expected.npz", **resized)
