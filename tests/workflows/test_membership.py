"""Membership inference: a model that remembers gives its frames away, one with random weights does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from monai_echosynth.data.datalist import load_datalist, read_label_table
from monai_echosynth.diffusion.edm import EDM
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows.membership import LEVELS, DiffusionModel, denoising_losses, load_diffusion, membership
from tests.helpers.tiny_generator import write_tiny_bundle
from tests.helpers.tiny_prepared import write_tiny_prepared


class Pool(nn.Module):
    """Latents that are the frame at a quarter of its size."""

    def encode_stage_2_inputs(self, image: Tensor, sector: Tensor) -> Tensor:
        return nn.functional.avg_pool2d(image * sector, 4)


class Memory(nn.Module):
    """The optimal network of a model that has seen nothing but these latents: it answers with the nearest one."""

    def __init__(self, latents: Tensor, family: EDM) -> None:
        super().__init__()
        self.latents, self.family = latents, family

    def forward(self, x: Tensor, timesteps: Tensor, seg: Tensor) -> Tensor:
        skip, out, inp, _ = (
            part.view(-1, 1, 1, 1).float() for part in self.family.coefficients(torch.exp(4 * timesteps.double()))
        )
        noisy = x / inp
        nearest = self.latents[torch.cdist(noisy.flatten(1), self.latents.flatten(1)).argmin(dim=1)]
        return (nearest - skip * noisy) / out


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_prepared(tmp_path_factory.mktemp("tiny"), training=24, test=24)


def model_with(network: nn.Module) -> DiffusionModel:
    return DiffusionModel(Pool(), network, EDM(0.5), 0.5, 32, torch.device("cpu"))


def attack(network: nn.Module, prepared: Path) -> dict[str, Any]:
    members, others = (load_datalist(prepared, name) for name in ("training", "test"))
    return membership(model_with(network), members, others, read_label_table(prepared))


class Blind(nn.Module):
    """Knows nothing."""

    def forward(self, x: Tensor, timesteps: Tensor, seg: Tensor) -> Tensor:
        return torch.zeros_like(x)


def test_a_model_that_remembers_is_caught(prepared: Path) -> None:
    from monai_echosynth.workflows.frame_batches import frame_batches

    batches = frame_batches(load_datalist(prepared, "training"), read_label_table(prepared), 32)
    latents = torch.cat([Pool().encode_stage_2_inputs(batch.image, batch.sector) for batch in batches])
    found = attack(Memory(latents, EDM(0.5)), prepared)
    assert found["auc"]["value"] > 0.95 and found["tpr"]["value"] > 0.8
    assert found["levels"][0]["auc"] > 0.95 and found["members"] == found["others"] == 24
    assert [level["sigma"] for level in found["levels"]] == [0.5 * level for level in LEVELS]


def test_losses_do_not_depend_on_the_batch_and_follow_the_seed(prepared: Path) -> None:
    items, table = load_datalist(prepared, "training"), read_label_table(prepared)
    whole, patients = denoising_losses(model_with(Blind()), items, table)
    some, _ = denoising_losses(model_with(Blind()), items[5:7], table)
    assert whole.shape == (24, len(LEVELS)) and len(patients) == 24
    assert np.allclose(whole[5:7], some, rtol=1e-5)
    other, _ = denoising_losses(model_with(Blind()), items[5:7], table, seed=1)
    assert not np.allclose(some, other, rtol=1e-3)


def test_a_bundle_with_random_weights_gives_nobody_away(prepared: Path, tmp_path: Path) -> None:
    model = load_diffusion(write_tiny_bundle(tmp_path / "bundle"))
    members, others = (load_datalist(prepared, name) for name in ("training", "test"))
    found = membership(model, members[:12], others[:12], read_label_table(prepared))
    low, high = found["auc"]["ci95"]
    assert low <= found["auc"]["value"] <= high and found["tpr"]["value"] <= 0.6


def test_bad_input_is_refused(prepared: Path, tmp_path: Path) -> None:
    items = load_datalist(prepared, "training")
    with pytest.raises(EchoSynthError, match="at least 2 held-out patients, got 1"):
        membership(model_with(Blind()), items, items[:2], read_label_table(prepared))
    with pytest.raises(EchoSynthError, match="losses must be finite"):
        attack(Broken(), prepared)
    with pytest.raises(EchoSynthError, match="echo_generative_diffusion bundle was expected"):
        load_diffusion(tmp_path)
    bundle = write_tiny_bundle(tmp_path / "bundle")
    (bundle / "models" / "diffusion.safetensors").unlink()
    with pytest.raises(EchoSynthError, match=r"weights needed at .*diffusion\.safetensors"):
        load_diffusion(bundle)
    adapted = tmp_path / "adapted" / "configs"
    adapted.mkdir(parents=True)
    keys = ("autoencoder", "network", "preconditioning", "spatial_size", "remapping")
    (adapted / "inference.json").write_text("{" + ", ".join(f'"{key}": 1' for key in keys) + "}")
    with pytest.raises(EchoSynthError, match="got an adapted one"):
        load_diffusion(adapted.parent)


class Broken(nn.Module):
    """Weights that went wrong."""

    def forward(self, x: Tensor, timesteps: Tensor, seg: Tensor) -> Tensor:
        return x * float("nan")
