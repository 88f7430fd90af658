"""Mean squared error inside the sector: the training objective of the denoising network."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from monai_echosynth.losses.sector_mean import sector_mean

__all__ = ["SectorMSE"]


class SectorMSE(nn.Module):
    """Squared error averaged over in-sector pixels, then over the batch.

    With preconditioned targets this equals the weighted denoising error of the diffusion papers, whose weight is
    ``1 / c_out**2``.
    """

    def forward(self, prediction: Tensor, targets: Mapping[str, Tensor]) -> Tensor:
        """Scalar loss.

        Args:
            prediction: network output (B, C, H, W).
            targets: ``target`` (B, C, H, W) and ``sector`` (B, 1, H, W) in [0, 1].
        """
        return sector_mean((prediction - targets["target"]).square(), targets["sector"]).mean()
