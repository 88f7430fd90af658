"""Starting from a partially noised image: what is kept has a closed form for normal data, and the ends are exact."""

from __future__ import annotations

import math

import pytest
import torch

from monai_echosynth.diffusion.denoiser import Denoiser
from monai_echosynth.diffusion.iddpm import IDDPM
from monai_echosynth.diffusion.partial_noise import partial_sigmas, starting_noise
from monai_echosynth.diffusion.solvers import make_solver
from monai_echosynth.errors import EchoSynthError
from tests.helpers.analytic_noise import AnalyticNoise

FAMILY = IDDPM(schedule="linear")
STRENGTHS = (0.02, 0.1, 0.25, 0.4, 0.6, 0.8, 1.0)


def test_levels_begin_at_the_strength_and_end_at_zero() -> None:
    for strength in STRENGTHS:
        sigmas = partial_sigmas(FAMILY, strength, 50)
        assert float(sigmas[0]) == float(FAMILY.table[round(strength * 1000) - 1])
        assert sigmas[-1] == 0 and (sigmas[1:] < sigmas[:-1]).all()
        assert len(sigmas) - 1 == max(1, round(50 * strength))
    assert torch.equal(partial_sigmas(FAMILY, 1.0, 50), FAMILY.sigmas(50))
    assert len(partial_sigmas(FAMILY, 0.0, 50)) == 0


def test_the_start_is_the_noised_image_and_noise_alone_at_the_end() -> None:
    image, noise = torch.randn(2, 1, 4, 4), torch.randn(2, 1, 4, 4)
    sigmas = partial_sigmas(FAMILY, 0.3, 20)
    start = sigmas[0] * starting_noise(image, noise, sigmas, 0.3)
    torch.testing.assert_close(start.float(), image + float(sigmas[0]) * noise)
    assert starting_noise(image, noise, partial_sigmas(FAMILY, 1.0, 20), 1.0) is noise


def test_the_distance_to_the_image_is_that_of_the_closed_form_and_grows() -> None:
    std, level = 0.8, 1.5
    image, noise = torch.full((1, 1, 256, 256), level), torch.randn(1, 1, 256, 256, generator=torch.manual_seed(0))
    distances = []
    for strength in STRENGTHS:
        sigmas = partial_sigmas(FAMILY, strength, 400)
        start = starting_noise(image, noise, sigmas, strength)
        made = make_solver("ddim").sample(Denoiser(AnalyticNoise(FAMILY, std), FAMILY), start, sigmas)
        distances.append(float((made - image).square().mean()))
        sigma = float(sigmas[0])
        kept = std / math.sqrt(std**2 + sigma**2)
        wanted = (1 - kept) ** 2 * level**2 + (kept * sigma) ** 2
        if strength < 1:
            assert distances[-1] == pytest.approx(wanted, rel=0.06)
    assert distances == sorted(distances) and distances[0] < 0.01 * distances[-1]


@pytest.mark.parametrize("strength", [-0.01, 1.01, math.nan, math.inf])
def test_strengths_outside_the_range_are_refused(strength: float) -> None:
    with pytest.raises(EchoSynthError, match=r"strength must lie in \[0, 1\]"):
        partial_sigmas(FAMILY, strength, 50)
