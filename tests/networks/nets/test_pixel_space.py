"""Pixel space keeps the autoencoder's contract: the identity, a measured scale, an exact background."""

from __future__ import annotations

import inspect

import pytest
import torch

from monai_echosynth.networks.nets.gamma_autoencoder import GammaAutoencoder
from monai_echosynth.networks.nets.pixel_space import PixelSpace

SECTOR = (torch.arange(12) >= 4).float().expand(2, 1, 10, 12)


def _frames() -> torch.Tensor:
    return torch.rand(2, 1, 10, 12, generator=torch.Generator().manual_seed(0)) * SECTOR


def _fitted() -> PixelSpace:
    space = PixelSpace()
    space.normalizer.fit(_frames(), SECTOR)
    return space


def test_it_has_the_methods_of_the_gamma_vae_and_no_parameters() -> None:
    space = PixelSpace()
    assert list(space.parameters()) == []
    assert set(space.state_dict()) == {"normalizer.mean", "normalizer.std"}
    for name in ("encode", "decode", "latent_sector", "data_range", "encode_stage_2_inputs", "decode_stage_2_outputs"):
        ours, theirs = (list(inspect.signature(getattr(c, name)).parameters) for c in (PixelSpace, GammaAutoencoder))
        assert ours == theirs, name
    assert space.downsampling == 1


def test_encoding_and_decoding_are_the_identity() -> None:
    space, frames = _fitted(), _frames()
    mean, std = space.encode(frames)
    assert torch.equal(space.decode(space.sampling(mean, std)), frames)
    assert all(torch.equal(a, b) for a, b in zip(space(frames), (frames, frames, 0 * frames), strict=True))
    latent = space.encode_stage_2_inputs(frames, SECTOR)
    torch.testing.assert_close(space.decode_stage_2_outputs(latent, SECTOR), frames, rtol=0, atol=1e-6)


def test_frames_come_on_the_scale_of_the_noise_levels() -> None:
    space = _fitted()
    latent = space.encode_stage_2_inputs(torch.rand_like(_frames()), SECTOR)
    inside = space.encode_stage_2_inputs(_frames(), SECTOR)[SECTOR > 0]
    assert float(inside.mean()) == pytest.approx(0.0, abs=1e-5)
    assert float(inside.std()) == pytest.approx(0.5, rel=1e-5)
    assert torch.equal(latent[SECTOR == 0], space.data_range()[0].expand(int((SECTOR == 0).sum())))


def test_outside_the_sector_is_black_and_gray_levels_are_bounded() -> None:
    low, high = _fitted().data_range()
    ends = _fitted().decode_stage_2_outputs(torch.stack([low, high]).reshape(1, 1, 1, 2), torch.ones(1, 1, 1, 2))
    torch.testing.assert_close(ends.flatten(), torch.tensor([0.0, 1.0]), rtol=0, atol=1e-6)
    image = _fitted().decode_stage_2_outputs(torch.full((2, 1, 10, 12), 9.0), SECTOR)
    assert (image[SECTOR == 0] == 0).all()
    assert (image[SECTOR > 0] == 1).all()
