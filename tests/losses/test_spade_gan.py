"""Losses of the SPADE-GAN against closed forms."""

from __future__ import annotations

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from monai_echosynth.losses.spade_gan import DiscriminatorLoss, GeneratorLoss, Judgement, StyledFrames, StyleLoss


def _frames(mean: torch.Tensor, log_variance: torch.Tensor) -> StyledFrames:
    image = torch.zeros(len(mean), 1, 2, 2)
    return StyledFrames(image, image, mean, log_variance)


def test_divergence_of_styles_is_that_of_normal_laws() -> None:
    mean, log_variance = torch.randn(3, 4), torch.randn(3, 4)
    law = Normal(mean, (0.5 * log_variance).exp())
    expected = kl_divergence(law, Normal(0.0, 1.0)).sum(1).mean()
    frames = _frames(mean, log_variance)
    torch.testing.assert_close(StyleLoss(1.0)(frames, frames.real), expected)
    assert float(StyleLoss()(_frames(torch.zeros(2, 4), torch.zeros(2, 4)), frames.real)) == 0


def test_adversarial_terms_are_least_squares() -> None:
    logits = [torch.tensor([[0.25]]), torch.tensor([[2.0]])]
    assert float(GeneratorLoss(matching=0)(Judgement(logits))) == pytest.approx((0.75**2 + 1) / 2)
    real, made = Judgement([torch.ones(1, 1)]), Judgement([torch.full((1, 1), 0.5)])
    assert float(DiscriminatorLoss()(real, made)) == pytest.approx(0.125)


def test_features_that_match_cost_nothing_and_pull_on_the_made_ones_alone() -> None:
    features = [[torch.randn(1, 2, 3, 3), torch.randn(1, 2, 2, 2)], [torch.randn(1, 2, 1, 1)]]
    ones = [torch.ones(1, 1), torch.ones(1, 1)]
    assert float(GeneratorLoss()(Judgement(ones, features, features))) == 0
    made, real = torch.zeros(1, 2, requires_grad=True), torch.full((1, 2), 0.5, requires_grad=True)
    loss = GeneratorLoss(matching=10)(Judgement(ones[:1], [[made, made]], [[real, 2 * real]]))
    assert loss.item() == pytest.approx(10 * (0.5 + 1.0) / 2)
    loss.backward()
    assert made.grad is not None and real.grad is None


def test_frames_follow_the_trainer_like_a_tensor() -> None:
    frames = _frames(torch.zeros(1, 2, requires_grad=True), torch.zeros(1, 2, dtype=torch.float64))
    assert frames.float().contiguous().log_variance.dtype is torch.float32
    assert not frames.detach().mean.requires_grad
