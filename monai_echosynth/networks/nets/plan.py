"""nnU-Net's planning rules in two dimensions: from shape and spacing to a U-Net.

1. The patch is the median shape, at most ``max_size``.
2. An axis is halved while at least 4 pixels remain after halving, and only as long as its spacing is within a factor of two
   of the finest axis; kernels are 3 along an axis once it is that fine, 1 before.
3. The patch grows to a multiple of the product of an axis's strides.
4. Features double with each halving, from ``base_features`` to at most ``MAX_GROWTH`` times that. (nnU-Net: 32 and 16.)
5. The batch is what the memory budget holds, at least 2, and at most 5 % of the data set's pixels.

References:
    Isensee et al., "nnU-Net", online methods. https://doi.org/10.1038/s41592-020-01008-z
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from monai_echosynth.data.atomic import write_json

__all__ = ["MAX_GROWTH", "SegmentationPlan", "plan_segmentation"]

MIN_EDGE = 4
"""Pixels that an axis keeps at the lowest resolution."""

MAX_GROWTH = 8
"""Most features relative to the first stage."""

_BYTES_PER_FEATURE_PIXEL = 60
"""Training memory per feature and pixel of a stage: two convolutions each way with their gradients, float32."""


@dataclass(frozen=True)
class SegmentationPlan:
    """Shape of a U-Net and of its batches; all sequences are per stage, finest first.

    Attributes:
        patch_size: pixels along x and y.
        strides: of the first convolution of each stage, (1, 1) first.
        kernels: convolution kernels.
        features: channels.
        heads: auxiliary outputs for deep supervision.
        batch_size: frames a step.
    """

    patch_size: tuple[int, int]
    strides: tuple[tuple[int, int], ...]
    kernels: tuple[tuple[int, int], ...]
    features: tuple[int, ...]
    heads: int
    batch_size: int

    def save(self, path: str | Path) -> None:
        """Writes the plan as JSON."""
        write_json(path, asdict(self))


def plan_segmentation(
    median_shape: Sequence[int],
    spacing: Sequence[float] = (1.0, 1.0),
    frames: int | None = None,
    base_features: int = 32,
    memory_mb: float = 2000.0,
    max_size: int = 512,
) -> SegmentationPlan:
    """Plans a network for frames of a given shape.

    Args:
        median_shape: pixels along x and y; each must leave at least two halvings.
        spacing: mm along x and y.
        frames: size of the training set, bounds the batch.
        base_features: channels of the first stage; 32 on a GPU, 16 to 24 on a CPU.
        memory_mb: memory that activations of one step may take.
        max_size: largest patch edge.

    Raises:
        ValueError: the shape is too small for a U-Net of three stages.
    """
    shape = [min(int(n), max_size) for n in median_shape]
    strides, kernels = _topology(shape, [float(s) for s in spacing])
    if len(strides) < 3:
        raise ValueError(
            f"frames need at least {4 * MIN_EDGE} pixels along x and y, got {tuple(median_shape)}: enlarge them"
        )
    divisors = [math.prod(stride[axis] for stride in strides) for axis in range(2)]
    patch = (-(-shape[0] // divisors[0]) * divisors[0], -(-shape[1] // divisors[1]) * divisors[1])
    features = tuple(base_features * min(2**stage, MAX_GROWTH) for stage in range(len(strides)))
    return SegmentationPlan(
        patch_size=patch,
        strides=tuple(strides),
        kernels=tuple(kernels),
        features=features,
        heads=min(2, len(strides) - 2),
        batch_size=_batch_size(patch, strides, features, memory_mb, frames),
    )


def _topology(shape: list[int], spacing: list[float]) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Strides and kernels of each stage."""
    size, step = list(shape), list(spacing)
    strides, kernels = [(1, 1)], [_kernel(step)]
    while True:
        fine = [step[axis] <= 2 * min(step) for axis in range(2)]
        halve = [fine[axis] and size[axis] >= 2 * MIN_EDGE for axis in range(2)]
        if not any(halve):
            return strides, kernels
        stride = (1 + halve[0], 1 + halve[1])
        size = [-(-size[axis] // stride[axis]) for axis in range(2)]
        step = [step[axis] * stride[axis] for axis in range(2)]
        strides.append(stride)
        kernels.append(_kernel(step))


def _kernel(spacing: Sequence[float]) -> tuple[int, int]:
    """3 along an axis that is within a factor of two of the finest one, else 1."""
    return (3 if spacing[0] <= 2 * min(spacing) else 1, 3 if spacing[1] <= 2 * min(spacing) else 1)


def _batch_size(
    patch: tuple[int, int],
    strides: Sequence[tuple[int, int]],
    features: Sequence[int],
    memory_mb: float,
    frames: int | None,
) -> int:
    pixels, total = float(math.prod(patch)), 0.0
    for stride, width in zip(strides, features, strict=True):
        pixels /= math.prod(stride)
        total += pixels * width * _BYTES_PER_FEATURE_PIXEL
    fitting = int(memory_mb * 1e6 / total)
    share = fitting if frames is None else int(0.05 * frames)
    return max(2, min(fitting, share))
