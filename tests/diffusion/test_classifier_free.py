"""Classifier-free guidance: its ends are the two models exactly, between and beyond them it is affine, and calls are counted."""

from __future__ import annotations

import math

import pytest
import torch

from monai_echosynth.diffusion.classifier_free import ClassifierFreeDenoiser, guidance_calls
from monai_echosynth.diffusion.denoiser import Denoiser
from monai_echosynth.diffusion.iddpm import IDDPM
from monai_echosynth.errors import EchoSynthError
from tests.helpers.analytic_noise import AnalyticNoise

FAMILY = IDDPM(schedule="linear")


def _both() -> tuple[Denoiser, Denoiser]:
    network = AnalyticNoise(FAMILY)
    return Denoiser(network, FAMILY, condition=torch.tensor([1.0, -2.0])), Denoiser(network, FAMILY)


@pytest.mark.parametrize(("scale", "calls"), [(1.0, (1, 0)), (0.0, (0, 1)), (2.0, (1, 1)), (0.5, (1, 1))])
def test_ends_are_exact_and_the_rest_is_affine(scale: float, calls: tuple[int, int]) -> None:
    x, sigma = torch.randn(2, 1, 6, 6), float(FAMILY.table[400])
    joined = ClassifierFreeDenoiser(*_both(), scale)
    found = joined(x, sigma)
    with_condition, without = (denoiser(x, sigma) for denoiser in _both())
    assert not torch.allclose(with_condition, without)
    if scale in (0.0, 1.0):
        assert torch.equal(found, with_condition if scale else without)
    torch.testing.assert_close(found, (1 - scale) * without + scale * with_condition)
    assert (joined.conditional.nfe, joined.unconditional.nfe) == calls
    assert joined.nfe == sum(calls) == guidance_calls(scale)


def test_a_guided_estimate_has_the_bounds_of_its_parts() -> None:
    network, bounds = AnalyticNoise(FAMILY), (torch.tensor(-1.5), torch.tensor(1.5))
    told = Denoiser(network, FAMILY, bounds, condition=torch.tensor([1.0, -2.0]))
    guided = ClassifierFreeDenoiser(told, Denoiser(network, FAMILY, bounds), 3.0)
    found = guided(torch.randn(2, 1, 6, 6), float(FAMILY.table[400]))
    assert found[0].max() == 1.5 and found[1].min() == -1.5


@pytest.mark.parametrize("scale", [-0.1, math.nan, math.inf])
def test_scales_that_are_none_are_refused(scale: float) -> None:
    with pytest.raises(EchoSynthError, match="guidance scale"):
        ClassifierFreeDenoiser(*_both(), scale)
