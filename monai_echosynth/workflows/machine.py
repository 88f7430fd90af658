"""What ran a study, and how much memory it took: stated beside every number that depends on it.

Linux keeps the largest resident set of a process (``VmHWM``), and writing ``5`` to ``/proc/self/clear_refs`` sets it back
to the present one, so each stage gets its own peak. Child processes (data-loading workers) share most pages with their
parent; what they hold alone is sampled and added.

References:
    proc(5), https://man7.org/linux/man-pages/man5/proc_pid_status.5.html
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import resource
import sys
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil

__all__ = ["PeakMemory", "available_cores", "describe_machine", "package_versions"]

_PACKAGES = ("monai-echosynth", "torch", "monai", "pytorch-ignite", "numpy", "scipy", "nibabel", "safetensors")
_MEBIBYTE = 1 << 20


class PeakMemory:
    """Context manager that measures the largest memory of this process and its children while the block runs.

    Attributes:
        megabytes: the peak in MiB, set when the block ends.
    """

    def __init__(self, interval: float = 1.0) -> None:
        """``interval`` is the time in seconds between two looks at the child processes."""
        self.megabytes = 0.0
        self._interval = interval
        self._stop = threading.Event()
        self._sampled = 0
        self._thread = threading.Thread(target=self._sample, name="peak-memory", daemon=True)

    def __enter__(self) -> PeakMemory:
        with suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self.megabytes = round(max(_own_peak(), self._sampled) / _MEBIBYTE, 1)

    def _sample(self) -> None:
        process = psutil.Process()
        while not self._stop.wait(self._interval):
            with suppress(psutil.Error):
                children = sum(_private_bytes(child) for child in process.children(recursive=True))
                self._sampled = max(self._sampled, process.memory_info().rss + children)


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def describe_machine() -> dict[str, Any]:
    """Processor, cores this process may use, memory in GiB, system, and the accelerator if there is one."""
    import torch

    memory = psutil.virtual_memory().total
    return {
        "cpu": _cpu_model(),
        "cores": available_cores(),
        "threads": torch.get_num_threads(),
        "memory_gib": round(memory / 1024**3, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "accelerator": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }


def package_versions() -> dict[str, str]:
    """Versions of Python and of the packages that shape the numbers; a package that is not installed is left out."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def _own_peak() -> int:
    """Largest resident set in bytes since ``clear_refs``; since the start of the process where the system has none."""
    with suppress(OSError, StopIteration):
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _private_bytes(process: psutil.Process) -> int:
    with suppress(psutil.Error):
        return int(process.memory_full_info().uss)
    return 0


def _cpu_model() -> str:
    with suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line for line in lines if line.startswith("model name")).split(":", 1)[1].strip()
    return platform.processor() or "unknown"
