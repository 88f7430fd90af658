"""Batches of guided diffusion: guides are looked up, dropped by the draw's seed alone and in the wanted share."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from monai_echosynth.diffusion.iddpm import IDDPM
from monai_echosynth.engines.denoising_batch import DenoisingPrepareBatch
from monai_echosynth.engines.guided_batch import GuidedPrepareBatch, GuidedTrainingBatch
from monai_echosynth.errors import EchoSynthError

FAMILY = IDDPM(schedule="linear")
GUIDES = torch.arange(12.0).reshape(3, 2, 2)


def _batch(seeds: list[int]) -> dict[str, Any]:
    count = len(seeds)
    grid = (count, 1, 8, 8)
    latents = {"latent": torch.ones(grid), "seg": torch.ones(grid), "sector": torch.ones(grid)}
    return {**latents, "seed": torch.tensor(seeds), "condition": torch.tensor([2, 0, 1] * count)[:count]}


def test_the_target_is_the_noise_and_guides_are_rows() -> None:
    inputs, target, positional, keywords = GuidedTrainingBatch(FAMILY, GUIDES, 0.0)(_batch([4, 5, 6]))
    assert positional == () and torch.equal(keywords["condition"], GUIDES[[2, 0, 1]])
    assert not keywords["dropped"].any()
    sigma = FAMILY.table[keywords["timesteps"].long()].float().view(-1, 1, 1, 1)
    torch.testing.assert_close(inputs * (sigma**2 + 1).sqrt(), 1 + sigma * target, atol=1e-4, rtol=1e-4)
    plain = DenoisingPrepareBatch(FAMILY)(_batch([4, 5, 6]))
    assert torch.equal(target, plain[1]["target"]) and torch.equal(inputs, plain[0])


def test_dropping_follows_from_the_seed_alone() -> None:
    seeds = list(range(600))
    dropped = GuidedTrainingBatch(FAMILY, GUIDES, 0.2)(_batch(seeds))[3]["dropped"]
    assert 0.14 < dropped.float().mean() < 0.26
    again = GuidedTrainingBatch(FAMILY, GUIDES, 0.2)(_batch(seeds[::-1]))[3]["dropped"]
    assert torch.equal(dropped, again.flip(0))
    assert GuidedTrainingBatch(FAMILY, GUIDES, 1.0)(_batch([1, 2]))[3]["dropped"].all()


def test_frames_and_guides_reach_the_inferer() -> None:
    image, label = torch.rand(2, 1, 8, 8), torch.ones(2, 1, 8, 8)
    batch = {"image": image, "label": label, "index": torch.tensor([7, 3]), "condition": torch.tensor([1, 1])}
    inputs, target, positional, keywords = GuidedPrepareBatch(GUIDES)(batch)
    assert torch.equal(inputs, image) and torch.equal(target, label) and positional == ()
    assert keywords["index"] == [7, 3] and torch.equal(keywords["condition"], GUIDES[[1, 1]])


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_shares_that_are_none_are_refused(share: float) -> None:
    with pytest.raises(EchoSynthError, match="dropout must lie in"):
        GuidedTrainingBatch(FAMILY, GUIDES, share)
