"""What the report reads: the files of one study folder, with clear errors for required ones."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monai_echosynth.errors import EchoSynthError

__all__ = ["Study", "load_study"]

REQUIRED_KEYS = ("data", "tstr", "seed", "preset")


@dataclass(frozen=True)
class Study:
    """A study folder and its summary.

    Attributes:
        root: The folder.
        summary: Content of `summary.json`.
    """

    root: Path
    summary: dict[str, Any]

    def part(self, key: str) -> dict[str, Any]:
        """A mapping of the summary; empty if it is absent."""
        value = self.summary.get(key)
        return value if isinstance(value, dict) else {}

    def json(self, relative: str) -> dict[str, Any] | None:
        """A JSON object in the study folder; None if the file is absent."""
        path = self.root / relative
        return _read_object(path) if path.is_file() else None

    def entries(self, folder: str, section: str | None = None) -> list[dict[str, Any]]:
        """Entries of `folder/dataset.json` whose files exist, with absolute paths; all sections if none is named."""
        data = self.json(f"{folder}/dataset.json") or {}
        base = self.root / folder
        found = []
        for name in (section,) if section else ("training", "validation", "test"):
            for entry in data.get(name) or []:
                whole = {**entry, "image": base / str(entry["image"]), "label": base / str(entry["label"])}
                if whole["image"].is_file() and whole["label"].is_file():
                    found.append(whole)
        return found

    def history(self, folder: str) -> list[dict[str, float]]:
        """Training curve of a stage from `history.json` (a list or one object a line), `.jsonl` or `.csv`.

        It is looked for in the folder itself and in `eval`, where a bundle leaves it.
        """
        for base in (self.root / folder, self.root / folder / "eval"):
            for suffix in ("json", "jsonl", "csv"):
                path = base / f"history.{suffix}"
                if path.is_file():
                    return [_numbers(row) for row in _read_rows(path)]
        return []

    def stages(self) -> list[dict[str, Any]]:
        """Content of `stages/*.json` in the order in which the stages finished."""
        folder = self.root / "stages"
        found = [_read_object(path) for path in sorted(folder.glob("*.json"))] if folder.is_dir() else []
        return sorted(found, key=lambda stage: str(stage.get("finished", "")))


def load_study(out_dir: Path) -> Study:
    """Opens a study folder.

    Raises:
        EchoSynthError: If the folder or its `summary.json` is missing or lacks a required key.
    """
    path = Path(out_dir) / "summary.json"
    if not path.is_file():
        raise EchoSynthError(f"a report needs a finished study with {path}, found none: run `echosynth demo` first")
    summary = _read_object(path)
    missing = [key for key in REQUIRED_KEYS if key not in summary]
    if missing:
        raise EchoSynthError(
            f"{path} must hold {', '.join(REQUIRED_KEYS)}, lacks {', '.join(missing)}: re-run the study"
        )
    return Study(Path(out_dir), summary)


def _read_object(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise EchoSynthError(f"{path} must be JSON, received text that is not ({error}): re-run its stage") from error
    if not isinstance(value, dict):
        raise EchoSynthError(f"{path} must hold a JSON object, received a {type(value).__name__}: re-run its stage")
    return value


def _read_rows(path: Path) -> list[dict[str, Any]]:
    text = path.read_text(encoding="utf-8").strip()
    if path.suffix == ".csv":
        return list(csv.DictReader(text.splitlines()))
    try:
        if text.startswith("["):
            return list(json.loads(text))
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    except ValueError as error:
        raise EchoSynthError(
            f"{path} must hold a JSON list or one object a line ({error}): re-run its stage"
        ) from error


def _numbers(row: dict[str, Any]) -> dict[str, float]:
    found = {}
    for key, value in row.items():
        try:
            found[str(key)] = float(value)
        except (TypeError, ValueError):
            continue
    return found
