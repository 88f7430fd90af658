"""Perceptual distance and MS-SSIM of pairs: extremes, the sector, equality with torchmetrics, bad input."""

from __future__ import annotations

import pytest
import torch

from monai_echosynth.metrics.image_quality import ssim_map
from monai_echosynth.metrics.multiscale_ssim import multiscale_ssim, window_for
from monai_echosynth.metrics.perceptual_distance import perceptual_distance


def noise(seed: int, *shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def test_equal_and_opposite_layers_are_the_extremes() -> None:
    layers = [noise(0, 2, 8, 6, 6) - 0.5, noise(1, 2, 4, 3, 3) - 0.5]
    sector = torch.ones(2, 1, 12, 12)
    assert torch.allclose(perceptual_distance(layers, layers, sector), torch.zeros(2), atol=1e-6)
    opposite = [-3.0 * layer for layer in layers]
    assert torch.allclose(perceptual_distance(layers, opposite, sector), torch.full((2,), 4.0), atol=1e-5)


def test_places_outside_the_sector_do_not_count() -> None:
    one, other = noise(0, 1, 8, 6, 6) - 0.5, noise(1, 1, 8, 6, 6) - 0.5
    sector = torch.zeros(1, 1, 12, 12)
    sector[..., :6, :] = 1.0
    changed = other.clone()
    changed[..., 3:, :] = 7.0
    found = [perceptual_distance([one], [part], sector) for part in (other, changed)]
    assert torch.allclose(*found) and found[0] > 0.5


def test_layers_must_agree() -> None:
    with pytest.raises(ValueError, match="the same layers"):
        perceptual_distance([noise(0, 1, 2, 3, 3)], [noise(0, 1, 2, 4, 4)], torch.ones(1, 1, 6, 6))
    with pytest.raises(ValueError, match="the same layers"):
        perceptual_distance([], [], torch.ones(1, 1, 6, 6))


@pytest.mark.parametrize(("size", "window"), [(256, 11), (176, 11), (128, 7), (96, 5), (64, 3), (48, 3), (47, None)])
def test_the_window_fits(size: int, window: int | None) -> None:
    assert window_for((size, size + 8)) == window
    if window:
        image = noise(0, 2, 1, size, size)
        assert torch.allclose(multiscale_ssim(image, image), torch.ones(2))


def test_it_falls_with_noise() -> None:
    image, other = noise(0, 1, 1, 96, 96), noise(1, 1, 1, 96, 96)
    scores = [float(multiscale_ssim(image, image + share * (other - image))) for share in (0.0, 0.3, 0.6, 1.0)]
    assert scores == sorted(scores, reverse=True) and scores[-1] < 0.3


def test_bad_pairs_are_refused() -> None:
    with pytest.raises(ValueError, match="one shape"):
        multiscale_ssim(noise(0, 1, 1, 96, 96), noise(0, 1, 1, 64, 64))
    with pytest.raises(ValueError, match="48 pixels"):
        multiscale_ssim(noise(0, 1, 1, 32, 32), noise(0, 1, 1, 32, 32))


def test_ssim_equals_that_of_monai() -> None:
    from monai.metrics.regression import compute_ssim_and_cs

    x, y = noise(0, 1, 1, 40, 40), noise(1, 1, 1, 40, 40)
    theirs, _ = compute_ssim_and_cs(y, x, 2, kernel_size=(11, 11), kernel_sigma=(1.5, 1.5))
    ours = ssim_map(y[0, 0].double().numpy(), x[0, 0].double().numpy())[5:-5, 5:-5]  # MONAI's windows lie inside
    assert float(abs(torch.from_numpy(ours) - theirs[0, 0]).max()) < 1e-4


@pytest.mark.filterwarnings("ignore")
def test_similarity_equals_that_of_torchmetrics() -> None:
    pytest.importorskip("torchmetrics")
    from torchmetrics.functional.image import (
        multiscale_structural_similarity_index_measure,
        structural_similarity_index_measure,
    )

    x = noise(0, 2, 1, 192, 192)
    y = 0.7 * x + 0.3 * noise(1, 2, 1, 192, 192)
    _, theirs = structural_similarity_index_measure(y, x, data_range=1.0, return_full_image=True)
    ours = ssim_map(y[0, 0].double().numpy(), x[0, 0].double().numpy())
    inner = slice(12, -12)
    assert float(abs(torch.from_numpy(ours) - theirs[0, 0])[inner, inner].max()) < 1e-4
    multi = multiscale_structural_similarity_index_measure(y, x, data_range=1.0, normalize="relu", reduction="none")
    assert torch.allclose(multiscale_ssim(y, x), multi, atol=2e-2)  # they treat borders in another way
