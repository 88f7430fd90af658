"""Writing frames: formats, and threads beside each other (compression releases the interpreter lock)."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.runner import Case, Options, measure
from benchmarks.subjects import frame
from monai_echosynth.data.frame_format import FrameFormat, write_frame

__all__ = ["benchmark_writers"]


def benchmark_writers(options: Options) -> dict[str, Any]:
    """Seconds per frame: image and label, to a fresh folder in every turn."""
    side, frames = (32, 4) if options.quick else (128, 64)
    with tempfile.TemporaryDirectory() as folder:
        cases = [
            Case(
                f"{form}, {threads} threads",
                _writer(Path(folder) / f"{form}{threads}", form, threads, side, frames),
                frames,
            )
            for form in FrameFormat
            for threads in (1, 2, 4)
        ]
        rows = measure(cases, options.rounds)
    return {"title": f"Writing frames of {side} px", "rows": rows}


def _writer(folder: Path, form: FrameFormat, threads: int, side: int, frames: int) -> Callable[[], object]:
    (image, label), turns = frame(side), count()

    def write() -> None:
        target = folder / str(next(turns))
        with ThreadPoolExecutor(threads) as pool:
            jobs = [pool.submit(write_frame, target, f"f{k}", form, image, label, (1.0, 1.0)) for k in range(frames)]
        for job in jobs:
            job.result()

    return write
