"""NRRD as another program reads it: ITK, in a process of its own, since it does not end well beside many other modules."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from monai_echosynth.data.write_nrrd import write_nrrd

_READ = """
import json, sys, itk
image = itk.imread(sys.argv[1])
direction = itk.array_from_matrix(image.GetDirection())
print(json.dumps({"array": itk.array_from_image(image).T.tolist(), "spacing": list(image.GetSpacing()),
                  "origin": list(image.GetOrigin()), "direction": direction.tolist()}))
"""


@pytest.mark.skipif(importlib.util.find_spec("itk") is None, reason="ITK: install the extra itk")
def test_another_program_reads_array_and_place(tmp_path: Path) -> None:
    volume = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    affine = np.array([[-0.5, 0, 0, 3.0], [0, 0.25, 0, -2.0], [0, 0, 1.5, 7.0], [0, 0, 0, 1]])
    write_nrrd(tmp_path / "a.nrrd", volume, affine)
    done = subprocess.run(
        [sys.executable, "-c", _READ, str(tmp_path / "a.nrrd")], capture_output=True, text=True, check=False
    )
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)
    assert np.array_equal(found["array"], volume)
    assert found["spacing"] == pytest.approx([0.5, 0.25, 1.5])
    assert found["origin"] == pytest.approx([-3.0, 2.0, 7.0])  # LPS
    assert np.allclose(found["direction"], np.diag([1.0, -1.0, 1.0]))


def test_equal_volumes_are_equal_files(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_nrrd(tmp_path / f"{name}.nrrd", np.ones((2, 2, 1), np.uint8), np.eye(4))
    assert (tmp_path / "a.nrrd").read_bytes() == (tmp_path / "b.nrrd").read_bytes()
