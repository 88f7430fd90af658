"""Trains a classifier of the view on real, synthetic or mixed frames.

The training folder becomes a bundle of its own: a copy of ``echo_view_classification`` whose configs carry the settings and the
names of the views, with the weights in ``models/``. An interrupted training goes on after its last whole epoch.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from monai_echosynth.data.atomic import write_json
from monai_echosynth.data.check_prepared import check_prepared
from monai_echosynth.data.datalist import load_datalist
from monai_echosynth.data.view_labels import view_items, view_names
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows.bundles import bundle_source
from monai_echosynth.workflows.checksums import write_checksums
from monai_echosynth.workflows.training_folder import claim_folder
from monai_echosynth.workflows.training_settings import Preset, check_budget, whole_epochs

__all__ = ["VIEW_PRESETS", "ViewSettings", "train_view_classifier", "write_view_bundle"]

BUNDLE = "echo_view_classification"


@dataclass(frozen=True)
class ViewSettings:
    """What shapes a classifier; the names are config ids of the bundle.

    Attributes:
        spatial_size: edge of the frames, pixels.
        size: named size of the network.
        iterations: optimizer steps; those beyond the last whole epoch are not made.
        batch_size: frames a step over all processes.
        learning_rate: peak learning rate of AdamW.
        val_interval: epochs between validations.
        epoch_iterations: steps of an epoch: between checkpoints.
        seed: seed of weights, order and augmentation.
    """

    spatial_size: int = 128
    size: str = "cpu"
    iterations: int = 1200
    batch_size: int = 16
    learning_rate: float = 0.002
    val_interval: int = 5
    epoch_iterations: int = 50
    seed: int = 0

    def scaled(self, budget: float) -> ViewSettings:
        """The same with ``budget`` times the steps.

        Raises:
            EchoSynthError: the budget is not positive.
        """
        check_budget(budget)
        return replace(self, iterations=max(1, round(budget * self.iterations)))


VIEW_PRESETS: Mapping[Preset, ViewSettings] = {
    Preset.QUICK: ViewSettings(spatial_size=96, size="quick", iterations=400),
    Preset.CPU: ViewSettings(),
    Preset.PAPER: ViewSettings(
        spatial_size=256, size="s", iterations=20_000, batch_size=32, learning_rate=5e-4, epoch_iterations=250
    ),
}


def train_view_classifier(
    out: str | Path,
    dataset_dirs: Sequence[str | Path],
    settings: ViewSettings | None = None,
    val_dataset_dir: str | Path | None = None,
    progress: bool = True,
    **overrides: Any,
) -> dict[str, Any]:
    """Trains a classifier and leaves a ready bundle.

    Args:
        out: folder of the bundle; an interrupted training with the same settings in it is continued.
        dataset_dirs: prepared folders or synthetic sets whose ``training`` sections are joined.
        settings: budget and sizes; those of the preset ``cpu`` when omitted.
        val_dataset_dir: prepared folder whose ``validation`` section is watched (it selects nothing); the first of
            ``dataset_dirs`` when omitted.
        progress: show a progress bar.
        **overrides: further config ids of ``train.json``, such as ``num_workers`` or ``precision``.

    Returns:
        Metrics: parameters, class names, frames, iterations, final loss, last validation accuracy, seconds of this run.

    Raises:
        EchoSynthError: no folder is given, a folder is not prepared, a frame is bad or has no view, there are fewer than two
            views, a validation frame shows another view, or ``out`` holds something else.
    """
    from monai_echosynth.workflows.run_bundle import run_bundle  # brings in MONAI, which takes seconds

    if not dataset_dirs:
        raise EchoSynthError("training needs at least one prepared folder, got none: name one or more")
    settings = settings or VIEW_PRESETS[Preset.CPU]
    _, length = whole_epochs(settings.iterations, settings.epoch_iterations)
    settings = replace(settings, epoch_iterations=length)
    validation = val_dataset_dir or dataset_dirs[0]
    check_prepared(dataset_dirs, "training")
    check_prepared(validation, "validation")
    items = load_datalist(dataset_dirs, "training")
    names = view_names(items)
    view_items(load_datalist(validation, "validation"), names)
    ids = {
        **asdict(settings),
        "class_names": names,
        "dataset_dir": str(Path(dataset_dirs[0]).resolve()),
        "extra_dataset_dirs": [str(Path(folder).resolve()) for folder in dataset_dirs[1:]],
        "val_dataset_dir": str(Path(validation).resolve()),
        **overrides,
    }
    root = Path(out)
    claim_folder(root, ids)
    write_view_bundle(root, settings, names)
    started = time.perf_counter()
    workflow = run_bundle(root, "train.json", "train", progress=progress, **ids)
    shutil.rmtree(root / "models" / "checkpoints", ignore_errors=True)
    write_checksums(root)
    history = json.loads((root / "eval" / "history.json").read_text(encoding="utf-8"))
    accuracies = [record["validation_accuracy"] for record in history if "validation_accuracy" in record]
    return {
        "parameters": sum(p.numel() for p in workflow.network_def.parameters()),
        "class_names": names,
        "frames": len(items),
        "iterations": whole_epochs(ids["iterations"], ids["epoch_iterations"])[0],
        "final_loss": history[-1]["loss"],
        "validation_accuracy": accuracies[-1] if accuracies else None,
        "seconds": round(time.perf_counter() - started, 1),
    }


def write_view_bundle(root: Path, settings: ViewSettings, class_names: Sequence[str]) -> None:
    """Copies the shipped bundle to ``root`` and writes the settings and classes into its configs and metadata."""
    shutil.copytree(bundle_source(BUNDLE), root, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".gitkeep"))
    (root / "models").mkdir(exist_ok=True)
    values = {**asdict(settings), "class_names": list(class_names)}
    for name, keys in (("train", tuple(values)), ("inference", ("spatial_size", "size", "class_names"))):
        path = root / "configs" / f"{name}.json"
        config = json.loads(path.read_text(encoding="utf-8"))
        write_json(path, {**config, **{key: values[key] for key in keys}})
    path = root / "configs" / "metadata.json"
    metadata = json.loads(path.read_text(encoding="utf-8"))
    formats, count = metadata["network_data_format"], len(class_names)
    formats["inputs"]["image"]["spatial_shape"] = [settings.spatial_size] * 2
    formats["outputs"]["pred"].update(num_channels=count, spatial_shape=[1, count])
    formats["outputs"]["pred"]["channel_def"] = {str(i): name for i, name in enumerate(class_names)}
    listed = ", ".join(f"{i} is {name}" for i, name in enumerate(class_names))
    metadata["pred_classes"] = f"{count} channels: {listed}"
    write_json(path, metadata)
