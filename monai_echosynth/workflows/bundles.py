"""Where the bundles lie: inside an installed package, or at the root of a checkout."""

from __future__ import annotations

from pathlib import Path

from monai_echosynth.errors import EchoSynthError

__all__ = ["bundle_names", "bundle_source"]

_PACKAGE = Path(__file__).resolve().parents[1]
_HOMES = (_PACKAGE / "bundles", _PACKAGE.parent / "bundles")


def bundle_names() -> list[str]:
    """Names of the bundles that come with the package, sorted."""
    return sorted({path.parent.parent.name for home in _HOMES for path in home.glob("*/configs/metadata.json")})


def bundle_source(name: str) -> Path:
    """Folder of the bundle ``name`` as shipped: configs and documents, no weights. Never write into it.

    Raises:
        EchoSynthError: there is no such bundle.
    """
    for home in _HOMES:
        if name in bundle_names() and (home / name / "configs" / "metadata.json").is_file():
            return home / name
    known = ", ".join(bundle_names()) or "none"
    raise EchoSynthError(f"a bundle's name must be one of those shipped ({known}), got {name!r}: correct the name")
