"""Trajectories of a deterministic sampler: the states at some of its noise levels, and the end."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from monai_echosynth.diffusion.denoiser import Bounds
from monai_echosynth.diffusion.preconditioning import Preconditioning
from monai_echosynth.diffusion.solvers import DETERMINISTIC, SolverName, make_solver
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.inferers.sector_denoiser import SectorDenoiser
from monai_echosynth.networks.blocks.spade_cache import SpadeCache

__all__ = ["Trajectories", "nearest_levels"]


def nearest_levels(grid: Sequence[float], wanted: Sequence[float]) -> tuple[float, ...]:
    """The levels above 0 of ``grid`` that are next to ``wanted`` on a logarithmic scale, decreasing, each once."""
    logs = torch.tensor(list(grid), dtype=torch.float64)[:-1].log()
    found = {int((logs - torch.tensor(level, dtype=torch.float64).log()).abs().argmin()) for level in wanted}
    return tuple(float(grid[i]) for i in sorted(found))


class Trajectories:
    """Solves for the states of a batch of trajectories.

    Args:
        network: the teacher.
        preconditioning: its diffusion family.
        bounds: range of the normalized latents; the lower one is what is outside the sector.
        solver: a deterministic method; each of its steps starts with an evaluation.
        nfe: network calls a trajectory.
        levels: noise levels wanted; the next ones of the solver's grid are taken.

    Attributes:
        levels: noise levels of the states, decreasing.

    Raises:
        EchoSynthError: the solver draws fresh noise.
    """

    def __init__(
        self,
        network: nn.Module,
        preconditioning: Preconditioning,
        bounds: Bounds,
        solver: SolverName | str = SolverName.UNIPC,
        nfe: int = 16,
        levels: Sequence[float] = (80.0,),
    ) -> None:
        if solver not in DETERMINISTIC:
            raise EchoSynthError(
                f"trajectories need a deterministic solver, got {solver}: take one of {', '.join(DETERMINISTIC)}"
            )
        self.network, self.preconditioning, self.bounds = network, preconditioning, bounds
        self.solver = make_solver(solver)
        self.sigmas = preconditioning.sigmas(self.solver.steps(nfe)).tolist()
        self.levels = nearest_levels(self.sigmas, levels)

    @torch.inference_mode()
    def __call__(self, noise: Tensor, seg: Tensor, sector: Tensor, **conditioning: Tensor) -> Tensor:
        """States (B, levels + 1, C, h, w), the end of each trajectory last.

        Args:
            noise: unit normal noise (B, C, h, w).
            seg: masks (B, K, h, w), fractions.
            sector: latent sectors (B, 1, h, w).
            **conditioning: further keywords of the network, such as ``class_labels`` (B,).
        """
        seen: dict[float, Tensor] = {}
        told = {"seg": SpadeCache(seg), **conditioning}
        denoiser = SectorDenoiser(self.network, self.preconditioning, sector, self.bounds, told)

        def recording(x: Tensor, sigma: Tensor | float) -> Tensor:
            seen[float(sigma)] = x  # a corrector's call at a level is followed by that of the step from it
            return denoiser(x, sigma)

        end = self.solver.integrate(recording, noise, self.sigmas, lambda: noise)
        return torch.stack([*(seen[level] for level in self.levels), end], dim=1)
