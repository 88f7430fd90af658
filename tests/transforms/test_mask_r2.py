"""MaskR2 in a MONAI pipeline: the original survives, the meta data stay, nothing is changed in place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose

from monai_echosynth.data.builtin_labels import TEE_LABELS
from monai_echosynth.data.mask_r2_proposal import propose_remapping
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.transforms.mask_r2 import MaskR2, MaskR2d
from monai_echosynth.transforms.one_hot import LabelToSegd

TEE = propose_remapping(TEE_LABELS)
IDS = [[0, 1, 2], [3, 4, 5]]
EXPECTED = [[0, 3, 1], [3, 2, 4]]


def meta_label(**meta: Any) -> MetaTensor:
    affine = torch.diag(torch.tensor([0.5, 0.25, 1.0, 1.0], dtype=torch.float64))
    return MetaTensor(torch.tensor([IDS], dtype=torch.uint8), affine, meta)


@pytest.mark.parametrize("label", [np.array(IDS, np.uint8), np.array([IDS], np.int32), torch.tensor([IDS]).float()])
def test_shapes_and_types_are_kept(label: Any) -> None:
    result = MaskR2(TEE)(label)
    assert type(result) is type(label) and result.shape == label.shape and result.dtype == label.dtype
    assert result.reshape(2, 3).tolist() == EXPECTED
    assert label.reshape(2, 3).tolist() == IDS


def test_meta_data_are_copied_not_shared() -> None:
    label = meta_label(filename_or_obj="a.nii.gz")
    result = MaskR2(TEE)(label)
    assert isinstance(result, MetaTensor) and result.dtype == torch.uint8
    assert result.meta["filename_or_obj"] == "a.nii.gz" and torch.equal(result.affine, label.affine)
    result.meta["filename_or_obj"] = "b"
    result.affine[0, 0] = 9.0
    assert label.meta["filename_or_obj"] == "a.nii.gz" and label.affine[0, 0] == 0.5


@pytest.mark.parametrize("shape", [(2, 2, 2), (1, 1, 2, 2), (4,)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(EchoSynthError, match=r"\(X, Y\) or \(1, X, Y\)"):
        MaskR2(TEE)(torch.zeros(shape))


def test_the_original_survives_beside_the_remapped_map() -> None:
    data = {"label": meta_label(), "id": "x"}
    result = MaskR2d("label", TEE)(data)
    assert set(result) == {"label", "label_original", "id"} and set(data) == {"label", "id"}
    assert result["label"][0].tolist() == EXPECTED
    assert result["label_original"][0].tolist() == IDS and data["label"][0].tolist() == IDS
    named = MaskR2d("label", TEE, original_keys="target")(data)
    assert set(named) == {"label", "target", "id"}
    assert set(MaskR2d("label", TEE, postfix="_tee")(data)) == {"label", "label_tee", "id"}


def test_channels_follow_in_a_pipeline() -> None:
    pipeline = Compose([MaskR2d("label", TEE), LabelToSegd("label", "seg")])
    data = pipeline({"label": meta_label()})
    assert data["seg"].shape == (5, 2, 3)
    assert torch.equal(data["seg"][3].bool(), torch.isin(data["label_original"].as_tensor()[0], torch.tensor([1, 3])))


def test_mappings_and_files_are_accepted(tmp_path: Path) -> None:
    path = tmp_path / "rules.json"
    path.write_text(json.dumps(TEE.to_dict()))
    for given in (TEE.to_dict(), path, str(path)):
        assert MaskR2(given).remapping == TEE


def test_unknown_ids_name_the_file_or_the_key() -> None:
    for label, name in ((meta_label(filename_or_obj="a.nii.gz"), r"a\.nii\.gz"), (torch.tensor([IDS]), "'label'")):
        label[0, 0, 0] = 7
        with pytest.raises(EchoSynthError, match=rf"got 7 in {name}"):
            MaskR2d("label", TEE)({"label": label})


def test_keys_must_match_and_be_free() -> None:
    for keys in (("x", "y"), "label"):
        with pytest.raises(EchoSynthError, match="one new key per map"):
            MaskR2d("label", TEE, original_keys=keys)
    with pytest.raises(EchoSynthError, match="one new key per map"):
        MaskR2d("label", TEE, postfix="")
    with pytest.raises(EchoSynthError, match=r"'label_original'.*choose original_keys"):
        MaskR2d("label", TEE)(MaskR2d("label", TEE)({"label": meta_label()}))
    with pytest.raises(KeyError):
        MaskR2d("label", TEE)({"id": "x"})
    assert MaskR2d("label", TEE, allow_missing_keys=True)({"id": "x"}) == {"id": "x"}
