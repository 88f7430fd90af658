"""The denoiser: broadcast of sigma, keyword conditioning, types and the count of evaluations."""

from __future__ import annotations

import pytest
import torch

from monai_echosynth.diffusion.denoiser import Denoiser
from monai_echosynth.diffusion.edm import EDM
from monai_echosynth.diffusion.iddpm import IDDPM
from monai_echosynth.diffusion.preconditioning import Preconditioning
from monai_echosynth.diffusion.ve import VE
from monai_echosynth.diffusion.vp import VP
from monai_echosynth.errors import EchoSynthError


class _Recorder:
    """A network that keeps what it was called with."""

    def __call__(self, x: torch.Tensor, timesteps: torch.Tensor, **conditioning: torch.Tensor) -> torch.Tensor:
        self.x, self.timesteps, self.conditioning = x, timesteps, conditioning
        return x.bfloat16()


@pytest.mark.parametrize("sigma", [0.5, torch.tensor(0.5), torch.tensor([0.5]), torch.full((3,), 0.5)])
def test_sigma_is_broadcast_to_the_batch(sigma: float | torch.Tensor) -> None:
    network, x = _Recorder(), torch.randn(3, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    seg = torch.ones(3, 5, 4, 4)
    result = Denoiser(network, EDM(), seg=seg)(x, sigma)
    assert network.timesteps.shape == (3,) and network.timesteps.dtype is torch.float32
    assert network.conditioning["seg"] is seg
    torch.testing.assert_close(network.x, x / 0.5**0.5)
    torch.testing.assert_close(result, 0.5 * x + 0.125**0.5 * network.x.bfloat16().float())


def test_each_image_has_its_own_level() -> None:
    network, x = _Recorder(), torch.ones(2, 1, 4, 4)
    both = Denoiser(network, EDM())(x, torch.tensor([0.1, 10.0]))
    for k, sigma in enumerate((0.1, 10.0)):
        torch.testing.assert_close(both[k : k + 1], Denoiser(network, EDM())(x[k : k + 1], sigma))


def test_types_are_kept_and_timesteps_stay_wide() -> None:
    network = _Recorder()
    family = IDDPM()
    for dtype in (torch.bfloat16, torch.float32, torch.float64):
        result = Denoiser(network, family)(torch.zeros(1, 1, 2, 2, dtype=dtype), family.table[717])
        assert result.dtype is dtype
        assert network.timesteps.dtype is torch.promote_types(dtype, torch.float32)
        assert float(network.timesteps) == 717


def test_every_evaluation_is_counted() -> None:
    denoiser = Denoiser(_Recorder(), EDM())
    for _ in range(4):
        denoiser(torch.zeros(7, 1, 2, 2), 1.0)
    assert denoiser.nfe == 4


@pytest.mark.parametrize("family", [IDDPM(), VP(), VE(), EDM()])
def test_estimates_from_noise_stay_in_the_range_of_data(family: Preconditioning) -> None:
    x, bounds = torch.tensor([-9.0, 0.3, 7.0]).reshape(1, 1, 1, 3), (torch.tensor(-0.5), torch.tensor(1.5))
    free = Denoiser(_Recorder(), family)(x, 0.5)
    held = Denoiser(_Recorder(), family, bounds)(x, 0.5)
    assert float(free.abs().max()) > 1.5
    assert torch.equal(held, free.clamp(-0.5, 1.5) if family.predicts_noise else free)
    assert family.predicts_noise == (family.coefficients(torch.tensor(0.5)).skip == 1)


def test_wrong_number_of_levels_is_refused() -> None:
    with pytest.raises(EchoSynthError, match="sigma must hold 1 or 3 values, got 2"):
        Denoiser(_Recorder(), EDM())(torch.zeros(3, 1, 2, 2), torch.ones(2))
