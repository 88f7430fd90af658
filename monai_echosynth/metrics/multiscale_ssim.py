"""MS-SSIM of frames of any size: MONAI's, with a window that fits five scales.

MONAI's default window of 11 pixels needs frames of more than 160 pixels; smaller frames take the largest odd window that
fits, which is reported, as numbers of two windows are not comparable. Frames are 0 outside the sector in both, which
lifts the index: compare with the same index between real frames, not with 1.

References:
    Wang, Simoncelli, Bovik, "Multiscale structural similarity for image quality assessment", 2003.
    https://doi.org/10.1109/ACSSC.2003.1292216
    Odena, Olah, Shlens, "Conditional Image Synthesis with Auxiliary Classifier GANs", 2017, on diversity.
    https://arxiv.org/abs/1610.09585
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.metrics.regression import compute_ms_ssim
from torch import Tensor

__all__ = ["multiscale_ssim", "window_for"]

_WINDOWS = (11, 9, 7, 5, 3)
_HALVINGS = 4


def window_for(size: Sequence[int]) -> int | None:
    """Edge of the largest window that fits five scales of frames of this size; None where none does."""
    for window in _WINDOWS:
        if min(size) // 2**_HALVINGS > window - 1:
            return window
    return None


def multiscale_ssim(first: Tensor, second: Tensor) -> Tensor:
    """MS-SSIM (B,) of frames (B, 1, X, Y) in [0, 1]; 1 for equal frames.

    Raises:
        ValueError: shapes differ, or the frames are too small for five scales.
    """
    if first.shape != second.shape or first.ndim != 4:
        raise ValueError(
            f"MS-SSIM needs two batches (B, 1, X, Y) of one shape, got {tuple(first.shape)}, {tuple(second.shape)}"
        )
    window = window_for(first.shape[-2:])
    if window is None:
        raise ValueError(f"MS-SSIM needs frames of 48 pixels or more, got {tuple(first.shape[-2:])}: use larger frames")
    scores = compute_ms_ssim(first.float(), second.float(), spatial_dims=2, kernel_size=window)
    return torch.nan_to_num(scores.flatten(), nan=0.0)
