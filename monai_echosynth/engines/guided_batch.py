"""Batches of guided diffusion for MONAI's engines: what is drawn for a frame follows from its seed alone.

Frames carry the number of their guide in a table of guides (class numbers, hidden states of texts, or pictures), so that a guide
which many frames share is held once.
"""

from __future__ import annotations

from typing import Any

import torch
from monai.engines import PrepareBatch
from torch import Tensor

from monai_echosynth.diffusion.preconditioning import Preconditioning
from monai_echosynth.diffusion.seeding import derive_seed
from monai_echosynth.engines.denoising_batch import DenoisingPrepareBatch
from monai_echosynth.errors import EchoSynthError

__all__ = ["GuidedPrepareBatch", "GuidedTrainingBatch"]


class GuidedTrainingBatch(PrepareBatch):
    """Adds noise to clean latents and drops conditions at random.

    Reads what :class:`~monai_echosynth.engines.denoising_batch.DenoisingPrepareBatch` reads; ``condition`` (B,) is the number of
    each frame's guide.

    Args:
        preconditioning: the diffusion family.
        guides: the table (N, ...).
        dropout: share of frames whose condition the network does not see, in [0, 1].

    Raises:
        EchoSynthError: the share is outside [0, 1].
    """

    def __init__(self, preconditioning: Preconditioning, guides: Tensor, dropout: float = 0.1) -> None:
        if not 0.0 <= dropout <= 1.0:
            raise EchoSynthError(f"conditioning dropout must lie in [0, 1], got {dropout}: 0.1 is customary")
        self.noising = DenoisingPrepareBatch(preconditioning)
        self.guides, self.dropout = guides, dropout

    def __call__(
        self,
        batchdata: dict[str, Any],
        device: str | torch.device | None = None,
        non_blocking: bool = False,
        **kwargs: Any,
    ) -> tuple[Tensor, Tensor, tuple[()], dict[str, Tensor]]:
        """Network input, target, no positional and the keyword arguments of the network."""
        inputs, targets, _, keywords = self.noising(batchdata, device, non_blocking, **kwargs)
        draws = [_uniform(derive_seed(int(seed), "dropped")) for seed in batchdata["seed"].tolist()]
        given = {
            "timesteps": keywords["timesteps"],
            "condition": self.guides[batchdata["condition"]].to(device, non_blocking=non_blocking),
            "dropped": torch.tensor([draw < self.dropout for draw in draws], device=device),
        }
        return inputs, targets["target"], (), given


class GuidedPrepareBatch(PrepareBatch):
    """Hands input frames ``image`` (B, 1, X, Y) to the inferer, positions ``index`` and guides by keyword.

    Args:
        guides: the table (N, ...); ``condition`` (B,) of a batch are rows of it.
    """

    def __init__(self, guides: Tensor) -> None:
        self.guides = guides

    def __call__(
        self,
        batchdata: dict[str, Any],
        device: str | torch.device | None = None,
        non_blocking: bool = False,
        **kwargs: Any,
    ) -> tuple[Tensor, Tensor, tuple[()], dict[str, Any]]:
        """Inputs, the label maps as targets, no positional and the keyword arguments of the inferer."""
        image = batchdata["image"].to(device=device, non_blocking=non_blocking, **kwargs)
        condition = self.guides[batchdata["condition"]].to(device, non_blocking=non_blocking)
        return image, batchdata["label"], (), {"index": batchdata["index"].tolist(), "condition": condition}


def _uniform(seed: int) -> float:
    return float(torch.rand((), generator=torch.Generator().manual_seed(seed)))
