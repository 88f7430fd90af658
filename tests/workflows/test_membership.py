"""Membership inference: a model that remembers gives its frames away, one with random weights does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from monai_echosynth.data.conditions import condition_names
from monai_echosynth.data.datalist import load_datalist, read_label_table
from monai_echosynth.diffusion.edm import EDM
from monai_echosynth.diffusion.iddpm import IDDPM
from monai_echosynth.diffusion.preconditioning import Preconditioning
from monai_echosynth.diffusion.ve import VE
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.nets.presets import spade_unet
from monai_echosynth.networks.weights import save_weights
from monai_echosynth.workflows.bundles import bundle_source
from monai_echosynth.workflows.membership import LEVELS, DiffusionModel, denoising_losses, load_diffusion, membership
from tests.helpers.tiny_generator import scramble, write_tiny_bundle
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


def test_a_generator_conditioned_on_view_and_phase_is_told_them(prepared: Path, tmp_path: Path) -> None:
    items, table = load_datalist(prepared, "training")[:4], read_label_table(prepared)
    names = condition_names(items)
    model = load_diffusion(_conditioned(tmp_path / "bundle", names))
    assert model.conditions == tuple(names) and len(names) > 1
    losses, _ = denoising_losses(model, items, table)
    swapped = [{**item, "phase": "ES" if item["phase"] == "ED" else "ED"} for item in items]
    others, _ = denoising_losses(model, swapped, table)
    assert np.isfinite(losses).all() and not np.allclose(losses, others, rtol=1e-3)
    with pytest.raises(EchoSynthError, match=r"this generator draws .* got 2CH ED"):
        denoising_losses(model, [{**items[0], "view": "2CH", "phase": "ED"}], table)


def _conditioned(bundle: Path, names: list[str]) -> Path:
    """A bundle with random weights and classes."""
    config = write_tiny_bundle(bundle) / "configs" / "inference.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "conditions": names}))
    network = scramble(spade_unet("quick", num_class_embeds=len(names)), scale=0.05)
    save_weights(network, bundle / "models" / "diffusion.safetensors")
    return bundle


@pytest.mark.parametrize("family", [EDM(0.5), VE(), IDDPM()])
def test_levels_are_those_of_the_latents_whatever_the_family(family: Preconditioning, prepared: Path) -> None:
    network = LevelsSeen()
    model = DiffusionModel(Pool(), network, family, 0.5, 32, torch.device("cpu"))
    denoising_losses(model, load_datalist(prepared, "training")[:2], read_label_table(prepared), draws=1)
    wanted = family.coefficients(0.5 * torch.tensor(LEVELS)).noise
    assert torch.allclose(torch.stack(network.seen).to(wanted), wanted, rtol=1e-4)


class LevelsSeen(nn.Module):
    """Remembers what it was told of noise levels."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Tensor] = []

    def forward(self, x: Tensor, timesteps: Tensor, seg: Tensor) -> Tensor:
        self.seen.append(timesteps[0])
        return torch.zeros_like(x)


def test_a_bundle_tells_the_deviation_of_its_latents(tmp_path: Path) -> None:
    bundle = write_tiny_bundle(tmp_path / "bundle")
    assert load_diffusion(bundle).sigma_data == 0.5
    config = bundle / "configs" / "inference.json"
    changed = {**json.loads(config.read_text()), "preconditioning": {"_target_": "monai_echosynth.diffusion.ve.VE"}}
    config.write_text(json.dumps(changed))
    assert load_diffusion(bundle).sigma_data == 0.5


def test_a_generator_without_masks_is_refused() -> None:
    guided = bundle_source("ultrasound_guided_diffusion")
    with pytest.raises(EchoSynthError, match="echo_generative_diffusion bundle was expected"):
        load_diffusion(guided)


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
