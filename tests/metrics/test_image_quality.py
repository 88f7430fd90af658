"""PSNR by its formula, SSIM against MONAI's away from the border, and blindness to what lies outside the sector."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.metrics import SSIMMetric
from numpy.typing import NDArray

from monai_echosynth.metrics.image_quality import psnr, ssim, ssim_map


def _frames() -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
    rng = np.random.default_rng(0)
    reference = rng.random((40, 48), dtype=np.float32)
    image = np.clip(reference + rng.normal(0, 0.1, reference.shape), 0, 1).astype(np.float32)
    sector = np.zeros(reference.shape, bool)
    sector[10:30, 8:40] = True
    return image, reference, sector


def test_psnr_of_a_constant_error() -> None:
    _, reference, sector = _frames()
    assert psnr(reference + 0.1, reference, sector) == pytest.approx(20.0, abs=1e-4)
    assert psnr(255 * (reference + 0.1), 255 * reference, sector, data_range=255.0) == pytest.approx(20.0, abs=1e-4)
    assert psnr(reference, reference, sector) == float("inf")


def test_ssim_agrees_with_monai() -> None:
    image, reference, _ = _frames()
    metric = SSIMMetric(spatial_dims=2, data_range=1.0, win_size=11, kernel_sigma=1.5)
    expected = metric(torch.from_numpy(image)[None, None], torch.from_numpy(reference)[None, None]).item()
    assert ssim_map(image, reference)[5:-5, 5:-5].mean() == pytest.approx(expected, abs=1e-5)


def test_outside_the_sector_does_not_count() -> None:
    image, reference, sector = _frames()
    far = np.zeros_like(sector)
    far[:4, :2] = True
    changed = np.where(far, 1.0 - image, image)
    assert psnr(changed, reference, sector) == psnr(image, reference, sector)
    assert ssim(changed, reference, sector) == ssim(image, reference, sector)
    assert ssim(reference, reference, sector) == pytest.approx(1.0)
    assert ssim(image, reference, sector) < 0.99


def test_refusals() -> None:
    image, reference, sector = _frames()
    with pytest.raises(ValueError, match="one shape"):
        psnr(image[:-1], reference, sector)
    with pytest.raises(ValueError, match="at least one pixel"):
        ssim(image, reference, np.zeros_like(sector))
