"""Reads one config of a bundle together with its metadata, and builds what an id of it names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows.run_bundle import root_error

__all__ = ["build", "bundle_parser", "read_config", "read_metadata"]


def bundle_parser(bundle: str | Path, config: str = "inference.json", **ids: Any) -> ConfigParser:
    """Parser of ``configs/<config>`` with the metadata, ``bundle_root`` set and ``ids`` replaced.

    Args:
        bundle: bundle folder.
        config: file in its ``configs/``.
        **ids: config ids and values; nested ids with ``::``. Each must be there: a mistyped one would change nothing.

    Raises:
        EchoSynthError: the folder is no bundle, a file is damaged, or an id is not in the config.
    """
    content = read_config(bundle, config)
    unknown = [name for name in ids if name.split("::")[0] not in content]
    if unknown:
        names = ", ".join(name for name in content if name != "imports")
        raise EchoSynthError(
            f"config ids must be in {Path(bundle) / 'configs' / config}, got {', '.join(unknown)}: choose among {names}"
        )
    parser = ConfigParser(content)
    parser.read_meta(read_metadata(bundle))
    parser.update({"bundle_root": str(bundle), **ids})
    return parser


def build(parser: ConfigParser, name: str) -> Any:
    """What the config id ``name`` of a bundle makes.

    Raises:
        EchoSynthError: there is no such id, or as raised inside (missing weights, weights of another network).
    """
    if name not in parser:
        raise EchoSynthError(
            f"the bundle's config must define '{name}', got none in {parser['bundle_root']}: name another bundle"
        )
    try:
        return parser.get_parsed_content(name)
    except RuntimeError as error:
        raise root_error(error)  # noqa: B904 - the RuntimeError stays visible as its context


def read_metadata(bundle: str | Path) -> dict[str, Any]:
    """Content of ``configs/metadata.json``; raises as :func:`read_config`."""
    return read_config(bundle, "metadata.json")


def read_config(bundle: str | Path, config: str = "inference.json") -> dict[str, Any]:
    """Content of ``configs/<config>``, a new dictionary.

    Raises:
        EchoSynthError: the folder is no bundle, or the file is damaged.
    """
    path = Path(bundle) / "configs" / config
    if not path.is_file():
        raise EchoSynthError(f"a bundle with configs/{config} was expected, got {bundle}: name a bundle folder")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise EchoSynthError(
            f"a bundle's files must be whole JSON, got {path} ({error}): copy the bundle again"
        ) from error
    if not isinstance(content, dict):
        raise EchoSynthError(f"a bundle's files must hold JSON objects, got another value in {path}: correct it")
    return content
