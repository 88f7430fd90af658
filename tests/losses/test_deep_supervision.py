"""Weights of the levels by hand."""

from __future__ import annotations

import pytest
import torch
from monai.losses import DiceCELoss

from monai_echosynth.losses.deep_supervision import StackedDeepSupervisionLoss


def test_weighted_mean_of_the_levels() -> None:
    generator = torch.Generator().manual_seed(0)
    levels = torch.randn(2, 3, 4, 8, 8, generator=generator)
    target = torch.randint(0, 4, (2, 1, 8, 8), generator=generator)
    plain = DiceCELoss(to_onehot_y=True, softmax=True)
    parts = [plain(levels[:, level], target) for level in range(3)]
    expected = (4 * parts[0] + 2 * parts[1] + parts[2]) / 7
    loss = StackedDeepSupervisionLoss(plain)
    assert loss(levels, target).item() == pytest.approx(expected.item(), rel=1e-6)
    assert loss(levels[:, 0], target).item() == pytest.approx(parts[0].item(), rel=1e-6)
