"""Validation metrics of the gamma-VAE: batch means of (prediction, targets), for ``ignite.metrics.Loss``.

``prediction`` is the output of the autoencoder, ``targets`` holds ``image`` and ``sector``, both (B, 1, X, Y).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from monai_echosynth.data.area_pool import area_pool
from monai_echosynth.distributions.gamma import GammaPrior, gamma_kl
from monai_echosynth.losses.sector_mean import sector_mean
from monai_echosynth.metrics.image_quality import psnr as image_psnr
from monai_echosynth.metrics.image_quality import ssim as image_ssim

__all__ = ["kl", "psnr", "ssim"]


def psnr(prediction: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor:
    """Peak signal-to-noise ratio inside the sector, dB."""
    return _mean(image_psnr, prediction, targets)


def ssim(prediction: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor:
    """Structural similarity averaged inside the sector."""
    return _mean(image_ssim, prediction, targets)


def kl(prediction: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor:
    """KL(posterior || prior) averaged over latent pixels, nats."""
    concentration, rate = prediction["concentration"], prediction["rate"]
    sector = area_pool(targets["sector"], concentration.shape[2:])
    prior = (concentration.new_tensor(value) for value in GammaPrior())
    return sector_mean(gamma_kl(concentration, rate, *prior), sector).mean()


def _mean(metric: Callable[..., float], prediction: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor:
    stack = torch.cat([prediction["reconstruction"].clamp(0, 1), targets["image"], targets["sector"]], 1).cpu().numpy()
    return torch.tensor([metric(r, i, s > 0.5) for r, i, s in stack]).mean()
