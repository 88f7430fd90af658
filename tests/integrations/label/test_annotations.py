"""Saved label maps become prepared data: the annotated frames alone, patients kept together, the sector added."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from monai_echosynth.data.builtin_labels import CAMUS_LABELS
from monai_echosynth.data.check_prepared import check_prepared
from monai_echosynth.data.datalist import load_datalist
from monai_echosynth.data.read_nifti import read_nifti
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.integrations.label.annotations import Annotation, prepare_annotations
from monai_echosynth.integrations.label.labels import SegmenterLabels
from tests.helpers.label_studies import save_nifti, tiny_cine

LABELS = SegmenterLabels(CAMUS_LABELS)


def _annotation(folder: Path, name: str, frames: int = 1, annotated: tuple[int, ...] = (0,)) -> Annotation:
    images, maps = tiny_cine(frames)
    for number in set(range(frames)) - set(annotated):
        maps[..., number] = 0
    files = save_nifti(folder / f"{name}.nii.gz", images), save_nifti(folder / "labels" / f"{name}.nii.gz", maps)
    return Annotation(name, *files)


def test_annotated_frames_of_a_cine_are_taken(tmp_path: Path) -> None:
    annotations = [_annotation(tmp_path, "p1_cine", 5, (1, 3)), _annotation(tmp_path, "p2_4CH_ED")]
    counts = prepare_annotations(annotations, tmp_path / "out", LABELS, 32, validation_share=0.0)
    assert counts == {"training": 3, "validation": 0}
    check_prepared(tmp_path / "out", "training")
    items = {item["id"]: item for item in load_datalist(tmp_path / "out", "training")}
    assert set(items) == {"p1_cine_t0001", "p1_cine_t0003", "p2_4CH_ED"}
    assert (items["p2_4CH_ED"]["view"], items["p2_4CH_ED"]["phase"]) == ("4CH", "ED")
    label = read_nifti(Path(items["p1_cine_t0003"]["label"]))
    assert set(np.unique(label.array)) == {0, 1, 2, 3, 4}  # outside and inside of the sector are told apart
    assert label.spacing == pytest.approx((0.7 * 44 / 32, 0.4 * 36 / 32))


def test_patients_are_not_torn_apart(tmp_path: Path) -> None:
    annotations = [_annotation(tmp_path, f"p{n}_{phase}") for n in range(5) for phase in ("ED", "ES")]
    counts = prepare_annotations(annotations, tmp_path / "out", LABELS, 32, validation_share=0.2, seed=3)
    assert counts == {"training": 8, "validation": 2}
    first = {item["patient"] for item in load_datalist(tmp_path / "out", "validation")}
    assert not first & {item["patient"] for item in load_datalist(tmp_path / "out", "training")}
    prepare_annotations(annotations[::-1], tmp_path / "out", LABELS, 32, validation_share=0.2, seed=3)
    assert {item["patient"] for item in load_datalist(tmp_path / "out", "validation")} == first


def test_one_patient_trains(tmp_path: Path) -> None:
    counts = prepare_annotations([_annotation(tmp_path, "p1")], tmp_path / "out", LABELS, 32)
    assert counts == {"training": 1, "validation": 0}


def test_values_are_told_by_the_names_of_the_viewer(tmp_path: Path) -> None:
    plain = _annotation(tmp_path, "p1")
    swapped = [{"name": name, "idx": value} for name, value in (("la", 1), ("myo", 2), ("lv_endo", 3))]
    prepare_annotations([plain], tmp_path / "a", LABELS, 32)
    prepare_annotations([Annotation("p1", plain.image, plain.label, swapped)], tmp_path / "b", LABELS, 32)
    one, other = (read_nifti(tmp_path / name / "labels" / "p1.nii.gz").array for name in "ab")
    assert np.array_equal(np.array([0, 3, 2, 1, 4], np.uint8)[one], other)


def test_what_cannot_be_learned_from_is_refused(tmp_path: Path) -> None:
    empty = _annotation(tmp_path, "p1", annotated=())
    with pytest.raises(EchoSynthError, match="got none in 1 saved labels"):
        prepare_annotations([empty], tmp_path / "out", LABELS, 32)
    with pytest.raises(EchoSynthError, match="got none in 0 saved labels"):
        prepare_annotations([], tmp_path / "out", LABELS, 32)
    other = Annotation("p2", _annotation(tmp_path, "p2").image, _annotation(tmp_path, "p3", 2).label)
    with pytest.raises(EchoSynthError, match="one shape"):
        prepare_annotations([other], tmp_path / "out", LABELS, 32)
    with pytest.raises(EchoSynthError, match="val_split"):
        prepare_annotations([_annotation(tmp_path, "p1")], tmp_path / "out", LABELS, 32, validation_share=1.0)
