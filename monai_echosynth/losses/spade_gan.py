r"""What the SPADE-GAN baseline is trained for, in the parts that MONAI's ``AdversarialTrainer`` asks for.

The discriminator learns to tell real frames from made ones, the generator to be taken for real; besides, it matches the inner
features that the discriminator has of both (weight 10), and the law of styles is drawn to a normal one,
:math:`\mathrm{KL} = -\frac12 \sum (1 + \ln\sigma^2 - \mu^2 - \sigma^2)` (weight 0.05), as in section 3 of the SPADE paper. Its
perceptual loss needs a network trained on photographs and is left out. The adversarial criterion is MONAI's; least squares
are the default, as MONAI's hinge squashes logits by tanh before the hinge, which takes its gradient away.

References:
    Park et al., "Semantic Image Synthesis with Spatially-Adaptive Normalization", CVPR 2019, https://arxiv.org/abs/1903.07291
    Wang et al., "High-Resolution Image Synthesis and Semantic Manipulation with Conditional GANs", CVPR 2018,
    https://arxiv.org/abs/1711.11585
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
from monai.losses import PatchAdversarialLoss
from torch import Tensor, nn

__all__ = ["DiscriminatorLoss", "GeneratorLoss", "Judgement", "StyleLoss", "StyledFrames"]


@dataclass(frozen=True, eq=False)
class StyledFrames:
    """Made frames with what they were made from; the trainer handles them like a tensor.

    Attributes:
        image: made frames (B, 1, X, Y) in [0, 1].
        real: real frames (B, 1, X, Y) whose style they have.
        mean: mean of the style (B, S).
        log_variance: log-variance of the style (B, S).
    """

    image: Tensor
    real: Tensor
    mean: Tensor
    log_variance: Tensor

    def float(self) -> StyledFrames:
        """In float32."""
        return self._each(Tensor.float)

    def contiguous(self) -> StyledFrames:
        """Contiguous in memory."""
        return self._each(Tensor.contiguous)

    def detach(self) -> StyledFrames:
        """Without gradients."""
        return self._each(Tensor.detach)

    def _each(self, change: Callable[[Tensor], Tensor]) -> StyledFrames:
        names = ("image", "real", "mean", "log_variance")
        return replace(self, **{name: change(getattr(self, name)) for name in names})


@dataclass(frozen=True, eq=False)
class Judgement:
    """What a discriminator says of frames.

    Attributes:
        logits: one map a scale.
        features: inner features a scale and layer; where the generator learns from them only.
        real_features: those of the real frames.
    """

    logits: list[Tensor]
    features: list[list[Tensor]] = field(default_factory=list)
    real_features: list[list[Tensor]] = field(default_factory=list)


class GeneratorLoss(nn.Module):
    """Adversarial term and feature matching.

    Args:
        criterion: ``least_squares``, ``hinge`` or ``bce`` of MONAI's ``PatchAdversarialLoss``.
        matching: weight of the feature matching.
    """

    def __init__(self, criterion: str = "least_squares", matching: float = 10.0) -> None:
        super().__init__()
        self.adversarial = PatchAdversarialLoss(criterion=criterion, no_activation_leastsq=True)
        self.matching = matching

    def forward(self, made: Judgement) -> Tensor:
        """Scalar loss of frames by the judgement on them."""
        loss: Tensor = self.adversarial(made.logits, target_is_real=True, for_discriminator=False)
        for own, real in zip(made.features, made.real_features, strict=True):
            distances = [(a - b.detach()).abs().mean() for a, b in zip(own, real, strict=True)]
            loss = loss + self.matching / len(made.features) * torch.stack(distances).mean()
        return loss


class DiscriminatorLoss(nn.Module):
    """Mean adversarial term of real and made frames.

    Args:
        criterion: as in :class:`GeneratorLoss`.
    """

    def __init__(self, criterion: str = "least_squares") -> None:
        super().__init__()
        self.adversarial = PatchAdversarialLoss(criterion=criterion, no_activation_leastsq=True)

    def forward(self, real: Judgement, made: Judgement) -> Tensor:
        """Scalar loss by the judgements on both."""
        first, second = (
            self.adversarial(judgement.logits, target_is_real=is_real, for_discriminator=True)
            for judgement, is_real in ((real, True), (made, False))
        )
        return torch.as_tensor(0.5 * (first + second))


class StyleLoss(nn.Module):
    """Divergence of the law of styles from a normal one; takes the place of the trainer's reconstruction loss.

    Args:
        weight: weight of the term.
    """

    def __init__(self, weight: float = 0.05) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, made: StyledFrames, target: Tensor) -> Tensor:
        """Scalar loss of made frames; ``target``, the real ones, is judged by the discriminator alone."""
        kl = -0.5 * (1 + made.log_variance - made.mean.square() - made.log_variance.exp()).sum(1)
        return self.weight * kl.mean()
