"""Membership inference by denoising loss: does a diffusion model denoise its training frames better than those of others?

The loss of training, at fixed noise levels and with the same noise for every frame, is averaged over levels and draws; a
low loss speaks for a member. AUC and, since the average hides the few patients that are remembered, the share of members
found at 1 % false alarms, both with intervals over patients. AUC .5 and a share of .01 are what guessing reaches.

References:
    Carlini et al., "Membership Inference Attacks From First Principles", 2022. https://arxiv.org/abs/2112.03570
    Matsumoto et al., "Membership Inference Attacks against Diffusion Models", 2023. https://arxiv.org/abs/2302.03262
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from monai.bundle import ConfigParser
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from monai_echosynth.data.conditions import condition_items
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.diffusion.preconditioning import Preconditioning, training_target
from monai_echosynth.diffusion.seeding import derive_seed
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.losses.sector_mean import sector_mean
from monai_echosynth.metrics.auc import auc, bootstrap_auc
from monai_echosynth.metrics.detection import bootstrap_tpr
from monai_echosynth.transforms.one_hot import LabelToSeg
from monai_echosynth.workflows.frame_batches import frame_batches
from monai_echosynth.workflows.gap_frames import patient_of

__all__ = ["FALSE_ALARMS", "LEVELS", "DiffusionModel", "denoising_losses", "load_diffusion", "membership"]

LEVELS: Final = (0.2, 0.4, 0.8, 1.6, 3.2)
"""Noise levels, of the standard deviation of the latents."""

FALSE_ALARMS: Final = 0.01
"""False positive rate at which members are counted."""

_DRAWS: Final = 4
_FEWEST_PATIENTS: Final = 2


@dataclass(frozen=True)
class DiffusionModel:
    """What a bundle holds.

    Attributes:
        autoencoder: frames to latents.
        network: the denoising network.
        preconditioning: its diffusion family.
        sigma_data: standard deviation of the latents.
        size: edge of its frames in pixels.
        device: where it computes.
        conditions: names of the views and phases that it is told, none where it is not conditioned.
    """

    autoencoder: Any
    network: nn.Module
    preconditioning: Preconditioning
    sigma_data: float
    size: int
    device: torch.device
    conditions: tuple[str, ...] = ()


def load_diffusion(bundle: str | Path) -> DiffusionModel:
    """The model of a trained ``echo_generative_diffusion`` bundle.

    Raises:
        EchoSynthError: the folder is no such bundle, or has no weights.
    """
    path = Path(bundle) / "configs" / "inference.json"
    parser = ConfigParser()
    if path.is_file():
        parser.read_config(str(path))
    needed = ("autoencoder", "network", "preconditioning", "spatial_size")
    if any(key not in parser for key in needed) or "class_names" in parser:  # guided by classes or text, not by a mask
        raise EchoSynthError(f"a trained echo_generative_diffusion bundle was expected, got {bundle}: name one")
    if "remapping" in parser:
        raise EchoSynthError(
            f"membership inference needs the generator of the frames' own labels, got an adapted one in {bundle}: leave it out"
        )
    parser["bundle_root"] = str(bundle)
    try:
        parts = [parser.get_parsed_content(key) for key in ("autoencoder", "network", "preconditioning", "device")]
    except RuntimeError as error:
        if isinstance(error.__cause__, EchoSynthError):
            raise error.__cause__ from error
        raise
    sigma_data = float(parts[0].normalizer.sigma_data)
    conditions = tuple(parser.get("conditions", []))
    return DiffusionModel(parts[0], parts[1], parts[2], sigma_data, int(parser["spatial_size"]), parts[3], conditions)


def denoising_losses(
    model: DiffusionModel, items: Sequence[Mapping[str, Any]], table: LabelTable, seed: int = 0, draws: int = _DRAWS
) -> tuple[NDArray[np.float64], list[str]]:
    """Losses (n, levels), averaged over draws of the noise, and the patient of each frame.

    Args:
        model: the model.
        items: entries of a datalist.
        table: their label table.
        seed: of the noise, which is the same for every frame.
        draws: of the noise at each level.
    """
    found: list[Tensor] = []
    patients: list[str] = []
    to_seg = LabelToSeg(table)
    for batch in frame_batches(items, table, model.size):
        image, sector = batch.image.to(model.device), batch.sector.to(model.device)
        with torch.inference_mode():
            latent = model.autoencoder.encode_stage_2_inputs(image * sector, sector)
            edge = latent.shape[-2:]
            seg = F.adaptive_avg_pool2d(torch.stack([to_seg(m[None]) for m in batch.label]).to(latent), edge)
            inside = F.adaptive_max_pool2d(sector, edge)
            told = {"seg": seg, **_told(batch.items, model)}
            losses = [
                sum(
                    _loss(model, latent, told, inside, level, derive_seed(seed, "membership", i, r))
                    for r in range(draws)
                )
                for i, level in enumerate(LEVELS)
            ]
        found.append(torch.stack([torch.as_tensor(loss) / draws for loss in losses], dim=1).double().cpu())
        patients += [patient_of(item) for item in batch.items]
    return np.asarray(torch.cat(found).numpy()) if found else np.zeros((0, len(LEVELS))), patients


def membership(
    model: DiffusionModel,
    members: Sequence[Mapping[str, Any]],
    others: Sequence[Mapping[str, Any]],
    table: LabelTable,
    seed: int = 0,
) -> dict[str, Any]:
    """Attack on a model.

    Args:
        model: the model.
        members: frames that it was trained on.
        others: frames of patients that it has never seen.
        table: label table of both.
        seed: of noise and intervals.

    Returns:
        ``auc`` and ``tpr`` with ``value`` and ``ci95``, ``fpr``, ``levels`` (AUC at each noise level) and the numbers of frames.

    Raises:
        EchoSynthError: a side has fewer than two patients, or a loss is not finite.
    """
    (first, first_patients), (second, second_patients) = (
        denoising_losses(model, part, table, seed) for part in (members, others)
    )
    for name, patients in (("training", first_patients), ("held-out", second_patients)):
        if len(set(patients)) < _FEWEST_PATIENTS:
            raise EchoSynthError(
                f"membership inference needs at least {_FEWEST_PATIENTS} {name} patients, got {len(set(patients))}: add data"
            )
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise EchoSynthError("denoising losses must be finite, got NaN or infinity: check the bundle's weights")
    scores = [-part.mean(axis=1) for part in (first, second)]
    area = bootstrap_auc(
        np.concatenate(scores),
        np.repeat([True, False], [len(first), len(second)]),
        [*(f"member {name}" for name in first_patients), *(f"other {name}" for name in second_patients)],
        seed=seed,
    )
    rate = bootstrap_tpr(scores[0], scores[1], first_patients, second_patients, FALSE_ALARMS, seed=seed)
    return {
        "auc": {"value": area.mean, "ci95": [area.low, area.high]},
        "tpr": {"value": rate.mean, "ci95": [rate.low, rate.high]},
        "fpr": FALSE_ALARMS,
        "levels": [
            {"sigma": level * model.sigma_data, "auc": auc(-first[:, i], -second[:, i])}
            for i, level in enumerate(LEVELS)
        ],
        "members": len(first),
        "others": len(second),
    }


def _told(items: Sequence[Mapping[str, Any]], model: DiffusionModel) -> dict[str, Tensor]:
    """View and phase of each frame as the network's keyword, where it has one."""
    if not model.conditions:
        return {}
    numbers = [item["condition"] for item in condition_items(items, model.conditions)]
    return {"class_labels": torch.tensor(numbers, device=model.device)}


def _loss(
    model: DiffusionModel, latent: Tensor, told: Mapping[str, Tensor], inside: Tensor, level: float, seed: int
) -> Tensor:
    """Losses (B,) of latents under one noise."""
    drawn = torch.randn(latent.shape[1:], generator=torch.Generator().manual_seed(seed))
    noise = drawn.to(latent).expand_as(latent)
    sigma = torch.full((len(latent),), level * model.sigma_data, device=latent.device)
    inputs, timesteps, target = training_target(latent, noise, sigma, model.preconditioning)
    answer = model.network(inputs, timesteps=timesteps, **told)
    return sector_mean((answer - target).square(), inside)
