"""Which frames are copies of training frames? Held-out patients decide how similar a frame may be without being one.

Two real patients are similar, and some more than others. The similarity of every held-out frame to its nearest training
frame is measured in the same way; correlation and SSIM are each brought to robust standard deviations above the median of
held-out frames, and the larger one is the frame's *suspicion*. The threshold is set by the largest suspicion of each
held-out patient (:func:`monai_echosynth.metrics.detection.control_threshold`), so that a further patient who was never
seen raises an alarm with probability ``rate`` at most. It is not set below 4: with few patients it is their largest value,
which may be small by chance. How many held-out patients raise an alarm is measured too, each by the threshold of all others.

Features take part as a way to find candidates and are reported; they do not raise alarms, because frames of one label map
are near in the features of a network of the anatomy, copied or not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.metrics.detection import ControlThreshold, control_threshold, robust_scale
from monai_echosynth.networks.features.activations import FeatureNetwork
from monai_echosynth.workflows.copy_search import CopyMatch, Gallery, find_copies
from monai_echosynth.workflows.gap_frames import patient_of

__all__ = ["CopyControl", "Found", "fit_control", "search", "suspicion"]

_STATISTICS: Final = ("correlation", "ssim")

_LEAST: Final = 4.0
"""Suspicion below which no frame is flagged: unrelated patients reach it hardly ever, copies are far beyond it."""

_FEWEST: Final = 4
"""Held-out patients from which false alarms are measured."""

_SAME: Final = 0.95
"""Correlation of textures from which a held-out frame is a training frame."""


class Found(NamedTuple):
    """Frames and their nearest ones in a gallery."""

    items: list[Mapping[str, Any]]
    matches: list[CopyMatch]

    def column(self, name: str) -> NDArray[np.float64]:
        """One number of each match."""
        return np.array([getattr(match, name) for match in self.matches], dtype=np.float64)

    def at(self, rows: NDArray[np.intp]) -> Found:
        """Some of the frames."""
        return Found([self.items[i] for i in rows], [self.matches[i] for i in rows])

    @property
    def patients(self) -> list[str]:
        """Patient of each frame."""
        return [patient_of(item) for item in self.items]


@dataclass(frozen=True)
class CopyControl:
    """What held-out frames say.

    Attributes:
        scales: statistic to its median and robust standard deviation.
        threshold: suspicion above which a frame is flagged.
        bound: probability that a patient who was never seen raises an alarm.
        suspicion: of the held-out frames.
        false_alarms: share of held-out patients, and of their frames, that are flagged by the threshold of other ones;
            None where there are too few patients.
        feature_near: distance in features that 5 % of held-out frames fall below.
    """

    scales: Mapping[str, tuple[float, float]]
    threshold: float
    bound: float
    suspicion: NDArray[np.float64]
    false_alarms: Mapping[str, float] | None
    feature_near: float


def search(
    items: Sequence[Mapping[str, Any]], gallery: Gallery, table: LabelTable, size: int, network: FeatureNetwork
) -> Found:
    """Nearest frames of a gallery; see :func:`monai_echosynth.workflows.copy_search.find_copies`."""
    pairs = list(find_copies(items, gallery, table, size, network))
    return Found([item for item, _ in pairs], [match for _, match in pairs])


def fit_control(held_out: Found, gallery: Gallery, rate: float) -> CopyControl:
    """Threshold and false alarms from held-out frames.

    Args:
        held_out: frames of patients that took no part in training, with their nearest training frames.
        gallery: the training frames.
        rate: share of held-out patients that may raise an alarm.

    Raises:
        EchoSynthError: there are fewer than two patients, or a frame is a training frame.
    """
    patients = held_out.patients
    if len(set(patients)) < 2:
        raise EchoSynthError(
            f"the control needs frames of at least 2 held-out patients, got {len(set(patients))}: name more sections or data"
        )
    for item, match in zip(*held_out, strict=True):
        if match.correlation > _SAME:
            raise EchoSynthError(
                f"held-out frames must not be among the training frames, got {item['image']}, which is "
                f"{gallery.items[match.nearest]['image']}: name frames of other patients"
            )
    scales = {name: robust_scale(held_out.column(name)) for name in _STATISTICS}
    scores = suspicion(held_out, scales)
    found = _threshold(scores, patients, rate)
    near = float(np.quantile(held_out.column("feature_distance"), 0.05))
    return CopyControl(scales, *found, scores, _false_alarms(held_out, rate), near)


def suspicion(found: Found, scales: Mapping[str, tuple[float, float]]) -> NDArray[np.float64]:
    """(n,) robust standard deviations above the median of held-out frames, the larger of correlation and SSIM."""
    scored = [(found.column(name) - center) / spread for name, (center, spread) in scales.items()]
    return np.max(scored, axis=0) if found.matches else np.zeros(0)


def _false_alarms(held_out: Found, rate: float) -> dict[str, float] | None:
    patients = np.asarray(held_out.patients)
    names = np.unique(patients)
    if len(names) < _FEWEST:
        return None
    flagged = np.zeros(len(patients), bool)
    for name in names:
        others = held_out.at(np.flatnonzero(patients != name))
        scales = {key: robust_scale(others.column(key)) for key in _STATISTICS}
        limit = _threshold(suspicion(others, scales), others.patients, rate).value
        flagged |= (patients == name) & (suspicion(held_out, scales) > limit)
    return {
        "patients": float(np.mean([flagged[patients == name].any() for name in names])),
        "frames": float(flagged.mean()),
    }


def _threshold(scores: NDArray[np.float64], patients: Sequence[str], rate: float) -> ControlThreshold:
    """Threshold of the largest score of each patient, not below what is worth a look."""
    found = control_threshold(_by_patient(scores, patients), rate)
    return found._replace(value=max(found.value, _LEAST))


def _by_patient(scores: NDArray[np.float64], patients: Sequence[str]) -> NDArray[np.float64]:
    """Largest score of each patient."""
    names, index = np.unique(np.asarray(patients), return_inverse=True)
    found = np.full(len(names), -np.inf)
    np.maximum.at(found, index, scores)
    return found
