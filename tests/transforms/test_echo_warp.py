"""Warps of whole frames: fixed sector, image with label, augmentation by name."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose

from monai_echosynth.data.semantic_map import semantic_map
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.transforms.echo_warp import EchoWarp, Uncovered
from monai_echosynth.transforms.label_augmentation import AugmentLabel, AugmentLabeld, augmented_items
from monai_echosynth.transforms.rand_echo_warp import RandEchoWarpd
from monai_echosynth.transforms.warp_parameters import WarpParameters
from tests.helpers.echo_frames import frame, sector

STILL = np.zeros((2, 3, 3))
SHAPE = (96, 80)


def item(dtype: torch.dtype = torch.uint8) -> dict[str, Any]:
    semantic = semantic_map(np.kron(frame()[1], np.ones((2, 2), np.uint8)), sector(SHAPE), "x")
    smooth = torch.from_numpy(np.where(sector(SHAPE), semantic * 50.0, 0.0))[None].float() / 255
    return {"image": smooth, "label": torch.from_numpy(semantic)[None].to(dtype), "patient": "p"}


def test_the_identity_changes_nothing() -> None:
    data = item()
    for uncovered in Uncovered:
        label, (image,) = EchoWarp(uncovered)(data["label"], [data["image"]], WarpParameters(0, 0, 1, 0, STILL))
        inner = torch.from_numpy(sector((96, 80)))[None].clone()
        inner &= torch.roll(inner, 3, 1) & torch.roll(inner, -3, 1) & torch.roll(inner, -3, 2) & torch.roll(inner, 3, 2)
        assert torch.equal(label[inner], data["label"][inner])
        assert torch.allclose(image[inner], data["image"][inner], atol=1e-5)


@pytest.mark.parametrize("uncovered", list(Uncovered))
def test_the_sector_stays_and_image_follows_label(uncovered: Uncovered) -> None:
    data = item()
    fixed = data["label"] > 0
    warp, cut = RandEchoWarpd(prob=1.0, uncovered=uncovered), EchoWarp(Uncovered.SECTOR)
    for seed in range(10):
        warp.set_random_state(seed)
        result = warp(data)
        assert warp.parameters is not None
        assert result["label"].dtype == torch.uint8
        assert result["image"].dtype == torch.float32
        assert torch.equal(result["label"] > 0, fixed)
        assert not result["image"][~fixed].any()
        assert not torch.equal(result["label"], data["label"])
        _, (covered,) = cut(data["label"], [fixed.float()], warp.parameters)
        for structure in (1, 2):  # the image shows the id as a gray level: both must have moved alike
            shown = ((result["image"] * 255 - 50 * structure).abs() < 1) & (covered > 0.99)
            assert (result["label"][shown] == structure).float().mean() > 0.9


def test_uncovered_pixels_have_no_structure() -> None:
    label = torch.full((1, 40, 40), 2, dtype=torch.uint8)
    shrink = WarpParameters(0, 0, 0.5, 0, STILL)
    warped, (image,) = EchoWarp(Uncovered.SECTOR)(label, [torch.ones(1, 40, 40)], shrink)
    assert (warped[0, :9] == 4).all()
    assert (warped[0, 12:28, 12:28] == 2).all()
    assert not image[0, :9].any()


def test_extension_fills_the_image_and_lengthens_what_the_far_edge_cut() -> None:
    label = torch.full((1, 40, 40), 4, dtype=torch.uint8)
    label[:, 15:25, 30:] = 3
    shrink = WarpParameters(0, 0, 0.8, 0, STILL)
    warped, (image,) = EchoWarp(Uncovered.EXTEND)(label, [torch.ones(1, 40, 40)], shrink)
    assert torch.allclose(image, torch.ones_like(image))
    assert (warped[0, 20, 30:] == 3).all()
    cut, _ = EchoWarp(Uncovered.SECTOR)(label, [], shrink)
    assert (cut[0, 20, 37:] == 4).all()


def test_sizes_must_agree_and_an_empty_map_stays() -> None:
    warp = WarpParameters(0, 0, 1, 0, STILL)
    with pytest.raises(EchoSynthError, match="one size"):
        EchoWarp()(torch.ones(1, 8, 8), [torch.ones(1, 9, 8)], warp)
    label, (image,) = EchoWarp()(torch.zeros(1, 8, 8), [torch.ones(1, 8, 8)], warp)
    assert not label.any()
    assert not image.any()


def test_random_transform_repeats_with_its_seed_and_respects_prob() -> None:
    data = item()
    warp = Compose([RandEchoWarpd(prob=1.0)])
    warp.set_random_state(7)
    one = warp(data)
    warp.set_random_state(7)
    two = warp(data)
    assert torch.equal(one["image"], two["image"])
    assert torch.equal(one["label"], two["label"])
    data["image"] = data["image"] + 0.25
    never = RandEchoWarpd(prob=0.0)(data)
    assert torch.equal(never["label"], data["label"])
    assert torch.equal(never["image"], data["image"] * (data["label"] > 0))


def test_meta_tensors_keep_type_and_affine() -> None:
    data = item()
    affine = torch.diag(torch.tensor([0.5, 1.5, 1.0, 1.0], dtype=torch.float64))
    data["image"], data["label"] = (MetaTensor(data[key], affine) for key in ("image", "label"))
    result = RandEchoWarpd(prob=1.0)(data)
    assert isinstance(result["image"], MetaTensor)
    assert torch.equal(result["label"].affine, affine)


def test_the_label_must_be_among_the_keys() -> None:
    with pytest.raises(EchoSynthError, match="label"):
        RandEchoWarpd(keys=("image",))


def test_augmented_labels_depend_on_names_and_seed_only() -> None:
    label = item()["label"]
    augment = AugmentLabel(seed=3)
    copies = {
        key: augment(label, *key) for key in [("p", "4CH", "ED", 1), ("p", "4CH", "ED", 2), ("p", "4CH", "ES", 1)]
    }
    maps = list(copies.values())
    assert not any(torch.equal(maps[i], maps[j]) for i, j in ((0, 1), (0, 2), (1, 2)))
    for key in reversed(copies):
        assert torch.equal(AugmentLabel(seed=3)(label, *key), copies[key])
    assert not torch.equal(AugmentLabel(seed=4)(label, "p", "4CH", "ED", 1), maps[0])
    assert torch.equal(augment(label, "p", "4CH", "ED", 0), label)
    assert all(torch.equal(warped > 0, label > 0) and warped.dtype == label.dtype for warped in maps)
    with pytest.raises(EchoSynthError, match="k = -1"):
        augment(label, "p", "4CH", "ED", -1)


def test_items_run_through_all_maps_before_the_next_copy() -> None:
    items = augmented_items([{"id": "a"}, {"id": "b"}], copies=2)
    assert [(entry["id"], entry["copy"]) for entry in items] == [
        ("a", 0),
        ("b", 0),
        ("a", 1),
        ("b", 1),
        ("a", 2),
        ("b", 2),
    ]
    assert len(augmented_items([{"id": "a"}], original=False)) == 5


def test_dictionary_augmentation_reads_the_copy() -> None:
    label = item()["label"]
    names = {"patient": "p", "view": "4CH", "phase": "ED"}
    result = AugmentLabeld(seed=3)({"label": label, "copy": 2, **names})
    assert torch.equal(result["label"], AugmentLabel(seed=3)(label, "p", "4CH", "ED", 2))
    assert torch.equal(AugmentLabeld(seed=3)({"label": label, **names})["label"], label)
    flat = AugmentLabel(seed=3)(label[0].numpy(), "p", "4CH", "ED", 2)
    assert np.array_equal(flat, result["label"][0].numpy())


def test_a_warp_is_fast_enough_for_training() -> None:
    warp = RandEchoWarpd(prob=1.0)
    data = {"image": torch.rand(1, 128, 128), "label": torch.full((1, 128, 128), 4, dtype=torch.uint8)}
    durations = []
    for _ in range(30):
        start = time.perf_counter()
        warp(data)
        durations.append(time.perf_counter() - start)
    assert min(durations) < 0.010  # about 0.001 on an idle core
