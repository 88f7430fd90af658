"""The three curves by which a shape model is judged, against the number of modes M.

*Compactness*: share of the variance in the first M modes. *Generality*: how well M modes describe shapes that the model has not
seen; groups (patients) are held out in turn, the model is fitted again on the others, and the error of a shape is the mean
distance of its points from their reconstruction, in mm. *Specificity*: how near sampled shapes are to real ones; the mean over
samples of the mean point distance to the nearest training shape, in mm.

The distance between curves, which does not punish points that slide along their curve, is given beside the generality: the mean
over both curves of the distance to the other one.

References:
    Davies, "Learning shape: optimal models for analysing natural variability", PhD thesis, 2002, chapter 3.
    Styner et al., "Evaluation of 3D correspondence methods for model building". https://doi.org/10.1007/978-3-540-45087-0_6
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from monai_echosynth.data.shapes.contours import arc_length, resample
from monai_echosynth.data.shapes.layout import ShapeLayout
from monai_echosynth.data.shapes.procrustes import Alignment
from monai_echosynth.data.shapes.shape_model import ShapeModel, fit_shape_model
from monai_echosynth.diffusion.seeding import derive_seed

__all__ = ["Generality", "compactness", "curve_distance", "generality", "reconstruction_errors", "specificity"]

Array = NDArray[np.float64]


class Generality(NamedTuple):
    """Errors of held-out shapes.

    Attributes:
        errors: (N, len(counts)) mean point distance of each shape for each number of modes, mm.
        at_share: (N,) mean point distance with as many modes as hold the share of variance asked for, mm.
        curves_at_share: (N,) mean distance between the curves, the same modes, mm.
    """

    errors: Array
    at_share: Array
    curves_at_share: Array


def compactness(model: ShapeModel) -> Array:
    """Share of the variance (M,) in the first 1, ..., M modes."""
    return np.cumsum(model.variances) / model.total_variance


def reconstruction_errors(model: ShapeModel, points: Array, counts: Sequence[int]) -> Array:
    """Mean point distance (N, len(counts)) in mm between shapes (N, L, 2) and what the first modes make of them."""
    errors = np.empty((len(points), len(counts)))
    for row, shape in enumerate(points):
        for column, count in enumerate(counts):
            errors[row, column] = np.linalg.norm(shape - model.rebuild(shape, count), axis=1).mean()
    return errors


def curve_distance(first: Array, second: Array, layout: ShapeLayout, step: float = 0.5) -> float:
    """Mean distance in mm between the curves of two shapes (L, 2), both ways, sampled about every ``step`` mm."""
    distances = []
    for ring in layout.rings.values():
        dense = []
        for shape in (first, second):
            closed = shape[np.append(ring, ring[0])]
            length = float(arc_length(closed)[-1])
            dense.append(resample(closed, max(8, round(length / step))))
        distances += [cKDTree(dense[0]).query(dense[1])[0], cKDTree(dense[1]).query(dense[0])[0]]
    return float(np.concatenate(distances).mean())


def generality(
    points: Array,
    groups: Sequence[str],
    layout: ShapeLayout,
    counts: Sequence[int],
    share: float = 0.95,
    alignment: Alignment = Alignment.RIGID,
    folds: int = 5,
    seed: int = 0,
) -> Generality:
    """Cross-validated reconstruction errors; groups stay together.

    Args:
        points: (N, L, 2), mm.
        groups: patient of each shape.
        layout: curves of the points.
        counts: numbers of modes.
        share: share of variance of the single number.
        alignment: as in the model.
        folds: number of parts; as many as groups at most (leave one patient out).
        seed: deals the groups into folds.
    """
    names = sorted(set(groups))
    dealt = np.random.default_rng(derive_seed(seed, "folds")).permutation(len(names))
    fold_of = {names[group]: place % max(2, folds) for place, group in enumerate(dealt)}
    fold = np.array([fold_of[group] for group in groups])
    errors = np.empty((len(points), len(counts)))
    at_share, curves = np.empty(len(points)), np.empty(len(points))
    for number in sorted(set(fold.tolist())):
        rows = np.flatnonzero(fold == number)
        model = fit_shape_model(points[fold != number], layout, alignment)
        count = model.modes_for(share)
        found = reconstruction_errors(model, points[rows], [*counts, count])
        errors[rows], at_share[rows] = found[:, :-1], found[:, -1]
        curves[rows] = [curve_distance(shape, model.rebuild(shape, count), layout) for shape in points[rows]]
    return Generality(errors, at_share, curves)


def specificity(model: ShapeModel, counts: Sequence[int], samples: int = 100, seed: int = 0, k: float = 2.5) -> Array:
    """Mean point distance (samples, len(counts)) in mm from sampled shapes to the nearest training shape."""
    training = model.mean + np.tensordot(model.coefficients, model.modes, axes=1)
    found = np.empty((samples, len(counts)))
    for row in range(samples):
        for column, count in enumerate(counts):
            generator = np.random.default_rng(derive_seed(seed, "specificity", row))
            shape = model.shape(model.draw_coefficients(generator, k, count))
            apart = np.linalg.norm(training - shape, axis=2).mean(axis=1)
            found[row, column] = apart.min()
    return found
