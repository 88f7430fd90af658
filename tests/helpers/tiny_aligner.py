"""A synthetic set, real frames and a segmenter, small enough to train an aligner on in seconds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from monai_echosynth.networks.nets.segmenter import segmenter
from monai_echosynth.networks.weights import save_weights
from monai_echosynth.workflows.alignment_settings import AlignmentSettings
from monai_echosynth.workflows.segmentation import write_bundle
from tests.helpers.tiny_prepared import write_tiny_prepared
from tests.helpers.tiny_segmenter import TINY_SEGMENTER

__all__ = ["TINY_ALIGNER", "TinyDomains", "write_tiny_domains"]

TINY_ALIGNER = AlignmentSettings(
    epochs=2, samples_per_epoch=4, batch_size=2, ids={"channels": [8, 8, 16, 16], "bank_size": 4, "stored_bank": 3}
)


@dataclass(frozen=True)
class TinyDomains:
    """Folders: prepared real frames, prepared frames that stand for synthetic ones, a segmenter with random weights."""

    real: Path
    synthetic: Path
    segmenter: Path


def write_tiny_domains(folder: Path) -> TinyDomains:
    """Writes them below ``folder``."""
    found = TinyDomains(folder / "real", folder / "synthetic", folder / "segmenter")
    write_tiny_prepared(found.real, training=6)
    write_tiny_prepared(found.synthetic, training=5, seed=1)
    torch.manual_seed(0)
    write_bundle(found.segmenter, TINY_SEGMENTER)
    network = segmenter(TINY_SEGMENTER.spatial_size, base_features=TINY_SEGMENTER.base_features)
    save_weights(network, found.segmenter / "models" / "model.safetensors")
    return found
