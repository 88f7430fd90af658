"""Peaks are those of the block that was measured, children included."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from monai_echosynth.workflows.machine import PeakMemory, describe_machine, package_versions


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peaks are reset on Linux only")
def test_each_block_has_its_own_peak() -> None:
    with PeakMemory() as large:
        np.ones(20_000_000).sum()  # 153 MiB
    with PeakMemory() as small:
        np.ones(1_000).sum()
    assert large.megabytes - small.megabytes > 100


@pytest.mark.skipif(sys.platform != "linux", reason="memory of children is read from /proc")
def test_children_count() -> None:
    code = "x = b'x' * 100_000_000; print('ready', flush=True); import time; time.sleep(60)"
    with PeakMemory(interval=0.02) as alone:
        time.sleep(0.05)
    command = [sys.executable, "-c", code]
    with PeakMemory(interval=0.02) as together, subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None and child.stdout.readline() == b"ready\n"
        time.sleep(0.2)
        child.kill()
    assert together.megabytes - alone.megabytes > 80


def test_machine_is_described() -> None:
    machine = describe_machine()
    assert machine["cpu"] and machine["cores"] >= 1 and machine["memory_gib"] > 0
    assert package_versions()["torch"][0].isdigit()
