"""FID, MMD with its interval, and neighborhoods: closed forms, constructed sets, MONAI's and torchmetrics' numbers, bad input."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import linalg

from monai_echosynth.metrics.frechet_distance import frechet_distance, gaussian_frechet_distance
from monai_echosynth.metrics.kernel_distance import kernel_distance
from monai_echosynth.metrics.kernel_jackknife import (
    cubic_kernel,
    discrepancy_interval,
    gaussian_kernel,
    median_distance,
)
from monai_echosynth.metrics.neighborhood_coverage import neighborhood_coverage

FAR = 100.0


def normal(seed: int, n: int, d: int, mean: float = 0.0, sd: float = 1.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, sd, (n, d))


def with_moments(x: np.ndarray, mean: np.ndarray, cov: np.ndarray) -> np.ndarray:
    """The same rows with exactly these first two moments."""
    white = (x - x.mean(axis=0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(x.T))).T
    return white @ np.linalg.cholesky(cov).T + mean


# Frechet distance


def test_fid_of_a_set_with_itself_is_zero() -> None:
    for shape in ((40, 6), (10, 50)):  # more frames than features, and fewer
        x = normal(0, *shape)
        assert frechet_distance(x, x) == pytest.approx(0.0, abs=1e-10)


def test_fid_of_gaussians_has_a_closed_form() -> None:
    a, b = np.diag([4.0, 1.0, 9.0]), np.diag([1.0, 1.0, 0.25])
    means = np.array([1.0, 2.0, 3.0]), np.array([0.0, 2.0, 5.0])
    wanted = 1.0 + 4.0 + (2 - 1) ** 2 + 0.0 + (3 - 0.5) ** 2
    assert gaussian_frechet_distance(means[0], a, means[1], b) == pytest.approx(wanted, rel=1e-12)
    x, y = (with_moments(normal(i, 30, 3), mean, cov) for i, (mean, cov) in enumerate(zip(means, (a, b), strict=True)))
    assert frechet_distance(x, y) == pytest.approx(wanted, rel=1e-9)


def test_fid_of_correlated_gaussians_takes_the_root_of_the_product() -> None:
    rng = np.random.default_rng(3)
    a, b = (m @ m.T + np.eye(4) for m in rng.normal(size=(2, 4, 4)))
    wanted = np.trace(a) + np.trace(b) - 2 * np.trace(linalg.sqrtm(a @ b)).real
    assert gaussian_frechet_distance(np.zeros(4), a, np.zeros(4), b) == pytest.approx(wanted, rel=1e-9)


@pytest.mark.filterwarnings("ignore:The `disp` argument:DeprecationWarning")
def test_fid_equals_that_of_monai() -> None:
    from monai.metrics import FIDMetric

    x, y = normal(0, 80, 5), normal(1, 60, 5, 0.3, 1.5)
    theirs = FIDMetric()(torch.from_numpy(y), torch.from_numpy(x))
    assert frechet_distance(x, y) == pytest.approx(float(theirs), rel=1e-6)


class Flat(torch.nn.Module):
    """A network whose features are the pixels, for torchmetrics."""

    num_features = 12

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return image.flatten(1).double()


def pictures(seed: int, n: int) -> torch.Tensor:
    return torch.rand((n, 3, 2, 2), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.filterwarnings("ignore")
def test_fid_and_kid_equal_those_of_torchmetrics() -> None:
    pytest.importorskip("torchmetrics")
    from torchmetrics.image.fid import FrechetInceptionDistance
    from torchmetrics.image.kid import KernelInceptionDistance

    x, y = pictures(0, 50), pictures(1, 50) ** 1.3
    theirs = FrechetInceptionDistance(feature=Flat(), normalize=True).double()
    kid = KernelInceptionDistance(feature=Flat(), normalize=True, subsets=1, subset_size=50).double()
    for metric in (theirs, kid):
        metric.set_dtype(torch.float64)
        metric.update(x, real=True)
        metric.update(y, real=False)
    ours = [part.flatten(1).numpy() for part in (x, y)]
    assert frechet_distance(*ours) == pytest.approx(float(theirs.compute()), rel=1e-5)
    kid_features = [torch.cat(part).double().numpy() for part in (kid.real_features, kid.fake_features)]
    assert discrepancy_interval(*kid_features).mean == pytest.approx(float(kid.compute()[0]), rel=1e-6)


# maximum mean discrepancy


def test_kid_of_a_set_with_itself_has_a_closed_form() -> None:
    x = normal(0, 20, 4)
    kernel = cubic_kernel(x, x)
    off = (kernel.sum() - np.trace(kernel)) / (20 * 19)
    assert discrepancy_interval(x, x).mean == pytest.approx(2 * (off - kernel.mean()), rel=1e-9)
    assert discrepancy_interval(x, x).mean < 0


def test_it_is_the_kernel_distance_of_standardized_features() -> None:
    x, y = normal(0, 30, 4), normal(1, 25, 4, 0.4)
    scaled = [(part - x.mean(axis=0)) / x.std(axis=0) for part in (x, y)]
    assert discrepancy_interval(*scaled).mean == pytest.approx(kernel_distance(x, y, subsets=0).value, rel=1e-9)


def test_mmd_equals_that_of_monai_in_an_explicit_feature_space() -> None:
    """MONAI's MMD has the linear kernel; (a b / 2 + 1)^3 in two dimensions is linear in ten monomials."""
    from monai.metrics import MMDMetric

    def monomials(part: torch.Tensor) -> torch.Tensor:
        u, v = part[:, 0] / 2**0.5, part[:, 1] / 2**0.5
        three, six = 3**0.5, 6**0.5
        one = torch.ones_like(u)
        cubes = (u**3, v**3, three * u**2 * v, three * u * v**2)
        squares = (three * u**2, three * v**2, six * u * v)
        return torch.stack([*cubes, *squares, three * u, three * v, one], dim=1)

    x, y = normal(0, 30, 2), normal(1, 30, 2, 0.5)
    theirs = MMDMetric(y_mapping=monomials)(torch.from_numpy(x), torch.from_numpy(y))
    assert discrepancy_interval(x, y).mean == pytest.approx(float(theirs), rel=1e-9)


def test_gaussian_mmd_of_normal_laws_has_a_closed_form() -> None:
    """E k(x, y) of N(m, 1) and N(0, 1) in one dimension is s / sqrt(s^2 + 2) exp(-m^2 / (2 (s^2 + 2)))."""
    s, m = 1.5, 1.0
    same, across = (s / np.sqrt(s**2 + 2) * np.exp(-(shift**2) / (2 * (s**2 + 2))) for shift in (0.0, m))
    found = discrepancy_interval(normal(0, 1500, 1), normal(1, 1500, 1, m), gaussian_kernel(s))
    assert found.low < 2 * (same - across) < found.high
    assert found.mean == pytest.approx(2 * (same - across), abs=0.04)


def test_leaving_out_groups_equals_doing_so() -> None:
    x, y = normal(0, 12, 3), normal(1, 10, 3, 0.5)
    groups = [f"p{i // 3}" for i in range(12)], [f"q{i // 2}" for i in range(10)]
    found = discrepancy_interval(x, y, real_groups=groups[0], generated_groups=groups[1])
    variance = 0.0
    for side in (0, 1):
        names = np.array(groups[side])
        kept = [(x[names != g], y) if side == 0 else (x, y[names != g]) for g in np.unique(names)]
        values = np.array([discrepancy_interval(*parts).mean for parts in kept])
        variance += (len(values) - 1) / len(values) * np.square(values - values.mean()).sum()
    assert found.high - found.mean == pytest.approx(1.959964 * np.sqrt(variance), rel=1e-6)


def test_the_interval_covers_zero_for_one_law_about_as_often_as_it_says() -> None:
    covered = []
    for seed in range(60):
        found = discrepancy_interval(normal(2 * seed, 40, 3), normal(2 * seed + 1, 40, 3), gaussian_kernel(2.0))
        covered.append(found.low <= 0 <= found.high)
    assert np.mean(covered) >= 0.85


def test_one_group_has_no_interval() -> None:
    found = discrepancy_interval(normal(0, 5, 2), normal(1, 5, 2), real_groups=["a"] * 5)
    assert np.isfinite(found.mean) and np.isnan(found.low) and np.isnan(found.high)


def test_the_median_distance_is_a_scale() -> None:
    assert median_distance([[0.0], [3.0]]) == 3.0
    assert median_distance(np.zeros((4, 2))) == 1.0  # equal rows have none
    x = normal(0, 50, 3)
    assert median_distance(7 * x) == pytest.approx(7 * median_distance(x))


# neighborhoods


def test_a_set_covers_itself() -> None:
    x = normal(0, 60, 4)
    assert neighborhood_coverage(x, x, k=3) == pytest.approx((1.0, 1.0, 1.0, 1.0))


def test_sets_apart_share_nothing() -> None:
    assert neighborhood_coverage(normal(0, 30, 3), normal(1, 30, 3, FAR)) == (0.0, 0.0, 0.0, 0.0)


def test_a_dropped_mode_costs_recall_and_coverage_alone() -> None:
    modes = normal(0, 40, 2), normal(1, 40, 2, FAR)
    found = neighborhood_coverage(np.concatenate(modes), normal(2, 80, 2, 0.0, 0.5), k=5)
    assert found.precision > 0.95
    assert found.recall == pytest.approx(0.4, abs=0.11) and found.coverage == pytest.approx(0.47, abs=0.05)


def test_an_outlier_raises_precision_and_not_density() -> None:
    """A ball around one far real frame holds all that lies between; precision falls for it, density does not."""
    real = np.concatenate([normal(0, 50, 2), [[FAR, 0.0]]])
    between = np.stack([np.linspace(10, 80, 40), np.zeros(40)], axis=1)
    found = neighborhood_coverage(real, between, k=5)
    assert found.precision == 1.0 and found.density <= 0.2 + 1e-9 and found.coverage < 0.05


def test_hand_counted_neighborhoods() -> None:
    """Points on a line, k = 1: real radii 1, 1, 8; generated radii 1.5, 1.5, 86."""
    real, generated = np.array([[0.0], [1.0], [9.0]]), np.array([[0.5], [2.0], [88.0]])
    found = neighborhood_coverage(real, generated, k=1)
    assert found.precision == pytest.approx(2 / 3)  # .5 in all balls of the left, 2.0 in that of 9
    assert found.density == pytest.approx(3 / 3)  # .5 in those of 0 and 1; 2.0 in that of 9
    assert found.recall == pytest.approx(3 / 3)  # 0 and 1 near .5; 9 within 86 of 88
    assert found.coverage == pytest.approx(3 / 3)


# bad input


@pytest.mark.parametrize("distance", [frechet_distance, discrepancy_interval, neighborhood_coverage])
def test_bad_features_are_refused(distance: Callable[..., object]) -> None:
    good = normal(0, 12, 3)
    for x, y in ((good[:0], good), (good, good[:1]), (good, good[:, :2]), (good[0], good[0])):
        with pytest.raises(ValueError, match="two sets"):
            distance(x, y)
    bad = good.copy()
    bad[3, 1] = np.nan
    with pytest.raises(ValueError, match="NaN or infinity in 1 of 12 generated frames"):
        distance(good, bad)


def test_constant_features_have_no_distance_from_themselves() -> None:
    x = np.ones((8, 3))
    assert frechet_distance(x, x) == 0.0 and discrepancy_interval(x, x).mean == pytest.approx(0.0)
    assert np.isfinite(neighborhood_coverage(x, x, k=2)).all()


def test_settings_are_checked() -> None:
    x = normal(0, 8, 2)
    with pytest.raises(ValueError, match="each frame needs its group"):
        discrepancy_interval(x, x, real_groups=["a"])
    with pytest.raises(ValueError, match="k = 0"):
        neighborhood_coverage(x, x, k=0)
