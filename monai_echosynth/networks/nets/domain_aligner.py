"""Cross-domain multi-attention alignment: makes synthetic frames look like those of a bank of real ones, and leaves the anatomy.

Extractors of both domains -> cross-attention to the bank at quarter and eighth resolution, the layers weighted by differential
analysis -> global stage, then local stage -> bound. Every component can be switched off.

References:
    Abdullayev, Zhiyanbaev, Nasimov, "A Methodology for Reducing the Quality Gap between Real and Synthetic Echocardiographic
    Images Using Deep Learning and Multi-Attention Mechanisms", a concept without an implementation, which this one is a reading
    of
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from monai.networks.blocks import Convolution
from torch import Tensor, nn
from torch.nn import functional as F

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.losses.sector_mean import sector_mean
from monai_echosynth.networks.blocks.bank_attention import BankAttention
from monai_echosynth.networks.blocks.cross_domain_attention import CrossDomainAttention
from monai_echosynth.networks.blocks.differential_analysis import DifferentialAnalysis, Energies, place_weights
from monai_echosynth.networks.blocks.domain_extractor import Domain, DomainExtractor
from monai_echosynth.networks.blocks.local_statistics import LocalStatistics
from monai_echosynth.networks.blocks.style_matching import StyleMatching, frame_styles
from monai_echosynth.networks.blocks.two_stage_reconstruction import GlobalStage, LocalStage

__all__ = ["MULTIPLE", "BankFeatures", "DomainAligner", "with_squares"]

MULTIPLE = 32
"""Sides of frames are multiples of it: quarter resolution divides into windows of 8, eighth into windows of 4."""


@dataclass(frozen=True)
class BankFeatures:
    """What attention needs of a bank of real frames: one entry a level of attention, from fine to coarse.

    Attributes:
        keys: (G, K, C, h, w) each, G = 1 for a bank that all frames share.
        values: the same shapes.
        statistics: local ones and their squares at eighth resolution, 0 where ``valid`` is, (G, K, 2 P, h, w).
        valid: (G, K, 1, h, w), 1 where the sector is.
        energies: of the frames, (G, K, ...).
    """

    keys: tuple[Tensor, ...]
    values: tuple[Tensor, ...]
    statistics: Tensor
    valid: Tensor
    energies: Energies

    def __len__(self) -> int:
        """Frames K."""
        return int(self.keys[-1].shape[1])

    @property
    def styles(self) -> Tensor:
        """Of the frames, (K, P)."""
        return frame_styles(self.statistics[0, :, : self.statistics.shape[2] // 2], self.valid[0])

    def take(self, indices: Tensor) -> BankFeatures:
        """A bank for each frame: rows of ``indices`` (B, k) name frames of this shared bank."""
        return self._map(lambda tensor: tensor[0, indices])

    def to(self, device: torch.device | str) -> BankFeatures:
        """The bank on a device."""
        return self._map(lambda tensor: tensor.to(device))

    @classmethod
    def joined(cls, parts: Sequence[BankFeatures]) -> BankFeatures:
        """The frames of several banks in one."""
        keys, values = (
            tuple(torch.cat(level, dim=1) for level in zip(*(getattr(part, name) for part in parts), strict=True))
            for name in ("keys", "values")
        )
        energies = (torch.cat(each, dim=1) for each in zip(*(part.energies for part in parts), strict=True))
        statistics = torch.cat([part.statistics for part in parts], dim=1)
        valid = torch.cat([part.valid for part in parts], dim=1)
        return cls(keys, values, statistics, valid, Energies(*energies))

    def _map(self, change: Callable[[Tensor], Tensor]) -> BankFeatures:
        keys, values = (tuple(change(tensor) for tensor in level) for level in (self.keys, self.values))
        local = change(self.statistics), change(self.valid)
        return BankFeatures(keys, values, *local, Energies(*(change(tensor) for tensor in self.energies)))


class DomainAligner(nn.Module):
    """The network.

    Args:
        structures: channels of the membership maps, the first of which is what lies outside the sector.
        channels: features at full, half, quarter and eighth resolution.
        reaches: of the heads at quarter and at eighth resolution: sides of windows in positions, ``None`` for the whole map;
            a level without any has no attention, and without any at all the bank is its mean.
        heads: heads of each reach.
        chunk: frames of the bank that attention takes together.
        max_shift: largest displacement of a pixel by the global stage, in pixels.
        max_change: largest mean absolute change of the gray levels inside the sector, of full scale 1.
        filters: morphological and regularizing filters before the stems.
        local_stage: high-frequency residual.
        global_stage: gain, offset and displacement.
        stochastic: random texture in the local stage.
        dynamic: weights of the layers from differential analysis.

    Raises:
        EchoSynthError: a limit is out of range.
    """

    def __init__(
        self,
        structures: int = 5,
        channels: Sequence[int] = (16, 32, 48, 64),
        reaches: Sequence[Sequence[int | None]] = ((8, 4), (4, None)),
        heads: int = 2,
        chunk: int = 16,
        max_shift: float = 0.5,
        max_change: float = 0.25,
        filters: bool = True,
        local_stage: bool = True,
        global_stage: bool = True,
        stochastic: bool = True,
        dynamic: bool = True,
    ) -> None:
        super().__init__()
        if max_shift < 0 or max_change <= 0:
            raise EchoSynthError(
                f"max_shift must be 0 or more and max_change above 0, got {max_shift} and {max_change}: correct them"
            )
        self.structures, self.max_change = structures, max_change
        self.extractor = DomainExtractor(channels, filters)
        sizes = tuple(channels[-2:])
        self.attention = nn.ModuleList(
            CrossDomainAttention(size, structures, reach, heads, chunk)
            for size, reach in zip(sizes, reaches, strict=True)
        )
        self.analysis = DifferentialAnalysis(len(channels), structures, dynamic)
        self.statistics = LocalStatistics()
        self.matching = StyleMatching(self.statistics.count)
        self.local_target = BankAttention(heads=1, chunk=chunk)
        seen = 2 * sizes[1] + 3 * self.statistics.count
        self.fuse_coarse = Convolution(2, seen, sizes[1], norm=None, act="LEAKYRELU")
        self.fuse_fine = Convolution(2, sizes[1] + 2 * sizes[0], sizes[0], norm=None, act="LEAKYRELU")
        self.global_stage = GlobalStage(sizes[1], max_shift) if global_stage else None
        self.local_stage = LocalStage(sizes[0], tuple(channels[-3::-1]), stochastic) if local_stage else None

    @property
    def attends(self) -> bool:
        """Whether a layer has heads; without any, places of the bank are not told apart."""
        return any(len(layer.groups) > 0 for layer in self.layers())

    def layers(self) -> list[CrossDomainAttention]:
        """The layers of attention, from fine to coarse."""
        return [layer for layer in self.attention if isinstance(layer, CrossDomainAttention)]

    def fit(self, image: Tensor, sector: Tensor, energies: Energies) -> None:
        """Take the scales of statistics and energies from real frames (K, 1, X, Y), their sectors and energies."""
        self.statistics.fit(image, sector)
        self.analysis.fit(energies)

    def styles(self, image: Tensor, seg: Tensor) -> Tensor:
        """Styles (B, P) of frames (B, 1, X, Y) in [0, 1] with membership maps (B, S, X, Y)."""
        return frame_styles(*self.statistics(image, 1.0 - seg[:, :1]))

    def encode_bank(self, image: Tensor, seg: Tensor) -> BankFeatures:
        """Features of real frames (K, 1, X, Y) in [0, 1] with membership maps (K, S, X, Y), as a bank that frames share.

        Raises:
            EchoSynthError: the bank is empty, has another number of channels, or values that are not finite.
        """
        self._check(image, seg, "a bank")
        features = self.extractor(image, Domain.REAL)[-2:]
        keys, values = [], []
        for layer, found in zip(self.layers(), features, strict=True):
            keys.append(layer.keys(found, _members(seg, found)).unsqueeze(0))
            values.append(layer.values(found).unsqueeze(0))
        local, valid = self.statistics(image, 1.0 - seg[:, :1])
        energies = Energies(*(tensor.unsqueeze(0) for tensor in self.analysis.energies(image, seg)))
        return BankFeatures(tuple(keys), tuple(values), with_squares(local)[None], valid[None], energies)

    def forward(self, image: Tensor, seg: Tensor, bank: BankFeatures, noise: Tensor | None = None) -> dict[str, Tensor]:
        """Align frames.

        Args:
            image: (B, 1, X, Y) in [0, 1], sides multiples of 32.
            seg: (B, S, X, Y) membership of structures, channel 0 outside the sector.
            bank: from :meth:`encode_bank`.
            noise: (B, 1, X, Y) white noise of unit variance; none where omitted, and the texture is its mean.

        Returns:
            ``image`` (B, 1, X, Y) in [0, 1]; ``shift`` (B, 2, X, Y), what moved, in pixels; ``weights`` (B, L, S) of the layers;
            ``query`` and ``features`` (B, C, X / 8, Y / 8), what the coarse attention asks and what it comes from; ``target``
            (B, 2 P, X / 8, Y / 8), local statistics of the bank at like places and their squares.

        Raises:
            EchoSynthError: sizes or channels do not fit, or values are not finite.
        """
        self._check(image, seg, "a frame")
        features = self.extractor(image, Domain.SYNTHETIC)
        weights = self.analysis(self.analysis.energies(image, seg), bank.energies)
        attended, query = [], image
        for i, layer in enumerate(self.layers()):
            level = len(features) - 2 + i
            members = _members(seg, features[level])
            query = layer.queries(features[level], members)
            found = layer(query, bank.keys[i], bank.values[i])
            attended.append(found * place_weights(weights[:, level], members))
        target = self._target(query.detach(), bank) if self.attends else self._mean_target(query, bank)
        own, _ = self.statistics(image, 1.0 - seg[:, :1])
        wanted = target[:, : own.shape[1]] - own, target
        coarse = self.fuse_coarse(torch.cat([features[-1], attended[1], *wanted], dim=1))
        up = F.interpolate(coarse, features[-2].shape[-2:], mode="bilinear", align_corners=False)
        fine = self.fuse_fine(torch.cat([up, features[-2], attended[0]], dim=1))
        changed, shift = image, image.new_zeros(len(image), 2, *image.shape[-2:])
        if self.global_stage is not None:
            changed, geometry = self.global_stage(image, coarse, place_weights(weights[:, -2:].mean(dim=1), seg))
            shift = geometry.shift
        if self.local_stage is not None:
            noise = torch.zeros_like(image) if noise is None else noise
            residual = self.local_stage(fine, features[-3::-1], noise)
            changed = changed + place_weights(weights[:, :2].mean(dim=1), seg) * residual
        sector = 1.0 - seg[:, :1]
        aligned = self._bounded(changed.float(), image, sector)
        found = {"image": aligned, "shift": shift, "weights": weights, "target": target}
        return found | {"query": query, "features": features[-1]}

    def _target(self, query: Tensor, bank: BankFeatures) -> Tensor:
        """Attention-weighted means of the bank's statistics over the places that count."""
        values = torch.cat([bank.statistics, bank.valid], dim=2)
        found = self.local_target(query.float(), bank.keys[-1].detach().float(), values).float()
        return found[:, :-1] / found[:, -1:].clamp_min(1e-3)

    def _mean_target(self, query: Tensor, bank: BankFeatures) -> Tensor:
        """The same mean at every place: that over all places of the bank that count."""
        valid = bank.valid.float().sum(dim=(1, 3, 4)).clamp_min(1e-3)
        mean = bank.statistics.float().sum(dim=(1, 3, 4)) / valid
        return mean[:, :, None, None].expand(len(query), -1, *query.shape[-2:])

    def _bounded(self, changed: Tensor, image: Tensor, sector: Tensor) -> Tensor:
        """Gray levels of [0, 1], changed inside the sector alone and by ``max_change`` in the mean at most."""
        change = (changed.clamp(0.0, 1.0) - image) * sector
        size = sector_mean(change.abs(), sector).reshape(-1, 1, 1, 1)
        return image + change * (self.max_change / size.clamp_min(1e-8)).clamp_max(1.0)

    def _check(self, image: Tensor, seg: Tensor, what: str) -> None:
        if len(image) == 0:
            raise EchoSynthError(f"{what} of at least one image is needed, got none: name a folder that holds frames")
        sides = image.shape[-2:]
        fits = image.ndim == 4 and image.shape[1] == 1 and seg.shape == (len(image), self.structures, *sides)
        if not fits or any(side % MULTIPLE for side in sides):
            raise EchoSynthError(
                f"{what} must be (B, 1, X, Y) with maps (B, {self.structures}, X, Y) and sides that are multiples of {MULTIPLE}, "
                f"got {tuple(image.shape)} and {tuple(seg.shape)}: prepare the frames at such a size, with one label table"
            )
        if not bool(torch.isfinite(image).all()):
            raise EchoSynthError(f"{what} must be finite, got NaN or infinity: look at the frames")


def with_squares(statistics: Tensor) -> Tensor:
    """Statistics (..., P, h, w) and half their squares, (..., 2 P, h, w): means of both tell mean and variance."""
    return torch.cat([statistics, 0.5 * statistics.square()], dim=-3)


def _members(seg: Tensor, features: Tensor) -> Tensor:
    """Membership maps at the resolution of features."""
    return F.interpolate(seg, features.shape[-2:], mode="area")
