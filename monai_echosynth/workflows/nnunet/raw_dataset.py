"""Writes prepared folders and synthetic sets as one data set in nnU-Net's raw format.

    OUT/Dataset501_NAME/imagesTr  labelsTr      training and validation frames, CASE_0000.nii.gz and CASE.nii.gz
                       /imagesTs  labelsTs      test frames on their native grid
                       /dataset.json  splits_final.json  cases.json

Label ids are those of the table, ``outside`` and ``sector`` as background. Every file carries the pixel size of its frame.
nnU-Net's planner takes ``splits_final.json`` from here; ``cases.json`` says which frame, patient and mask a case is.

References:
    https://github.com/MIC-DKFZ/nnUNet, documentation/dataset_format.md
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from monai_echosynth.data.atomic import write_json
from monai_echosynth.data.builtin_labels import OUTSIDE
from monai_echosynth.data.check_prepared import check_prepared
from monai_echosynth.data.datalist import load_datalist, read_dataset_json, read_label_table
from monai_echosynth.data.folder_labels import structures
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.data.patient_splits import SplitCase, patient_folds, single_fold
from monai_echosynth.data.read_frame import read_pixels, stem
from monai_echosynth.data.write_nifti import write_nifti
from monai_echosynth.errors import EchoSynthError

__all__ = ["FILE_ENDING", "nnunet_labels", "write_raw_dataset"]

FILE_ENDING = ".nii.gz"


@dataclass(frozen=True)
class _Case:
    name: str
    item: dict[str, Any]
    validates: bool


def write_raw_dataset(
    dataset_dirs: Sequence[str | Path],
    out: str | Path,
    number: int,
    name: str,
    validation: str | Path | None = None,
    folds: int = 5,
    seed: int = 0,
) -> Path:
    """Writes the data set.

    Args:
        dataset_dirs: prepared folders and synthetic sets to join. Frames of the first one validate and, where it has any, test.
        out: folder of nnU-Net's raw data sets.
        number: number of the data set, 1 to 999.
        name: its name, letters, digits and _.
        validation: prepared folder whose validation and test frames are taken instead, for sets that are synthetic alone; with
            ``folds`` 1.
        folds: number of cross-validation folds by patient; 1 takes the folders' own division into training and validation.
        seed: which patients validate together.

    Returns:
        The data set's folder.

    Raises:
        EchoSynthError: a folder is not prepared or a frame is bad, the labels have gaps, no frame validates, there are fewer
            patients than folds, or the folder holds another data set.
    """
    folders = [Path(folder) for folder in dataset_dirs]
    judge = Path(validation) if validation is not None else folders[0]
    if validation is not None and folds != 1:
        raise EchoSynthError(f"frames of {validation} validate every training alone, got folds = {folds}: use 1 fold")
    table = read_label_table([*folders, judge])
    labels = nnunet_labels(table)
    root = _claim(Path(out), number, name)
    cases = _cases(folders, judge, folds)
    judged = [SplitCase(case.name, str(case.item["patient"]), case.validates) for case in cases]
    splits = [single_fold(judged)] if folds == 1 else patient_folds(judged, folds, seed)
    tests = _section(judge, "test")
    for case in cases:
        _write(root, "Tr", case.name, case.item, table)
    for item in tests:
        _write(root, "Ts", stem(Path(item["image"])), item, table)
    write_json(root / "splits_final.json", splits)
    write_json(root / "cases.json", [_record(case) for case in cases])
    write_json(root / "dataset.json", _description(name, labels, cases, folders))
    return root


def nnunet_labels(table: LabelTable) -> dict[str, int]:
    """Label ids by name as nnU-Net wants them: background 0, structures 1, 2, ... without gaps.

    Raises:
        EchoSynthError: the table's ids have gaps, or its background is not 0.
    """
    rows = sorted(structures(table), key=lambda entry: entry.id)
    ids = [entry.id for entry in rows]
    if ids != list(range(1, len(ids) + 1)) or any(entry.name == OUTSIDE and entry.id for entry in table.entries):
        listed = ", ".join(f"{number} {name}" for number, name in table.names.items())
        raise EchoSynthError(
            f"nnU-Net needs background 0 and structures 1, 2, ... without gaps, got {listed}: prepare the frames again, which "
            "numbers them so"
        )
    return {"background": 0, **{entry.name: entry.id for entry in rows}}


def _claim(out: Path, number: int, name: str) -> Path:
    if not 1 <= number <= 999 or not name.isidentifier():
        raise EchoSynthError(
            f"a data set of nnU-Net has a number from 1 to 999 and a name of letters, digits and _, got {number} and {name!r}: "
            "correct them"
        )
    root = out / f"Dataset{number:03d}_{name}"
    taken = [path for path in out.glob(f"Dataset{number:03d}_*") if path != root]
    if taken or (root.is_dir() and any(root.iterdir())):
        held = taken[0] if taken else root
        raise EchoSynthError(
            f"a number stands for one data set, got {number} and {held} is there: choose another number"
        )
    return root


def _cases(folders: Sequence[Path], judge: Path, folds: int) -> list[_Case]:
    """Training frames of all folders and the frames that validate, each under a name of its own."""
    check_prepared(folders, "training")
    found, names = [], set()
    sources = [
        (item, folder == judge and folds > 1) for folder in folders for item in load_datalist(folder, "training")
    ]
    sources += [(item, True) for item in _section(judge, "validation")]
    for item, validates in sources:
        name, copy = str(item["id"]), 1
        while name in names:
            copy += 1
            name = f"{item['id']}_{copy}"
        names.add(name)
        found.append(_Case(name, item, validates))
    return found


def _section(folder: Path, section: str) -> list[dict[str, Any]]:
    """Frames of a section; none where it is empty, as in synthetic sets."""
    if not read_dataset_json(folder).get(section):
        return []
    check_prepared(folder, section)
    return load_datalist(folder, section)


def _write(root: Path, part: str, name: str, item: dict[str, Any], table: LabelTable) -> None:
    image, label = (read_pixels(Path(item[key])) for key in ("image", "label"))
    ids = [entry.id for entry in structures(table)]
    mask = np.where(np.isin(label.array, ids), label.array, 0).astype(np.uint8)
    write_nifti(root / f"labels{part}" / f"{name}{FILE_ENDING}", mask, image.spacing)
    write_nifti(root / f"images{part}" / f"{name}_0000{FILE_ENDING}", image.array, image.spacing)


def _record(case: _Case) -> dict[str, Any]:
    keys = ("id", "patient", "view", "phase", "mask")
    kept = {key: case.item[key] for key in keys if case.item.get(key)}
    return {"case": case.name, "synthetic": "mask" in case.item, **kept}


def _description(name: str, labels: dict[str, int], cases: Sequence[_Case], folders: Sequence[Path]) -> dict[str, Any]:
    synthetic = sum("mask" in case.item for case in cases)
    sources = ", ".join(folder.resolve().name for folder in folders)
    return {
        "channel_names": {"0": "ultrasound"},
        "labels": labels,
        "numTraining": len(cases),
        "file_ending": FILE_ENDING,
        "overwrite_image_reader_writer": "SimpleITKIO",
        "name": name,
        "description": f"echocardiograms of {sources}: {len(cases) - synthetic} frames and {synthetic} synthetic ones",
        "reference": "made by echosynth nnunet-export",
        "licence": "that of the frames; research only, not for diagnosis",
    }
