"""Trajectories are solved once: kept, extended, and made anew for another teacher."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.transforms import Compose, EnsureChannelFirstd, EnsureTyped, LoadImaged, ScaleIntensityd
from torch import Tensor

from monai_echosynth.data.datalist import load_datalist
from monai_echosynth.data.trajectory_cache import TrajectoryDataset
from monai_echosynth.errors import EchoSynthError
from tests.helpers.tiny_prepared import write_tiny_prepared

LEVELS = (80.0, 1.5)


class _Solver:
    """Counts its calls; states that tell where they come from."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def __call__(self, noise: Tensor, seg: Tensor, sector: Tensor) -> Tensor:
        self.batches.append(len(noise))
        return torch.stack([80 * noise, 1.5 * noise, noise + seg[:, 1:2]], dim=1)


@pytest.fixture(scope="module")
def latents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = write_tiny_prepared(tmp_path_factory.mktemp("prepared"), training=3)
    keys = ["image", "label"]
    steps = [
        LoadImaged(keys, image_only=True),
        EnsureChannelFirstd(keys, channel_dim="no_channel"),
        ScaleIntensityd("image"),
    ]
    return {
        "data": load_datalist(folder, "training"),
        "transform": Compose([*steps, EnsureTyped(keys, track_meta=False)]),
        "encode": lambda image, sector: torch.nn.functional.avg_pool2d(image, 2),
        "key": "encoder",
        "downsampling": 2,
        "variants": 1,
    }


def _make(latents: dict[str, Any], folder: Path, solve: _Solver, count: int = 40, **options: Any) -> TrajectoryDataset:
    shared = {"levels": LEVELS, "teacher_key": "a", "progress": False, "cache_dir": folder}
    return TrajectoryDataset(solve, count=count, **{**shared, **latents, **options})


def test_items(latents: dict[str, Any], tmp_path: Path) -> None:
    made = _make(latents, tmp_path, _Solver())
    assert len(made) == 40
    seen = set()
    for index, seed in ((0, 5), (34, 6), (34, 7), (39, 8), (1, 9)):
        item = made[index, seed]
        mask = made.masks[index % 3]
        assert torch.equal(item["seg"], mask["seg"]) and torch.equal(item["sector"], mask["sector"])
        noise = item["latent"] - item["seg"][1:2]
        torch.testing.assert_close(item["state"], item["sigma"] * noise, rtol=2e-3, atol=5e-3 * item["sigma"])
        assert item["seed"] == seed
        seen.add(item["sigma"])
        assert torch.equal(item["state"], made[index, seed]["state"])
    assert seen == set(LEVELS)
    assert not torch.equal(made[0]["latent"], made[3]["latent"])  # one mask, other noise


def test_what_is_there_is_kept(latents: dict[str, Any], tmp_path: Path) -> None:
    first, second = _Solver(), _Solver()
    before = _make(latents, tmp_path, first)[3]["latent"]
    assert first.batches == [32, 32]
    assert torch.equal(_make(latents, tmp_path, second, count=64)[3]["latent"], before)
    assert second.batches == []
    _make(latents, tmp_path, second, count=65)
    assert second.batches == [32]
    (tmp_path / "trajectories" / "states_00000032.npy").unlink()  # a killed run
    _make(latents, tmp_path, second)
    assert second.batches == [32, 32]
    for other in ({"teacher_key": "b"}, {"levels": (80.0, 2.0)}):
        third = _Solver()
        _make(latents, tmp_path, third, **other)
        assert third.batches == [32, 32]


def test_stored_small(latents: dict[str, Any], tmp_path: Path) -> None:
    _make(latents, tmp_path, _Solver(), count=1)
    part = np.load(tmp_path / "trajectories" / "states_00000000.npy")
    assert part.dtype == np.float16 and part.shape == (32, 3, 1, 16, 16)


def test_nothing_asked_for(latents: dict[str, Any], tmp_path: Path) -> None:
    for wrong in ({"count": 0}, {"levels": ()}):
        with pytest.raises(EchoSynthError, match="trajectories need a count and levels"):
            _make(latents, tmp_path, _Solver(), **wrong)
