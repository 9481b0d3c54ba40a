"""Writes fixtures/reference/dataset: small arrays saved by NumPy, so that the readers are tested against its files.

Made with NumPy 2.4.6: python3 scripts/make-reference-arrays.py
"""

import pathlib

import numpy as np

folder = pathlib.Path(__file__).parent.parent / "fixtures" / "reference" / "dataset"
grid = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
np.save(folder / "plain.npy", grid)
np.save(folder / "fortran.npy", np.asfortranarray(grid))
np.save(folder / "big-endian.npy", grid.astype(">f8"))
np.save(folder / "scalar.npy", np.int64(7))
x = np.arange(20, dtype=np.float32).reshape(10, 2) / 4
labels = np.arange(10, dtype=np.int32) % 3
np.savez(folder / "stored.npz", x=x, labels=labels)
np.savez_compressed(folder / "deflated.npz", x=x, labels=labels)
