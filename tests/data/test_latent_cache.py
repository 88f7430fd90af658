"""The latent cache holds what direct encoding gives, and is made again exactly when its input changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from monai.transforms import Compose, EnsureChannelFirstd, EnsureTyped, LoadImaged, ScaleIntensityRanged
from torch import Tensor

from monai_echosynth.data.datalist import load_datalist
from monai_echosynth.data.latent_cache import LatentDataset
from monai_echosynth.data.seeded import SeededDataset
from monai_echosynth.diffusion.seeding import derive_seed
from monai_echosynth.transforms.rand_echo_warp import RandEchoWarpd
from tests.helpers.tiny_generator import tiny_autoencoder
from tests.helpers.tiny_prepared import write_tiny_prepared

KEYS = ["image", "label"]


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return load_datalist(write_tiny_prepared(tmp_path_factory.mktemp("prepared"), training=3), "training")


def _transform(rotation: float = 5.0) -> Compose:
    return Compose(
        [
            LoadImaged(KEYS, image_only=True),
            EnsureChannelFirstd(KEYS, channel_dim="no_channel"),
            ScaleIntensityRanged("image", 0, 255, 0.0, 1.0, clip=True),
            EnsureTyped(KEYS, dtype=[torch.float32, torch.uint8], track_meta=False),
            RandEchoWarpd(KEYS, prob=1.0, rotation=rotation),
        ]
    )


class _Encoder:
    """The tiny autoencoder, counting the frames that it encodes."""

    def __init__(self) -> None:
        self.network = tiny_autoencoder()
        self.frames = 0

    def __call__(self, image: Tensor, sector: Tensor) -> Tensor:
        self.frames += len(image)
        return self.network.encode_stage_2_inputs(image, sector)


def _cache(
    items: list[dict[str, Any]], folder: Path, rotation: float = 5.0, **options: Any
) -> tuple[LatentDataset, int]:
    encoder = _Encoder()
    settings = {"key": "a", "downsampling": 2, "variants": 2, "batch_size": 2, **options}
    return LatentDataset(items, _transform(rotation), encoder, folder, **settings), encoder.frames


def test_every_variant_carries_the_condition_of_its_frame(items: list[dict[str, Any]], tmp_path: Path) -> None:
    plain, _ = _cache(items, tmp_path)
    assert "condition" not in plain[0]
    dataset, encoded = _cache([{**item, "condition": k + 5} for k, item in enumerate(items)], tmp_path)
    assert encoded == 0, "conditions are not encoded: the cache serves with and without them"
    for position in range(6):
        assert dataset[position]["condition"] == position % 3 + 5
        assert torch.equal(dataset[position]["latent"], plain[position]["latent"])


def test_values_are_those_of_direct_encoding(items: list[dict[str, Any]], tmp_path: Path) -> None:
    dataset, _ = _cache(items, tmp_path)
    network, frames = tiny_autoencoder(), SeededDataset(items, _transform(), progress=False)
    plain = Compose(_transform().transforms[:4])
    assert len(dataset) == 6
    for position in range(6):
        index, variant = position % 3, position // 3
        frame = frames[index, derive_seed(0, "latent", index, variant)] if variant else plain(dict(items[index]))
        sector = (frame["label"][None] > 0).float()
        with torch.inference_mode():
            expected = network.encode_stage_2_inputs(frame["image"][None] * sector, sector)[0]
        torch.testing.assert_close(dataset[position]["latent"], expected, rtol=0, atol=1e-5)
        one_hot = F.one_hot(frame["label"].long()[0], 5).movedim(-1, 0).float()
        assert torch.equal(dataset[position]["seg"], F.avg_pool2d(one_hot, 2))
        assert torch.equal(dataset[position]["sector"], F.max_pool2d(sector[0], 2))
    assert not torch.equal(dataset[0]["latent"], dataset[3]["latent"])


def test_fractions_sum_to_one(items: list[dict[str, Any]], tmp_path: Path) -> None:
    dataset, _ = _cache(items, tmp_path, downsampling=2)
    for item in (dataset[k] for k in range(len(dataset))):
        assert torch.equal(item["seg"].sum(0), torch.ones(16, 16))
        assert ((item["seg"][0] < 1) == (item["sector"][0] > 0)).all()


def test_cache_is_made_again_exactly_when_its_input_changed(items: list[dict[str, Any]], tmp_path: Path) -> None:
    assert _cache(items, tmp_path)[1] == 6
    assert _cache(items, tmp_path)[1] == 0
    assert _cache(items, tmp_path, key="b")[1] == 6
    assert _cache(items, tmp_path, key="b", seed=1)[1] == 6
    assert _cache(items, tmp_path, key="b", seed=1, rotation=20.0)[1] == 6
    assert _cache(items, tmp_path, key="b", variants=1)[1] == 3
    assert _cache(items[:2], tmp_path, key="b", variants=1)[1] == 2


def test_a_changed_frame_is_noticed(tmp_path: Path) -> None:
    prepared = write_tiny_prepared(tmp_path / "prepared", training=2)
    items = load_datalist(prepared, "training")
    _cache(items, tmp_path / "cache")
    Path(items[0]["image"]).write_bytes(Path(items[1]["image"]).read_bytes())
    assert _cache(items, tmp_path / "cache")[1] == 4


def test_building_that_was_killed_leaves_no_whole_cache(
    items: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Arrays of a new cache beside the marker of the old one would pass for the old one."""
    before = _cache(items, tmp_path)[0][0]["latent"]
    import numpy as np

    saved, calls = np.save, []

    def dies_at_the_second_array(path: Any, array: Any) -> None:
        calls.append(path)
        if len(calls) == 2:
            raise KeyboardInterrupt
        saved(path, array + 1)

    monkeypatch.setattr(np, "save", dies_at_the_second_array)
    with pytest.raises(KeyboardInterrupt):
        _cache(items, tmp_path, key="b")
    monkeypatch.undo()
    dataset, encoded = _cache(items, tmp_path)
    assert encoded == 6
    assert torch.equal(dataset[0]["latent"], before)


def test_items_carry_the_seed_of_the_draw(items: list[dict[str, Any]], tmp_path: Path) -> None:
    dataset, _ = _cache(items, tmp_path)
    assert dataset[4, 99]["seed"] == 99
    assert torch.equal(dataset[4, 99]["latent"], dataset[4]["latent"])
