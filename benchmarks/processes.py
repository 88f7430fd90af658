"""One process against several that share a set, with one thread each: seconds an image, and whether the bytes are the same.

Each way makes a small and a large set. The difference of the times is that of the further images alone, without start-up.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.runner import Case, Options, tabulate
from benchmarks.subjects import write_bundle, write_frames

__all__ = ["benchmark_processes"]

_PROCESSES = 2


def benchmark_processes(options: Options) -> dict[str, Any]:
    """Seconds per image of one process and of two."""
    size, side, calls, small, large = ("quick", 32, 2, 2, 4) if options.quick else ("cpu", 128, 24, 16, 64)
    rounds = min(options.rounds, 3)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        masks, bundle = write_frames(root / "masks", large, side), write_bundle(root / "bundle", size, side)
        command = ["-m", "monai_echosynth", "generate", "--bundle", str(bundle), "--masks", str(masks)]
        command += ["--nfe", str(calls), "--seed", "1"]
        several = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={_PROCESSES}"]
        ways = {"one process": command, f"{_PROCESSES} processes": [*several, *command]}
        times: list[list[float]] = [[] for _ in ways]
        made: dict[str, Mapping[str, str]] = {}
        for turn in range(rounds):
            for (name, start), column in zip(ways.items(), times, strict=True):
                few, many = (_seconds(start, count, root / f"{turn}_{name}_{count}") for count in (small, large))
                column.append(max(many - few, 1e-9) / (large - small))
                made[name] = _digests(root / f"{turn}_{name}_{large}")
    rows = tabulate([Case(name, lambda: None, large - small) for name in ways], times)
    first, second = made.values()
    checks = {"same bytes": first == second, "files": len(first)}
    return {"title": f"Processes (preset {size}, {side} px, {calls} calls, a thread each)", "rows": rows} | {
        "checks": checks
    }


def _seconds(command: list[str], count: int, out: Path) -> float:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    started = time.perf_counter()
    line = [sys.executable, *command, "--count", str(count), "--out", str(out)]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"generation failed: {done.stderr[-2000:]}")
    return time.perf_counter() - started


def _digests(folder: Path) -> dict[str, str]:
    """Digest of every frame and label by name."""
    paths = [path for name in ("images", "labels") for path in (folder / name).rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(paths)}
