r"""Batches for distillation by regression: a state of a teacher's trajectory in, the trajectory's end as the target.

References:
    Luhman and Luhman, "Knowledge Distillation in Iterative Generative Models for Improved Sampling Speed":
    https://arxiv.org/abs/2101.02388
"""

from __future__ import annotations

from typing import Any

import torch
from monai.engines import PrepareBatch
from torch import Tensor

from monai_echosynth.diffusion.estimate_target import estimate_target
from monai_echosynth.diffusion.preconditioning import Preconditioning
from monai_echosynth.engines.denoising_batch import conditioning

__all__ = ["TrajectoryPrepareBatch"]


class TrajectoryPrepareBatch(PrepareBatch):
    """Makes what :class:`~monai_echosynth.losses.consistency.ConsistencyLoss` takes.

    Reads the items of :class:`~monai_echosynth.data.trajectory_cache.TrajectoryDataset`: ``state`` (B, C, h, w) at the noise
    level ``sigma`` (B,), ``latent`` (B, C, h, w), ``seg``, ``sector`` and, where frames have classes, ``condition``.

    Args:
        preconditioning: the teacher's diffusion family.
    """

    def __init__(self, preconditioning: Preconditioning) -> None:
        self.preconditioning = preconditioning

    def __call__(
        self,
        batchdata: dict[str, Any],
        device: str | torch.device | None = None,
        non_blocking: bool = False,
        **kwargs: Any,
    ) -> tuple[Tensor, dict[str, Tensor], tuple[()], dict[str, Tensor]]:
        """Network input, targets (``target``, ``out``, ``sector``), no positional and the keyword arguments of the network."""
        move = {"device": device, "non_blocking": non_blocking, **kwargs}
        state, latent = (batchdata[name].to(**move) for name in ("state", "latent"))
        inputs, timesteps, target, out = estimate_target(state, batchdata["sigma"], latent, self.preconditioning)
        targets = {"target": target, "out": out, "sector": batchdata["sector"].to(**move)}
        return inputs, targets, (), {"timesteps": timesteps, **conditioning(batchdata, device, non_blocking, **kwargs)}
