r"""Gamma distributions over latent pixels: mean, reparameterized samples and the Kullback-Leibler divergence.

A speckle-like intensity is positive and skewed, so the autoencoder's posterior and prior are
:math:`\mathrm{Gamma}(c, r)` with concentration :math:`c` and rate :math:`r`, density
:math:`r^c x^{c-1} e^{-r x} / \Gamma(c)`. For :math:`q = (c_q, r_q)` and :math:`p = (c_p, r_p)`

.. math::

    KL(q \| p) = (c_q - c_p) \psi(c_q) - \ln\Gamma(c_q) + \ln\Gamma(c_p)
                 + c_p (\ln r_q - \ln r_p) + c_q \frac{r_p - r_q}{r_q}

All arithmetic runs in float32 or wider: half-precision inputs are upcast and autocast has no effect inside.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["GammaPrior", "KLDirection", "gamma_kl", "gamma_mean", "gamma_prior_kl", "gamma_rsample"]


class GammaPrior(NamedTuple):
    """Prior of a latent pixel: the intensity law inside the ultrasound sector (mean 0.347, standard deviation 0.179).

    Attributes:
        concentration: shape of the distribution, > 0.
        rate: inverse scale of the distribution, > 0.
    """

    concentration: float = 3.75
    rate: float = 10.8


class KLDirection(StrEnum):
    """Which divergence regularizes the posterior; the first is the evidence lower bound's own."""

    POSTERIOR_TO_PRIOR = "posterior_to_prior"
    PRIOR_TO_POSTERIOR = "prior_to_posterior"


def gamma_mean(concentration: Tensor, rate: Tensor) -> Tensor:
    """Mean ``concentration / rate`` of Gamma distributions.

    Args:
        concentration: positive, any shape.
        rate: positive, broadcastable with ``concentration``.

    Returns:
        The means in float32 or wider.
    """
    return _wide(concentration) / _wide(rate)


def gamma_kl(
    concentration_q: Tensor, rate_q: Tensor, concentration_p: Tensor | float, rate_p: Tensor | float
) -> Tensor:
    r"""Divergence :math:`KL(q \| p)` between Gamma distributions, element by element.

    Args:
        concentration_q: concentration of ``q``, positive, any shape.
        rate_q: rate of ``q``, positive, broadcastable.
        concentration_p: concentration of ``p``, positive number or broadcastable tensor.
        rate_p: rate of ``p``, positive number or broadcastable tensor.

    Returns:
        The divergences in nats, >= 0 up to rounding, in float32 or wider.

    References:
        Kingma and Welling, "Auto-Encoding Variational Bayes": https://arxiv.org/abs/1312.6114
    """
    cq, rq = _wide(concentration_q), _wide(rate_q)
    cp = _wide(torch.as_tensor(concentration_p, dtype=cq.dtype, device=cq.device))
    rp = _wide(torch.as_tensor(rate_p, dtype=rq.dtype, device=rq.device))
    shape_term = (cq - cp) * torch.digamma(cq) - torch.lgamma(cq) + torch.lgamma(cp)
    return shape_term + cp * (torch.log(rq) - torch.log(rp)) + cq * ((rp - rq) / rq)


def gamma_prior_kl(
    concentration: Tensor,
    rate: Tensor,
    prior: GammaPrior | None = None,
    direction: KLDirection = KLDirection.POSTERIOR_TO_PRIOR,
) -> Tensor:
    """Divergence between a posterior and a fixed prior, in either direction.

    Args:
        concentration: concentration of the posterior, positive, any shape.
        rate: rate of the posterior, positive, broadcastable.
        prior: the prior; None stands for ``GammaPrior()``.
        direction: which of the two divergences.

    Returns:
        The divergences in nats, element by element.
    """
    cp, rp = (torch.as_tensor(v, dtype=torch.float64).to(_wide(concentration)) for v in prior or GammaPrior())
    if KLDirection(direction) is KLDirection.POSTERIOR_TO_PRIOR:
        return gamma_kl(concentration, rate, cp, rp)
    return gamma_kl(cp, rp, concentration, rate)


def gamma_rsample(concentration: Tensor, rate: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Draw one sample per element, differentiable in both parameters.

    The gradient in the concentration is the implicit one, ``-(dF/dc) / density`` with ``F`` the distribution function.

    Args:
        concentration: positive, any shape.
        rate: positive, broadcastable with ``concentration``.
        generator: source of the randomness; the samples are drawn on its device, so a CPU generator gives the
            same stream whatever the device of the parameters. None uses the global generator of torch.

    Returns:
        Positive samples in float32 or wider, on the device of ``concentration``.

    References:
        Figurnov, Mohamed and Mnih, "Implicit Reparameterization Gradients": https://arxiv.org/abs/1805.08498
    """
    shape = torch.broadcast_shapes(concentration.shape, rate.shape)
    c = _wide(concentration).expand(shape).contiguous()
    device = c.device if generator is None else generator.device
    standard: Tensor = torch._standard_gamma(c.to(device), generator)
    return standard.to(c.device) / _wide(rate)


def _wide(value: Tensor) -> Tensor:
    """Upcast to float32 unless the tensor is wider already."""
    return value.to(torch.promote_types(value.dtype, torch.float32))
