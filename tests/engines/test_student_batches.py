"""Batches of students: what is asked of the network at the start of tuning, at its end, and along a trajectory."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from monai.inferers import SimpleInferer
from torch import Tensor, nn

from monai_echosynth.diffusion.consistency_schedule import ConsistencySchedule
from monai_echosynth.diffusion.denoiser import Denoiser
from monai_echosynth.diffusion.edm import EDM
from monai_echosynth.diffusion.estimate_target import estimate_target
from monai_echosynth.engines.consistency_batch import ConsistencyPrepareBatch
from monai_echosynth.engines.denoising_batch import DenoisingPrepareBatch
from monai_echosynth.engines.trajectory_batch import TrajectoryPrepareBatch
from tests.helpers.tiny_generator import tiny_unet


@pytest.fixture(scope="module")
def network() -> nn.Module:
    return tiny_unet()


def _batch(count: int = 6) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(0)
    return {
        "latent": 0.5 * torch.randn(count, 1, 16, 16, generator=generator),
        "seg": torch.rand(count, 5, 16, 16, generator=generator),
        "sector": torch.ones(count, 1, 16, 16),
        "seed": torch.arange(count) + 3,
    }


def _prepare(network: nn.Module, progress: float, **schedule: Any) -> ConsistencyPrepareBatch:
    return ConsistencyPrepareBatch(
        EDM(log_mean=0.5, log_std=1.8), network, SimpleInferer(), ConsistencySchedule(**schedule), lambda: progress
    )


def test_the_first_stage_with_wide_gaps_is_diffusion_training(network: nn.Module) -> None:
    """With r = 0 for every t the targets are those of the teacher's own training."""
    batch = _batch()
    inputs, targets, _, told = _prepare(network, 0.0, widening=1e9)(batch)
    expected, wanted, _, keywords = DenoisingPrepareBatch(EDM(log_mean=0.5, log_std=1.8))(batch)
    torch.testing.assert_close(inputs, expected)
    torch.testing.assert_close(targets["target"], wanted["target"], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(told["timesteps"], keywords["timesteps"])


def test_the_target_is_the_students_estimate_on_the_same_ray(network: nn.Module) -> None:
    """Every row by itself, as its definition says; rows at r = 0 among them."""
    batch, prepare = _batch(), _prepare(network, 0.2)
    inputs, targets, _, told = prepare(batch)
    assert not targets["target"].requires_grad
    kinds = set()
    for i, seed in enumerate(batch["seed"].tolist()):
        generator = torch.Generator().manual_seed(seed)
        sigma = prepare.sigma_sampler(1, generator)
        noise = torch.randn((1, 1, 16, 16), generator=generator)
        latent, seg = batch["latent"][i : i + 1], batch["seg"][i : i + 1]
        level = ConsistencySchedule().earlier(sigma, 0.2)
        kinds.add(bool(level > 0))
        with torch.no_grad():
            wanted = Denoiser(network, EDM(), seg=seg)(latent + level * noise, level) if level > 0 else latent
        expected = estimate_target(latent + sigma * noise, sigma, wanted, EDM())
        torch.testing.assert_close(targets["target"][i : i + 1], expected.target, rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(inputs[i : i + 1], expected.model_input)
        torch.testing.assert_close(told["timesteps"][i : i + 1], expected.c_noise)
    assert kinds == {True, False}


def test_a_draw_does_not_depend_on_its_batch(network: nn.Module) -> None:
    batch, prepare = _batch(), _prepare(network, 0.9)
    part = {name: value[2:4] for name, value in batch.items()}
    whole, alone = prepare(batch)[1]["target"], prepare(part)[1]["target"]
    torch.testing.assert_close(whole[2:4], alone, rtol=1e-4, atol=1e-4)


def test_boundary_condition(network: nn.Module) -> None:
    """The estimate at sigma_min is the state itself, up to sigma_min times the network's output."""
    x = torch.randn(2, 1, 16, 16, generator=torch.Generator().manual_seed(1))
    for sigma, bound in ((0.002, 0.01), (1e-6, 1e-5)):
        estimate = Denoiser(network, EDM(), seg=torch.rand(2, 5, 16, 16))(x, sigma)
        assert float((estimate - x).detach().abs().max()) < bound


def test_classes_reach_the_network() -> None:
    network = tiny_unet(num_class_embeds=3)
    batch = _batch(4) | {"condition": torch.tensor([0, 1, 2, 0])}
    told = _prepare(network, 0.9)(batch)[3]
    assert told["class_labels"].tolist() == [0, 1, 2, 0]


def test_trajectory_targets_make_the_end_of_the_trajectory() -> None:
    generator = torch.Generator().manual_seed(2)
    state, latent = (torch.randn(3, 1, 8, 8, generator=generator) for _ in range(2))
    sigma = torch.tensor([80.0, 1.3, 0.4])
    batch = {"state": 80 * state, "latent": latent, "sigma": sigma, "seg": torch.rand(3, 5, 8, 8)}
    inputs, targets, _, told = TrajectoryPrepareBatch(EDM())(batch | {"sector": torch.ones(3, 1, 8, 8)})

    def network(x: Tensor, timesteps: Tensor, seg: Tensor) -> Tensor:
        torch.testing.assert_close(x, inputs)
        torch.testing.assert_close(timesteps, told["timesteps"])
        return targets["target"]

    found = Denoiser(network, EDM(), seg=batch["seg"])(80 * state, sigma)
    torch.testing.assert_close(found, latent, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(targets["out"].double(), EDM().coefficients(sigma.double()).out, rtol=1e-6, atol=0)
