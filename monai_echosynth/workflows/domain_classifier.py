"""Cross-fitted scores of a classifier of two sets of frames: each frame is scored by the network that has not seen it.

The frames fall into two folds by patient. One network is trained on each fold, for a fixed number of steps on batches of both
classes in equal parts, and scores the other one. Frames are normalized inside their sector, so that gain alone does not tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from monai_echosynth.data.patient_folds import two_folds
from monai_echosynth.diffusion.seeding import derive_seed
from monai_echosynth.networks.nets.domain_classifier import domain_classifier

__all__ = ["ClassifierSettings", "CrossFit", "FrameStack", "cross_fit"]


@dataclass(frozen=True)
class ClassifierSettings:
    """Budget of one network.

    Attributes:
        steps: optimizer steps.
        batch_size: frames a step, half of each class.
        learning_rate: peak learning rate of AdamW.
        weight_decay: of AdamW.
        crop: share of the edge that a random crop keeps.
        gain: standard deviation of the random contrast and offset.
    """

    steps: int = 240
    batch_size: int = 32
    learning_rate: float = 4e-3
    weight_decay: float = 0.02
    crop: float = 0.75
    gain: float = 0.1


class FrameStack(NamedTuple):
    """Frames (n, X, Y), zero mean and unit variance in the sector and 0 outside, with the patient of each."""

    images: NDArray[np.float32]
    patients: tuple[str, ...]


class CrossFit(NamedTuple):
    """Scores (n,) of the frames of both sets, higher for the second one, and the fold of each."""

    real: NDArray[np.float64]
    synthetic: NDArray[np.float64]
    real_fold: NDArray[np.int64]
    synthetic_fold: NDArray[np.int64]


def cross_fit(
    real: FrameStack, synthetic: FrameStack, seed: int = 0, settings: ClassifierSettings | None = None
) -> CrossFit:
    """Trains two networks and scores all frames.

    Args:
        real: first class.
        synthetic: second class, frames of the same size.
        seed: seed of folds, weights, batches and augmentation; the global generators are left as they are.
        settings: budget.

    Raises:
        EchoSynthError: a set has fewer than two patients.
    """
    settings = settings or ClassifierSettings()
    folds = two_folds(real.patients, synthetic.patients, seed)
    images = tuple(torch.from_numpy(part.images)[:, None] for part in (real, synthetic))
    scores = [np.empty(len(part)) for part in images]
    for held_out in (0, 1):
        seen = [image[torch.from_numpy(fold != held_out)] for image, fold in zip(images, folds, strict=True)]
        network = _train(seen[0], seen[1], derive_seed(seed, "domain classifier", held_out), settings)
        for score, image, fold in zip(scores, images, folds, strict=True):
            score[fold == held_out] = _score(network, image[torch.from_numpy(fold == held_out)])
    return CrossFit(scores[0], scores[1], *folds)


def _train(real: Tensor, synthetic: Tensor, seed: int, settings: ClassifierSettings) -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = domain_classifier().train()
    optimizer = torch.optim.AdamW(network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, settings.learning_rate, total_steps=settings.steps)
    rng = np.random.default_rng(seed)
    half = settings.batch_size // 2
    target = torch.cat([torch.zeros(half), torch.ones(half)])
    for _ in range(settings.steps):
        batch = torch.cat([part[rng.integers(len(part), size=half)] for part in (real, synthetic)])
        loss = nn.functional.binary_cross_entropy_with_logits(network(_augment(batch, rng, settings)), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return network.eval()


def _augment(batch: Tensor, rng: np.random.Generator, settings: ClassifierSettings) -> Tensor:
    """One random crop of the batch; each frame mirrored along the probe or not, with a slightly other gain."""
    edges = [max(1, round(settings.crop * size)) for size in batch.shape[2:]]
    x, y = (int(rng.integers(size - edge + 1)) for size, edge in zip(batch.shape[2:], edges, strict=True))
    crop = batch[:, :, x : x + edges[0], y : y + edges[1]]
    mirrored = torch.from_numpy(rng.random(len(batch)) < 0.5)[:, None, None, None]
    crop = torch.where(mirrored, crop.flip(2), crop)
    gain = torch.from_numpy(rng.normal(1.0, settings.gain, (len(batch), 1, 1, 1))).float()
    offset = torch.from_numpy(rng.normal(0.0, settings.gain, (len(batch), 1, 1, 1))).float()
    return torch.where(crop == 0, crop, crop * gain + offset)


@torch.no_grad()
def _score(network: nn.Sequential, images: Tensor) -> NDArray[np.float64]:
    parts = [network(part) for part in images.split(32)]
    return np.asarray(torch.cat(parts).numpy(), dtype=np.float64) if parts else np.zeros(0)
