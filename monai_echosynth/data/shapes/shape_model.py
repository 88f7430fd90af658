r"""Point distribution model: mean shape, principal modes of variation, and the poses in which hearts were seen.

An aligned shape is :math:`x = \bar x + \sum_m b_m \phi_m` with orthonormal modes :math:`\phi_m` of the covariance of the training
shapes and :math:`\operatorname{var} b_m = \lambda_m` (Cootes et al., 1995, section 4). New shapes draw each :math:`b_m` from a
normal distribution cut off at :math:`\pm k \sqrt{\lambda_m}`; besides, :math:`\sum_m b_m^2 / \lambda_m` stays below what 95 %
of a normal population keep to, since hearts in which all modes are extreme at once do not exist.

Lengths are in mm; positions are measured from the anchor of the sector, so that a heart keeps its distance from the probe. Where
a heart is seen depends on its size (a long one fills the picture to its lower edge), so a new shape takes the pose of a training
map that it resembles.

References:
    Cootes, Taylor, Cooper and Graham, "Active shape models - their training and application".
    https://doi.org/10.1006/cviu.1995.1004
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri, ndtr, ndtri

from monai_echosynth.data.shapes.layout import ShapeLayout
from monai_echosynth.data.shapes.procrustes import Alignment, align, generalized_procrustes, place
from monai_echosynth.diffusion.seeding import derive_seed
from monai_echosynth.errors import EchoSynthError

__all__ = ["SampledShape", "ShapeModel", "fit_shape_model"]

Array = NDArray[np.float64]

TYPICAL = 0.95
"""Share of a normal population inside the ellipsoid that new shapes stay in."""

ALIKE = 0.05
"""Share of the training maps, nearest in shape, whose poses a new shape may take."""


class SampledShape(NamedTuple):
    """A drawn shape.

    Attributes:
        points: (L, 2), mm from the anchor of the sector.
        source: number of the training map whose pose it took.
    """

    points: Array
    source: int


@dataclass(frozen=True)
class ShapeModel:
    """Mean, modes and poses.

    Attributes:
        layout: curves of the points.
        alignment: what counts as pose.
        mean: (L, 2), centered, mm.
        modes: (M, L, 2), orthonormal, by falling variance.
        variances: (M,), mm^2.
        total_variance: variance of all modes, also those that were not kept, mm^2.
        coefficients: (N, M) of the training shapes, mm.
        poses: (N, 4) of the training shapes: see :func:`~monai_echosynth.data.shapes.procrustes.align`.
    """

    layout: ShapeLayout
    alignment: Alignment
    mean: Array
    modes: Array
    variances: Array
    total_variance: float
    coefficients: Array
    poses: Array

    def modes_for(self, share: float) -> int:
        """Smallest number of modes that holds ``share`` of the variance (all that were kept if they hold less)."""
        held = np.cumsum(self.variances) / self.total_variance
        return min(int(np.searchsorted(held, share - 1e-12)) + 1, len(self.variances))

    def shape(self, coefficients: Array) -> Array:
        """Aligned shape (L, 2) of the first coefficients (m,), m <= M."""
        return self.mean + np.tensordot(coefficients, self.modes[: len(coefficients)], axes=1)

    def project(self, shape: Array) -> tuple[Array, Array]:
        """Coefficients (M,) and pose (4,) of any shape (L, 2)."""
        aligned, pose = align(shape, self.mean, self.alignment)
        return np.tensordot(self.modes, aligned - self.mean, axes=2), pose

    def rebuild(self, shape: Array, modes: int) -> Array:
        """What the first modes make of a shape (L, 2), in the pose of that shape."""
        coefficients, pose = self.project(shape)
        return place(self.shape(coefficients[:modes]), pose)

    def draw_coefficients(self, generator: np.random.Generator, k: float = 2.5, modes: int | None = None) -> Array:
        """Coefficients (m,) within ``k`` standard deviations each, and together as typical as 95 % of a normal population."""
        if not k > 0:
            raise EchoSynthError(f"shapes are sampled within k > 0 standard deviations, got {k}: use 2.5 or 3")
        count = len(self.variances) if modes is None else min(modes, len(self.variances))
        low, limit = ndtr(-k), chdtri(count, 1.0 - TYPICAL)
        while True:
            scaled = np.clip(ndtri(low + (1.0 - 2.0 * low) * generator.random(count)), -k, k)
            if scaled @ scaled <= limit:
                return scaled * np.sqrt(self.variances[:count])

    def sample_one(
        self, seed: int, index: int, k: float = 2.5, modes: int | None = None, attempt: int = 0
    ) -> SampledShape:
        """Shape ``index`` of a study; it depends on the seed, the index and the attempt alone."""
        generator = np.random.default_rng(derive_seed(seed, "shape", index, attempt))
        coefficients = self.draw_coefficients(generator, k, modes)
        distance = np.linalg.norm(self.coefficients[:, : len(coefficients)] - coefficients, axis=1)
        alike = max(min(5, len(distance)), round(ALIKE * len(distance)))
        source = int(generator.choice(np.argsort(distance, kind="stable")[:alike]))
        return SampledShape(place(self.shape(coefficients), self.poses[source]), source)

    def sample(self, n: int, seed: int, k: float = 2.5, modes: int | None = None) -> list[SampledShape]:
        """Shapes 0, ..., n - 1 of a study."""
        return [self.sample_one(seed, index, k, modes) for index in range(n)]


def fit_shape_model(
    points: Array, layout: ShapeLayout, alignment: Alignment = Alignment.RIGID, keep: float = 0.999
) -> ShapeModel:
    """Aligns shapes and finds their modes.

    Args:
        points: (N, L, 2), mm from the anchor of each map's sector.
        layout: curves of the points.
        alignment: what is taken out of the shapes.
        keep: share of the variance whose modes are stored.

    Raises:
        EchoSynthError: there are fewer than two shapes, or they are all the same.
    """
    if len(points) < 2:
        raise EchoSynthError(f"a shape model needs at least two shapes, got {len(points)}: give it more frames")
    mean, aligned, poses = generalized_procrustes(points, alignment)
    mean = aligned.mean(axis=0)
    centered = (aligned - mean).reshape(len(points), -1)
    _, singular, modes = np.linalg.svd(centered, full_matrices=False)
    variances = singular**2 / (len(points) - 1)
    total = float(variances.sum())
    if total <= 1e-12:
        raise EchoSynthError(f"a shape model needs shapes that differ, got {len(points)} equal ones: give other frames")
    count = min(int(np.searchsorted(np.cumsum(variances) / total, keep)) + 1, len(points) - 1, len(variances))
    modes = modes[:count] * np.where(modes[:count].sum(axis=1) < 0, -1.0, 1.0)[:, None]  # LAPACK leaves the sign open
    return ShapeModel(
        layout=layout,
        alignment=alignment,
        mean=mean,
        modes=modes.reshape(count, *mean.shape),
        variances=variances[:count],
        total_variance=total,
        coefficients=centered @ modes.T,
        poses=poses,
    )
