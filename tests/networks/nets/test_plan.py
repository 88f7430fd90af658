"""nnU-Net's planning rules on shapes whose plan is known."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from monai_echosynth.networks.nets.plan import plan_segmentation


@pytest.mark.parametrize(("edge", "stages"), [(16, 3), (31, 4), (32, 4), (96, 5), (128, 6), (256, 7), (512, 8)])
def test_depth_leaves_four_pixels(edge: int, stages: int) -> None:
    plan = plan_segmentation((edge, edge))
    assert len(plan.strides) == len(plan.kernels) == len(plan.features) == stages
    assert plan.strides[0] == (1, 1)
    assert set(plan.strides[1:]) == {(2, 2)}
    assert plan.patch_size[0] // 2 ** (stages - 1) >= 4
    assert plan.patch_size[0] % 2 ** (stages - 1) == 0
    assert plan.patch_size[0] >= edge


def test_features_double_up_to_the_bound() -> None:
    assert plan_segmentation((128, 128), base_features=16).features == (16, 32, 64, 128, 128, 128)


def test_coarse_axis_waits_until_the_fine_one_has_caught_up() -> None:
    plan = plan_segmentation((256, 64), spacing=(0.25, 1.0))
    assert plan.strides[:3] == ((1, 1), (2, 1), (2, 2))
    assert plan.kernels[:2] == ((3, 1), (3, 3))


def test_batch_follows_memory_and_size_of_the_data() -> None:
    small, large = (plan_segmentation((128, 128), memory_mb=mb).batch_size for mb in (500, 2000))
    assert 2 <= small < large
    assert plan_segmentation((128, 128), frames=100).batch_size == 5
    assert plan_segmentation((512, 512), memory_mb=1).batch_size == 2


def test_large_frames_are_cut_to_patches() -> None:
    assert plan_segmentation((2000, 300), max_size=512).patch_size == (512, 320)


def test_plan_is_written_as_json(tmp_path: Path) -> None:
    plan_segmentation((64, 64)).save(tmp_path / "plan.json")
    assert json.loads((tmp_path / "plan.json").read_text())["patch_size"] == [64, 64]


def test_tiny_frames_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 16 pixels"):
        plan_segmentation((8, 8))
