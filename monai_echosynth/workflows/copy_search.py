"""Looks for each frame's nearest training frame: by texture over mirror, small warps and shifts, and in features.

Search is in two steps. Coarse textures (48 pixels a side) of all variants of a frame are compared with those of all
training frames in one product of matrices; the best few are then matched in full resolution over all shifts around.
Frames of a low coarse similarity are not copies, so little is lost; what changes with gain or follows from the label map
has no part in either step (:mod:`monai_echosynth.metrics.frame_texture`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from monai_echosynth.data.builtin_labels import OUTSIDE
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.metrics.frame_texture import Texture, frame_texture
from monai_echosynth.metrics.image_quality import ssim
from monai_echosynth.metrics.shift_match import ShiftMatch, shift_match, shifted
from monai_echosynth.networks.features.activations import FeatureNetwork
from monai_echosynth.workflows.frame_batches import FrameBatch, frame_batches

__all__ = ["VARIANTS", "CopyMatch", "Gallery", "Variant", "build_gallery", "find_copies"]

_EDGE: Final = 48
"""Pixels a side of the coarse textures."""

_STEPS: Final = 2
"""Coarse pixels that a frame is shifted by, at most."""

_CANDIDATES: Final = 3
"""Training frames that are matched in full resolution, besides the nearest in features."""


class Variant(NamedTuple):
    """A change that a copy may hide behind: mirrored or not, rotated (degrees), scaled."""

    mirrored: bool
    degrees: float
    scale: float


VARIANTS: Final = tuple(
    Variant(mirrored, degrees, scale)
    for mirrored in (False, True)
    for degrees, scale in ((0.0, 1.0), (-3.0, 1.0), (3.0, 1.0), (0.0, 0.97), (0.0, 1.03))
)


class CopyMatch(NamedTuple):
    """The nearest frame of a gallery.

    Attributes:
        nearest: its place in the gallery.
        correlation: of the textures in the best alignment, in [-1, 1].
        ssim: of the textures in that alignment, in [-1, 1].
        variant: what had to be undone.
        shift: and by how many pixels.
        feature_distance: to the nearest frame in features, root mean square over standardized features.
        feature_index: place of that frame.
    """

    nearest: int
    correlation: float
    ssim: float
    variant: Variant
    shift: tuple[int, int]
    feature_distance: float
    feature_index: int


@dataclass(frozen=True)
class Gallery:
    """Frames that copies are looked for among.

    Attributes:
        items: entries of the datalist.
        values: (n, X, Y) textures, half precision.
        weights: (n, X, Y) where they count.
        coarse: (n, 48 * 48) of unit length.
        features: (n, F).
    """

    items: list[dict[str, Any]]
    values: NDArray[np.float16]
    weights: NDArray[np.bool_]
    coarse: Tensor
    features: NDArray[np.float32]

    def texture(self, index: int) -> Texture:
        """Texture of a frame."""
        return Texture(self.values[index].astype(np.float32), self.weights[index].astype(np.float32))


class _Queries(NamedTuple):
    """A batch of frames with all their variants: textures, coarse forms (B, V, S, D) and features (B, 2, F)."""

    items: list[Mapping[str, Any]]
    values: Tensor
    weights: Tensor
    coarse: Tensor
    features: NDArray[np.float32]


def build_gallery(items: Sequence[Mapping[str, Any]], table: LabelTable, size: int, network: FeatureNetwork) -> Gallery:
    """Reads frames; uniform ones are left out.

    Args:
        items: entries of a datalist.
        table: their label table.
        size: edge of the grid in pixels.
        network: feature network.
    """
    kept, values, weights, features = [], [], [], []
    for batch in frame_batches(items, table, size):
        textures = _textures(batch, table)
        values.append(textures[0].half().numpy())
        weights.append(textures[1].numpy() > 0)
        features.append(network(batch.image).vector.numpy())
        kept += [dict(item) for item in batch.items]
    shape = (0, size, size)
    stacked = np.concatenate([np.zeros(shape, np.float16), *values])
    coarse = _unit(_coarse(torch.from_numpy(stacked).float()).flatten(1))
    vectors = np.concatenate(features) if features else np.zeros((0, 1), np.float32)
    return Gallery(kept, stacked, np.concatenate([np.zeros(shape, bool), *weights]), coarse, vectors)


def find_copies(
    items: Sequence[Mapping[str, Any]], gallery: Gallery, table: LabelTable, size: int, network: FeatureNetwork
) -> Iterator[tuple[Mapping[str, Any], CopyMatch]]:
    """Nearest frame of the gallery for each frame that shows something, in order.

    Args:
        items: entries of a datalist.
        gallery: at least one frame.
        table: label table of both.
        size: edge of the grid in pixels.
        network: that of the gallery.
    """
    center, scale = gallery.features.mean(axis=0), gallery.features.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    known = (gallery.features - center) / scale
    for batch in frame_batches(items, table, size):
        queries = _queries(batch, table, network)
        similar = queries.coarse.flatten(0, 2) @ gallery.coarse.T
        best = similar.unflatten(0, queries.coarse.shape[:3]).amax(dim=2)  # (B, V, n)
        for i, item in enumerate(queries.items):
            apart = np.sqrt(np.square((queries.features[i] - center)[:, None] / scale - known[None]).mean(axis=2))
            nearest = int(apart.min(axis=0).argmin())
            chosen = {*best[i].amax(dim=0).topk(min(_CANDIDATES, len(known))).indices.tolist(), nearest}
            tried = [(j, v) for j in sorted(chosen) for v in _likely(best[i][:, j])]
            found = max((_match(queries, i, v, j, gallery) for j, v in tried), key=lambda match: match.correlation)
            yield item, found._replace(feature_distance=float(apart.min()), feature_index=nearest)


def _likely(similarity: Tensor) -> set[int]:
    """The best variant, and the best one without a warp: a shift by half a coarse pixel looks like one."""
    plain = [v for v, variant in enumerate(VARIANTS) if variant.degrees == 0 and variant.scale == 1]
    return {int(similarity.argmax()), plain[int(similarity[plain].argmax())]}


def _match(queries: _Queries, i: int, v: int, j: int, gallery: Gallery) -> CopyMatch:
    """Frame ``i`` in variant ``v`` against frame ``j``, in full resolution."""
    values, weights = queries.values[i, v].numpy(), queries.weights[i, v].numpy()
    mine, other = Texture(values * weights, weights), gallery.texture(j)
    reach = int(np.ceil((_STEPS + 0.5) * values.shape[0] / _EDGE))
    found: ShiftMatch = shift_match(mine, other, reach)
    moved = Texture(*(shifted(part, found.shift) for part in other))
    inside = (moved.weight > 0) & (weights > 0)
    pictures = [np.clip(0.5 + part / 8.0, 0.0, 1.0) for part in (mine.values, moved.values)]
    same = ssim(pictures[0], pictures[1], inside) if found.correlation > 0 and inside.any() else 0.0
    return CopyMatch(j, found.correlation, same, VARIANTS[v], found.shift, float("nan"), -1)


def _queries(batch: FrameBatch, table: LabelTable, network: FeatureNetwork) -> _Queries:
    values, weights = _textures(batch, table)
    both = torch.stack([values, weights], dim=1)
    warped = torch.stack([_warped(both, variant) for variant in VARIANTS], dim=1)  # (B, V, 2, X, Y)
    inner = (warped[:, :, 1] > 0.99).float()
    shown = warped[:, :, 0] * inner
    coarse = _unit(_shifts(_coarse(shown.flatten(0, 1))).flatten(2)).unflatten(0, shown.shape[:2])
    features = [network(image).vector.numpy() for image in (batch.image, batch.image.flip(2))]
    return _Queries(batch.items, shown, inner, coarse, np.stack(features, axis=1))


def _textures(batch: FrameBatch, table: LabelTable) -> tuple[Tensor, Tensor]:
    outside = table.id_of(OUTSIDE)
    found = [frame_texture(i.numpy(), m, outside) for i, m in zip(batch.image[:, 0], batch.label, strict=True)]
    values, weights = (torch.from_numpy(np.stack(part)) for part in zip(*found, strict=True))
    return values, weights


def _warped(images: Tensor, variant: Variant) -> Tensor:
    """Images (B, C, X, Y) mirrored along the probe, rotated and scaled around their center; 0 where nothing comes."""
    source = images.flip(2) if variant.mirrored else images
    if variant.degrees == 0 and variant.scale == 1:
        return source
    angle = np.deg2rad(variant.degrees)
    cos, sin = float(np.cos(angle)) * variant.scale, float(np.sin(angle)) * variant.scale
    matrix = torch.tensor([[cos, -sin, 0.0], [sin, cos, 0.0]]).expand(len(images), 2, 3)
    grid = F.affine_grid(matrix, list(images.shape), align_corners=False)
    return F.grid_sample(source, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def _coarse(images: Tensor) -> Tensor:
    """Images (B, X, Y) averaged to the coarse grid."""
    edge = min(_EDGE, *images.shape[-2:])
    return F.interpolate(images[:, None], (edge, edge), mode="area")[:, 0]


def _shifts(images: Tensor) -> Tensor:
    """(B, S, x, y): images (B, x, y) moved by all shifts of few pixels, 0 where nothing comes."""
    padded = F.pad(images, (_STEPS,) * 4)
    x, y = images.shape[-2:]
    steps = range(2 * _STEPS + 1)
    return torch.stack([padded[:, i : i + x, j : j + y] for i in steps for j in steps], dim=1)


def _unit(vectors: Tensor) -> Tensor:
    return F.normalize(vectors, dim=-1, eps=1e-6)
