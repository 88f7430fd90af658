"""Dice of a segmenter against the masks that guided the frames."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from monai_echosynth.data.datalist import load_datalist, read_label_table
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows.adherence import adherence
from tests.helpers.tiny_prepared import write_tiny_prepared
from tests.helpers.tiny_segmenter import write_tiny_segmenter

SIZE = 48


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_prepared(tmp_path_factory.mktemp("real"), size=SIZE, native=(60, 50), training=4)


def test_adherence_is_one_where_the_segmenter_is_right(real: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    items, table = load_datalist(real, "training"), read_label_table(real)
    maps = iter([np.asarray(nib.load(item["label"]).dataobj) for item in items])

    def perfect(image: Tensor) -> Tensor:
        seen = torch.from_numpy(np.stack([next(maps) for _ in image])).long()
        return nn.functional.one_hot(torch.where(seen == 4, 0, seen), 4).movedim(-1, 1).float()

    monkeypatch.setattr("monai_echosynth.workflows.adherence.load_frozen_segmenter", lambda _: perfect)
    scores = adherence("any", items, table, SIZE)
    assert scores is not None
    assert {name: score["value"] for name, score in scores.items()} == {"lv_endo": 1, "myo": 1, "la": 1, "mean": 1}


def test_frames_without_structures_have_no_adherence(real: Path, tmp_path: Path) -> None:
    items, table = load_datalist(real, "training")[:3], read_label_table(real)
    blank = []
    for item in items:
        label = nib.load(item["label"])
        path = tmp_path / Path(item["label"]).name
        nib.save(nib.Nifti1Image(np.full(label.shape, table.id_of("sector"), np.uint8), label.affine), path)
        blank.append({**item, "label": str(path)})
    assert adherence(write_tiny_segmenter(tmp_path / "segmenter"), blank, table, SIZE) is None


def test_a_segmenter_of_other_structures_is_refused(real: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "monai_echosynth.workflows.adherence.load_frozen_segmenter",
        lambda _: lambda image: torch.zeros(len(image), 3, SIZE, SIZE),
    )
    with pytest.raises(EchoSynthError, match="needs a segmenter of 3 structures, got 2"):
        adherence("other", load_datalist(real, "training"), read_label_table(real), SIZE)
