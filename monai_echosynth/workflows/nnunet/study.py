"""Trains nnU-Net on a raw data set and scores it as the bundle's segmenter is scored; or trains both on the phantom."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

from monai_echosynth.data.atomic import write_json
from monai_echosynth.data.check_prepared import check_prepared
from monai_echosynth.data.datalist import load_datalist, read_dataset_json
from monai_echosynth.data.phantom import write_phantom
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.integrations.nnunet import (
    NnUNetBudget,
    NnUNetFolders,
    plan_and_preprocess,
    require_nnunet,
    train_and_predict,
)
from monai_echosynth.workflows.evaluate import evaluate_segmenter, score_table
from monai_echosynth.workflows.nnunet.raw_dataset import write_raw_dataset
from monai_echosynth.workflows.prepare import prepare
from monai_echosynth.workflows.score import score_predictions, structures_in
from monai_echosynth.workflows.segmentation import SegmentationSettings, train_segmenter

__all__ = ["run_nnunet_demo", "train_nnunet"]

_SIZE = 96
_PATIENTS = 40


def train_nnunet(
    dataset: str | Path, data: str | Path, out: str | Path, fold: int = 0, budget: NnUNetBudget | None = None
) -> dict[str, Any]:
    """Plans, preprocesses, trains, predicts the test frames and scores them.

    Args:
        dataset: raw data set, as :func:`~monai_echosynth.workflows.nnunet.raw_dataset.write_raw_dataset` leaves it.
        data: prepared folder whose test frames are in ``imagesTs/``.
        out: folder for nnU-Net's own folders, ``predictions/``, ``summary.json`` and ``scores.json``.
        fold: fold of ``splits_final.json``.
        budget: length of the training.

    Returns:
        What :func:`~monai_echosynth.workflows.evaluate.evaluate_segmenter` returns and, under ``training``, what was trained.

    Raises:
        EchoSynthError: nnunetv2 is not installed, a folder is not what it should be, or the fold is not there.
    """
    source, target, budget = Path(dataset), Path(out), budget or NnUNetBudget()
    _check_dataset(source, fold)
    check_prepared(data, "test")
    items = load_datalist(data, "test")
    folders = NnUNetFolders(source.resolve().parent, target / "preprocessed", target / "results")
    started = time.perf_counter()
    plan_and_preprocess(folders, source.name)
    predictions = target / "predictions"
    trained = train_and_predict(folders, source.name, fold, budget, source / "imagesTs", predictions)
    summary = score_predictions(predictions, items, target / "summary.json", structures_in(data))
    seconds = round(time.perf_counter() - started, 1)
    scores = {**score_table(summary), "training": {**trained, "fold": fold, **vars(budget), "seconds": seconds}}
    write_json(target / "scores.json", scores)
    return scores


def run_nnunet_demo(
    out: str | Path, data: str | Path | None = None, budget: NnUNetBudget | None = None
) -> dict[str, dict[str, Any]]:
    """Trains nnU-Net and the bundle's segmenter on the same frames, for the same number of steps.

    Args:
        out: folder to write.
        data: prepared folder; simulated frames of 40 patients when omitted.
        budget: length of nnU-Net's training.

    Returns:
        Scores by ``nnunet`` and ``dynunet``; also in ``comparison.json``.

    Raises:
        EchoSynthError: nnunetv2 is not installed, or ``data`` is not prepared.
    """
    require_nnunet()
    root, budget = Path(out), budget or NnUNetBudget()
    if data is None:
        if not (root / "prepared" / "dataset.json").is_file():
            write_phantom(root / "phantom", patients=_PATIENTS, seed=budget.seed)
        data = prepare(root / "phantom", root / "prepared", size=_SIZE, seed=budget.seed)
    shutil.rmtree(root / "nnunet", ignore_errors=True)
    dataset = write_raw_dataset([data], root / "nnunet" / "raw", 501, "echo", folds=1)
    found = {"nnunet": train_nnunet(dataset, data, root / "nnunet", budget=budget)}
    size = int(read_dataset_json(data)["spatial_size"][0])
    settings = SegmentationSettings(size, iterations=budget.epochs * budget.iterations, seed=budget.seed)
    started = time.perf_counter()
    trained = train_segmenter(root / "dynunet", data, settings)
    found["dynunet"] = evaluate_segmenter(root / "dynunet", data, root / "dynunet_scores")
    found["dynunet"]["training"] = {**trained, "seconds": round(time.perf_counter() - started, 1)}
    write_json(root / "comparison.json", found)
    return found


def _check_dataset(dataset: Path, fold: int) -> None:
    path = dataset / "splits_final.json"
    if not path.is_file() or not dataset.name.startswith("Dataset"):
        raise EchoSynthError(
            f"a raw data set with splits_final.json was expected, got {dataset}: run 'echosynth nnunet-export' first"
        )
    folds = len(json.loads(path.read_text(encoding="utf-8")))
    if not 0 <= fold < folds:
        raise EchoSynthError(f"a fold must be one of 0 to {folds - 1}, got {fold}: choose one of {path}")
    if not any((dataset / "imagesTs").glob("*.nii.gz")):
        raise EchoSynthError(
            f"a data set with test frames was expected, got none in {dataset / 'imagesTs'}: export one that has"
        )
