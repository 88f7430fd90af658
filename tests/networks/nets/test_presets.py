"""Parameter counts of the paper's networks, SPADE and the rest apart, and sizes that share one cost."""

from __future__ import annotations

import pytest
import torch

from monai_echosynth.diffusion.family import PIXEL_FAMILIES, Family
from monai_echosynth.networks.blocks.spade import SPADE
from monai_echosynth.networks.nets.presets import gamma_autoencoder, spade_unet
from monai_echosynth.networks.nets.spade_unet import SPADEUNet
from monai_echosynth.workflows.training_settings import DEFAULT_FAMILY, PRESETS, Preset, family_settings

PAPER = {"edm": (281.7e6, 77.7e6), "l64": (295e6, 86.6e6), "ncsn": (55e6, 32e6)}


def _network(size: str) -> SPADEUNet:
    with torch.device("meta"):
        return spade_unet(size)


@pytest.mark.parametrize("size", PAPER)
def test_parameters_are_those_of_the_paper_within_two_percent(size: str) -> None:
    network = _network(size)
    spade = sum(p.numel() for m in network.modules() if isinstance(m, SPADE) for p in m.parameters())
    rest = sum(p.numel() for p in network.parameters()) - spade
    assert (rest, spade) == pytest.approx(PAPER[size], rel=0.02)


def test_attention_is_at_32_16_and_8_pixels() -> None:
    for size, side in {"l64": 64, "l128": 128, "edm": 256}.items():
        network = _network(size)
        levels = [side >> level for level, used in enumerate(network.attention_levels) if used]
        assert levels and set(levels) <= {32, 16, 8}
        assert set(levels) == {32, 16, 8} & {side >> level for level in range(4)}


@pytest.mark.parametrize("preset", [Preset.QUICK, Preset.CPU])
def test_families_work_on_one_grid_with_one_budget_on_a_cpu(preset: Preset) -> None:
    base = PRESETS[preset]
    grids, parameters = set(), set()
    for family in Family:
        settings = family_settings(preset, family)
        with torch.device("meta"):
            downsampling = 1 if family in PIXEL_FAMILIES else gamma_autoencoder(settings.autoencoder.size).downsampling
        assert downsampling == {Family.EDM_L64: 4, Family.EDM_L128: 2}.get(family, 1)
        network = _network(settings.diffusion.size)
        grids.add(settings.spatial_size // downsampling // network.patch)
        parameters.add(sum(p.numel() for p in network.parameters()) // 50_000)
        assert settings.diffusion.epochs == base.diffusion.epochs
        assert settings.diffusion.samples_per_epoch == base.diffusion.samples_per_epoch
    assert len(grids) == 1
    assert len(parameters) == 1 or max(parameters) - min(parameters) <= 1


def test_default_family_is_the_preset_itself() -> None:
    for preset in Preset:
        assert family_settings(preset) == PRESETS[preset] == family_settings(preset, DEFAULT_FAMILY[preset])


def test_paper_sizes_by_family() -> None:
    sizes = {family: family_settings(Preset.PAPER, family).diffusion for family in Family}
    assert {str(family): (budget.size, budget.batch_size) for family, budget in sizes.items()} == {
        "edm-l64": ("l64", 120),
        "edm-l128": ("l128", 54),
        "edm": ("edm", 24),
        "ve": ("ncsn", 24),
        "vp": ("ncsn", 24),
        "sdm": ("edm", 24),
    }
    assert family_settings(Preset.PAPER, Family.EDM_L128).autoencoder.size == "l128"
