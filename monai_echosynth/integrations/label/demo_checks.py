"""What the demonstration measures, printed as it comes and kept for the summary."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from monai_echosynth.data.atomic import write_json
from monai_echosynth.integrations.label.study import read_maps
from monai_echosynth.metrics.overlap import confusion

__all__ = ["Checks", "mean_dice", "same_geometry"]


@dataclass(frozen=True)
class _Check:
    name: str
    passed: bool
    detail: str


@dataclass
class Checks:
    """The results so far."""

    found: list[_Check] = field(default_factory=list)
    numbers: dict[str, Any] = field(default_factory=dict)

    def add(self, name: str, passed: bool, detail: str = "") -> None:
        """Keeps and prints a result."""
        self.found.append(_Check(name, bool(passed), detail))
        print(f"{'ok' if passed else 'FAILED':<8}{name}{f': {detail}' if detail else ''}", flush=True)

    @property
    def failed(self) -> list[str]:
        """Names of the checks that did not pass."""
        return [check.name for check in self.found if not check.passed]

    def write(self, path: Path) -> None:
        """Writes ``summary.json``."""
        write_json(path, {"passed": not self.failed, **self.numbers, "checks": [asdict(check) for check in self.found]})


def mean_dice(labels: Path, reference: Path, ids: dict[str, int]) -> float:
    """Mean Dice over structures of two label map files; 0 where the grids differ."""
    found, wanted = read_maps(labels), read_maps(reference)
    if found.shape != wanted.shape:
        return 0.0
    return float(np.nanmean([confusion(found == number, wanted == number).dice for number in ids.values()]))


def same_geometry(labels: Path, image: Path) -> tuple[bool, str]:
    """Whether a label map file has shape and affine of an image file, by nibabel; a last axis of length one does not count."""
    pair: list[Any] = [nib.load(path) for path in (labels, image)]
    shapes = [item.shape[:2] if len(item.shape) == 3 and item.shape[2] == 1 else item.shape for item in pair]
    equal = shapes[0] == shapes[1] and np.allclose(pair[0].affine, pair[1].affine, atol=1e-4)
    x, y = pair[0].header.get_zooms()[:2]
    return bool(equal), f"{'x'.join(str(n) for n in pair[0].shape)}, {x:.3f} x {y:.3f} mm"
