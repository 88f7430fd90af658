r"""Sampling that starts from a partially noised image instead of from noise, so that something of the image is kept.

A strength :math:`s \in [0, 1]` names the level at which sampling starts among the T levels of a DDPM, :math:`t = s T`: the image
:math:`z` becomes :math:`z + \sigma_t n` and is denoised from there. 0 adds nothing and takes no step, 1 starts from noise alone
and is independent of the image. For data :math:`N(\mu, \tau^2)` the expected squared distance of the result from :math:`z` is
:math:`(1 - r)^2 (z - \mu)^2 + r^2 \sigma_t^2` with :math:`r = \tau / \sqrt{\tau^2 + \sigma_t^2}`, which rises with :math:`s`.

References:
    Meng et al., "SDEdit: Guided Image Synthesis and Editing with Stochastic Differential Equations":
    https://arxiv.org/abs/2108.01073
"""

from __future__ import annotations

import torch
from torch import Tensor

from monai_echosynth.diffusion.iddpm import IDDPM
from monai_echosynth.diffusion.sigma_grid import table_sigmas
from monai_echosynth.errors import EchoSynthError

__all__ = ["check_strength", "partial_sigmas", "starting_noise"]


def check_strength(strength: float) -> None:
    """Raises an EchoSynthError unless ``strength`` lies in [0, 1]."""
    if not 0.0 <= strength <= 1.0:
        raise EchoSynthError(f"strength must lie in [0, 1], got {strength}: 0 keeps the input image, 1 draws a new one")


def partial_sigmas(family: IDDPM, strength: float, steps: int) -> Tensor:
    """Noise levels from a strength down to 0.

    Args:
        family: the discrete family.
        strength: in [0, 1].
        steps: solver steps of a whole run; a partial one takes its share of them, at least one.

    Returns:
        Levels (n + 1,), float64, decreasing, last 0; empty where no level is reached and the image stays as it is.

    Raises:
        EchoSynthError: the strength is outside [0, 1], or there are more steps than levels.
    """
    check_strength(strength)
    table = family.table[family.table <= family.sigma_max]
    count = round(strength * len(table))
    if count == 0:
        return table.new_zeros(0)
    if strength == 1.0:
        return table_sigmas(steps, table)
    return table_sigmas(min(count, max(1, round(strength * steps))), table[:count])


def starting_noise(image: Tensor, noise: Tensor, sigmas: Tensor, strength: float) -> Tensor:
    """What a solver takes for noise so that it starts from the partially noised image.

    Args:
        image: clean images or latents (B, C, ...).
        noise: unit normal noise of the same shape.
        sigmas: levels of :func:`partial_sigmas`, not empty.
        strength: the strength that they were made for; 1 leaves the image out.
    """
    return noise if strength == 1.0 else noise + image / float(torch.as_tensor(sigmas[0]))
