"""The bank: real frames that synthetic ones are aligned to, with what a frozen segmenter sees in them.

Real frames need no labels.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from monai_echosynth.alignment.frozen_segmenter import FrozenSegmenter
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.blocks.differential_analysis import Energies
from monai_echosynth.networks.nets.domain_aligner import BankFeatures, DomainAligner

__all__ = ["RealBank", "spaced"]

CHUNK = 16
"""Frames that are encoded together."""

FLAT = 1e-3
"""Standard deviation of gray levels below which a frame shows nothing."""


class RealBank:
    """Real frames.

    Args:
        image: (N, 1, X, Y) in [0, 1], N at least 2.
        seg: (N, S, X, Y) membership of structures, channel 0 outside the sector.

    Raises:
        EchoSynthError: fewer than two frames, or one that is constant or not finite.

    Attributes:
        styles: (N, P) of the frames, known once an aligner is fitted.
    """

    styles: Tensor

    def __init__(self, image: Tensor, seg: Tensor) -> None:
        if len(image) < 2:
            raise EchoSynthError(
                f"a bank needs two real frames or more, got {len(image)}: one frame is no sample of a domain"
            )
        for number, (frame, outside) in enumerate(zip(image, seg[:, :1], strict=True)):
            if not bool(torch.isfinite(frame).all()):
                raise EchoSynthError(f"frames of a bank must be finite, frame {number} is not: replace or remove it")
            inside = frame[outside < 0.5]
            if inside.numel() < 2 or float(inside.std()) < FLAT:
                raise EchoSynthError(f"frames of a bank must show tissue, frame {number} is constant: remove it")
        self.image, self.seg = image, seg

    @classmethod
    def from_items(
        cls, items: Iterable[dict[str, Tensor]], segmenter: FrozenSegmenter, limit: int | None = None
    ) -> RealBank:
        """Bank of items with ``image`` and ``sector`` (1, X, Y), evenly spaced where there are more than ``limit``.

        The segmenter looks at them where it is; the bank stays on the CPU.

        Raises:
            EchoSynthError: no frame, or frames of several sizes.
        """
        found = list(items)
        if limit is not None and len(found) > limit:
            found = [found[row] for row in spaced(len(found), limit)]
        sizes = {tuple(item["image"].shape) for item in found}
        if len(sizes) != 1:
            what = "none" if not sizes else " and ".join(str(size) for size in sorted(sizes))
            raise EchoSynthError(f"a bank needs real frames of one size, got {what}: prepare the folder at one size")
        image = torch.stack([torch.as_tensor(item["image"]).float() for item in found])
        sector = torch.stack([torch.as_tensor(item["sector"]).float() for item in found])
        device = next((weight.device for weight in segmenter.parameters()), image.device)
        parts = zip(image.to(device).split(CHUNK), sector.to(device).split(CHUNK), strict=True)
        return cls(image, torch.cat([segmenter.membership(*part).cpu() for part in parts]))

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.image)

    def frames(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Images and membership maps of ``rows`` (any shape), their shapes in front."""
        return self.image[rows], self.seg[rows]

    @torch.no_grad()
    def fit(self, aligner: DomainAligner, synthetic: Iterable[dict[str, Tensor]]) -> None:
        """Give an aligner the scales of local statistics, energies and styles over these frames.

        Args:
            aligner: takes them.
            synthetic: items with ``image`` (1, X, Y) and ``seg`` (S, X, Y) of the other domain, whose styles are measured too.
        """
        device = next(aligner.parameters()).device
        found = [aligner.analysis.energies(image.to(device), seg.to(device)) for image, seg in self._parts()]
        energies = Energies(*(torch.cat(each) for each in zip(*found, strict=True)))
        aligner.fit(self.image.to(device), 1.0 - self.seg[:, :1].to(device), energies)
        self.styles = torch.cat([aligner.styles(image.to(device), seg.to(device)) for image, seg in self._parts()])
        others = [aligner.styles(item["image"][None].to(device), item["seg"][None].to(device)) for item in synthetic]
        aligner.matching.fit(self.styles, torch.cat(others))

    @torch.no_grad()
    def encode(self, aligner: DomainAligner, device: torch.device | str | None = None) -> BankFeatures:
        """What attention needs of all frames, computed in small parts."""
        return BankFeatures.joined(
            [aligner.encode_bank(image.to(device), seg.to(device)) for image, seg in self._parts()]
        )

    def _parts(self) -> Iterable[tuple[Tensor, Tensor]]:
        return zip(self.image.split(CHUNK), self.seg.split(CHUNK), strict=True)


def spaced(count: int, limit: int) -> list[int]:
    """Rows 0 to ``count`` - 1, or ``limit`` of them at equal distances."""
    return [int(row) for row in np.linspace(0, count - 1, min(limit, count)).round()]
