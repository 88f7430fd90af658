"""A command several times at once on one machine, each process with its share of the cores.

Small networks gain more by processes than by threads.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence

import torch

from monai_echosynth.workflows.machine import available_cores

__all__ = ["fitting_processes", "run_processes"]

_MOST_ON_A_CPU = 4
"""Each holds its own networks and frames in memory."""


def fitting_processes() -> int:
    """One for each GPU, or for each core of a machine without, at most four of these."""
    if torch.cuda.is_available():
        return torch.cuda.device_count()
    return min(available_cores(), _MOST_ON_A_CPU)


def run_processes(command: Sequence[str], count: int) -> int:
    """Runs a command ``count`` times at once and returns the first exit code that is not 0, or 0.

    Each process has its number in ``RANK`` and the number of all in ``WORLD_SIZE``, as ``torchrun`` says them, and threads for
    its share of the cores unless ``OMP_NUM_THREADS`` is set. They end with this process when it is interrupted.
    """
    threads = str(max(1, available_cores() // count))
    shared = {"OMP_NUM_THREADS": threads, **os.environ, "WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count)}
    running = [
        subprocess.Popen(list(command), env={**shared, "RANK": str(number), "LOCAL_RANK": str(number)})
        for number in range(count)
    ]
    try:
        codes = [process.wait() for process in running]
    except BaseException:
        for process in running:
            process.terminate()
        for process in running:
            process.wait()
        raise
    return next((code for code in codes if code), 0)
