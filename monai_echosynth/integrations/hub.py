"""Fetches a bundle's folder from a hub of models (package huggingface_hub, extra ``hub``), or from its cache without a network.

The client keeps what it fetched in a cache, ``HF_HOME``; with ``HF_HUB_OFFLINE=1`` it looks there alone.
"""

from __future__ import annotations

import re
from os import PathLike
from pathlib import Path
from typing import Any

from monai_echosynth.errors import EchoSynthError

__all__ = ["fetch_bundle", "is_hub_id"]

_FILES = ["LICENSE", "*.json", "configs/*", "docs/*", "models/*"]
"""What a bundle consists of; other files of a repository stay there."""


def is_hub_id(text: str) -> bool:
    """Whether ``text`` has the form of a hub's id, ``owner/name``."""
    return re.fullmatch(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", text) is not None


def fetch_bundle(
    name: str, revision: str | None = None, cache: str | PathLike[str] | None = None, local_only: bool = False
) -> Path:
    """Folder of a bundle in the client's cache, fetched where it is not there yet.

    Args:
        name: id on the hub, ``owner/name``.
        revision: branch, tag or commit; the main branch when omitted.
        cache: folder of the cache; the client's own when omitted.
        local_only: take what is in the cache and ask nobody.

    Raises:
        EchoSynthError: the package is missing, or the bundle is neither in the cache nor within reach.
    """
    hub = _hub()
    try:
        folder = hub.snapshot_download(
            name, revision=revision, cache_dir=cache, local_files_only=local_only, allow_patterns=_FILES
        )
    except Exception as error:  # of the network, the hub or the cache: what it is, the client's first line says
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        version = f" --revision {revision}" if revision else ""
        raise EchoSynthError(
            f"the bundle {name} must be in the hub's cache or within reach, got: {reason} Where there is a network, run 'hf "
            f"download {name}{version} --local-dir {name.rsplit('/', 1)[-1]}', copy that folder here and name it instead"
        ) from error
    return Path(folder)


def _hub() -> Any:
    try:
        import huggingface_hub
    except ImportError as error:
        raise EchoSynthError(
            f"a bundle on a hub needs the package huggingface_hub ({error}): pip install 'monai-echosynth[hub]'"
        ) from error
    return huggingface_hub
