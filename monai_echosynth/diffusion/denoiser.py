r"""A network and a preconditioning joined into the denoiser that solvers call.

:math:`D(x; \sigma) = c_{skip} x + c_{out} F(c_{in} x; c_{noise}, \text{conditioning})`. Coefficients are computed in
float64 and applied in the type of :math:`x`. Every network evaluation is counted, so that the cost of a sample is
measured, not inferred.

The clean estimate is a mean of data, so it lies in the range of data. One made of predicted noise leaves that range easily, for
an error of the network is multiplied by :math:`\sigma`; it is brought back into the range, which moves no value away from any in
it (as the sampler of Ho et al. 2020 does with pixels).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from monai_echosynth.diffusion.preconditioning import Preconditioning, broadcast_to_images
from monai_echosynth.errors import EchoSynthError

__all__ = ["Bounds", "Denoiser"]

Bounds = tuple[Tensor, Tensor]
"""Lowest and highest value of data (numbers), infinite where there is none."""


class Denoiser:
    """Denoiser with conditioning bound at construction.

    Args:
        network: called as ``network(x, timesteps=c_noise, **conditioning)`` with x (B, C, ...) and timesteps (B,);
            conditioning goes by keyword, so wrappers (DDP, compiled, adapted networks) receive it too.
        preconditioning: the diffusion family the network was trained with.
        bounds: range of the data, two numbers, for families that predict noise; estimates of the others are left alone.
        **conditioning: keyword arguments for the network, such as ``seg`` (B, K, ...).

    Attributes:
        nfe: number of network evaluations so far; one evaluation handles a whole batch.
    """

    def __init__(
        self,
        network: Callable[..., Tensor],
        preconditioning: Preconditioning,
        bounds: Bounds | None = None,
        **conditioning: Any,
    ) -> None:
        self.network = network
        self.preconditioning = preconditioning
        self.bounds = bounds if preconditioning.predicts_noise else None
        self.conditioning = conditioning
        self.nfe = 0

    def __call__(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        """Estimate the clean images.

        Args:
            x: noisy images or latents (B, C, ...).
            sigma: noise level > 0, one number or (B,).

        Returns:
            The denoised images, shaped and typed like ``x``.

        Raises:
            EchoSynthError: where ``sigma`` has neither one value nor one per image.
        """
        level = torch.as_tensor(sigma, dtype=torch.float64).reshape(-1)
        if len(level) not in (1, len(x)):
            raise EchoSynthError(f"sigma must hold 1 or {len(x)} values, got {len(level)}; give one level per image")
        skip, out, inp, c_noise = self.preconditioning.coefficients(level.expand(len(x)))
        timesteps = c_noise.to(torch.promote_types(x.dtype, torch.float32)).to(x.device)
        self.nfe += 1
        raw = self.network(broadcast_to_images(inp, x) * x, timesteps=timesteps, **self.conditioning)
        return self.bounded(broadcast_to_images(skip, x) * x + broadcast_to_images(out, x) * raw.to(x.dtype))

    def bounded(self, clean: Tensor) -> Tensor:
        """An estimate within the bounds, where there are any."""
        return clean if self.bounds is None else clean.clamp(*self.bounds)
