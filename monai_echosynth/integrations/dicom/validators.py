"""Asks programs that are not ours whether a DICOM file keeps the standard.

``dciodvfy`` (dicom3tools, David Clunie; Debian's package of that name) checks modules, attribute types, values and codes of an
instance offline. ``validate_iods`` (the Python package dicom-validator) compares an instance with the tables of the current
edition, which it downloads at its first use. Errors count; warnings are kept for the reader. An attribute that the standard has
and the program does not know yet, as Debian's dciodvfy does not know Synthetic Data (0008,001C), is a warning, too.

References:
    https://www.dclunie.com/dicom3tools.html
    https://github.com/pydicom/dicom-validator
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from monai_echosynth.integrations.dicom.library import load_pydicom

__all__ = ["Validator", "Verdict", "available_validators", "validate"]


_UNKNOWN = re.compile(r"not a recognized standard attribute - \(0x([0-9a-f]{4}),0x([0-9a-f]{4})\)")


class Validator(StrEnum):
    """Programs that judge an instance."""

    DCIODVFY = "dciodvfy"
    VALIDATE_IODS = "validate_iods"


@dataclass(frozen=True)
class Verdict:
    """What a program said about a file.

    Attributes:
        validator: the program.
        path: the file.
        errors: lines that say what is wrong.
        warnings: lines that say what could be better.
    """

    validator: Validator
    path: Path
    errors: tuple[str, ...]
    warnings: tuple[str, ...]


def available_validators(python: str = sys.executable) -> list[Validator]:
    """Programs that work here.

    Args:
        python: interpreter whose environment may hold dicom-validator.
    """
    found = [Validator.DCIODVFY] if shutil.which(Validator.DCIODVFY) else []
    probe = "from dicom_validator.spec_reader.edition_reader import EditionReader as R; R().dicom_info_for_edition('current')"
    if _run([python, "-c", probe]).returncode == 0:
        found.append(Validator.VALIDATE_IODS)
    return found


def validate(path: Path, validator: Validator, python: str = sys.executable) -> Verdict:
    """The verdict of one program on one file.

    Args:
        path: DICOM file.
        validator: one of :func:`available_validators`.
        python: interpreter whose environment holds dicom-validator.
    """
    if validator is Validator.DCIODVFY:
        lines = _lines(_run([str(validator), str(path)]))
        errors = [line for line in lines if line.startswith("Error") and not _is_newer(line)]
        warnings = [line for line in lines if line.startswith("Warning") or _is_newer(line)]
        return Verdict(validator, path, tuple(errors), tuple(warnings))
    done = _run([python, "-m", "dicom_validator.validate_iods", str(path)])
    found = [line for line in _lines(done) if line.startswith("Tag (")] or [f"{done.returncode} errors"]
    return Verdict(validator, path, tuple(found) if done.returncode else (), ())


def _is_newer(line: str) -> bool:
    """Whether an error is about an attribute that pydicom's dictionary has and the program's own does not."""
    found = _UNKNOWN.search(line)
    return found is not None and load_pydicom().datadict.dictionary_has_tag(int(found[1] + found[2], 16))


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, errors="replace")


def _lines(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [line.strip() for line in (done.stdout + "\n" + done.stderr).splitlines() if line.strip()]
