"""Trains the SPADE-GAN baseline and leaves an ``echo_spade_gan`` bundle, which generation takes like a diffusion model's."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from monai_echosynth.data.atomic import write_json
from monai_echosynth.data.check_prepared import check_prepared, check_size
from monai_echosynth.networks.nets.presets import spade_generator
from monai_echosynth.workflows.bundles import bundle_source
from monai_echosynth.workflows.checksums import write_checksums
from monai_echosynth.workflows.run_bundle import run_bundle
from monai_echosynth.workflows.training_folder import claim_folder
from monai_echosynth.workflows.training_settings import Preset, check_budget

__all__ = ["GAN_BUNDLE", "GAN_PRESETS", "GanSettings", "train_gan", "write_gan_bundle"]

GAN_BUNDLE = "echo_spade_gan"


@dataclass(frozen=True)
class GanSettings:
    """What shapes a SPADE-GAN; the names are config ids of the bundle.

    Attributes:
        spatial_size: side of the frames in pixels.
        size: named size of generator and discriminator.
        epochs: number of epochs.
        samples_per_epoch: frames drawn per epoch.
        batch_size: frames per step and process.
        learning_rate: first learning rate of the generator's Adam.
        scales: number of discriminators.
    """

    spatial_size: int
    size: str
    epochs: int
    samples_per_epoch: int
    batch_size: int = 8
    learning_rate: float = 4e-4
    scales: int = 2

    def scaled(self, budget: float) -> GanSettings:
        """The same with ``budget`` times the epochs, at least one.

        Raises:
            EchoSynthError: the budget is not positive.
        """
        check_budget(budget)
        return replace(self, epochs=max(1, round(budget * self.epochs)))


GAN_PRESETS: Mapping[Preset, GanSettings] = {
    Preset.QUICK: GanSettings(96, "quick", 10, 480),
    Preset.CPU: GanSettings(128, "cpu", 40, 800),
    Preset.PAPER: GanSettings(256, "spade", 100, 9000, batch_size=32, learning_rate=1e-4),
}


def train_gan(
    data: str | Path,
    out: str | Path,
    preset: Preset | str = Preset.CPU,
    seed: int = 0,
    budget: float = 1.0,
    progress: bool = True,
    settings: GanSettings | None = None,
) -> dict[str, Any]:
    """Train a SPADE-GAN on a prepared folder and leave a ready bundle.

    Args:
        data: prepared folder.
        out: bundle folder to write; an interrupted training in it goes on after its last epoch.
        preset: sizes and budget.
        seed: seed of weights, order, augmentation and styles.
        budget: epochs, as a multiple of the preset's.
        progress: show a progress bar.
        settings: sizes and budget in full, instead of those of the preset.

    Returns:
        ``parameters`` of the generator, ``epochs``, ``final_loss`` of the generator and ``seconds`` of this run.

    Raises:
        EchoSynthError: the folder is not prepared or prepared at another size, a frame is bad, the budget is not positive, or
            ``out`` holds something else.
    """
    settings, root = (settings or GAN_PRESETS[Preset(preset)]).scaled(budget), Path(out)
    check_size(data, settings.spatial_size)
    for section in ("training", "validation"):
        check_prepared(data, section)
    ids = {"dataset_dir": str(Path(data).resolve()), "seed": seed, **asdict(settings)}
    claim_folder(root, {**ids, "model": GAN_BUNDLE})
    write_gan_bundle(root, settings)
    started = time.perf_counter()
    if not (root / "models" / "model.safetensors").is_file():
        run_bundle(root, "train.json", "train", progress=progress, **ids)
    shutil.rmtree(root / "models" / "checkpoints", ignore_errors=True)
    write_checksums(root)
    with torch.device("meta"):
        network = spade_generator(settings.size, settings.spatial_size)
    last = json.loads((root / "eval" / "history.json").read_text(encoding="utf-8"))[-1]
    return {
        "parameters": sum(p.numel() for p in network.parameters()),
        "epochs": last["epoch"],
        "final_loss": last["loss"],
        "seconds": round(time.perf_counter() - started, 1),
    }


def write_gan_bundle(root: Path, settings: GanSettings) -> None:
    """Copy the shipped bundle to ``root`` and write sizes and budget into its configs and metadata."""
    shutil.copytree(bundle_source(GAN_BUNDLE), root, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".gitkeep"))
    (root / "models").mkdir(exist_ok=True)
    values = asdict(settings)
    for name, keys in (("train", tuple(values)), ("inference", ("spatial_size", "size"))):
        path = root / "configs" / f"{name}.json"
        write_json(path, {**json.loads(path.read_text(encoding="utf-8")), **{key: values[key] for key in keys}})
    path = root / "configs" / "metadata.json"
    metadata = json.loads(path.read_text(encoding="utf-8"))
    formats = metadata["network_data_format"]
    for entry in (formats["inputs"]["image"], formats["outputs"]["pred"]):
        entry["spatial_shape"] = [settings.spatial_size] * 2
    write_json(path, metadata)
