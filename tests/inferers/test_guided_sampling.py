"""Guided images: strength from the reconstruction to a new image, guidance between two models, and one image an index."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from monai_echosynth.diffusion.iddpm import IDDPM
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.inferers.guided_sampling import GuidedSamplingInferer
from tests.helpers.analytic_noise import AnalyticNoise
from tests.helpers.tiny_generator import tiny_autoencoder
from tests.helpers.tiny_guided import tiny_guided_unet

FAMILY = IDDPM(schedule="linear")


class Silent(nn.Module):
    """A network that must not be called."""

    def forward(self, *args: Any, **kwargs: Any) -> Tensor:
        raise AssertionError


def _frames(count: int = 2, seed: int = 0) -> Tensor:
    return torch.rand(count, 1, 32, 32, generator=torch.Generator().manual_seed(seed))


def _made(frames: Tensor, network: nn.Module | None = None, index: Any = None, **settings: Any) -> Tensor:
    condition = settings.pop("condition", torch.tensor([0, 1, 2, 0])[: len(frames)])
    inferer = GuidedSamplingInferer(tiny_autoencoder(), FAMILY, **{"nfe": 12, **settings})
    positions = range(len(frames)) if index is None else index
    return inferer(frames, network or tiny_guided_unet(), index=list(positions), condition=condition)


def test_strength_0_is_the_reconstruction_and_asks_no_network() -> None:
    frames, autoencoder = _frames(), tiny_autoencoder()
    with torch.inference_mode():
        wanted = torch.cat(
            [autoencoder.decode_stage_2_outputs(autoencoder.encode_stage_2_inputs(f)) for f in frames.split(1)]
        )
    assert torch.equal(_made(frames, Silent(), strength=0.0), wanted)


@pytest.mark.parametrize("solver", ["ddim", "ancestral"])
def test_strength_1_is_independent_of_the_input(solver: str) -> None:
    first, second = (_made(_frames(seed=seed), solver=solver, strength=1.0) for seed in (0, 1))
    assert torch.equal(first, second)
    below = [_made(_frames(seed=seed), solver=solver, strength=0.5) for seed in (0, 1)]
    assert not torch.equal(*below)


class Plain:
    """Pictures are their own latents."""

    def encode_stage_2_inputs(self, x: Tensor) -> Tensor:
        return x

    def decode_stage_2_outputs(self, z: Tensor) -> Tensor:
        return z

    def data_range(self) -> tuple[Tensor, Tensor]:
        return torch.tensor(-torch.inf), torch.tensor(torch.inf)


@pytest.mark.parametrize("solver", ["ddim", "ancestral"])
def test_the_distance_to_the_reconstruction_grows_with_strength(solver: str) -> None:
    frames, distances = _frames(2) + 1.0, []
    for strength in (0.0, 0.02, 0.08, 0.2, 0.4, 0.6, 1.0):
        inferer = GuidedSamplingInferer(Plain(), FAMILY, solver, 100, 1.0, strength)  # type: ignore[arg-type]
        made = inferer(frames, AnalyticNoise(FAMILY), index=[0, 1], condition=torch.zeros(2))
        distances.append(float((made - frames).square().mean()))
    assert distances == sorted(distances)
    assert distances[0] == 0 and distances[1] < 0.01 * distances[-1]


def test_scale_1_is_the_conditional_model_and_0_the_unconditional_one() -> None:
    network, frames = tiny_guided_unet(), _frames()
    conditional, free = _made(frames, network, guidance=1.0), _made(frames, network, guidance=0.0)

    class Deaf(nn.Module):
        def forward(self, x: Tensor, timesteps: Tensor, condition: Tensor | None = None) -> Tensor:
            out: Tensor = network(x, timesteps)
            return out

    assert torch.equal(free, _made(frames, Deaf(), guidance=1.0))
    assert torch.equal(free, _made(frames, network, guidance=0.0, condition=torch.tensor([2, 2])))
    assert not torch.equal(conditional, free)
    assert not torch.equal(conditional, _made(frames, network, guidance=1.0, condition=torch.tensor([2, 2])))
    same = _made(frames, Deaf(), guidance=3.0, nfe=24)  # nothing to exaggerate, and twice the calls
    torch.testing.assert_close(same, free, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("guidance", "strength", "calls"), [(1.0, 1.0, 12), (2.0, 1.0, 12), (2.0, 0.5, 6), (1.0, 0, 0)]
)
def test_network_calls_are_counted(guidance: float, strength: float, calls: int) -> None:
    inferer = GuidedSamplingInferer(tiny_autoencoder(), FAMILY, nfe=12, guidance=guidance, strength=strength)
    planned = inferer.nfe_per_image
    inferer(_frames(1), tiny_guided_unet(), index=[0], condition=torch.tensor([1]))
    assert inferer.nfe_per_image == planned == calls


@pytest.mark.parametrize("solver", ["ddim", "ancestral"])
def test_image_k_depends_on_seed_and_k_alone(solver: str) -> None:
    frames, classes = _frames(4), torch.tensor([0, 1, 2, 0])
    together = _made(frames, solver=solver, strength=0.6)
    assert torch.equal(
        together[[3, 1]], _made(frames[[3, 1]], None, [3, 1], solver=solver, strength=0.6, condition=classes[[3, 1]])
    )
    assert not torch.equal(together, _made(frames, solver=solver, strength=0.6, seed=1))
    alike = _made(frames[[0, 0]], None, [5, 6], solver=solver, strength=0.6, condition=classes[[0, 0]])
    assert not torch.equal(alike[0], alike[1])


def test_solvers_differ_and_bad_settings_are_refused() -> None:
    assert not torch.equal(_made(_frames(), solver="ddim"), _made(_frames(), solver="ancestral"))
    for wrong in ({"strength": 1.5}, {"guidance": -1.0}, {"nfe": 0}, {"solver": "magic"}):
        with pytest.raises(EchoSynthError):
            GuidedSamplingInferer(tiny_autoencoder(), FAMILY, **wrong)
