"""Procrustes alignment and the point distribution model against shapes whose modes are known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from monai_echosynth.data.shapes.layout import ShapeLayout
from monai_echosynth.data.shapes.outlines import Outline
from monai_echosynth.data.shapes.procrustes import Alignment, align, generalized_procrustes, place
from monai_echosynth.data.shapes.quality_curves import (
    compactness,
    curve_distance,
    generality,
    reconstruction_errors,
    specificity,
)
from monai_echosynth.data.shapes.shape_model import fit_shape_model
from monai_echosynth.errors import EchoSynthError

POINTS = 40
LAYOUT = ShapeLayout((Outline("la", ("la",), "la"),), (), {"la": ()}, (), {"la": (POINTS,)})


def ellipse(a: float, b: float) -> NDArray[np.float64]:
    angle = np.linspace(0, 2 * np.pi, POINTS, endpoint=False)
    return np.stack([a * np.cos(angle), b * np.sin(angle)], axis=1)


def two_modes(count: int, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ellipses whose half axes vary independently, in random poses; and their half axes."""
    generator = np.random.default_rng(seed)
    axes = np.array([30.0, 18.0]) + generator.normal(0, 1, (count, 2)) * (3.0, 1.0)
    poses = np.concatenate([generator.normal(0, 20, (count, 2)), generator.normal(0.3, 0.2, (count, 1))], axis=1)
    return np.stack([place(ellipse(*a), np.append(p, 0.0)) for a, p in zip(axes, poses, strict=True)]), axes


@pytest.mark.parametrize("alignment", list(Alignment))
def test_alignment_undoes_a_pose_and_place_restores_it(alignment: Alignment) -> None:
    mean = ellipse(30, 18)
    size = 0.2 if alignment is Alignment.SIMILARITY else 0.0
    moved = place(mean, np.array([12.0, -7.0, 0.6, size]))
    aligned, pose = align(moved, mean, alignment)
    assert aligned == pytest.approx(mean)
    assert pose == pytest.approx([12.0, -7.0, 0.6, size])
    assert place(aligned, pose) == pytest.approx(moved)


def test_rigid_alignment_keeps_millimeters_and_similarity_takes_size_out() -> None:
    shapes = np.stack([ellipse(30, 18) * scale for scale in (0.8, 1.0, 1.3)])
    _, rigid, poses = generalized_procrustes(shapes)
    assert np.linalg.norm(rigid, axis=(1, 2)) == pytest.approx(np.linalg.norm(shapes, axis=(1, 2)))
    assert poses[:, 3] == pytest.approx(0)
    mean, similar, poses = generalized_procrustes(shapes, Alignment.SIMILARITY)
    assert similar == pytest.approx(np.stack([mean] * 3))
    assert np.exp(poses[2, 3] - poses[0, 3]) == pytest.approx(1.3 / 0.8)


def test_two_modes_are_found_with_their_variances() -> None:
    shapes, axes = two_modes(400)
    model = fit_shape_model(shapes, LAYOUT, keep=0.9999)
    assert compactness(model)[1] > 0.999
    # a half axis that varies by s moves point l by s cos(angle): the mode has the variance s^2 sum cos^2 = s^2 L / 2
    assert model.variances[:2] == pytest.approx(axes.var(axis=0, ddof=1) * POINTS / 2, rel=0.02)
    assert model.modes_for(0.5) == 1 and model.modes_for(0.99) == 2
    gram = np.tensordot(model.modes, model.modes, axes=((1, 2), (1, 2)))
    assert gram == pytest.approx(np.eye(len(gram)), abs=1e-9)
    assert model.mean.mean(axis=0) == pytest.approx([0, 0], abs=1e-9)
    assert np.mean(model.poses[:, 2]) == pytest.approx(0, abs=1e-3)  # the mean stands as hearts stand


def test_held_out_shapes_of_the_same_kind_are_described_by_two_modes() -> None:
    shapes, _ = two_modes(60)
    groups = [str(i // 2) for i in range(60)]
    found = generality(shapes, groups, LAYOUT, [1, 2], share=0.9999)
    assert found.errors[:, 0].mean() > 0.3
    assert found.errors[:, 1].max() < 0.05
    assert found.at_share.mean() < 0.05 and found.curves_at_share.mean() <= found.at_share.mean() + 0.02


def test_generality_holds_out_whole_patients() -> None:
    shapes = np.stack([ellipse(30 + patient, 18) for patient in range(10) for _ in range(2)])
    shapes[:2] = ellipse(30, 40)  # one patient unlike the rest; the twin must not give the shape away
    found = generality(shapes, [str(i // 2) for i in range(20)], LAYOUT, [1], folds=10)
    assert found.errors[0, 0] > 3.0


def test_reconstruction_is_exact_with_all_modes_and_in_mm() -> None:
    shapes, _ = two_modes(10)
    for alignment in Alignment:
        model = fit_shape_model(shapes, LAYOUT, alignment, keep=1.0)
        errors = reconstruction_errors(model, shapes, [1, len(model.variances)])
        assert errors[:, 1].max() < 1e-6 < errors[:, 0].mean()
    assert curve_distance(ellipse(10, 10), ellipse(12, 12), LAYOUT) == pytest.approx(2.0, rel=0.02)


def test_specificity_is_the_distance_to_the_nearest_training_shape() -> None:
    shapes, _ = two_modes(300)
    model = fit_shape_model(shapes, LAYOUT)
    few = fit_shape_model(shapes[:5], LAYOUT)
    assert specificity(model, [2], 30).mean() < 0.5 < specificity(few, [2], 30).mean()


@pytest.mark.parametrize("k", [0.5, 1.0])
def test_samples_stay_within_k_and_spread_as_the_cut_normal(k: float) -> None:
    model = fit_shape_model(two_modes(100)[0], LAYOUT, keep=0.99)
    assert len(model.variances) == 2
    generator = np.random.default_rng(0)
    scaled = np.stack([model.draw_coefficients(generator, k) for _ in range(3000)]) / np.sqrt(model.variances)
    assert np.abs(scaled).max() <= k
    expected = {0.5: 0.2838, 1.0: 0.5396}[k]  # sd^2 = 1 - 2 k phi(k) / (2 Phi(k) - 1)
    assert scaled.std() == pytest.approx(expected, rel=0.03)


def test_not_all_modes_are_extreme_at_once() -> None:
    model = fit_shape_model(two_modes(100)[0], LAYOUT, keep=0.99)
    generator = np.random.default_rng(0)
    scaled = np.stack([model.draw_coefficients(generator, 3.0) for _ in range(3000)]) / np.sqrt(model.variances)
    squared = (scaled**2).sum(axis=1)
    assert 5.5 < squared.max() <= -2 * np.log(0.05)  # chi-square of two degrees of freedom
    assert 2.3 < np.abs(scaled).max() <= 3.0


def test_a_sample_depends_on_seed_and_number_alone() -> None:
    model = fit_shape_model(two_modes(100)[0], LAYOUT)
    many = model.sample(5, seed=3)
    assert np.array_equal(many[4].points, model.sample_one(3, 4).points)
    assert not np.array_equal(many[4].points, many[3].points)
    assert not np.array_equal(many[4].points, model.sample_one(4, 4).points)
    assert not np.array_equal(many[4].points, model.sample_one(3, 4, attempt=1).points)


def test_a_sample_takes_the_pose_of_a_training_shape_it_resembles() -> None:
    axes = np.linspace(20, 40, 41)
    model = fit_shape_model(np.stack([ellipse(a, 18) + np.array([a, 0]) for a in axes]), LAYOUT)
    for shape in model.sample(30, seed=0):
        width = np.ptp(shape.points[:, 0]) / 2
        assert shape.points[:, 0].mean() == pytest.approx(axes[shape.source])
        assert axes[shape.source] == pytest.approx(np.clip(width, 20, 40), abs=3)


def test_senseless_input_is_refused() -> None:
    model = fit_shape_model(two_modes(10)[0], LAYOUT)
    with pytest.raises(EchoSynthError, match="k > 0"):
        model.sample(1, seed=0, k=0)
    with pytest.raises(EchoSynthError, match="at least two"):
        fit_shape_model(np.zeros((1, POINTS, 2)), LAYOUT)
    with pytest.raises(EchoSynthError, match="differ"):
        fit_shape_model(np.stack([ellipse(30, 18)] * 4), LAYOUT)
