"""Writes a label volume as NRRD, the format that 3D Slicer asks a server for: a text header and gzip data, first axis fastest.

References:
    Definition of NRRD file format, https://teem.sourceforge.net/nrrd/format.html
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.atomic import atomic_path

__all__ = ["write_nrrd"]

_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def write_nrrd(path: Path, volume: NDArray[np.uint8], affine: NDArray[np.float64]) -> None:
    """Writes ``volume`` (X, Y, Z) with ``affine`` (4, 4) from indices to RAS millimeters; equal input gives equal bytes."""
    place = _RAS_TO_LPS @ affine
    header = [
        "NRRD0004",
        "type: unsigned char",
        "dimension: 3",
        "space: left-posterior-superior",
        f"sizes: {' '.join(str(size) for size in volume.shape)}",
        f"space directions: {' '.join(_vector(place[:3, axis]) for axis in range(3))}",
        "kinds: domain domain domain",
        "encoding: gzip",
        f"space origin: {_vector(place[:3, 3])}",
    ]
    data = gzip.compress(np.asarray(volume, np.uint8).tobytes(order="F"), compresslevel=6, mtime=0)
    with atomic_path(path) as partial:
        partial.write_bytes(("\n".join(header) + "\n\n").encode("ascii") + data)


def _vector(values: Iterable[float]) -> str:
    return f"({','.join(repr(float(value) + 0.0) for value in values)})"
