"""A torchvision whose compiled operators cannot be loaded is imported all the same; one whose operators load is left alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_FAKE = "import torch\nknown = hasattr(torch.ops.torchvision, 'nms')\n"
_RUN = """
import sys
sys.path.insert(0, {folder!r})
from monai_echosynth.integrations import torchvision_cpu
if {install}:
    torchvision_cpu.install()
import torchvision
print(torchvision.known, any(type(f).__name__ == "_BeforeTorchvision" for f in sys.meta_path))
"""


@pytest.mark.parametrize(("install", "printed"), [(True, "True False"), (False, "False False")])
def test_operators_are_declared_before_the_import(tmp_path: Path, install: bool, printed: str) -> None:
    package = tmp_path / "torchvision"
    package.mkdir()
    (package / "__init__.py").write_text(_FAKE)
    (package / "_C.so").write_bytes(b"built for another machine")
    code = _RUN.format(folder=str(tmp_path), install=install)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == printed
