"""Ready bundles of a study: configs, documents, weights and checksums, each runnable on its own."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monai_echosynth.workflows.checksums import write_checksums
from monai_echosynth.workflows.train import BUNDLE, write_generative_bundle
from monai_echosynth.workflows.training_settings import GenerativeSettings, StageBudget

__all__ = ["export_bundles"]


def export_bundles(folders: Mapping[str, Path], out: Path, generative: Mapping[str, Any]) -> dict[str, Any]:
    """Write ``echo_generative_diffusion`` and ``echo_segmentation`` (the mixed arm) below ``out``.

    Args:
        folders: stage folders ``autoencoder``, ``diffusion``, ``texture`` and ``mixed``.
        out: folder of the bundles.
        generative: settings of the generative model as a mapping.

    Returns:
        Size of each bundle's weights in MB.
    """
    budgets = {name: StageBudget(**generative[name]) for name in ("autoencoder", "diffusion")}
    settings = GenerativeSettings(**{**generative, **budgets})
    generator, segmenter = out / BUNDLE, out / "echo_segmentation"
    for bundle in (generator, segmenter):
        shutil.rmtree(bundle, ignore_errors=True)
    write_generative_bundle(generator, settings)
    for name in ("autoencoder", "diffusion", "texture"):
        shutil.copy2(folders[name] / f"{name}.safetensors", generator / "models")
    shutil.copytree(folders["mixed"], segmenter, ignore=shutil.ignore_patterns("eval", "checkpoints", "training.json"))
    sizes = {}
    for bundle in (generator, segmenter):
        write_checksums(bundle)
        sizes[bundle.name] = round(sum(p.stat().st_size for p in (bundle / "models").iterdir()) / 1e6, 2)
    return {"weights_mb": sizes}
