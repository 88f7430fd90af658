r"""Batches for consistency tuning: the network's own estimate at a lower level of the same noise ray is the target.

A draw has a clean latent z, noise n and a level t from its seed alone; the schedule gives the lower level r. The student sees
:math:`z + t n` and learns the estimate that it makes itself, without gradient, of :math:`z + r n`; at r = 0 that is z.

References:
    Geng et al., "Consistency Models Made Easy": https://arxiv.org/abs/2406.14548
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from monai.engines import PrepareBatch
from torch import Tensor, nn

from monai_echosynth.diffusion.consistency_schedule import ConsistencySchedule
from monai_echosynth.diffusion.denoiser import Denoiser
from monai_echosynth.diffusion.estimate_target import estimate_target
from monai_echosynth.diffusion.preconditioning import Preconditioning, broadcast_to_images
from monai_echosynth.engines.denoising_batch import conditioning, draw_noise

__all__ = ["ConsistencyPrepareBatch"]


class ConsistencyPrepareBatch(PrepareBatch):
    """Makes what :class:`~monai_echosynth.losses.consistency.ConsistencyLoss` takes.

    Reads what :class:`~monai_echosynth.engines.denoising_batch.DenoisingPrepareBatch` reads.

    Args:
        preconditioning: the teacher's diffusion family, with the law of the levels t.
        network: what makes the target: the student, or its average in validation; not a wrapper such as DDP.
        inferer: calls it, as the trainer does.
        schedule: gives the level r.
        progress: share of the training that is done, asked anew for each batch.
    """

    def __init__(
        self,
        preconditioning: Preconditioning,
        network: nn.Module,
        inferer: Callable[..., Tensor],
        schedule: ConsistencySchedule,
        progress: Callable[[], float],
    ) -> None:
        self.preconditioning = preconditioning
        self.sigma_sampler = preconditioning.sigma_sampler()
        self.network, self.inferer = network, inferer
        self.schedule, self.progress = schedule, progress

    def __call__(
        self,
        batchdata: dict[str, Any],
        device: str | torch.device | None = None,
        non_blocking: bool = False,
        **kwargs: Any,
    ) -> tuple[Tensor, dict[str, Tensor], tuple[()], dict[str, Tensor]]:
        """Network input, targets (``target``, ``out``, ``sector``), no positional and the keyword arguments of the network."""
        noise, sigma = draw_noise(batchdata["latent"], batchdata["seed"].tolist(), self.sigma_sampler)
        move = {"device": device, "non_blocking": non_blocking, **kwargs}
        latent, noise = batchdata["latent"].to(**move), noise.to(**move)
        told = conditioning(batchdata, device, non_blocking, **kwargs)
        level = self.schedule.earlier(sigma, self.progress())
        wanted = self._estimate(latent, noise, level, told)
        noisy = latent + broadcast_to_images(sigma, latent) * noise
        inputs, timesteps, target, out = estimate_target(noisy, sigma, wanted, self.preconditioning)
        targets = {"target": target, "out": out, "sector": batchdata["sector"].to(**move)}
        return inputs, targets, (), {"timesteps": timesteps, **told}

    @torch.no_grad()
    def _estimate(self, latent: Tensor, noise: Tensor, level: Tensor, told: dict[str, Tensor]) -> Tensor:
        """Estimates at ``level`` (B,); the latents themselves where it is 0."""
        active = (level > 0).nonzero()[:, 0]
        if not len(active):
            return latent
        where = active.to(latent.device)
        noisy = latent[where] + broadcast_to_images(level[active], latent) * noise[where]
        part = {name: value[where] for name, value in told.items()}
        denoiser = Denoiser(self._call, self.preconditioning, None, **part)
        return latent.index_copy(0, where, denoiser(noisy, level[active]))

    def _call(self, x: Tensor, **keywords: Tensor) -> Tensor:
        return self.inferer(x, self.network, **keywords)
