r"""Clean estimate at the middle of a step, extrapolated from the last two estimates in :math:`\lambda = -\ln\sigma`."""

from __future__ import annotations

from torch import Tensor

__all__ = ["Extrapolation"]


class Extrapolation:
    r""":math:`\bar D = D_i + \frac{h_i}{2 h_{i-1}} (D_i - D_{i-1})` for one trajectory; the first call returns :math:`D_0`.

    References:
        Lu et al., "DPM-Solver++: Fast Solver for Guided Sampling of Diffusion Probabilistic Models":
        https://arxiv.org/abs/2211.01095
    """

    def __init__(self) -> None:
        self._previous: tuple[Tensor, float] | None = None

    def __call__(self, denoised: Tensor, step: float) -> Tensor:
        """Estimate for a step of length ``step`` in ln sigma that starts where ``denoised`` was evaluated."""
        estimate = denoised
        if self._previous is not None:
            earlier, earlier_step = self._previous
            estimate = denoised + (step / (2 * earlier_step)) * (denoised - earlier)
        self._previous = denoised, step
        return estimate
