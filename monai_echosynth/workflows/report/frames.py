"""Real and synthetic frames side by side: the real frame, and frames generated from the very same mask."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from monai_echosynth.workflows.report.contours import contour_overlay
from monai_echosynth.workflows.report.frame_grid import cell, frame_grid
from monai_echosynth.workflows.report.frame_io import Frame, frame_png, read_frame, readable
from monai_echosynth.workflows.report.markup import Section, note, paragraph, png_uri
from monai_echosynth.workflows.report.study import Study

__all__ = ["frames_section"]

MASKS = 5
SEEDS = 4
SCANNED = 32
"""Synthetic frames of one acquisition compared with the real frame's mask."""

RELATED = 0.6
"""Agreement of two masks below which they are not shown side by side."""


class Match(NamedTuple):
    """A real frame, synthetic frames from its mask, and the Dice of the two masks (1 for the same mask)."""

    real: Frame
    synthetic: list[Frame]
    agreement: float


def frames_section(study: Study) -> Section:
    """Frames of `showcase/` (a synthetic folder made for this purpose) if there is one, else of `synthetic/`."""
    title = "Real and synthetic frames, same mask"
    folder = "showcase" if study.entries("showcase") else "synthetic"
    matches = _matches(study.entries("prepared"), study.entries(folder))
    if not matches:
        return Section(
            "frames", title, note("No synthetic frame with a real counterpart was found, so no frames are shown.")
        )
    text = paragraph(
        "Left, a real frame with the outline of its mask; to its right, frames generated from that mask with different "
        "seeds. Anatomy is given by the mask, everything else by the seed."
    )
    return Section("frames", title, text + frame_grid("frames", [_row(match) for match in matches]))


def _matches(prepared: Sequence[dict[str, Any]], synthetic: Sequence[dict[str, Any]]) -> list[Match]:
    """Pairs real entries with synthetic ones by the `mask` key or by patient, view and phase; one row a patient."""
    by_source: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for entry in synthetic:
        for key in (entry.get("mask"), _acquisition(entry)):
            if key is not None:
                by_source[key].append(entry)
    paired = [e for e in prepared if e.get("id") in by_source or _acquisition(e) in by_source]
    found: list[Match] = []
    for entries in _by_patient(paired)[: 4 * MASKS]:
        best: Match | None = None
        for entry in entries:
            made = by_source.get(entry.get("id")) or by_source.get(_acquisition(entry)) or []
            match = _match(entry, made)
            if match and (best is None or match.agreement > best.agreement):
                best = match
            if best and best.agreement == 1.0:
                break
        if best:
            found.append(best)
    return sorted(found, key=lambda match: (-round(match.agreement, 2), -len(match.synthetic)))[:MASKS]


def _by_patient(entries: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Entries of each patient; each next patient begins with its next view or phase, so that the rows show them all."""
    patients: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for entry in entries:
        patients[entry.get("patient", entry.get("id"))].append(entry)
    return [found[i % len(found) :] + found[: i % len(found)] for i, found in enumerate(patients.values())]


def _acquisition(entry: dict[str, Any]) -> tuple[Any, ...] | None:
    return (entry["patient"], entry.get("view"), entry.get("phase")) if entry.get("patient") else None


def _match(entry: dict[str, Any], made: Sequence[dict[str, Any]]) -> Match | None:
    if not made:
        return None
    real = read_frame(entry)
    frames = [frame for frame in map(read_frame, made[:SCANNED]) if frame.label.shape == real.label.shape]
    scores = [_agreement(real, frame) for frame in frames]
    best = max(scores, default=0.0)
    if best < RELATED:
        return None
    chosen = [frame for frame, score in zip(frames, scores, strict=True) if score > best - 1e-9]
    return Match(real, chosen[:SEEDS], best)


def _agreement(a: Frame, b: Frame) -> float:
    """Share of the pixels of both structures that carry the same structure (Dice over ids 1..3)."""
    first, second = np.isin(a.label, (1, 2, 3)), np.isin(b.label, (1, 2, 3))
    same = (a.label == b.label) & first
    return 2.0 * float(same.sum()) / max(1, int(first.sum() + second.sum()))


def _row(match: Match) -> tuple[str, list[str]]:
    remark = (
        "" if match.agreement > 0.999 else f" (mask augmented; Dice {match.agreement:.2f} with the real frame's mask)"
    )
    aspect = match.real.aspect
    cells = [_cell(match.real, aspect, "Real", "real", "Real echocardiogram")]
    for index, frame in enumerate(match.synthetic, start=1):
        cells.append(
            _cell(frame, aspect, f"Synthetic {index}", "synthetic", f"Synthetic echocardiogram, seed {index},")
        )
    return readable(match.real.name) + remark, cells


def _cell(frame: Frame, aspect: float, caption: str, kind: str, alt: str) -> str:
    uri = png_uri(frame_png(frame.image, aspect))
    return cell(
        uri, contour_overlay(frame.label), aspect, caption, f"{alt} of {frame.name} with its mask outlined", kind
    )
