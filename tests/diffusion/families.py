"""The diffusion families under test, with the loss weights of their papers."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from monai_echosynth.diffusion.edm import EDM
from monai_echosynth.diffusion.iddpm import IDDPM, BetaSchedule
from monai_echosynth.diffusion.preconditioning import Preconditioning
from monai_echosynth.diffusion.ve import VE
from monai_echosynth.diffusion.vp import VP

__all__ = ["FAMILIES", "paper_weight", "training_sigmas"]

FAMILIES: dict[str, Callable[[], Preconditioning]] = {
    "edm": lambda: EDM(sigma_data=0.5),
    "edm_latent": lambda: EDM(sigma_data=0.179),
    "ve": VE,
    "vp": VP,
    "iddpm_cosine": IDDPM,
    "iddpm_linear": lambda: IDDPM(schedule=BetaSchedule.LINEAR),
}


def paper_weight(family: Preconditioning, sigma: Tensor) -> Tensor:
    """Loss weight as the papers print it."""
    if isinstance(family, EDM):
        return (sigma**2 + family.sigma_data**2) / (sigma * family.sigma_data) ** 2
    return 1 / sigma**2


def training_sigmas(family: Preconditioning, n: int) -> Tensor:
    """Noise levels of the family's own training law, float64 (n,)."""
    return family.sigma_sampler()(n, torch.Generator().manual_seed(11)).double()
