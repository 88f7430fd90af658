"""Deep supervision for MONAI's DynUNet.

In training DynUNet returns the predictions of its last decoder levels, upsampled to full size and stacked along axis 1. The
loss is their weighted mean, each level half the weight of the finer one: sum_l 2^-l L(y_l, target) / sum_l 2^-l (nnU-Net).
In evaluation there is one prediction and the loss is plain.

References:
    Isensee et al., "nnU-Net". https://doi.org/10.1038/s41592-020-01008-z
"""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["StackedDeepSupervisionLoss"]


class StackedDeepSupervisionLoss(nn.Module):
    """Applies a segmentation loss to every level of a stacked output.

    Args:
        loss: takes logits (B, K, X, Y) and a target (B, 1, X, Y), returns a scalar.
    """

    def __init__(self, loss: nn.Module) -> None:
        super().__init__()
        self.loss = loss

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Loss of ``prediction`` (B, K, X, Y), or (B, L, K, X, Y) with the finest level first."""
        if prediction.ndim == target.ndim:
            plain: Tensor = self.loss(prediction, target)
            return plain
        levels = prediction.unbind(dim=1)
        weights = [0.5**level for level in range(len(levels))]
        terms = [weight * self.loss(level, target) for weight, level in zip(weights, levels, strict=True)]
        total: Tensor = sum(terms[1:], terms[0]) / sum(weights)
        return total
