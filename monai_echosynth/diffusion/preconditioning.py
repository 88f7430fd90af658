r"""Preconditioned denoisers and the regression target that makes their training a plain mean squared error.

A network :math:`F` becomes a denoiser through four functions of the noise level :math:`\sigma`

.. math::

    D(x; \sigma) = c_{skip} x + c_{out} F(c_{in} x; c_{noise})

(Karras et al. 2022, section 5 and table 1). With :math:`x = z + \sigma n` the weighted loss
:math:`\lambda (D - z)^2` with :math:`\lambda = 1 / c_{out}^2` equals :math:`(F - y)^2` for the effective target

.. math::

    y = \frac{z - c_{skip} x}{c_{out}} = \frac{1 - c_{skip}}{c_{out}} z - \frac{c_{skip} \sigma}{c_{out}} n

The second form is the one computed here: it has no cancellation at small :math:`\sigma`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from monai_echosynth.diffusion.sigma_sampler import SigmaSampler

__all__ = ["Coefficients", "Preconditioning", "TrainingTarget", "broadcast_to_images", "training_target"]


class Coefficients(NamedTuple):
    """The four functions of the noise level, each shaped like sigma.

    Attributes:
        skip: factor of the noisy image in the denoiser.
        out: factor of the network's output.
        inp: factor of the noisy image at the network's input.
        noise: what the network receives as its timestep.
    """

    skip: Tensor
    out: Tensor
    inp: Tensor
    noise: Tensor


class TrainingTarget(NamedTuple):
    """One regression problem for the network.

    Attributes:
        model_input: ``c_in x``, shaped like the images.
        c_noise: timesteps (B,).
        target: what the network should return, shaped like the images.
    """

    model_input: Tensor
    c_noise: Tensor
    target: Tensor


class Preconditioning(ABC):
    """A diffusion family: coefficients, the noise levels it trains at and the grid it samples on.

    Attributes:
        sigma_min: lowest noise level of the sampling grid, > 0.
        sigma_max: highest noise level of the sampling grid.
        predicts_noise: whether the clean estimate is the noisy image less what the network takes for noise, so that an error of
            the network grows with the noise level.
    """

    predicts_noise: ClassVar[bool] = False
    sigma_min: float
    sigma_max: float

    @abstractmethod
    def coefficients(self, sigma: Tensor) -> Coefficients:
        """Evaluate the four coefficients.

        Args:
            sigma: positive noise levels of any shape and floating type.

        Returns:
            Coefficients with the shape, type and device of ``sigma``.
        """

    @abstractmethod
    def sigma_sampler(self) -> SigmaSampler:
        """The distribution of noise levels that training draws from."""

    @abstractmethod
    def sigmas(self, steps: int) -> Tensor:
        """The family's sampling grid, float64 (steps + 1,), decreasing from ``sigma_max`` and ending with 0."""


def training_target(clean: Tensor, noise: Tensor, sigma: Tensor, preconditioning: Preconditioning) -> TrainingTarget:
    """Build the network's input and its effective target for a batch.

    Args:
        clean: clean images or latents z (B, C, ...).
        noise: unit normal noise of the same shape.
        sigma: noise levels (B,), > 0.
        preconditioning: the diffusion family.

    Returns:
        ``model_input`` and ``target`` shaped and typed like ``clean``, and ``c_noise`` (B,) in float32 or wider.

    References:
        Karras et al., "Elucidating the Design Space of Diffusion-Based Generative Models":
        https://arxiv.org/abs/2206.00364
    """
    level = sigma.to(torch.float64)
    skip, out, inp, c_noise = preconditioning.coefficients(level)
    noisy = clean + broadcast_to_images(level, clean) * noise
    of_clean = broadcast_to_images((1 - skip) / out, clean)
    of_noise = broadcast_to_images(skip * level / out, clean)
    wide = torch.promote_types(clean.dtype, torch.float32)
    return TrainingTarget(
        model_input=broadcast_to_images(inp, clean) * noisy,
        c_noise=c_noise.to(wide).to(clean.device),
        target=of_clean * clean - of_noise * noise,
    )


def broadcast_to_images(values: Tensor, images: Tensor) -> Tensor:
    """Shape values (B,) as (B, 1, ...) with the type and device of images (B, C, ...)."""
    return values.to(images.dtype).to(images.device).reshape(-1, *(1,) * (images.ndim - 1))
