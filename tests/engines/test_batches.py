"""Batch preparation: what a draw sees follows from its seed alone."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from monai_echosynth.diffusion.edm import EDM
from monai_echosynth.engines.autoencoder_batch import AutoencoderPrepareBatch
from monai_echosynth.engines.denoising_batch import DenoisingPrepareBatch
from monai_echosynth.engines.mask_batch import MaskPrepareBatch


def _latents(seeds: list[int]) -> dict[str, Tensor]:
    count = len(seeds)
    clean = torch.linspace(-1, 1, 64).reshape(1, 1, 8, 8).repeat(count, 1, 1, 1)
    return {
        "latent": clean,
        "seg": torch.rand(count, 5, 8, 8),
        "sector": torch.ones(count, 1, 8, 8),
        "seed": torch.tensor(seeds),
    }


def test_noise_and_level_follow_from_the_seed_alone() -> None:
    prepare = DenoisingPrepareBatch(EDM())
    inputs, targets, positional, keywords = prepare(_latents([11, 12, 2**62 + 5]))
    other_inputs, other_targets, _, other_keywords = prepare(_latents([2**62 + 5, 11]))
    assert torch.equal(inputs[[2, 0]], other_inputs)
    assert torch.equal(targets["target"][[2, 0]], other_targets["target"])
    assert torch.equal(keywords["timesteps"][[2, 0]], other_keywords["timesteps"])
    assert not torch.equal(inputs[0], inputs[1])
    assert positional == ()


def test_target_recovers_the_clean_latent() -> None:
    """A network that hits its target denoises exactly: c_skip x + c_out y = z."""
    family, batch = EDM(0.5), _latents([1, 2, 3])
    inputs, targets, _, keywords = DenoisingPrepareBatch(family)(batch)
    sigma = (4 * keywords["timesteps"].double()).exp()
    skip, out, inp, _ = (c.view(-1, 1, 1, 1) for c in family.coefficients(sigma))
    noisy = inputs.double() / inp
    torch.testing.assert_close(
        skip * noisy + out * targets["target"].double(), batch["latent"].double(), atol=1e-5, rtol=0
    )
    assert keywords["seg"] is not None
    assert torch.equal(keywords["seg"], batch["seg"])


def test_frames_are_masked_by_their_sector() -> None:
    label = torch.zeros(2, 1, 8, 8, dtype=torch.uint8)
    label[:, :, 2:6] = 4
    batch = {"image": torch.ones(2, 1, 8, 8), "label": label, "seed": torch.tensor([7, 8])}
    image, targets, _, keywords = AutoencoderPrepareBatch(sample=False)(batch)
    assert torch.equal(image, (label > 0).float())
    assert torch.equal(targets["image"], image)
    assert keywords["sector"].dtype is torch.float32
    assert keywords["sample"] is False


def test_generator_of_the_posterior_follows_from_the_batch() -> None:
    def draw(seed: int) -> Tensor:
        batch = {"image": torch.ones(1, 1, 8, 8), "label": torch.ones(1, 1, 8, 8), "seed": torch.tensor([seed])}
        keywords: dict[str, Any] = AutoencoderPrepareBatch()(batch)[3]
        return torch.randn(4, generator=keywords["generator"])

    assert torch.equal(draw(3), draw(3))
    assert not torch.equal(draw(3), draw(4))


def test_masks_and_positions_reach_the_inferer() -> None:
    batch = {"seg": torch.rand(2, 5, 8, 8), "label": torch.ones(2, 1, 8, 8), "index": torch.tensor([4, 9])}
    inputs, labels, positional, keywords = MaskPrepareBatch()(batch)
    assert torch.equal(inputs, batch["seg"])
    assert torch.equal(labels, batch["label"])
    assert (positional, keywords) == ((), {"index": [4, 9]})
