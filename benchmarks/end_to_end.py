"""Images a second from masks to files: a student's few calls against its teacher's 63, both in several forms.

Everything of ``echosynth generate`` counts but loading the networks: masks read, sampled, decoded, speckle drawn, files written,
in as many lanes as there are threads. Weights are random, which costs the same.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.runner import Case, Options, tabulate
from benchmarks.subjects import unet, write_bundle, write_frames
from monai_echosynth.data.grid_file import GRIDS, write_grids
from monai_echosynth.diffusion.grid_table import GridTable
from monai_echosynth.networks.weights import save_weights, weights_digest
from monai_echosynth.workflows.generate import generate
from monai_echosynth.workflows.student import write_student_bundle
from monai_echosynth.workflows.student_settings import STUDENT_PRESETS
from monai_echosynth.workflows.teacher import read_teacher
from monai_echosynth.workflows.training_settings import Preset

__all__ = ["benchmark_end_to_end"]

_UNCACHED = {"inferer::reuse_modulation": False}
_FAST = "fused+channels_last+packed"


@dataclass(frozen=True)
class _Way:
    """One way to make the set."""

    name: str
    bundle: Path
    images: int
    options: dict[str, Any]


def benchmark_end_to_end(options: Options) -> dict[str, Any]:
    """Seconds per image; the first row is the teacher with 63 calls that computes the modulation in each of them."""
    size, side, calls, few, many = ("quick", 32, 3, 2, 4) if options.quick else ("cpu", 128, 63, 8, 48)
    with tempfile.TemporaryDirectory() as folder:
        masks = write_frames(Path(folder) / "masks", many, side)
        ways = _ways(Path(folder), size, side, calls, few, many)
        times: list[list[float]] = [[] for _ in ways]
        for turn in range(1 + options.rounds):
            for way, column in zip(ways, times, strict=True):
                seconds = _seconds(way, masks, Path(folder) / f"{turn}_{way.name}")
                if turn:  # the first one warms up
                    column.append(seconds)
    rows = tabulate([Case(way.name, lambda: None, way.images) for way in ways], times)
    for row in rows:
        row["images per second"] = 1 / row["seconds_per_item"]
    fast = f"teacher, {calls} calls, {_FAST}"
    best = {row["name"]: row["seconds_per_item"] for row in rows}
    checks = {f"{name} over {fast}": best[fast] / best[name] for name in best if name.startswith("student")}
    return {"title": f"End to end (preset {size}, {side} px, {torch.get_num_threads()} threads)", "rows": rows} | {
        "checks": checks
    }


def _ways(root: Path, size: str, side: int, calls: int, few: int, many: int) -> list[_Way]:
    teacher = write_bundle(root / "teacher", size, side)
    student = root / "student"
    write_student_bundle(student, read_teacher(teacher), STUDENT_PRESETS[Preset.QUICK])
    network = unet(size)
    save_weights(network, student / "models" / "diffusion.safetensors")
    write_grids(student / "models" / GRIDS, GridTable.of_student([80.0, 4.0, 1.3, 0.4], weights_digest(network)))
    heun = {"solver": "heun", "nfe": calls}
    return [
        _Way(f"teacher, {calls} calls, modulation in each", teacher, few, {**heun, **_UNCACHED}),
        _Way(f"teacher, {calls} calls", teacher, few, heun),
        _Way(f"teacher, {calls} calls, {_FAST}", teacher, few, {**heun, "runtime": _FAST}),
        *(_Way(f"student, {n} calls", student, many, {"nfe": n}) for n in (1, 2, 4)),
        *(_Way(f"student, {n} calls, {_FAST}", student, many, {"nfe": n, "runtime": _FAST}) for n in (1, 2, 4)),
    ]


def _seconds(way: _Way, masks: Path, out: Path) -> float:
    made = generate(way.bundle, masks, out, way.images, progress=False, **way.options)
    if made["runtime"] != _FAST and "runtime" in way.options:
        raise RuntimeError(f"{way.name} ran as {made['runtime']}")
    return float(made["parts"]["run"]) / way.images
