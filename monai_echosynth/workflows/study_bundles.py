"""Ready bundles of a study: configs, documents, weights and checksums, each runnable on its own."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monai_echosynth.data.atomic import write_text
from monai_echosynth.workflows.train import BUNDLE, write_generative_bundle
from monai_echosynth.workflows.training_settings import GenerativeSettings, StageBudget
from monai_echosynth.workflows.verify import CHECKSUMS

__all__ = ["export_bundles", "write_checksums"]


def export_bundles(folders: Mapping[str, Path], out: Path, generative: Mapping[str, Any]) -> dict[str, Any]:
    """Write ``echo_generative_diffusion`` and ``echo_segmentation`` (the mixed arm) below ``out``.

    Args:
        folders: stage folders ``autoencoder``, ``diffusion`` and ``mixed``.
        out: folder of the bundles.
        generative: settings of the generative model as a mapping.

    Returns:
        Size of each bundle's weights in MB.
    """
    budgets = {name: StageBudget(**generative[name]) for name in ("autoencoder", "diffusion")}
    settings = GenerativeSettings(generative["spatial_size"], **budgets, variants=generative["variants"])
    generator, segmenter = out / BUNDLE, out / "echo_segmentation"
    for bundle in (generator, segmenter):
        shutil.rmtree(bundle, ignore_errors=True)
    write_generative_bundle(generator, settings)
    for name in ("autoencoder", "diffusion"):
        shutil.copy2(folders[name] / f"{name}.safetensors", generator / "models")
    shutil.copytree(folders["mixed"], segmenter, ignore=shutil.ignore_patterns("eval", "checkpoints", "training.json"))
    sizes = {}
    for bundle in (generator, segmenter):
        write_checksums(bundle)
        sizes[bundle.name] = round(sum(p.stat().st_size for p in (bundle / "models").iterdir()) / 1e6, 2)
    return {"weights_mb": sizes}


def write_checksums(bundle: Path) -> None:
    """Write ``models/SHA256SUMS`` over all weight files, in the format of ``sha256sum``."""
    models = bundle / "models"
    files = sorted(
        path for path in models.iterdir() if path.is_file() and path.name != CHECKSUMS and path.stat().st_size
    )
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}" for path in files]
    write_text(models / CHECKSUMS, "\n".join(lines) + "\n")
