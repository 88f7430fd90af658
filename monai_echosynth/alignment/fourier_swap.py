r"""Fourier domain adaptation: the low-frequency amplitudes of a real frame under the phases of a synthetic one.

References:
    Yang and Soatto, "FDA: Fourier Domain Adaptation for Semantic Segmentation", CVPR 2020, https://arxiv.org/abs/2004.05498
"""

from __future__ import annotations

import torch
from torch import Tensor

from monai_echosynth.errors import EchoSynthError

__all__ = ["swap_amplitude"]


def swap_amplitude(image: Tensor, sector: Tensor, exemplar: Tensor, share: float = 0.05) -> Tensor:
    r"""Frame with the amplitudes of an exemplar in a square of side :math:`2 \beta` times that of the spectrum.

    Args:
        image: (1, X, Y) in [0, 1].
        sector: (1, X, Y), above 0 inside.
        exemplar: real frame of the same shape.
        share: beta, from 0 (nothing changes) to 0.5 (every amplitude).

    Returns:
        (1, X, Y) in [0, 1], unchanged outside the sector.

    Raises:
        EchoSynthError: shapes differ, or the share is out of range.
    """
    if image.shape != exemplar.shape or not 0 <= share <= 0.5:
        raise EchoSynthError(
            f"amplitudes are swapped between frames of one shape with a share from 0 to 0.5, got {tuple(image.shape)}, "
            f"{tuple(exemplar.shape)} and {share}: prepare both at one size"
        )
    spectra = [torch.fft.fft2(frame.float()) for frame in (image, exemplar)]
    x, y = (torch.fft.fftfreq(side).abs() for side in image.shape[-2:])
    low = (x[:, None] < share) & (y[None, :] < share)
    amplitude = torch.where(low, spectra[1].abs(), spectra[0].abs())
    found = torch.fft.ifft2(torch.polar(amplitude, spectra[0].angle())).real.clamp(0.0, 1.0)
    return torch.where(sector > 0, found.to(image.dtype), image)
