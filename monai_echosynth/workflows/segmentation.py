"""Trains one arm of the utility study: a segmenter on real, synthetic or mixed frames, under one fixed budget.

The arm's folder becomes a bundle of its own: a copy of ``echo_segmentation`` whose configs carry the settings used, with the
weights in ``models/``. Arms differ in their training frames alone; number of steps, batch, augmentation and seed are the same.
An interrupted training goes on after its last whole epoch, with the result an uninterrupted one would have had.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from monai_echosynth.data.atomic import write_json
from monai_echosynth.data.builtin_labels import SEMANTIC_LABELS
from monai_echosynth.data.check_prepared import check_prepared
from monai_echosynth.data.datalist import load_datalist, read_label_table
from monai_echosynth.data.fingerprint import fingerprint_frames
from monai_echosynth.data.folder_labels import structures
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.nets.plan import plan_segmentation
from monai_echosynth.workflows.bundles import bundle_source
from monai_echosynth.workflows.checksums import write_checksums
from monai_echosynth.workflows.training_folder import claim_folder
from monai_echosynth.workflows.training_settings import check_budget, whole_epochs

__all__ = [
    "SEGMENTATION_PRESETS",
    "SegmentationPreset",
    "SegmentationSettings",
    "train_segmenter",
    "training_curve",
    "write_bundle",
]

BUNDLE = "echo_segmentation"


@dataclass(frozen=True)
class SegmentationSettings:
    """What shapes a segmenter; the names are config ids of the bundle.

    Attributes:
        spatial_size: edge of the frames, pixels.
        base_features: channels at full resolution.
        iterations: optimizer steps; those beyond the last whole epoch are not made.
        batch_size: frames a step over all processes.
        learning_rate: peak learning rate of AdamW.
        val_interval: epochs between validations.
        epoch_iterations: steps of an epoch: between checkpoints.
        seed: seed of weights, order and augmentation.
    """

    spatial_size: int = 128
    base_features: int = 16
    iterations: int = 2400
    batch_size: int = 12
    learning_rate: float = 0.002
    val_interval: int = 5
    epoch_iterations: int = 50
    seed: int = 0

    def scaled(self, budget: float) -> SegmentationSettings:
        """The same with ``budget`` times the steps.

        Raises:
            EchoSynthError: the budget is not positive.
        """
        check_budget(budget)
        return replace(self, iterations=max(1, round(budget * self.iterations)))


class SegmentationPreset(StrEnum):
    """Budgets."""

    QUICK = "quick"
    CPU = "cpu"
    PAPER = "paper"


SEGMENTATION_PRESETS: Mapping[SegmentationPreset, SegmentationSettings] = {
    SegmentationPreset.QUICK: SegmentationSettings(spatial_size=96, iterations=500),
    SegmentationPreset.CPU: SegmentationSettings(),
    SegmentationPreset.PAPER: SegmentationSettings(
        spatial_size=256, base_features=32, iterations=25_000, batch_size=24, epoch_iterations=250
    ),
}


def train_segmenter(
    out: str | Path,
    dataset_dirs: str | Path | Sequence[str | Path],
    settings: SegmentationSettings | None = None,
    val_dataset_dir: str | Path | None = None,
    preset: SegmentationPreset | str = SegmentationPreset.CPU,
    progress: bool = True,
    **overrides: Any,
) -> dict[str, Any]:
    """Trains a segmenter and leaves a ready bundle.

    Args:
        out: folder of the bundle; an interrupted training with the same settings in it is continued.
        dataset_dirs: prepared folders whose ``training`` sections are joined; name one twice to weigh it double.
        settings: budget and sizes; the preset's when omitted.
        val_dataset_dir: prepared folder whose ``validation`` section is watched (it selects nothing); the first of
            ``dataset_dirs`` when omitted.
        preset: settings to start from when ``settings`` is omitted.
        progress: show a progress bar.
        **overrides: further config ids of ``train.json``, such as ``num_workers`` or ``precision``.

    Returns:
        Metrics: parameters, frames, iterations, final loss, best and last validation Dice, seconds of this run.

    Raises:
        EchoSynthError: no folder is given, a folder is not prepared, a frame is bad, or ``out`` holds something else.
    """
    from monai_echosynth.workflows.run_bundle import run_bundle  # brings in MONAI, which takes seconds

    folders = [dataset_dirs] if isinstance(dataset_dirs, str | Path) else list(dataset_dirs)
    if not folders:
        raise EchoSynthError("training needs at least one prepared folder, got none: name one or more")
    settings = settings or SEGMENTATION_PRESETS[SegmentationPreset(preset)]
    _, length = whole_epochs(settings.iterations, settings.epoch_iterations)
    settings = replace(settings, epoch_iterations=length)
    root = Path(out)
    table = read_label_table([*folders, val_dataset_dir or folders[0]])
    ids = {
        **asdict(settings),
        "out_channels": 1 + len(structures(table)),
        "dataset_dir": str(Path(folders[0]).resolve()),
        "extra_dataset_dirs": [str(Path(folder).resolve()) for folder in folders[1:]],
        "val_dataset_dir": str(Path(val_dataset_dir or folders[0]).resolve()),
        **overrides,
    }
    check_prepared(folders, "training")
    check_prepared(ids["val_dataset_dir"], "validation")
    claim_folder(root, ids)
    write_bundle(root, settings, table)
    _write_plan(root, folders, settings, table)
    started = time.perf_counter()
    workflow = run_bundle(root, "train.json", "train", progress=progress, **ids)
    parameters = sum(p.numel() for p in workflow.network_def.parameters())
    shutil.rmtree(root / "models" / "checkpoints", ignore_errors=True)
    write_checksums(root)
    return {
        "parameters": parameters,
        "frames": len(workflow.train_dataset_data),
        "iterations": whole_epochs(ids["iterations"], ids["epoch_iterations"])[0],
        **training_curve(root / "eval" / "history.json"),
        "seconds": round(time.perf_counter() - started, 1),
    }


def write_bundle(root: Path, settings: SegmentationSettings, table: LabelTable = SEMANTIC_LABELS) -> None:
    """Copies the shipped bundle to ``root`` and writes the settings and classes into its configs and metadata."""
    shutil.copytree(bundle_source(BUNDLE), root, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".gitkeep"))
    (root / "models").mkdir(exist_ok=True)
    names = ["background", *(entry.name for entry in structures(table))]
    values = {**asdict(settings), "out_channels": len(names)}
    for name in ("train", "inference"):
        path = root / "configs" / f"{name}.json"
        config = json.loads(path.read_text(encoding="utf-8"))
        shared = ("spatial_size", "base_features", "out_channels") if name == "inference" else tuple(values)
        write_json(path, {**config, **{key: values[key] for key in shared}})
    path = root / "configs" / "metadata.json"
    metadata = json.loads(path.read_text(encoding="utf-8"))
    for side, key in (("inputs", "image"), ("outputs", "pred")):
        metadata["network_data_format"][side][key]["spatial_shape"] = [settings.spatial_size] * 2
    pred = metadata["network_data_format"]["outputs"]["pred"]
    pred.update(num_channels=len(names), channel_def={str(i): name for i, name in enumerate(names)})
    listed = ", ".join(f"{i} is {name}" for i, name in enumerate(names))
    metadata["label_classes"] = (
        f"single channel map: {listed.removeprefix('0 is background, ')}, everything else is background"
    )
    metadata["pred_classes"] = f"{len(names)} channels: {listed}"
    write_json(path, metadata)


def _write_plan(root: Path, folders: Sequence[str | Path], settings: SegmentationSettings, table: LabelTable) -> None:
    """Writes the fingerprint of the training frames and the plan of the network, beside the bundle's folders."""
    fingerprint = fingerprint_frames(load_datalist(folders, "training"), [entry.id for entry in structures(table)])
    fingerprint.save(root / "fingerprint.json")
    size = (settings.spatial_size, settings.spatial_size)
    plan = plan_segmentation(size, frames=fingerprint.frames, base_features=settings.base_features)
    replace(plan, batch_size=settings.batch_size).save(root / "plan.json")


def training_curve(path: Path) -> dict[str, float]:
    """Final loss and, where there is one, validation Dice of a training's ``history.json``."""
    records = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    dices = [record["validation_mean_dice"] for record in records if "validation_mean_dice" in record]
    result = {"final_loss": records[-1]["loss"]} if records else {}
    return {**result, "validation_dice": dices[-1]} if dices else result
