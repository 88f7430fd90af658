"""Runs a bundle's workflow in two processes on one machine, as a user would with ``torchrun``."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["run_bundle_twice"]

_LAUNCHER = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", "-m", "monai.bundle", "run"]


def run_bundle_twice(bundle: Path, configs: Sequence[str], ids: Mapping[str, Any]) -> None:
    """Run ``configs/<name>.json`` of a bundle, the later over the earlier, with two CPU processes of one thread each."""
    files = "[" + ",".join(f"'configs/{name}.json'" for name in configs) + "]"
    options = [f"--config_file={files}", f"--bundle_root={bundle}", *(f"--{key}={value}" for key, value in ids.items())]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, *_LAUNCHER, *options]
    done = subprocess.run(
        command, cwd=bundle, env=environment, capture_output=True, text=True, timeout=500, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
