"""The gap between real and synthetic frames in seven numbers; smaller is closer.

``measure_domain`` measures one set, ``compare`` two of them, so that several synthetic sets share the real side. Beside the
measures of texture (:mod:`monai_echosynth.metrics.domain_gap`) there are two that learn: the kernel distance in the features of a
segmenter of real frames, and the held-out AUC of a classifier of the two sets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from monai_echosynth.data.builtin_labels import SECTOR
from monai_echosynth.data.datalist import read_label_table
from monai_echosynth.data.finite_json import finite_json
from monai_echosynth.data.folder_labels import structures
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.metrics.auc import bootstrap_auc
from monai_echosynth.metrics.domain_gap import TEXTURE_GAPS, Gap
from monai_echosynth.metrics.domain_statistics import TextureStatistics, measure_frames
from monai_echosynth.metrics.kernel_distance import kernel_distance
from monai_echosynth.workflows.domain_classifier import FrameStack, cross_fit
from monai_echosynth.workflows.extractors import domain_features
from monai_echosynth.workflows.frame_batches import to_batch
from monai_echosynth.workflows.gap_frames import SectionFrames, grid_size, normalized, read_section

__all__ = ["FRAMES", "GAPS", "DomainStatistics", "common_size", "compare", "measure_domain", "measure_gap"]

FRAMES: Final = 200
"""Frames of a set that are measured, at most."""

GAPS: Final = ("spectrum", "speckle", "grain", "gradient", "sharpness", "kid", "classifier")
"""Names of the measures, in reading order."""

_BATCH: Final = 16


@dataclass(frozen=True)
class DomainStatistics:
    """What is known about one set of frames.

    Attributes:
        folder: where the frames lie.
        section: section of the folder.
        size: edge in pixels of the grid that was measured on.
        labels: names of the labels by id.
        texture: measures of the frames.
        stack: the frames themselves, for the classifier.
        features: (n, F) features of a segmenter; None without one.
        notes: what was left out, and why.
    """

    folder: str
    section: str
    size: int
    labels: Mapping[str, str]
    texture: TextureStatistics
    stack: FrameStack
    features: NDArray[np.float32] | None
    notes: tuple[str, ...] = ()

    def describe(self) -> dict[str, Any]:
        """What the set is, as JSON."""
        patients = self.stack.patients
        kept = {"folder": self.folder, "section": self.section}
        return {**kept, "frames": len(patients), "patients": len(set(patients))}


def measure_domain(
    folder: str | Path,
    section: str = "training",
    segmenter: str | Path | None = None,
    *,
    size: int | None = None,
    frames: int = FRAMES,
    seed: int = 0,
) -> DomainStatistics:
    """Measures one section of a prepared folder or a synthetic set.

    Args:
        folder: folder with ``dataset.json``.
        section: section of it.
        segmenter: trained ``echo_segmentation`` bundle; without it there is no kernel distance.
        size: edge of the grid in pixels; that of the folder when omitted.
        frames: frames that are measured at most.
        seed: seed of their draw.

    Raises:
        EchoSynthError: the folder is not usable, see :func:`monai_echosynth.workflows.gap_frames.read_section`.
    """
    table = read_label_table(folder)
    edge = size or grid_size(folder)
    read = read_section(folder, section, table, edge, frames, seed)
    names = {entry.id: entry.name for entry in structures(table)}
    return DomainStatistics(
        folder=str(folder),
        section=section,
        size=edge,
        labels=table.names,
        texture=measure_frames(read.frames, names, table.id_of(SECTOR)),
        stack=FrameStack(normalized(read.frames), read.patients),
        features=None if segmenter is None else _features(segmenter, read),
        notes=read.notes,
    )


def compare(real: DomainStatistics, synthetic: DomainStatistics, seed: int = 0) -> dict[str, Any]:
    """Compares two sets.

    Args:
        real: the set that the features and the ratios refer to.
        synthetic: the other one.
        seed: seed of the classifier and of all resampling.

    Returns:
        ``real`` and ``synthetic`` (what they are), ``size``, ``seed``, ``notes`` and ``gaps``: name to ``value`` (None where
        nothing could be compared), ``unit`` and details.

    Raises:
        EchoSynthError: the sets were measured on different grids, or have different labels.
    """
    _check_match(real, synthetic)
    gaps = {name: function(real.texture, synthetic.texture) for name, function in TEXTURE_GAPS.items()}
    gaps |= {"kid": _kernel_gap(real, synthetic, seed), "classifier": _classifier_gap(real, synthetic, seed)}
    return {
        "real": real.describe(),
        "synthetic": synthetic.describe(),
        "size": real.size,
        "seed": seed,
        "gaps": {name: finite_json(_as_dict(gaps[name])) for name in GAPS},
        "notes": [*real.notes, *synthetic.notes, *(note for name in GAPS for note in gaps[name].notes)],
    }


def measure_gap(
    real: str | Path,
    synthetic: str | Path,
    segmenter: str | Path | None = None,
    section: str = "test",
    seed: int = 0,
    frames: int = FRAMES,
) -> dict[str, Any]:
    """Gap between one section of a prepared folder and the ``training`` section of a synthetic set.

    Arguments, result and errors are those of :func:`measure_domain` and :func:`compare`; both sets are measured on the smaller
    one of their grids.
    """
    size = common_size(real, synthetic)
    first = measure_domain(real, section, segmenter, size=size, frames=frames, seed=seed)
    second = measure_domain(synthetic, "training", segmenter, size=size, frames=frames, seed=seed)
    return compare(first, second, seed)


def common_size(real: str | Path, synthetic: str | Path) -> int:
    """Edge of the smaller grid of two folders.

    Raises:
        EchoSynthError: a folder is not prepared, or their label tables differ.
    """
    read_label_table([real, synthetic])
    return min(grid_size(real), grid_size(synthetic))


def _features(segmenter: str | Path, read: SectionFrames) -> NDArray[np.float32]:
    """Features (n, F) of frames on the grid that they were read on."""
    network, found = domain_features(segmenter), []
    for start in range(0, len(read.frames), _BATCH):
        part = slice(start, start + _BATCH)
        found.append(network(to_batch(read.frames[part], read.items[part]).image).vector.numpy())
    return np.concatenate(found)


def _check_match(real: DomainStatistics, synthetic: DomainStatistics) -> None:
    if real.labels != synthetic.labels:
        names = [", ".join(part.labels.values()) for part in (real, synthetic)]
        raise EchoSynthError(
            f"compared sets must have the same labels, got {names[0]} and {names[1]}: remap one of them"
        )
    if real.size != synthetic.size:
        raise EchoSynthError(
            f"compared sets must be measured on one grid, got {real.size} and {synthetic.size} pixels: pass the same size"
        )


def _kernel_gap(real: DomainStatistics, synthetic: DomainStatistics, seed: int) -> Gap:
    if real.features is None or synthetic.features is None:
        return Gap(float("nan"), "", {"sd": None}, ("the kernel distance is left out: it needs a segmenter",))
    found = kernel_distance(real.features, synthetic.features, seed=seed)
    return Gap(found.value, "", {"sd": found.sd})


def _classifier_gap(real: DomainStatistics, synthetic: DomainStatistics, seed: int) -> Gap:
    try:
        fit = cross_fit(real.stack, synthetic.stack, seed)
    except EchoSynthError as error:
        return Gap(float("nan"), "", {"auc": None, "ci95": None}, (f"the classifier is left out: {error}",))
    positive = np.repeat([False, True], [len(fit.real), len(fit.synthetic)])
    folds = np.concatenate([fit.real_fold, fit.synthetic_fold])
    patients = [*real.stack.patients, *synthetic.stack.patients]
    found = bootstrap_auc(np.concatenate([fit.real, fit.synthetic]), positive, patients, folds, seed=seed)
    details = {
        "auc": found.mean,
        "ci95": [found.low, found.high],
        "scores": {"real": np.round(fit.real, 4).tolist(), "synthetic": np.round(fit.synthetic, 4).tolist()},
    }
    return Gap(abs(found.mean - 0.5), "", details)


def _as_dict(gap: Gap) -> dict[str, Any]:
    found = asdict(gap)
    return {"value": found["value"], "unit": found["unit"], **found["details"]}
