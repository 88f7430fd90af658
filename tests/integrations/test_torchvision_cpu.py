"""A torchvision whose compiled operators cannot be loaded is imported all the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_RUN = """
import sys, torch
sys.path.insert(0, sys.argv[1])
from monai_echosynth.integrations import torchvision_cpu
before = hasattr(torch.ops.torchvision, "nms")
torchvision_cpu.install()
import torchvision
watching = any(type(finder).__name__ == "_BeforeTorchvision" for finder in sys.meta_path)
print(before, torchvision.known, watching)
"""


def test_operators_are_declared_just_before_the_import(tmp_path: Path) -> None:
    package = tmp_path / "torchvision"
    package.mkdir()
    (package / "__init__.py").write_text("import torch\nknown = hasattr(torch.ops.torchvision, 'nms')\n")
    (package / "_C.so").write_bytes(b"built for another machine")
    done = subprocess.run([sys.executable, "-c", _RUN, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "False True False"
