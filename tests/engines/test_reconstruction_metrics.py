"""Validation metrics by hand."""

from __future__ import annotations

import pytest
import torch

from monai_echosynth.engines.reconstruction_metrics import kl, psnr, ssim


def _pair(error: float) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    image = torch.rand(2, 1, 16, 16) * 0.5
    sector = torch.zeros(2, 1, 16, 16)
    sector[:, :, 4:] = 1
    prediction = {
        "reconstruction": image + error + 0.3 * (1 - sector),
        "concentration": torch.full((2, 1, 8, 8), 1.2),
        "rate": torch.full((2, 1, 8, 8), 4.0),
    }
    return prediction, {"image": image, "sector": sector}


def test_psnr_counts_the_sector_alone() -> None:
    assert psnr(*_pair(0.1)).item() == pytest.approx(20.0, abs=1e-3)


def test_ssim_falls_with_the_error() -> None:
    small, large = ssim(*_pair(0.01)).item(), ssim(*_pair(0.2)).item()
    assert 0.9 < small <= 1
    assert large < small


def test_kl_check_value() -> None:
    assert kl(*_pair(0.0)).item() == pytest.approx(0.6245472561182503, rel=1e-5)
