"""Fits a statistical shape model on a prepared folder, judges it, and samples label maps from it.

``run_shape_model`` writes ``shape_model.safetensors``, ``shape_model.json`` (all numbers), ``modes.png``, ``curves.png`` and
``maps.png`` (sampled maps under real ones); ``run_shape_masks`` writes a folder of label maps that ``echosynth generate`` takes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from monai_echosynth.data.atomic import write_json
from monai_echosynth.data.builtin_labels import SEMANTIC_LABELS
from monai_echosynth.data.datalist import read_dataset_json
from monai_echosynth.data.folder_labels import LABEL_FILE
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.data.shapes import (
    Alignment,
    FittedShapes,
    SampledMap,
    ShapeFit,
    ShapeMap,
    anchored,
    check_anatomy,
    correspond,
    fit_shapes,
    load_shapes,
    save_shapes,
)
from monai_echosynth.data.shapes.quality_curves import (
    compactness,
    curve_distance,
    generality,
    reconstruction_errors,
    specificity,
)
from monai_echosynth.data.write_nifti import write_nifti
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows.report.mosaic import draw_mosaic
from monai_echosynth.workflows.report.shape_figure import draw_modes, draw_quality
from monai_echosynth.workflows.shape_maps import prepared_table, read_shape_maps

__all__ = ["run_shape_masks", "run_shape_model"]

Folder = str | PathLike[str]

MODE_COUNTS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48)
"""Numbers of modes at which the curves are measured."""


def run_shape_model(
    data: Folder | Sequence[Folder],
    out: Folder,
    *,
    table: LabelTable | Folder | None = None,
    section: str = "training",
    held_out: Sequence[str] = ("validation", "test"),
    variance: float = 0.95,
    samples: int = 1000,
    deviations: float = 2.5,
    alignment: str = "rigid",
    folds: int = 5,
    seed: int = 0,
) -> dict[str, Any]:
    """Fits, judges and draws a shape model.

    Args:
        data: prepared folders of one label table.
        out: folder that gets the model, its numbers and its pictures.
        table: label table or JSON file of one; by default the one that the folders name.
        section: section that the model is fitted on.
        held_out: sections whose shapes the final model is tried on; those that are empty are passed over.
        variance: share of the variance whose modes new shapes use.
        samples: number of maps that are sampled and checked.
        deviations: modes stay within so many standard deviations.
        alignment: ``rigid`` (size is a part of the shape, in mm) or ``similarity`` (size belongs to the pose).
        folds: parts of the cross-validation; patients stay together.
        seed: seed of folds and samples.

    Returns:
        Content of ``shape_model.json``.

    Raises:
        EchoSynthError: a folder, a map or an option is not usable; the message names it.
    """
    if alignment not in list(Alignment):
        raise EchoSynthError(f"alignment must be one of {', '.join(Alignment)}, got '{alignment}': choose one of these")
    folders = [data] if isinstance(data, str | PathLike) else list(data)
    labels = prepared_table(folders, table)
    maps = read_shape_maps(folders, section)
    fit = fit_shapes(maps, labels, alignment=Alignment(alignment), variance=variance)
    out = Path(out)
    save_shapes(fit.fitted, out / "shape_model.safetensors")
    sampler = fit.fitted.sampler(deviations)
    drawn = [sampler.sample(seed, index) for index in range(samples)]
    summary = {
        "table": labels.name,
        "structures": [outline.name for outline in fit.fitted.model.layout.outlines],
        "contacts": [list(pair) for pair in fit.fitted.model.layout.contacts],
        "maps": len(fit.points),
        "left_out": [{"name": name, "reason": reason} for name, reason in fit.left_out],
        "points": fit.fitted.model.layout.size,
        "variance": variance,
        "modes": fit.fitted.modes,
        **_curves(fit, variance, deviations, folds, seed),
        "held_out": _held_out(fit.fitted, folders, held_out),
        "samples": _sample_numbers(drawn, fit.fitted, deviations),
        "seed": seed,
    }
    write_json(out / "shape_model.json", summary)
    draw_modes(fit.fitted.model, labels, out / "modes.png")
    draw_quality(summary, out / "curves.png")
    _draw_maps(maps, drawn, labels, out / "maps.png")
    return summary


def run_shape_masks(
    model: Folder, out: Folder, count: int, *, seed: int = 0, start: int = 0, deviations: float = 2.5
) -> list[Path]:
    """Writes sampled label maps to ``out/labels``, with their label table; map k depends on (seed, k) alone.

    Args:
        model: file of :func:`run_shape_model`.
        out: folder to write.
        count: number of maps.
        seed: seed of the maps.
        start: number of the first map.
        deviations: modes stay within so many standard deviations.

    Raises:
        EchoSynthError: the model is not usable, ``count`` is not positive, or no valid map is found.
    """
    if count < 1:
        raise EchoSynthError(f"at least one map must be asked for, got {count}: give a positive number")
    fitted = load_shapes(Path(model))
    if fitted.table != SEMANTIC_LABELS:
        write_json(Path(out) / LABEL_FILE, fitted.table.to_dict())
    sampler, paths = fitted.sampler(deviations), []
    for index in range(start, start + count):
        drawn = sampler.sample(seed, index)
        paths.append(Path(out) / "labels" / f"ssm{index:05d}.nii.gz")
        write_nifti(paths[-1], drawn.label, drawn.spacing)
    return paths


def _curves(fit: ShapeFit, variance: float, deviations: float, folds: int, seed: int) -> dict[str, Any]:
    model = fit.fitted.model
    counts = sorted({count for count in MODE_COUNTS if count <= len(model.variances)} | {fit.fitted.modes})
    general = generality(fit.points, fit.groups, model.layout, counts, variance, model.alignment, folds, seed)
    specific = specificity(model, counts, seed=seed, k=deviations)
    at = counts.index(fit.fitted.modes)
    return {
        "generality_mm": float(general.at_share.mean()),
        "generality_curves_mm": float(general.curves_at_share.mean()),
        "specificity_mm": float(specific[:, at].mean()),
        "compactness": compactness(model).tolist(),
        "generality": _curve(counts, general.errors),
        "specificity": _curve(counts, specific),
    }


def _curve(counts: Sequence[int], values: np.ndarray) -> dict[str, list[float]]:
    return {"modes": list(counts), "mean_mm": values.mean(axis=0).tolist(), "sd_mm": values.std(axis=0).tolist()}


def _held_out(fitted: FittedShapes, folders: Sequence[Folder], sections: Sequence[str]) -> dict[str, Any]:
    """Errors of the final model on sections it has not seen."""
    found: dict[str, Any] = {}
    for section in sections:
        if not any(read_dataset_json(folder).get(section) for folder in folders):
            continue
        maps = read_shape_maps([f for f in folders if read_dataset_json(f).get(section)], section)
        shapes = correspond(maps, fitted.table, fitted.model.layout)
        points = anchored(shapes, maps, fitted.table)
        if not len(points):
            continue
        errors = reconstruction_errors(fitted.model, points, [fitted.modes])
        rebuilt = [fitted.model.rebuild(shape, fitted.modes) for shape in points]
        pairs = zip(points, rebuilt, strict=True)
        found[section] = {
            "maps": len(points),
            "left_out": [{"name": name, "reason": reason} for name, reason in shapes.left_out],
            "generality_mm": float(errors.mean()),
            "generality_curves_mm": float(np.mean([curve_distance(a, b, fitted.model.layout) for a, b in pairs])),
        }
    return found


def _sample_numbers(drawn: Sequence[SampledMap], fitted: FittedShapes, deviations: float) -> dict[str, Any]:
    attempts = sum(item.attempts for item in drawn)
    masks = (fitted.sectors[item.source].mask for item in drawn)
    valid = sum(not check_anatomy(item.label, fitted.rules, mask) for item, mask in zip(drawn, masks, strict=True))
    reasons = Counter(reason for item in drawn for reason in item.rejected)
    return {
        "maps": len(drawn),
        "valid": valid,
        "deviations": deviations,
        "attempts": attempts,
        "rejection_rate": 1.0 - len(drawn) / max(attempts, 1),
        "reasons": dict(reasons.most_common(10)),
    }


def _draw_maps(maps: Sequence[ShapeMap], drawn: Sequence[SampledMap], table: LabelTable, path: Path) -> None:
    real = [maps[int(i)].label for i in np.linspace(0, len(maps) - 1, 8)]
    rows = [real, *([item.label for item in drawn[i : i + 8]] for i in range(0, min(len(drawn), 24), 8))]
    draw_mosaic([[table.colors[label] for label in row] for row in rows], ["real; sampled below"], path)
