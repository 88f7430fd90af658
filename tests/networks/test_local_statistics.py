"""Local statistics: what they see, and what they must not see."""

from __future__ import annotations

import torch
from torch import Tensor

from monai_echosynth.losses.places import places
from monai_echosynth.networks.blocks.local_statistics import LocalStatistics
from monai_echosynth.networks.blocks.morphology import gaussian_smooth

SIDE = 64


def speckle(count: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(count, 1, SIDE, SIDE, generator=generator)


def whole(count: int = 1) -> Tensor:
    return torch.ones(count, 1, SIDE, SIDE)


def fitted(count: int = 8) -> LocalStatistics:
    statistics = LocalStatistics()
    statistics.fit(speckle(count), whole(count))
    return statistics


def test_the_frames_they_are_fitted_to_have_mean_0_and_deviation_1() -> None:
    tokens = places(*fitted()(speckle(8), whole(8)))
    torch.testing.assert_close(tokens.mean(dim=0), torch.zeros(20), atol=0.02, rtol=0)
    deviation = tokens.std(dim=0)
    assert deviation.max() < 1.01, "no statistic is scaled up beyond 1"
    assert deviation.median() > 0.5


def test_other_speckle_of_one_law_has_like_means() -> None:
    tokens = places(*fitted()(speckle(8, seed=1), whole(8)))
    assert tokens.mean(dim=0).abs().max() < 0.4


def test_blur_and_gain_are_seen_by_the_right_statistics() -> None:
    statistics, image = fitted(), speckle(8, seed=1)
    brighter = places(*statistics(0.5 * image + 0.5, whole(8))).mean(dim=0)
    blurred = places(*statistics(gaussian_smooth(image, 1.0), whole(8))).mean(dim=0)
    assert brighter[0] > 3.0
    assert abs(float(blurred[0])) < 0.3
    assert blurred[8:12].max() < -3.0, "differences at full resolution"
    assert blurred[8] < blurred[16], "more at full resolution than at quarter"


def test_axes_are_told_apart() -> None:
    statistics, image = fitted(), speckle(4, seed=1)
    kernel = torch.tensor([0.1, 0.8, 0.1]).reshape(1, 1, 3, 1)
    across = torch.nn.functional.conv2d(image, kernel, padding=(1, 0))
    found = places(*statistics(across, whole(4))).mean(dim=0)
    assert found[8] < found[10] - 0.5, "smooth along x alone"


def test_pixels_outside_the_sector_do_not_count() -> None:
    statistics, image, sector = fitted(), speckle(1, seed=1), whole()
    sector[..., SIDE // 2 :] = 0.0
    other = torch.where(sector > 0, image, torch.rand(image.shape))
    found, valid = statistics(image * sector, sector)
    again, _ = statistics(other, sector)
    torch.testing.assert_close(found[..., : SIDE // 16], again[..., : SIDE // 16])
    assert valid[..., 1:-1, : SIDE // 16 - 1].all() and not valid[..., SIDE // 16 + 1 :].any()
    assert not found[..., SIDE // 16 + 1 :].any()


def test_gradients_are_finite_on_flat_frames() -> None:
    image = torch.full((1, 1, SIDE, SIDE), 0.3, requires_grad=True)
    found, _ = LocalStatistics()(image, whole())
    found.sum().backward()
    assert image.grad is not None and torch.isfinite(image.grad).all()
