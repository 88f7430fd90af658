"""Lets torchvision's Linux wheel be imported beside a CPU build of torch.

The wheel's compiled operators need CUDA libraries. Without them torchvision goes on in Python, but it describes two of the
operators, ``nms`` and ``qnms``, to the compiler and fails where nothing has declared them. A finder that looks at every
import declares them just before torchvision is imported, unless the compiled operators can be loaded. Models and transforms
then work; ``nms`` does not.

``python -m monai_echosynth.integrations.torchvision_cpu`` installs it into the environment at hand, for every later start of
Python.
"""

from __future__ import annotations

import importlib.machinery
import shutil
import sys
import sysconfig
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import ModuleType

__all__ = ["declare_operators", "install", "write_hook"]

_PACKAGE = "torchvision"
_OPERATORS = ("nms", "qnms")
_HOOK = "echosynth_torchvision"


class _BeforeTorchvision(MetaPathFinder):
    """Finds nothing; acts on the first import of torchvision."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname == _PACKAGE:
            sys.meta_path.remove(self)
            found = importlib.machinery.PathFinder.find_spec(fullname, path)
            if found is not None and found.origin:
                declare_operators(Path(found.origin).parent)
        return None


def declare_operators(package: Path) -> bool:
    """Declares the operators if the compiled ones in ``package`` cannot be loaded; says whether it did."""
    import torch

    for library in package.glob("_C*.so"):
        try:
            torch.ops.load_library(str(library))
            return False
        except OSError:
            pass
    for name in _OPERATORS:
        torch.library.define(f"torchvision::{name}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return True


def install() -> None:
    """Watches the imports of this process from now on."""
    if _PACKAGE not in sys.modules:
        sys.meta_path.insert(0, _BeforeTorchvision())


def write_hook() -> Path:
    """Makes every later start of Python in this environment call :func:`install`; returns the file that does it.

    A copy of this file goes along, so that the environment does not depend on where the package lies.
    """
    folder = Path(sysconfig.get_path("purelib"))
    shutil.copyfile(__file__, folder / f"{_HOOK}.py")
    path = folder / f"{_HOOK}.pth"
    path.write_text(f"import {_HOOK}; {_HOOK}.install()\n", encoding="utf-8")
    return path


if __name__ == "__main__":
    print(write_hook())
