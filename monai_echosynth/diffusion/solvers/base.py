r"""What all solvers share: the start from noise, the checks and the bookkeeping of cost.

In the variance-exploding coordinates used throughout, sampling integrates (Karras et al. 2022, equation 3)

.. math::

    \frac{dx}{d\sigma} = \frac{x - D(x; \sigma)}{\sigma}

from :math:`x = \sigma_0 n` down the grid. Families that scale the signal (VP, iDDPM) do so inside their
preconditioning, so one solver serves them all. Noise levels are Python floats (float64): the state keeps its own
type, yet no step depends on the device.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import ClassVar, final

import torch
from torch import Tensor

from monai_echosynth.diffusion.seeding import Generators, normal_noise
from monai_echosynth.errors import EchoSynthError

__all__ = ["Denoise", "FreshNoise", "Solver"]

Denoise = Callable[[Tensor, float], Tensor]
FreshNoise = Callable[[], Tensor]


class Solver(ABC):
    """A stateless sampling method.

    Attributes:
        order: order of convergence of the deterministic part, in the number of steps; 0 where it does not converge to the
            ODE's solution.
        evaluations_per_step: network evaluations of a full step; the last step, to noise level 0, always takes one.
    """

    order: ClassVar[int]
    evaluations_per_step: ClassVar[int]

    @final
    def sample(
        self,
        denoiser: Callable[[Tensor, Tensor], Tensor],
        noise: Tensor,
        sigmas: Tensor,
        generator: Generators | None = None,
    ) -> Tensor:
        """Turn noise into samples.

        Args:
            denoiser: maps a noisy batch and a float64 scalar noise level to the clean estimate.
            noise: unit normal noise (B, C, ...).
            sigmas: strictly decreasing noise levels (steps + 1,), > 0 but for the last, which is normally 0.
            generator: fresh noise of stochastic methods: one generator per image, or a single one for a batch of one.
                Image k then does not depend on the batch it is in. Deterministic methods ignore it.

        Returns:
            Samples at noise level ``sigmas[-1]``, shaped and typed like ``noise``.

        Raises:
            EchoSynthError: where the grid is not decreasing, or a stochastic method lacks generators.
        """
        levels = sigmas.detach().to("cpu", torch.float64).tolist()

        def fresh() -> Tensor:
            return normal_noise(noise, generator)

        return self.integrate(denoiser, noise, levels, fresh)

    @final
    def integrate(
        self, denoiser: Callable[[Tensor, Tensor], Tensor], noise: Tensor, sigmas: Sequence[float], fresh: FreshNoise
    ) -> Tensor:
        """:meth:`sample` with fresh noise from any source.

        Args:
            denoiser: see :meth:`sample`.
            noise: unit normal noise (B, C, ...).
            sigmas: noise levels (steps + 1,).
            fresh: returns unit normal noise shaped like ``noise``; deterministic methods never call it.
        """
        if not _decreasing(sigmas):
            raise EchoSynthError(
                f"sigmas must be 2 or more strictly decreasing levels >= 0, got {_brief(sigmas)}; use a sigma grid"
            )

        def denoise(x: Tensor, sigma: float) -> Tensor:
            return denoiser(x, torch.tensor(sigma, dtype=torch.float64))

        return self._integrate(denoise, noise * sigmas[0], sigmas, fresh)

    @abstractmethod
    def _integrate(self, denoise: Denoise, x: Tensor, sigmas: Sequence[float], fresh: FreshNoise) -> Tensor:
        """Carry ``x`` from ``sigmas[0]`` to ``sigmas[-1]``; ``fresh()`` draws unit noise shaped like ``x``."""

    @final
    def nfe(self, steps: int) -> int:
        """Network evaluations that ``steps`` steps ending at noise level 0 take."""
        if steps < 1:
            raise EchoSynthError(f"steps must be at least 1, got {steps}; ask for one step or more")
        return self.evaluations_per_step * (steps - 1) + 1

    @final
    def steps(self, nfe: int) -> int:
        """Largest number of steps that takes at most ``nfe`` network evaluations."""
        if nfe < 1:
            raise EchoSynthError(f"network evaluations must be at least 1, got {nfe}; allow one or more")
        return (nfe - 1) // self.evaluations_per_step + 1

    @final
    def reaches(self, nfe: int) -> bool:
        """Whether there is a number of steps that takes exactly ``nfe`` network evaluations."""
        return self.nfe(self.steps(nfe)) == nfe


def _decreasing(levels: Sequence[float]) -> bool:
    """Whether the levels make a grid; NaN and infinity never do."""
    return len(levels) > 1 and levels[0] < math.inf and levels[-1] >= 0 and all(a > b for a, b in pairwise(levels))


def _brief(levels: Sequence[float]) -> str:
    """The first few levels as text."""
    return "[" + ", ".join(f"{v:.4g}" for v in levels[:6]) + (", ...]" if len(levels) > 6 else "]")
