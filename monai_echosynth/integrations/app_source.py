"""Where the apps for other programs lie: inside an installed package, or at the root of a checkout.

They are no part of the package: the program that runs an app brings the interface that it is written against.
"""

from __future__ import annotations

from pathlib import Path

from monai_echosynth.errors import EchoSynthError

__all__ = ["app_source"]

_PACKAGE = Path(__file__).resolve().parents[1]


def app_source(name: str) -> Path:
    """Folder of the app ``name`` as shipped. Never write into it.

    Raises:
        EchoSynthError: there is no such app.
    """
    for home in (_PACKAGE / "apps", _PACKAGE.parent / "apps"):
        if (home / name).is_dir():
            return home / name
    raise EchoSynthError(
        f"an app's name must be one of those shipped, got {name!r}: correct it, or install the package"
    )
