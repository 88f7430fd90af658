"""Calls a discriminator in the two roles that it has in MONAI's ``AdversarialTrainer``.

On frames that gradients flow back from, the generator learns: their features are matched with those of the real frames, which
are computed beside them. On all others the discriminator learns, from logits alone.
"""

from __future__ import annotations

from typing import Any

import torch
from monai.inferers import Inferer
from torch import Tensor, nn

from monai_echosynth.losses.spade_gan import Judgement, StyledFrames

__all__ = ["JudgingInferer"]


class JudgingInferer(Inferer):
    """Discriminator inferer of the trainer."""

    def __call__(self, inputs: Tensor | StyledFrames, network: nn.Module, *args: Any, **kwargs: Any) -> Judgement:  # type: ignore[override]
        """Judgement on frames.

        Args:
            inputs: real frames (B, 1, X, Y), or made ones.
            network: discriminator, called as ``network(image, seg)``.
            seg: keyword, label maps (B, K, X, Y).
        """
        seg = kwargs["seg"]
        if isinstance(inputs, Tensor):
            return Judgement(network(inputs, seg)[0])
        logits, features = network(inputs.image, seg)
        if not inputs.image.requires_grad:
            return Judgement(logits)
        with torch.no_grad():
            real_features = network(inputs.real, seg)[1]
        return Judgement(logits, features, real_features)
