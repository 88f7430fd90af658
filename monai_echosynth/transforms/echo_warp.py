"""Warps a frame's anatomy inside its fixed sector: images bilinear, the semantic map as one-hot fractions with argmax.

The sector belongs to the probe and stays where it is. Image and label follow one map.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from monai_echosynth.data.builtin_labels import OUTSIDE, SECTOR, SEMANTIC_LABELS
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.transforms.sector_edge import bring_into_sector
from monai_echosynth.transforms.warp_field import sampling_map
from monai_echosynth.transforms.warp_parameters import WarpParameters

__all__ = ["EchoWarp", "Uncovered"]


class Uncovered(StrEnum):
    """What a pixel of the sector becomes when its sampling position lies outside the sector."""

    EXTEND = "extend"
    """Texture is mirrored across the old edge; structures that the far edge had cut go on to the new one."""
    SECTOR = "sector"
    """No structure in the label and black in the image."""


class EchoWarp:
    """Deterministic warp of images and semantic map; the random transforms draw its parameters.

    Args:
        uncovered: what fills the part of the sector that the warped anatomy leaves free.
        table: semantic label table with ``outside`` and ``sector``.
    """

    def __init__(self, uncovered: Uncovered | str = Uncovered.EXTEND, table: LabelTable = SEMANTIC_LABELS) -> None:
        self.uncovered = Uncovered(uncovered)
        self.outside, self.sector = table.id_of(OUTSIDE), table.id_of(SECTOR)
        ids = [entry.id for entry in table.entries if entry.id not in (self.outside, self.sector)]
        self.structures = torch.tensor(ids, dtype=torch.int64)

    def __call__(
        self, label: Tensor, images: Sequence[Tensor], warp: WarpParameters, extent: tuple[float, float] = (1.0, 1.0)
    ) -> tuple[Tensor, list[Tensor]]:
        """Warps a frame.

        Args:
            label: (1, X, Y) semantic map.
            images: tensors (C, X, Y) on the same grid; an empty sequence warps the label alone.
            warp: drawn parameters.
            extent: physical width and depth of the image, any unit.

        Returns:
            Label (1, X, Y) of the same type and images of the same types; the sector of all is that of ``label``.

        Raises:
            EchoSynthError: the shapes differ.
        """
        shape = (int(label.shape[-2]), int(label.shape[-1]))
        if any(tuple(image.shape[-2:]) != shape for image in images):
            sizes = [tuple(image.shape) for image in images]
            raise EchoSynthError(
                f"image and label must have one size, got {sizes} and {tuple(label.shape)}: resample before"
            )
        inside = label[0] != self.outside
        if not bool(inside.any()):
            return label, [image * 0 for image in images]
        positions = sampling_map(warp, shape, extent)
        of_image = of_label = positions
        if self.uncovered is Uncovered.EXTEND:
            of_image, of_label = bring_into_sector(positions, inside)
        shares = _sample((label == self.structures[:, None, None]).float(), of_label)
        warped = self._decide(shares, inside).to(label.dtype)
        return warped, [(_sample(image.float(), of_image) * inside).to(image.dtype) for image in images]

    def _decide(self, shares: Tensor, inside: Tensor) -> Tensor:
        """Label with the largest share; what the structures leave counts as "no structure"."""
        best = 1.0 - shares.sum(dim=0)
        winner = torch.full(best.shape, self.sector)
        for share, structure in zip(shares, self.structures, strict=True):  # argmax over a leading axis is slow on CPU
            winner = torch.where(share > best, structure, winner)
            best = torch.maximum(share, best)
        return torch.where(inside, winner, self.outside)[None]


def _sample(channels: Tensor, positions: Tensor) -> Tensor:
    """Bilinear values of ``channels`` (C, X, Y) at ``positions`` (2, X, Y) in fractions; zero beyond the image."""
    grid = torch.stack([positions[1], positions[0]], dim=-1)[None] * 2 - 1
    return grid_sample(channels[None], grid, mode="bilinear", padding_mode="zeros", align_corners=False)[0]
