"""Losses of the aligner: zero where nothing is wrong, growing with what is."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from monai_echosynth.losses.alignment_loss import AlignmentLoss
from monai_echosynth.losses.diversity_floor import diversity_floor
from monai_echosynth.losses.local_alignment import Alignment, LocalAlignment
from monai_echosynth.losses.moment_distance import coral_distance, mmd_distance
from monai_echosynth.losses.patch_contrast import patch_contrast

STATISTICS, SIDE = 4, 4


def normal(*shape: int, seed: int = 0, scale: float = 1.0, shift: float = 0.0) -> Tensor:
    return shift + scale * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def squared(statistics: Tensor) -> Tensor:
    return torch.cat([statistics, 0.5 * statistics.square()], dim=-3)


def outputs(made: Tensor, real: Tensor) -> dict[str, Tensor]:
    """What the loss reads when every place looks at all places alike: the target is the mean of the real ones."""
    mean = squared(real).mean(dim=(2, 3), keepdim=True)
    return {
        "made": squared(made),
        "made_valid": torch.ones(len(made), 1, SIDE, SIDE),
        "query": torch.zeros(len(made), 2, SIDE, SIDE),
        "target": mean.expand(-1, -1, SIDE, SIDE),
        "wanted": squared(real)[:, None],
        "wanted_valid": torch.ones(len(real), 1, 1, SIDE, SIDE),
    }


@pytest.mark.parametrize("kind", [Alignment.ATTENTION, Alignment.CORAL])
def test_alignment_is_zero_for_the_same_statistics_in_other_places(kind: Alignment) -> None:
    real = normal(2, STATISTICS, SIDE, SIDE)
    assert LocalAlignment(kind)(outputs(real.flip(3), real)) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("kind", [Alignment.ATTENTION, Alignment.CORAL, Alignment.MMD])
@pytest.mark.parametrize("change", [{"shift": 1.0}, {"scale": 3.0}], ids=["mean", "variance"])
def test_alignment_sees_means_and_variances(kind: Alignment, change: dict[str, float]) -> None:
    real, loss = normal(6, STATISTICS, SIDE, SIDE), LocalAlignment(kind)
    like = loss(outputs(normal(6, STATISTICS, SIDE, SIDE, seed=1), real))
    assert loss(outputs(normal(6, STATISTICS, SIDE, SIDE, seed=1, **change), real)) > like + 0.02


def test_attention_targets_get_no_gradient() -> None:
    found = outputs(normal(2, STATISTICS, SIDE, SIDE), normal(2, STATISTICS, SIDE, SIDE, seed=1))
    found = {name: tensor.clone().requires_grad_() for name, tensor in found.items()}
    LocalAlignment()(found).backward()
    assert found["made"].grad is not None and found["made"].grad.any()
    assert found["target"].grad is None and found["query"].grad is None


def test_places_outside_the_sector_do_not_count() -> None:
    real = normal(2, STATISTICS, SIDE, SIDE)
    found = outputs(real, real)
    found["made"][..., 0] = 100.0
    found["made_valid"][..., 0] = 0.0
    found["target"] = found["made"][..., 1:].mean(dim=(2, 3), keepdim=True).expand(-1, -1, SIDE, SIDE)
    assert LocalAlignment()(found) == pytest.approx(0.0, abs=1e-6)
    assert torch.isfinite(LocalAlignment()({**found, "made_valid": torch.zeros(2, 1, SIDE, SIDE)}))


def test_mmd_is_that_of_the_definition() -> None:
    a, b = normal(5, 3), normal(7, 3, seed=1, shift=0.5)

    def kernel(x: Tensor, y: Tensor) -> float:
        square = float((x - y).square().sum()) / 3
        return sum(math.exp(-square / (2 * width**2)) for width in (0.5, 1.0, 2.0, 4.0)) / 4

    within = [
        sum(kernel(x, y) for i, x in enumerate(s) for j, y in enumerate(s) if i != j) / (len(s) * (len(s) - 1))
        for s in (a, b)
    ]
    between = sum(kernel(x, y) for x in a for y in b) / 35
    assert mmd_distance(a, b) == pytest.approx(sum(within) - 2 * between, abs=1e-6)


def test_mmd_of_one_row_is_refused() -> None:
    with pytest.raises(ValueError, match="two or more"):
        mmd_distance(normal(1, 3), normal(4, 3))


def test_coral_is_that_of_a_known_change() -> None:
    a = normal(200, 3)
    assert coral_distance(a, a + 2.0) == pytest.approx(4.0, abs=1e-4)
    covariance = torch.cov(a.T, correction=0)
    expected = a.mean(0).square().mean() + (3 * covariance).square().mean()
    assert coral_distance(a, 2 * a) == pytest.approx(float(expected), rel=1e-4)


def test_contrast_is_low_for_places_that_correspond_and_chance_for_none() -> None:
    features, valid = normal(2, 16, 8, 8), torch.ones(2, 1, 8, 8)
    assert patch_contrast(features, features, valid) < 0.2
    constant = torch.ones_like(features)
    assert patch_contrast(constant, constant, valid, places=64) == pytest.approx(math.log(64), abs=1e-4)
    assert patch_contrast(features, normal(2, 16, 8, 8, seed=1), valid) > math.log(64)
    assert patch_contrast(features, features, torch.zeros_like(valid)) == 0


def test_diversity_counts_the_shortfall_alone() -> None:
    real, valid = normal(16, STATISTICS, SIDE, SIDE), torch.ones(16, 1, SIDE, SIDE)
    mean = real.mean(dim=0, keepdim=True)
    half = mean + 0.5 * (real - mean)
    assert diversity_floor(real, valid, real, valid) == pytest.approx(0.0, abs=1e-3)
    assert diversity_floor(half, valid, real, valid) == pytest.approx(0.5, abs=1e-3)
    assert diversity_floor(2 * real, valid, real, valid) == 0
    assert diversity_floor(real[:1], valid[:1], real, valid) == 0


def test_terms_of_weight_zero_are_not_computed() -> None:
    def fail(image: Tensor, seg: Tensor) -> Tensor:
        raise AssertionError

    weights = dict.fromkeys(("alignment", "agreement", "identity", "contrast", "diversity", "realism"), 0.0)
    loss = AlignmentLoss(fail, smoothness=1.0, **weights)
    shift = torch.zeros(1, 2, 8, 8)
    shift[:, 0, 4:] = 1.0
    batch = {"seg": torch.zeros(1, 5, 8, 8)}
    assert set(loss.terms({"shift": shift}, batch)) == {"smoothness"}
    assert loss({"shift": shift}, batch) == pytest.approx(8 / (2 * 7 * 8))
