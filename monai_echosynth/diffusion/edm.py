r"""EDM preconditioning: unit variance at the network's input and output at every noise level.

.. math::

    c_{skip} = \frac{s^2}{\sigma^2 + s^2}, \quad c_{out} = \frac{\sigma s}{\sqrt{\sigma^2 + s^2}}, \quad
    c_{in} = \frac{1}{\sqrt{\sigma^2 + s^2}}, \quad c_{noise} = \tfrac14 \ln\sigma

with :math:`s` the standard deviation of the data (Karras et al. 2022, table 1 and appendix B.6).
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from monai_echosynth.diffusion.preconditioning import Coefficients, Preconditioning
from monai_echosynth.diffusion.sigma_grid import karras_sigmas
from monai_echosynth.diffusion.sigma_sampler import LogNormalSigma, SigmaSampler
from monai_echosynth.errors import EchoSynthError

__all__ = ["EDM"]


@dataclass(frozen=True)
class EDM(Preconditioning):
    """The EDM family.

    Attributes:
        sigma_data: measured standard deviation of the training data, > 0.
        sigma_min: lowest noise level of the sampling grid.
        sigma_max: highest noise level of the sampling grid.
        rho: exponent of the sampling grid.
        log_mean: mean of ``ln sigma`` in training.
        log_std: standard deviation of ``ln sigma`` in training.

    References:
        Karras et al., "Elucidating the Design Space of Diffusion-Based Generative Models":
        https://arxiv.org/abs/2206.00364
    """

    sigma_data: float = 0.5
    sigma_min: float = 0.002
    sigma_max: float = 80.0
    rho: float = 7.0
    log_mean: float = -1.2
    log_std: float = 1.2

    def __post_init__(self) -> None:
        """Reject a standard deviation that is not positive."""
        if not self.sigma_data > 0:
            raise EchoSynthError(
                f"sigma_data must be positive, got {self.sigma_data}; give the standard deviation of the training data"
            )

    def coefficients(self, sigma: Tensor) -> Coefficients:
        """Evaluate the four coefficients."""
        total = (sigma.square() + self.sigma_data**2).sqrt()
        return Coefficients(
            skip=(self.sigma_data / total).square(),
            out=sigma * self.sigma_data / total,
            inp=1 / total,
            noise=sigma.log() / 4,
        )

    def sigma_sampler(self) -> SigmaSampler:
        """Log-normal training levels."""
        return LogNormalSigma(self.log_mean, self.log_std)

    def sigmas(self, steps: int) -> Tensor:
        """Karras grid."""
        return karras_sigmas(steps, self.sigma_min, self.sigma_max, self.rho)
