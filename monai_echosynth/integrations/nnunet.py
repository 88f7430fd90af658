"""nnU-Net's Python API (package nnunetv2, extra ``nnunet``): plan, preprocess, train and predict, in this process.

Its command line and MONAI's ``nnUNetV2Runner`` look through all trainers and networks of nnU-Net, which needs torchvision, and
the runner cannot train on a CPU; the classes used here need neither. The trainer is ``nnUNetTrainerNoMirroring``: a mirrored
apical view shows the ventricle where the atrium is and the septum on the other side, which no patient has.

References:
    Isensee et al., "nnU-Net: a self-configuring method for deep learning-based biomedical image segmentation", Nature Methods
    2021, https://doi.org/10.1038/s41592-020-01008-z
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monai_echosynth.errors import EchoSynthError

__all__ = [
    "CONFIGURATION",
    "NnUNetBudget",
    "NnUNetFolders",
    "plan_and_preprocess",
    "require_nnunet",
    "train_and_predict",
]

CONFIGURATION = "2d"
_PLANS = "nnUNetPlans"


@dataclass(frozen=True)
class NnUNetFolders:
    """nnU-Net's three folders.

    Attributes:
        raw: data sets in the raw format.
        preprocessed: what planning and preprocessing write.
        results: what training writes.
    """

    raw: Path
    preprocessed: Path
    results: Path


@dataclass(frozen=True)
class NnUNetBudget:
    """Length of a training; nnU-Net's own is 1000 epochs of 250 iterations.

    Attributes:
        epochs: number of epochs.
        iterations: optimizer steps an epoch.
        validation_iterations: validation batches an epoch; they select nothing.
        seed: of weights, order and augmentation.
    """

    epochs: int = 12
    iterations: int = 50
    validation_iterations: int = 5
    seed: int = 0

    def __post_init__(self) -> None:
        """Reject a training of no steps."""
        if min(self.epochs, self.iterations, self.validation_iterations) < 1:
            raise EchoSynthError(f"a training needs at least 1 epoch and 1 iteration, got {self}: use 1 or more")


def require_nnunet() -> None:
    """Raises an EchoSynthError that names the extra where nnunetv2 is not installed."""
    try:
        import nnunetv2  # noqa: F401 - asked for by name only
    except ImportError as error:
        raise EchoSynthError(
            f"nnU-Net needs the package nnunetv2 ({error}): pip install 'monai-echosynth[nnunet]' into an environment of its "
            "own, or make demo-nnunet"
        ) from error


def plan_and_preprocess(folders: NnUNetFolders, dataset: str, processes: int = 1) -> dict[str, Any]:
    """Checks a raw data set, takes its fingerprint, plans the two-dimensional configuration and preprocesses every case.

    Args:
        folders: nnU-Net's folders.
        dataset: name of the data set, ``Dataset501_NAME``.
        processes: worker processes.

    Returns:
        The plan of the two-dimensional configuration.

    Raises:
        EchoSynthError: nnunetv2 is not installed.
    """
    require_nnunet()
    number = int(dataset[7:10])
    with _environment(folders, {"nnUNet_n_proc_DA": "1"}):  # the planner sets this number of threads
        from nnunetv2.experiment_planning import plan_and_preprocess_api as api

        api.extract_fingerprint_dataset(
            number, num_processes=processes, check_dataset_integrity=True, verbose=False, show_progress_bar=False
        )
        plans, _ = api.plan_experiment_dataset(number)
        api.preprocess_dataset(number, _PLANS, [CONFIGURATION], [processes], verbose=False, show_progress_bar=False)
    plan: dict[str, Any] = plans["configurations"][CONFIGURATION]
    return plan


def train_and_predict(
    folders: NnUNetFolders, dataset: str, fold: int, budget: NnUNetBudget, images: Path, out: Path
) -> dict[str, Any]:
    """Trains one fold and predicts a folder of frames with the trained network.

    Args:
        folders: nnU-Net's folders, the data set planned and preprocessed.
        dataset: name of the data set.
        fold: fold of ``splits_final.json``.
        budget: length of the training.
        images: frames to predict, ``CASE_0000.nii.gz``.
        out: folder for ``CASE.nii.gz``.

    Returns:
        ``trainer``, ``parameters``, ``batch_size``, ``patch_size``, ``device``, ``results`` (folder).

    Raises:
        EchoSynthError: nnunetv2 is not installed, or the data set is not preprocessed.
    """
    require_nnunet()
    home = folders.preprocessed / dataset
    if not (home / f"{_PLANS}.json").is_file():
        raise EchoSynthError(
            f"a planned data set was expected, got no {home / _PLANS}.json: plan and preprocess it first"
        )
    with _environment(folders, {"nnUNet_n_proc_DA": "0", "nnUNet_compile": "f"}):
        import torch
        from monai.utils import set_determinism
        from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
        from nnunetv2.training.nnUNetTrainer.variants.data_augmentation.nnUNetTrainerNoMirroring import (
            nnUNetTrainerNoMirroring,
        )

        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        plans, description = _read(home / f"{_PLANS}.json"), _read(home / "dataset.json")
        set_determinism(budget.seed)
        trainer = nnUNetTrainerNoMirroring(
            {**plans, "continue_training": False}, CONFIGURATION, fold, dict(description), device
        )
        trainer.num_epochs, trainer.num_iterations_per_epoch = budget.epochs, budget.iterations
        trainer.num_val_iterations_per_epoch = budget.validation_iterations
        trainer.run_training()
        trainer.set_deep_supervision_enabled(False)
        predictor = nnUNetPredictor(use_mirroring=False, device=device, allow_tqdm=False)
        predictor.manual_initialization(
            trainer.network,
            trainer.plans_manager,
            trainer.configuration_manager,
            [trainer.network.state_dict()],
            trainer.dataset_json,
            type(trainer).__name__,
            trainer.inference_allowed_mirroring_axes,
        )
        out.mkdir(parents=True, exist_ok=True)
        predictor.predict_from_files_sequential(str(images), str(out))
        set_determinism(None)
        return {
            "trainer": type(trainer).__name__,
            "parameters": sum(parameter.numel() for parameter in trainer.network.parameters()),
            "batch_size": int(trainer.configuration_manager.batch_size),
            "patch_size": [int(side) for side in trainer.configuration_manager.patch_size],
            "device": str(device),
            "results": str(trainer.output_folder),
        }


@contextmanager
def _environment(folders: NnUNetFolders, further: Mapping[str, str]) -> Iterator[None]:
    """nnU-Net reads its folders and its numbers of processes from the environment."""
    names = {"nnUNet_raw": folders.raw, "nnUNet_preprocessed": folders.preprocessed, "nnUNet_results": folders.results}
    for folder in names.values():
        folder.mkdir(parents=True, exist_ok=True)
    values = {**{name: str(folder.resolve()) for name, folder in names.items()}, "nnUNet_def_n_proc": "1", **further}
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
