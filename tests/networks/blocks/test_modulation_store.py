"""One modulation a label map: by content, in batches too, and never that of another map."""

from __future__ import annotations

import torch

from monai_echosynth.networks.blocks.modulation_store import ModulationStore
from tests.helpers.tiny_generator import tiny_seg, tiny_unet


def test_equal_maps_share_a_cache_and_others_do_not() -> None:
    store, seg = ModulationStore(), tiny_seg(2)
    first = store.of(seg[:1])
    assert store.of(seg[:1].clone()) is first
    assert store.of(seg[1:]) is not first
    assert store.of(seg[:1]) is first


def test_only_the_last_maps_are_kept() -> None:
    store, seg = ModulationStore(masks=2), tiny_seg(3)
    caches = [store.of(one) for one in seg.split(1)]
    assert store.of(seg[1:2]) is caches[1] and store.of(seg[:1]) is not caches[0]


def test_batches_compute_each_map_once_and_give_each_image_its_own() -> None:
    network, seg = tiny_unet(), tiny_seg(2)
    x, level = torch.randn(4, 1, 16, 16), torch.zeros(4)
    with torch.inference_mode():
        for rows in ([0, 1, 0, 1], [1, 1, 1, 1], [0, 1, 1, 0]):
            cache = ModulationStore().of(seg[rows])
            assert len(cache.seg) == len(set(rows))
            found = network(x, timesteps=level, seg=cache)
            torch.testing.assert_close(found, network(x, timesteps=level, seg=seg[rows]), rtol=0, atol=1e-5)
