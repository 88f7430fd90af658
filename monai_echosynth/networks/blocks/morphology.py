r"""Filters in front of the domains' feature extractors.

Real frames pass morphological filters with a flat square element B, which bring out what generators smooth away: the gradient
:math:`(I \oplus B) - (I \ominus B)` (contours), the white top-hat :math:`I - (I \circ B)` (bright structures thinner than B:
leaflets, speckle) and the black top-hat :math:`(I \bullet B) - I` (dark ones). Synthetic frames pass regularizing filters, a
smoothed copy and what it leaves, so that over-simplified texture and what is under it are seen apart.

References:
    Serra, "Image Analysis and Mathematical Morphology", Academic Press, 1982
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["gaussian_smooth", "morphological_filters", "regularizing_filters"]


def morphological_filters(image: Tensor, size: int = 5) -> Tensor:
    """Gradient, white top-hat and black top-hat.

    Args:
        image: (B, 1, X, Y).
        size: side of the structuring element, odd.

    Returns:
        (B, 3, X, Y), not negative.
    """
    dilated, eroded = _dilate(image, size), -_dilate(-image, size)
    opened, closed = _dilate(eroded, size), -_dilate(-dilated, size)
    return torch.cat([dilated - eroded, image - opened, closed - image], dim=1)


def regularizing_filters(image: Tensor, sigma: float = 1.5) -> Tensor:
    """Gaussian-smoothed copy, residual and absolute residual.

    Args:
        image: (B, 1, X, Y).
        sigma: standard deviation of the Gaussian, pixels.

    Returns:
        (B, 3, X, Y).
    """
    smooth = gaussian_smooth(image, sigma)
    return torch.cat([smooth, image - smooth, (image - smooth).abs()], dim=1)


def gaussian_smooth(image: Tensor, sigma: float) -> Tensor:
    """Each channel of (B, C, X, Y) under a Gaussian cut at three ``sigma`` (pixels); the border is repeated."""
    radius = max(1, round(3 * sigma))
    x = torch.arange(-radius, radius + 1, dtype=image.dtype, device=image.device)
    kernel = torch.exp(-0.5 * (x / sigma) ** 2)
    kernel = (kernel / kernel.sum()).expand(image.shape[1], 1, -1)
    padded = F.pad(image, (radius,) * 4, mode="replicate")
    across = F.conv2d(padded, kernel.unsqueeze(3), groups=image.shape[1])
    return F.conv2d(across, kernel.unsqueeze(2), groups=image.shape[1])


def _dilate(image: Tensor, size: int) -> Tensor:
    return F.max_pool2d(image, size, stride=1, padding=size // 2)
