"""Sector, semantic map, one-hot and mask loading as transforms."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from monai_echosynth.data.builtin_labels import CAMUS_LABELS
from monai_echosynth.data.sector_mask import sector_mask
from monai_echosynth.data.semantic_map import semantic_map
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.transforms.load_mask import LoadMaskd
from monai_echosynth.transforms.one_hot import LabelToSeg, LabelToSegd
from monai_echosynth.transforms.sector import Sector, Sectord
from monai_echosynth.transforms.semantic_map import SemanticMap, SemanticMapd
from tests.helpers.echo_frames import frame, save_png


def test_semantic_map_by_hand() -> None:
    label = np.array([[0, 1, 2, 3], [1, 0, 0, 3]])
    inside = np.array([[True, True, True, True], [False, True, False, False]])
    assert semantic_map(label, inside, "x").tolist() == [[4, 1, 2, 3], [0, 4, 0, 0]]


def test_a_semantic_map_is_only_clipped() -> None:
    label = np.array([[0, 1, 4], [3, 2, 4]])
    assert semantic_map(label, label > 0, "x").tolist() == label.tolist()


def test_unknown_ids_shapes_and_empty_maps_are_refused() -> None:
    with pytest.raises(EchoSynthError, match=r"got 7 in a\.png"):
        semantic_map(np.array([[7, 1]]), np.ones((1, 2), bool), "a.png")
    with pytest.raises(EchoSynthError, match="one shape"):
        semantic_map(np.ones((2, 2)), np.ones((1, 2), bool), "a.png")
    with pytest.raises(EchoSynthError, match="none in a"):
        semantic_map(np.array([[1, 0]]), np.array([[False, True]]), "a.png")


def test_transforms_agree_with_the_functions() -> None:
    image, label = frame()
    inside = sector_mask(image)
    expected = semantic_map(label, inside, "x")
    assert np.array_equal(Sector()(torch.from_numpy(image)[None])[0].numpy(), inside)
    data = {"image": MetaTensor(image[None].astype(np.float32)), "label": MetaTensor(label[None].astype(np.float32))}
    assert np.array_equal(Sectord()(data)["sector"][0].numpy(), inside)
    result = SemanticMapd()(data)["label"]
    assert isinstance(result, MetaTensor)
    assert result.dtype == torch.float32
    assert np.array_equal(result[0].numpy(), expected)
    assert np.array_equal(SemanticMap()(label, inside), expected)


def test_sector_takes_one_frame() -> None:
    with pytest.raises(EchoSynthError, match="one frame"):
        Sector()(torch.ones(2, 4, 4))
    with pytest.raises(EchoSynthError, match="one image"):
        Sectord(keys=("a", "b"))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.float32])
def test_one_hot_has_one_channel_per_label(dtype: torch.dtype) -> None:
    label = torch.tensor([[[0, 1, 2], [3, 4, 4]]], dtype=dtype)
    seg = LabelToSeg()(MetaTensor(label))
    assert seg.shape == (5, 2, 3)
    assert seg.dtype == torch.float32
    assert torch.equal(seg.sum(dim=0), torch.ones(2, 3))
    assert torch.equal(seg.argmax(dim=0), label[0].long())
    assert torch.equal(LabelToSeg()(label[0].numpy()), seg)


def test_one_hot_follows_the_table_and_refuses_strangers() -> None:
    data = LabelToSegd(keys="label", output_keys=None, table=CAMUS_LABELS)({"label": torch.tensor([[0, 3]])})
    assert data["label"].shape == (4, 1, 2)
    for stranger in (torch.tensor([[5]]), torch.tensor([[-1]]), torch.tensor([[1.5]]), torch.tensor([[300]])):
        with pytest.raises(EchoSynthError, match="label map"):
            LabelToSeg()(stranger)
    with pytest.raises(EchoSynthError, match="shape"):
        LabelToSeg()(torch.zeros(2, 3, 4))
    with pytest.raises(EchoSynthError, match="one output key"):
        LabelToSegd(keys=("a", "b"), output_keys="seg")


def test_masks_are_loaded_onto_the_grid_and_resampling_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    image, label = frame()
    save_png(tmp_path / "m.png", semantic_map(label, sector_mask(image), "x"))
    with caplog.at_level(logging.WARNING):
        load = LoadMaskd(size=24)
        result, again = (load({"label": str(tmp_path / "m.png")})["label"] for _ in range(2))
    assert result.shape == (1, 24, 24)
    assert result.dtype == torch.uint8
    assert np.allclose(np.diag(result.affine.numpy())[:2], [2.0, 40 / 24])
    assert caplog.text.count("48 x 40 to 24 x 24") == 1
    assert torch.equal(result, again)
    again.fill_(0)
    assert load({"label": str(tmp_path / "m.png")})["label"].any(), "a map that was changed must not be remembered so"
