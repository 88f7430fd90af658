"""Settings of the MONAI Deploy applications, one section of their ``app.yaml``.

The runner of an application passes paths alone (input, output, model); everything else is written in ``app.yaml``, which also
travels into a packaged application. A key that is not a setting is refused by name, and so is a value of the wrong kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self

import yaml

from monai_echosynth.data.atomic import write_text
from monai_echosynth.errors import EchoSynthError

__all__ = ["AppSettings", "SegmentationSettings", "SynthesisSettings", "read_app_yaml", "write_settings"]


def read_app_yaml(path: Path) -> dict[str, Any]:
    """The whole of an ``app.yaml``.

    Raises:
        EchoSynthError: the file is missing or no YAML mapping.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise EchoSynthError(f"an app.yaml was expected, got {path} ({reason}): correct or restore it") from error
    if not isinstance(content, dict):
        raise EchoSynthError(f"an app.yaml must hold a mapping, got {type(content).__name__} in {path}: restore it")
    return content


@dataclass(frozen=True)
class AppSettings:
    """Settings that both applications have.

    Attributes:
        spacing: pixel size in mm along x and y, for input without or with a wrong one.
        bundle: further ids of the bundle's ``inference.json`` and their values.
    """

    spacing: tuple[float, float] | None = None
    bundle: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Settings under ``settings`` in an ``app.yaml``; defaults where there is no such section.

        Raises:
            EchoSynthError: the file is bad, or a key or a value in it.
        """
        section = read_app_yaml(path).get("settings") or {}
        known = {entry.name: entry for entry in fields(cls)}
        if not isinstance(section, dict):
            raise EchoSynthError(f"'settings' must hold a mapping, got {section!r} in {path}: write 'key: value' lines")
        wrong = [key for key in section if key not in known]
        if wrong:
            raise EchoSynthError(
                f"settings must be among {', '.join(known)}, got '{wrong[0]}' in {path}: correct the key"
            )
        return cls(**{key: _value(key, value, str(known[key].type), path) for key, value in section.items()})


@dataclass(frozen=True)
class SegmentationSettings(AppSettings):
    """Of the application that segments.

    Attributes:
        ed_frame: number of the end-diastolic frame, from 1; the largest cavity when None.
        es_frame: number of the end-systolic frame, from 1; the smallest cavity when None.
    """

    ed_frame: int | None = None
    es_frame: int | None = None


@dataclass(frozen=True)
class SynthesisSettings(AppSettings):
    """Of the application that synthesizes.

    Attributes:
        seed: of the noise.
        nfe: network evaluations a frame.
        frame_ms: time between frames in ms, where the label maps do not bring one.
    """

    seed: int = 0
    nfe: int = 24
    frame_ms: float = 40.0


def write_settings(path: Path, settings: Mapping[str, Any], source: Path) -> Path:
    """Writes a copy of the ``app.yaml`` in ``source`` with other settings; returns ``path``."""
    write_text(path, yaml.safe_dump({**read_app_yaml(source), "settings": dict(settings)}, sort_keys=False))
    return path


def _value(key: str, value: Any, annotation: str, path: Path) -> Any:
    """The value in the type that its field declares."""
    if value is None and "None" in annotation:
        return None
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if annotation.startswith("tuple") and isinstance(value, list) and len(value) == 2:
        return (_value(key, value[0], "float", path), _value(key, value[1], "float", path))
    if annotation.startswith("Mapping") and isinstance(value, dict):
        return value
    if annotation.startswith("float") and number:
        return float(value)
    if annotation.startswith("int") and number and float(value).is_integer():
        return int(value)
    kinds = {"tuple": "two lengths in mm", "Mapping": "ids and values", "float": "a number", "int": "a whole number"}
    wanted = next(text for start, text in kinds.items() if annotation.startswith(start))
    raise EchoSynthError(f"setting '{key}' must be {wanted}, got {value!r} in {path}: correct it")
