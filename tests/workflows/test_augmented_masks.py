"""Warped maps as a folder for generation, and painted sets from any folder of maps."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from monai_echosynth.data.check_prepared import check_prepared
from monai_echosynth.data.datalist import load_datalist
from monai_echosynth.data.masks import load_masks
from monai_echosynth.data.read_frame import read_pixels
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.transforms.echo_warp import Uncovered
from monai_echosynth.transforms.label_augmentation import AugmentLabeld
from monai_echosynth.transforms.load_mask import LoadMaskd
from monai_echosynth.transforms.warp_parameters import WarpLimits
from monai_echosynth.workflows.augmented_masks import CENTERED, write_augmented_masks
from monai_echosynth.workflows.randomized_synthesis import synthesize
from tests.helpers.tiny_prepared import write_tiny_prepared


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_prepared(tmp_path_factory.mktemp("prepared"), size=64, training=4)


def test_maps_take_turns_and_keep_patient_and_pixel_size(prepared: Path, tmp_path: Path) -> None:
    masks = write_augmented_masks(prepared, tmp_path / "masks", 10, progress=False)
    items, frames = load_masks(masks), load_datalist(prepared, "training")
    assert [item["id"] for item in items] == [f"{frames[k % 4]['id']}_w{1 + k // 4:03d}" for k in range(10)]
    assert [item["patient"] for item in items] == [frames[k % 4]["patient"] for k in range(10)]
    assert len({Path(item["label"]).read_bytes() for item in items}) == 10
    for k, item in enumerate(items):
        warped, source = read_pixels(Path(item["label"])), read_pixels(Path(frames[k % 4]["label"]))
        assert warped.spacing == source.spacing
        assert np.array_equal(warped.array > 0, source.array > 0)  # the sector belongs to the probe


def test_a_map_depends_on_its_frame_and_the_seed_alone(prepared: Path, tmp_path: Path) -> None:
    long, short, other = (
        write_augmented_masks(prepared, tmp_path / name, count, seed, progress=False)
        for name, count, seed in (("long", 9, 0), ("short", 3, 0), ("other", 3, 1))
    )
    for path in sorted((short / "labels").iterdir()):
        assert path.read_bytes() == (long / "labels" / path.name).read_bytes()
        assert path.read_bytes() != (other / "labels" / path.name).read_bytes()


def test_warps_keep_the_size_of_the_heart_on_average(prepared: Path) -> None:
    frame = load_datalist(prepared, "training")[0]
    loaded = LoadMaskd("label", 64)({"label": frame["label"]})

    def growth(limits: WarpLimits, copies: int = 200) -> float:
        warp = AugmentLabeld("label", 0, limits, Uncovered.EXTEND)
        maps = (warp({**loaded, "patient": "p", "copy": copy})["label"] for copy in range(1, copies + 1))
        return float(
            np.mean([np.isin(label, (1, 2)).mean() for label in maps]) / np.isin(loaded["label"], (1, 2)).mean()
        )

    assert growth(CENTERED) == pytest.approx(1, abs=0.08)
    assert growth(WarpLimits()) < 0.92  # what generation warps by, which shrinks


def test_painted_sets_are_like_other_sets(prepared: Path, tmp_path: Path) -> None:
    made = synthesize(prepared, tmp_path / "set", count=6, seed=2, size=64, progress=False)
    assert (made["count"], made["new"], made["nfe"], made["solver"]) == (6, 6, 0, None)
    check_prepared(tmp_path / "set", "training")
    for item, frame in zip(
        load_datalist(tmp_path / "set", "training"), load_datalist(prepared, "training") * 2, strict=False
    ):
        label = read_pixels(Path(item["label"])).array
        assert np.array_equal(label, read_pixels(Path(frame["label"])).array)
        assert not read_pixels(Path(item["image"])).array[label == 0].any()
    manifest = json.loads((tmp_path / "set" / "manifest.json").read_text())
    assert manifest["family"] == "synthseg" and len({row["image_sha256"] for row in manifest["images"]}) == 6
    assert synthesize(prepared, tmp_path / "set", count=6, seed=2, size=64, progress=False)["new"] == 0
    for count in (2, 6):
        synthesize(prepared, tmp_path / "parts", count=count, seed=2, size=64, progress=False)
    assert json.loads((tmp_path / "parts" / "manifest.json").read_text()) == manifest
    with pytest.raises(EchoSynthError, match="seed = 2, not 3"):
        synthesize(prepared, tmp_path / "set", count=6, seed=3, size=64, progress=False)


def test_no_map_is_no_set(prepared: Path, tmp_path: Path) -> None:
    with pytest.raises(EchoSynthError, match="at least one map must be asked for, got 0"):
        write_augmented_masks(prepared, tmp_path / "masks", 0)
    with pytest.raises(EchoSynthError, match="must be 1 or more, got count = 0"):
        synthesize(prepared, tmp_path / "set", count=0)
    assert not any(tmp_path.iterdir())
