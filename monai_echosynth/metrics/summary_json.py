"""``summary.json`` in nnU-Net's schema.

``metric_per_case``: a list of ``{"metrics": {key: {...}}, "prediction_file", "reference_file"}``;
``mean``: ``{key: {metric: mean over cases}}``; ``foreground_mean``: ``{metric: mean over labels}``. Keys are ``"1"`` for a
label and ``"(1, 2)"`` for a region. Values that are not defined (structure absent in both maps) are NaN and left out of the
means. Regions overlap the labels they are made of, so ``foreground_mean`` runs over the plain labels alone.

References:
    Isensee et al., "nnU-Net: a self-configuring method for deep learning-based biomedical image segmentation".
    https://doi.org/10.1038/s41592-020-01008-z
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from monai_echosynth.metrics.case_scores import CaseMetrics

__all__ = ["averaged", "case_entry", "summarize", "values_of"]


def case_entry(metrics: CaseMetrics, prediction_file: str, reference_file: str, **extra: Any) -> dict[str, Any]:
    """One entry of ``metric_per_case``; ``extra`` (such as ``patient``) is kept beside nnU-Net's keys."""
    return {"metrics": metrics, "prediction_file": prediction_file, "reference_file": reference_file, **extra}


def summarize(cases: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The whole ``summary.json`` of entries made by :func:`case_entry`.

    Raises:
        ValueError: there is no case.
    """
    if not cases:
        raise ValueError("a summary needs at least one case, got none: check the folder of predictions")
    keys = list(cases[0]["metrics"])
    mean = {key: {name: _mean(values_of(cases, key, name)) for name in cases[0]["metrics"][key]} for key in keys}
    labels = [key for key in keys if not key.startswith("(")]
    foreground = {name: _mean([mean[key][name] for key in labels]) for name in mean[labels[0]]}
    return {"foreground_mean": foreground, "mean": mean, "metric_per_case": list(cases)}


def averaged(summaries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One summary of several of the same frames, such as those of segmenters that differ in their seed.

    Every score of a frame is the mean of those that are defined; files are those of the first summary.

    Raises:
        ValueError: there is none, or they are not of the same frames.
    """
    if not summaries:
        raise ValueError("an average needs at least one summary, got none: score a segmenter first")
    frames = [[case["reference_file"].rsplit("/", 1)[-1] for case in one["metric_per_case"]] for one in summaries]
    if any(names != frames[0] for names in frames):
        raise ValueError("averaged summaries must be of the same frames in the same order: score all on one folder")
    cases = []
    for together in zip(*(one["metric_per_case"] for one in summaries), strict=True):
        metrics = {
            key: {name: _mean([float(case["metrics"][key][name]) for case in together]) for name in found}
            for key, found in together[0]["metrics"].items()
        }
        cases.append({**together[0], "metrics": metrics})
    return summarize(cases)


def values_of(cases: Sequence[Mapping[str, Any]], key: str, name: str) -> list[float]:
    """Metric ``name`` of structure ``key`` in every case, in order, NaN where it is not defined."""
    return [float(case["metrics"][key][name]) for case in cases]


def _mean(values: Sequence[float]) -> float:
    """Mean of the defined values; NaN when there is none."""
    array = np.asarray(values, dtype=np.float64)
    defined = array[~np.isnan(array)]
    return float(defined.mean()) if defined.size else float("nan")
