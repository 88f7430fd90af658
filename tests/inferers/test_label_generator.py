"""The one-tensor generator makes the very image that generation makes, and others for other noise."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from monai_echosynth.data.builtin_labels import SEMANTIC_LABELS
from monai_echosynth.diffusion.edm import EDM
from monai_echosynth.inferers.label_generator import LabelGenerator
from monai_echosynth.inferers.latent_sampling import LatentSamplingInferer
from monai_echosynth.networks.nets.speckle_texture import SpeckleTexture
from tests.helpers.tiny_generator import tiny_autoencoder, tiny_seg, tiny_unet


def _texture() -> SpeckleTexture:
    texture = SpeckleTexture()
    texture.law.std.fill_(0.05)
    return texture


def _label(seg: Tensor) -> Tensor:
    """Map (1, 1, X, Y) of ids; ids equal channels in the default table."""
    return seg.argmax(1, keepdim=True).float()


@pytest.fixture(scope="module")
def seg() -> Tensor:
    return tiny_seg(1)


@pytest.mark.parametrize(("solver", "nfe"), [("heun", 5), ("dpmpp_2m_sde", 4), ("churn", 5), ("ancestral", 3)])
@pytest.mark.parametrize("textured", [True, False])
def test_image_of_a_set(seg: Tensor, solver: str, nfe: int, textured: bool) -> None:
    network, texture = tiny_unet(), _texture() if textured else None
    inferer = LatentSamplingInferer(tiny_autoencoder(), EDM(0.5), solver, nfe, seed=7, texture=texture)
    module = LabelGenerator(network, inferer.image, SEMANTIC_LABELS.channel_of_id, 5, 32, seed=7, index=2)
    assert torch.equal(module(_label(seg)), inferer(seg, network, index=[2]))


@pytest.fixture(scope="module")
def module() -> LabelGenerator:
    inferer = LatentSamplingInferer(tiny_autoencoder(), EDM(0.5), "dpmpp_2m_sde", 4, texture=_texture())
    return LabelGenerator(tiny_unet(), inferer.image, SEMANTIC_LABELS.channel_of_id, 5, 32)


def test_other_noise_makes_other_images(module: LabelGenerator, seg: Tensor) -> None:
    label, noise = _label(seg), torch.randn(module.noise.shape, generator=torch.Generator().manual_seed(5))
    assert torch.equal(module.sample(label, module.noise), module(label))
    assert (module.sample(label, noise) - module(label)).abs().max() > 0.01


def test_noise_is_one_image_s(module: LabelGenerator) -> None:
    latent, image = 16 * 16, 32 * 32
    assert module.noise.shape == (latent * 4 + image,)  # start, fresh noise of three steps, texture
    assert abs(float(module.noise.mean())) < 0.1 and abs(float(module.noise.std()) - 1) < 0.1


def test_outside_stays_black_and_unknown_ids_are_outside(module: LabelGenerator, seg: Tensor) -> None:
    label = _label(seg)
    image = module(label)
    assert (image[label == 0] == 0).all() and (image[label > 0] > 0).any()
    unknown = torch.where(label == 0, torch.full_like(label, 200.0), label)
    assert torch.equal(module(unknown), image)
    assert torch.equal(module(label.to(torch.uint8)), image)


def test_ids_of_another_table(seg: Tensor) -> None:
    inferer = LatentSamplingInferer(tiny_autoencoder(), EDM(0.5), "heun", 3)
    plain = LabelGenerator(tiny_unet(), inferer.image, [0, 1, 2, 3, 4], 5, 32)
    swapped = LabelGenerator(tiny_unet(), inferer.image, [0, 2, 1, 3, 4], 5, 32)
    label = _label(seg)
    other = torch.where(label == 1, 2.0, torch.where(label == 2, 1.0, label))
    assert torch.equal(swapped(other), plain(label))
