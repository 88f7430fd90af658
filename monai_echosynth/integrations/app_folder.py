"""Is a folder a MONAI Deploy application that could be packaged? Its files, ``app.yaml`` and ``requirements.txt`` are checked.

The packager (Docker) reads ``application`` and ``resources`` of ``app.yaml`` and installs ``requirements.txt``. Here the keys
and their values are checked, every requirement must be well-formed, and in an environment that claims to run the application it
must be installed in a version that it allows.

References:
    MONAI Application Package specification,
    https://github.com/Project-MONAI/monai-deploy/blob/main/guidelines/monai-application-package.md
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from typing import Any

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.integrations.app_settings import read_app_yaml

__all__ = ["AppName", "check_app_folder", "check_installed", "read_requirements"]

_FILES = ("__main__.py", "app.py", "app.yaml", "requirements.txt")
_APPLICATION = ("title", "version", "inputFormats", "outputFormats")
_SIZE = re.compile(r"\d+(\.\d+)?(Ki|Mi|Gi|Ti)?")


class AppName(StrEnum):
    """The applications that come with the package."""

    SEGMENTATION = "echo_segmentation_app"
    SYNTHESIS = "echo_synthesis_app"


def check_app_folder(folder: Path) -> None:
    """Raises EchoSynthError naming what is missing or wrong in the application in ``folder``."""
    missing = [name for name in _FILES if not (folder / name).is_file()]
    if missing:
        raise EchoSynthError(
            f"an application folder needs {', '.join(_FILES)}, got {folder} without {missing[0]}: add it"
        )
    path = folder / "app.yaml"
    content = read_app_yaml(path)
    application, resources = (_section(content, key, path) for key in ("application", "resources"))
    for key in _APPLICATION:
        if not application.get(key):
            raise EchoSynthError(f"'application' needs {', '.join(_APPLICATION)}, got no {key} in {path}: add it")
    for key in _APPLICATION[2:]:
        formats = application[key]
        if not isinstance(formats, list) or not all(isinstance(entry, str) for entry in formats):
            raise EchoSynthError(f"'{key}' must be a list of texts, got {formats!r} in {path}: write [\"file\"]")
    for key, value in resources.items():
        if key not in ("cpu", "gpu", "memory", "gpuMemory") or not _SIZE.fullmatch(str(value)):
            raise EchoSynthError(
                f"'resources' are cpu, gpu, memory and gpuMemory like 2 or 4Gi, got {key}: {value} in {path}: correct it"
            )
    read_requirements(folder / "requirements.txt")


def read_requirements(path: Path) -> list[Any]:
    """Requirements of a file, comments left out.

    Raises:
        EchoSynthError: a line is no requirement.
    """
    from packaging.requirements import InvalidRequirement, Requirement

    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        text = line.split("#")[0].strip()
        if text:
            try:
                found.append(Requirement(text))
            except InvalidRequirement as error:
                raise EchoSynthError(
                    f"requirements must be like 'pydicom>=3', got {text!r} in {path}: correct it"
                ) from error
    return found


def check_installed(path: Path) -> Mapping[str, str]:
    """Versions that this environment has of what a ``requirements.txt`` asks for.

    Raises:
        EchoSynthError: a package is not installed, or in a version that the file does not allow.
    """
    versions = {}
    for requirement in read_requirements(path):
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError as error:
            raise EchoSynthError(
                f"{path} asks for {requirement}, got no such package here: install the file"
            ) from error
        if not requirement.specifier.contains(version, prereleases=True):
            raise EchoSynthError(f"{path} asks for {requirement}, got {version} here: install the file")
        versions[requirement.name] = version
    return versions


def _section(content: Mapping[str, Any], key: str, path: Path) -> dict[str, Any]:
    section = content.get(key)
    if not isinstance(section, dict):
        raise EchoSynthError(f"an app.yaml needs the section '{key}', got {section!r} in {path}: add it")
    return section
