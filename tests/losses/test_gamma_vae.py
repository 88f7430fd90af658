"""The gamma-VAE loss by hand, and blind to whatever lies outside the sector."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from monai_echosynth.distributions.gamma import KLDirection
from monai_echosynth.engines.autoencoder_batch import AutoencoderPrepareBatch
from monai_echosynth.losses.gamma_vae import GammaVAELoss
from tests.helpers.tiny_generator import tiny_autoencoder, tiny_seg

KL = {KLDirection.POSTERIOR_TO_PRIOR: 0.6245472561182503, KLDirection.PRIOR_TO_POSTERIOR: 0.2740716888645749}


def _case() -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Two 4 x 4 frames with latents of 2 x 2; the sector is the left half of the first, one pixel of the second."""
    sector = torch.zeros(2, 1, 4, 4)
    sector[0, 0, :2] = 1
    sector[1, 0, 3, 3] = 1
    outputs = {
        "reconstruction": torch.full((2, 1, 4, 4), 0.5),
        "concentration": torch.full((2, 1, 2, 2), 1.2),
        "rate": torch.full((2, 1, 2, 2), 4.0),
        "latent": torch.full((2, 1, 2, 2), 0.25),
    }
    image = torch.stack([torch.full((1, 4, 4), 0.3), torch.full((1, 4, 4), 1.0)])
    return outputs, {"image": image, "sector": sector}


@pytest.mark.parametrize("direction", list(KLDirection))
def test_terms_by_hand(direction: KLDirection) -> None:
    """Pixels first, then the batch: the single pixel of the second frame weighs as much as the eight of the first."""
    terms = GammaVAELoss(kl_direction=direction).terms(*_case())
    assert terms["reconstruction"].item() == pytest.approx((0.2**2 + 0.5**2) / 2, rel=1e-5)
    assert terms["latent"].item() == pytest.approx((0.05**2 + 0.25 * (0.25 - 0.25) ** 2) / 2, abs=1e-6)
    assert set(terms) == {"reconstruction", "kl", "latent"}
    first, second = KL[direction], 0.25 * KL[direction]
    assert terms["kl"].item() == pytest.approx((first + second) / 2, rel=1e-5)


def test_default_weights_are_those_of_the_paper() -> None:
    loss = GammaVAELoss()
    terms = loss.terms(*_case())
    expected = 10 * terms["reconstruction"] + 1e-3 * terms["kl"] + 1e-2 * terms["latent"]
    assert loss(*_case()).item() == pytest.approx(expected.item(), rel=1e-6)
    assert loss.kl_direction is KLDirection.POSTERIOR_TO_PRIOR
    with pytest.raises(ValueError, match="sideways"):
        GammaVAELoss(kl_direction="sideways")


def test_perceptual_hook_sees_masked_frames_and_counts() -> None:
    seen: list[tuple[Tensor, Tensor]] = []

    def hook(reconstruction: Tensor, image: Tensor) -> Tensor:
        seen.append((reconstruction, image))
        return torch.tensor(7.0)

    outputs, targets = _case()
    with_hook = GammaVAELoss(perceptual=hook, perceptual_weight=0.5)(outputs, targets)
    assert (with_hook - GammaVAELoss()(outputs, targets)).item() == pytest.approx(3.5, rel=1e-5)
    assert all((frames[targets["sector"] == 0] == 0).all() for frames in seen[0])


def test_an_empty_sector_adds_nothing() -> None:
    outputs, targets = _case()
    targets["sector"][1] = 0
    alone = GammaVAELoss()({k: v[:1] for k, v in outputs.items()}, {k: v[:1] for k, v in targets.items()})
    assert GammaVAELoss()(outputs, targets).item() == pytest.approx(alone.item() / 2, rel=1e-6)


def test_pixels_outside_the_sector_change_neither_loss_nor_gradient() -> None:
    """From the batch through the network to the loss: a scribble outside leaves every bit as it was."""
    network, label = tiny_autoencoder(), tiny_seg(3).argmax(1, keepdim=True)
    image = torch.rand(3, 1, 32, 32)
    scribbled = torch.where(label == 0, 1 - image, image)
    assert not torch.equal(image, scribbled)
    results = []
    for frames in (image, scribbled):
        batch = {"image": frames, "label": label, "seed": torch.tensor([5, 6, 7])}
        inputs, targets, _, keywords = AutoencoderPrepareBatch()(batch)
        loss = GammaVAELoss()(network(inputs, **keywords), targets)
        results.append((loss, torch.autograd.grad(loss, list(network.parameters()))))
    assert torch.equal(results[0][0], results[1][0])
    assert all(torch.equal(a, b) for a, b in zip(results[0][1], results[1][1], strict=True))
