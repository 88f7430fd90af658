r"""What a network must return so that its denoiser gives a wanted estimate.

.. math:: D(x; \sigma) = c_{skip} x + c_{out} F \quad\Longrightarrow\quad F^* = \frac{D^* - c_{skip} x}{c_{out}}

An error of F is one of the estimate divided by :math:`c_{out}`: errors at all noise levels are on one scale.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from monai_echosynth.diffusion.preconditioning import Preconditioning, broadcast_to_images

__all__ = ["EstimateTarget", "estimate_target"]


class EstimateTarget(NamedTuple):
    """One regression problem for the network.

    Attributes:
        model_input: ``c_in x``, shaped like the images.
        c_noise: timesteps (B,).
        target: what the network should return, shaped like the images.
        out: c_out (B,), the scale of an error of the estimate.
    """

    model_input: Tensor
    c_noise: Tensor
    target: Tensor
    out: Tensor


def estimate_target(noisy: Tensor, sigma: Tensor, estimate: Tensor, preconditioning: Preconditioning) -> EstimateTarget:
    """Build the network's input and target for a batch.

    Args:
        noisy: noisy images or latents (B, C, ...).
        sigma: their noise levels (B,), > 0.
        estimate: what the denoiser should give, of the same shape.
        preconditioning: the diffusion family.
    """
    skip, out, inp, c_noise = preconditioning.coefficients(sigma.to(torch.float64))
    wide = torch.promote_types(noisy.dtype, torch.float32)
    return EstimateTarget(
        model_input=broadcast_to_images(inp, noisy) * noisy,
        c_noise=c_noise.to(wide).to(noisy.device),
        target=(estimate - broadcast_to_images(skip, noisy) * noisy) / broadcast_to_images(out, noisy),
        out=out.to(wide).to(noisy.device),
    )
