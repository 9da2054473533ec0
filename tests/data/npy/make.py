#!/usr/bin/python3
"""Makes the .npy and .npz files of this folder with numpy itself (Debian's python3-numpy).

Run it in this folder. The files are committed, so that the tests need no numpy.
"""
import io
import warnings

import numpy as np

warnings.simplefilter("ignore")
INTS = [0, 1, 2, 100, 50, 7]
SIGNED = [0, 1, -2, 100, -50, 7]
FLOATS = [0.0, 1.0, -2.5, 100.0, -0.125, 7.0]

for code in ["u1", "u2", "u4", "u8"]:
    np.save(f"{code}.npy", np.array(INTS, code).reshape(2, 3))
for code in ["i1", "i2", "i4", "i8"]:
    np.save(f"{code}.npy", np.array(SIGNED, code).reshape(2, 3))
for code in ["f2", "f4", "f8"]:
    np.save(f"{code}.npy", np.array(FLOATS, code).reshape(2, 3))
np.save("b1.npy", np.array([0, 1, 1, 0, 0, 1], bool).reshape(2, 3))

for code in ["i2", "u4", "i8"]:
    np.save(f"big-{code}.npy", np.array(INTS, ">" + code).reshape(2, 3))
for code in ["f2", "f4", "f8"]:
    np.save(f"big-{code}.npy", np.array(FLOATS, ">" + code).reshape(2, 3))

np.save("scalar.npy", np.array(2.5, "f4"))
np.save("vector.npy", np.arange(5, dtype="i4"))
np.save("empty.npy", np.zeros((3, 0, 2), "f4"))
np.save("fortran.npy", np.asfortranarray(np.arange(24, dtype="i4").reshape(2, 3, 4)))
np.save("big-fortran.npy", np.asfortranarray(np.arange(6, dtype=">f4").reshape(2, 3)))
np.save("aligned.npy", np.zeros((1,) * 8, "f4"))

small = np.array(FLOATS, "f4").reshape(2, 3)
for version in [(2, 0), (3, 0)]:
    with open(f"version-{version[0]}.npy", "wb") as out:
        np.lib.format.write_array(out, small, version)

refused = {
    "object": np.array([{"a": 1}], object),
    "structured": np.zeros(2, [("a", "<f4"), ("b", "<i4")]),
    "structured-3": np.zeros(2, [("größe", "<f4")]),
    "unicode": np.array(["ab"], "U"),
    "bytes": np.array([b"ab"], "S"),
    "complex": np.zeros(2, "c8"),
    "time": np.zeros(2, "M8[s]"),
    "void2": np.zeros(2, "V2"),
    "longdouble": np.zeros(2, np.longdouble),
}
for name, array in refused.items():
    np.save(f"refused-{name}.npy", array, allow_pickle=True)

arrays = {"x": small, "labels": np.arange(4), "a/b": np.array(True), "none": np.zeros((0, 2))}
np.savez("plain.npz", **arrays)
np.savez_compressed("compressed.npz", **arrays)
np.savez("nothing.npz")
