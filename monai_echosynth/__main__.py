"""``python -m monai_echosynth`` is the same program as the console script ``echosynth``."""

from __future__ import annotations

import sys

from monai_echosynth.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    sys.exit(main())
