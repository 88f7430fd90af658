"""Distances of two sets of features, as JSON: FID, KID, CMMD, precision, recall, density, coverage."""

from __future__ import annotations

from typing import Any, Final

from monai_echosynth.metrics.feature_sets import check_features, standardized
from monai_echosynth.metrics.frechet_distance import frechet_distance
from monai_echosynth.metrics.kernel_jackknife import (
    CMMD_BANDWIDTH,
    CMMD_SCALE,
    cubic_kernel,
    discrepancy_interval,
    gaussian_kernel,
    median_distance,
)
from monai_echosynth.metrics.neighborhood_coverage import NEIGHBORS, neighborhood_coverage
from monai_echosynth.networks.features.activations import FeatureNetwork
from monai_echosynth.workflows.set_features import FeatureSet

__all__ = ["DISTRIBUTION_METRICS", "distribution_metrics"]

DISTRIBUTION_METRICS: Final = ("fid", "kid", "cmmd", "precision", "recall", "density", "coverage")
"""Names in reading order."""


def distribution_metrics(
    real: FeatureSet, synthetic: FeatureSet, network: FeatureNetwork
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Name of the metric to ``value`` and, where there is one, ``ci95``; and remarks.

    Features that differ in scale are standardized by the real set first.
    """
    x, y = check_features(real.vectors, synthetic.vectors, fewest=2)
    if network.standardize:
        x, y = standardized(x, y)
    kid = discrepancy_interval(x, y, cubic_kernel, real.patients, synthetic.patients)
    published = network.published_cmmd
    bandwidth, scale = (CMMD_BANDWIDTH, CMMD_SCALE) if published else (median_distance(x), 1.0)
    cmmd = discrepancy_interval(x, y, gaussian_kernel(bandwidth), real.patients, synthetic.patients)
    found: dict[str, dict[str, Any]] = {
        "fid": {"value": frechet_distance(x, y)},
        "kid": {"value": kid.mean, "ci95": [kid.low, kid.high]},
        "cmmd": {
            "value": scale * cmmd.mean,
            "ci95": [scale * cmmd.low, scale * cmmd.high],
            "bandwidth": bandwidth,
            "published": published,
        },
    }
    notes = []
    fewest = min(len(x), len(y))
    if fewest > NEIGHBORS:
        shares = neighborhood_coverage(x, y)
        found |= {name: {"value": value} for name, value in shares._asdict().items()}
    else:
        found |= {name: {"value": None} for name in DISTRIBUTION_METRICS[3:]}
        notes.append(
            f"precision, recall, density and coverage need more than {NEIGHBORS} frames a set and are left out"
        )
    if fewest < x.shape[1]:
        notes.append(f"FID of {fewest} frames in {x.shape[1]} features is biased upwards: trust KID")
    return {name: found[name] for name in DISTRIBUTION_METRICS}, notes
