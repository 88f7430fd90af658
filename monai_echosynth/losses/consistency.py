r"""Pseudo-Huber distance between two estimates of one image: the training objective of few-step students.

.. math:: L = \frac{\sqrt{\|\Delta\|^2 + c^2} - c}{c_{out}(t)}, \qquad \Delta = f(x_t; t) - f^*

averaged over the batch, with the norm the root mean square inside the sector. Between the square (errors below c) and the
norm itself: the latter bounds what one image in a batch can do, and draws less towards averages. The weight
:math:`1 / c_{out} = \sqrt{1/t^2 + 1/s^2}` puts errors at all levels on the scale of the network's output, as EDM's does for the
square. It is computed there, as :math:`\sqrt{\|F - F^*\|^2 + (c / c_{out})^2} - c / c_{out}`, where nothing cancels at small t.

References:
    Song and Dhariwal, "Improved Techniques for Training Consistency Models": https://arxiv.org/abs/2310.14189
    Geng et al., "Consistency Models Made Easy": https://arxiv.org/abs/2406.14548
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from monai_echosynth.losses.sector_mean import sector_mean

__all__ = ["ConsistencyLoss"]


class ConsistencyLoss(nn.Module):
    """Weighted pseudo-Huber distance inside the sector.

    Args:
        c: root mean square error of the estimate where the square turns into the norm; 0.00054 is that of the first reference.
    """

    def __init__(self, c: float = 0.00054) -> None:
        super().__init__()
        self.c = c

    def forward(self, prediction: Tensor, targets: Mapping[str, Tensor]) -> Tensor:
        """Scalar loss.

        Args:
            prediction: network output F (B, C, H, W).
            targets: ``target``, the wanted output (B, C, H, W), its scale ``out`` (B,), and ``sector`` (B, 1, H, W) in [0, 1].
        """
        squared = sector_mean((prediction - targets["target"]).square(), targets["sector"])
        c = self.c / targets["out"]
        return ((squared + c.square()).sqrt() - c).mean()
