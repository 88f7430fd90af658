"""Any supported data folder to a prepared one: one grid, semantic maps, a split by patient, one ``dataset.json``.

Everything is read and checked before the first file is written. Frames are written atomically and ``dataset.json`` comes
last, so a folder with that file is whole; a run that was killed continues where it stopped when data and settings are the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

from tqdm import tqdm

from monai_echosynth.data.atomic import PARTIAL_PREFIX, remove_partial, write_json
from monai_echosynth.data.class_folders import LESION_FOLDER
from monai_echosynth.data.datalist import FORMAT, label_keys
from monai_echosynth.data.discover import discover
from monai_echosynth.data.duplicates import find_duplicates
from monai_echosynth.data.folder_labels import CAMUS_FOLDER, FolderLabels, folder_labels
from monai_echosynth.data.frame import FrameRecord
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.data.prepare_frame import frame_paths, prepare_frame, write_prepared
from monai_echosynth.data.sector_mask import ScanGeometry
from monai_echosynth.data.split_plan import SplitPlan, SplitSource, plan_split
from monai_echosynth.data.splits import PatientSplit
from monai_echosynth.errors import EchoSynthError

__all__ = ["prepare"]

Item = TypeVar("Item")
Result = TypeVar("Result")
Option = TypeVar("Option", bound=StrEnum)

_SETTINGS = "prepare.json"
_FOLDERS = ("images", "labels", "original/images", "original/labels")


@dataclass(frozen=True)
class _Scan:
    """What the first pass learns about a frame."""

    pixel_hash: str
    content_hash: str
    spacing_known: bool
    clipped: int


def prepare(
    data: str | PathLike[str],
    out: str | PathLike[str],
    size: int = 128,
    n_test: int | None = None,
    max_train: int = 398,
    validation_fraction: float = 0.05,
    seed: int = 0,
    views: Sequence[str] | None = None,
    phases: Sequence[str] | None = None,
    split: SplitSource | str = SplitSource.AUTO,
    geometry: ScanGeometry | str = ScanGeometry.CONVEX,
    workers: int = 2,
    progress: bool = True,
) -> Path:
    """Prepares the frames below ``data``.

    Args:
        data: folder in a layout that :func:`monai_echosynth.data.discover.discover` knows, with a label table file
            ``labels.json`` (see :mod:`monai_echosynth.data.folder_labels`) unless its ids are those of CAMUS.
        out: folder to write; empty, new, or written by this function before.
        size: side S of the square grid in pixels.
        n_test: test patients; by default 50, or a fifth of the patients when there are fewer than 250.
        max_train: most patients in training and validation together.
        validation_fraction: share of those patients that validate.
        seed: of the random split.
        views: views to keep; all when None.
        phases: phases to keep; all when None.
        split: official files or random by patient.
        geometry: shape of the field of view.
        workers: threads that read and write (decoding and compression release the interpreter lock).
        progress: show bars.

    Returns:
        ``out`` as a path.

    Raises:
        EchoSynthError: bad input, named; nothing is written then.
    """
    root, folder = Path(data), Path(out)
    if size < 16:
        raise EchoSynthError(f"the grid needs at least 16 pixels a side, got size = {size}: choose 128, say")
    if workers < 1:
        raise EchoSynthError(f"at least one worker is needed, got workers = {workers}: use 1 or more")
    plan = SplitPlan(n_test, max_train, validation_fraction, seed, _option(SplitSource, split))
    shape = _option(ScanGeometry, geometry)
    records = discover(root, views, phases)
    labels = LESION_FOLDER if records[0].masks else folder_labels(root)
    _check_target(root, folder)

    scans = _parallel(lambda record: _scan(record, shape, labels), records, workers, "checking frames", progress)
    duplicates = find_duplicates({record.id: scan.pixel_hash for record, scan in zip(records, scans, strict=True)})
    patient = {record.id: record.patient for record in records}
    linked = {patient[frame] for pair in duplicates if patient[pair[0]] != patient[pair[1]] for frame in pair}
    sections, notes = plan_split(plan, root, set(patient.values()), linked)
    notes += _scan_notes(scans, len(duplicates))
    if records[0].masks:
        notes.append("pictures of class folders name no patients: each counts as one, its class is the view")

    kept = [(record, section) for record in records if (section := _section(sections, record.patient))]
    settings = [size, shape, seed, *([] if labels == CAMUS_FOLDER else [labels.semantic.to_dict()])]
    fingerprint = _fingerprint(settings, [(r.id, section) for r, section in kept], scans)
    _begin(folder, fingerprint, {path for record, section in kept for path in _paths(record, section == "test")})
    _parallel(lambda item: _write(*item, folder, size, shape, labels), kept, workers, "writing frames", progress)
    write_json(folder / "dataset.json", _dataset(root, size, seed, kept, duplicates, notes, labels.semantic))
    return folder


def _option(kind: type[Option], value: str) -> Option:
    try:
        return kind(value)
    except ValueError as error:
        choices = ", ".join(kind)
        raise EchoSynthError(f"{kind.__name__} must be one of {choices}, got '{value}': choose one") from error


def _check_target(root: Path, folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise EchoSynthError(f"the output must be a folder, got the file {folder}: choose another name")
    if folder.resolve() == root.resolve():
        raise EchoSynthError(
            f"data and output must be two folders, got {folder} for both: choose another output folder"
        )
    if not folder.is_dir() or (folder / _SETTINGS).is_file():
        return
    if any(not path.name.startswith(PARTIAL_PREFIX) for path in folder.iterdir()):
        raise EchoSynthError(
            f"the output folder must be new, empty or prepared before, got {folder}: choose another one"
        )


def _parallel(
    function: Callable[[Item], Result], items: Sequence[Item], workers: int, title: str, progress: bool
) -> list[Result]:
    """Results in order; the first error cancels what has not begun."""
    pool = ThreadPoolExecutor(workers)
    try:
        results: Iterable[Result] = pool.map(function, items)
        return list(tqdm(results, total=len(items), desc=title, unit="frame", disable=not progress))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _scan(record: FrameRecord, geometry: ScanGeometry, labels: FolderLabels) -> _Scan:
    frame = prepare_frame(record, geometry, labels)
    content = hashlib.sha256(frame.image.tobytes() + frame.label.tobytes() + repr(frame.spacing).encode()).hexdigest()
    return _Scan(frame.pixel_hash, content, frame.spacing_known, frame.clipped)


def _scan_notes(scans: list[_Scan], duplicates: int) -> list[str]:
    notes = []
    unknown = sum(not scan.spacing_known for scan in scans)
    clipped = sum(scan.clipped > 0 for scan in scans)
    if unknown:
        notes.append(f"spacing unknown in {unknown} frames, taken as 1.0 mm: distances are in pixels there")
    if clipped:
        total = sum(scan.clipped for scan in scans)
        notes.append(f"labels reached beyond the sector in {clipped} frames and were clipped ({total} pixels)")
    if duplicates:
        notes.append(
            f"{duplicates} frames have the same pixels as another one; their patients are on one side of the split"
        )
    return notes


def _section(split: PatientSplit, patient: str) -> str | None:
    return next((key for key in ("training", "validation", "test") if patient in getattr(split, key)), None)


def _paths(record: FrameRecord, native: bool) -> list[str]:
    paths = list(frame_paths(record.id, native=False).values())
    return paths + list(frame_paths(record.id, native=True).values()) if native else paths


def _fingerprint(settings: list[Any], frames: list[tuple[str, str]], scans: list[_Scan]) -> str:
    content = json.dumps([FORMAT, settings, frames, [scan.content_hash for scan in scans]])
    return hashlib.sha256(content.encode()).hexdigest()


def _begin(folder: Path, fingerprint: str, wanted: set[str]) -> None:
    """Makes the folder ready: finished frames of an equal run stay, everything else of an earlier run goes."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = folder / _SETTINGS
    earlier = settings.read_text(encoding="utf-8") if settings.is_file() else ""
    same = f'"{fingerprint}"' in earlier
    (folder / "dataset.json").unlink(missing_ok=True)
    remove_partial(folder)
    for path in (path for name in _FOLDERS for path in (folder / name).glob("*.nii.gz")):
        if not same or path.relative_to(folder).as_posix() not in wanted:
            path.unlink()
    write_json(settings, {"fingerprint": fingerprint})


def _write(
    record: FrameRecord, section: str, folder: Path, size: int, geometry: ScanGeometry, labels: FolderLabels
) -> None:
    native = section == "test"
    if not all((folder / path).is_file() for path in _paths(record, native)):
        write_prepared(prepare_frame(record, geometry, labels), record.id, folder, size, native)


def _dataset(
    root: Path,
    size: int,
    seed: int,
    kept: list[tuple[FrameRecord, str]],
    duplicates: list[tuple[str, str]],
    notes: list[str],
    table: LabelTable,
) -> dict[str, Any]:
    sections: dict[str, list[dict[str, str]]] = {"training": [], "validation": [], "test": []}
    for record, section in kept:
        names = {"id": record.id, "patient": record.patient, "view": record.view, "phase": record.phase}
        sections[section].append({**frame_paths(record.id, native=section == "test"), **names})
    return {
        "format": FORMAT,
        "name": root.resolve().name,
        "source": str(root),
        "spatial_size": [size, size],
        **label_keys(table),
        "seed": seed,
        **sections,
        "duplicates": duplicates,
        "notes": notes,
    }
