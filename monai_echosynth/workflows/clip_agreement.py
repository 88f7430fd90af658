"""CLIP score: how well frames agree with a sentence about them, 100 max(cos, 0) of both embeddings.

Read it beside that of real frames: CLIP networks of photographs know ultrasound as such and hardly its views.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from monai_echosynth.data.builtin_labels import SEMANTIC_LABELS
from monai_echosynth.data.guided_set import frame_text
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.networks.features.transformers_folder import ClipText
from monai_echosynth.workflows.frame_batches import frame_batches
from monai_echosynth.workflows.gap_frames import patient_of
from monai_echosynth.workflows.guides import PROMPT
from monai_echosynth.workflows.mean_interval import mean_with_interval

__all__ = ["clip_agreement", "sentence"]

_VIEWS: Final = {
    "2CH": "apical two-chamber",
    "4CH": "apical four-chamber",
    "ME4C": "mid-esophageal four-chamber",
}
_PHASES: Final = {"ED": " at end-diastole", "ES": " at end-systole"}


def sentence(item: Mapping[str, Any], table: LabelTable = SEMANTIC_LABELS) -> str:
    """What is known about a frame, in words: its own text, view and phase of a heart, a class, or ultrasound as such.

    Args:
        item: entry of a datalist.
        table: label table of the frame; one without a left ventricle is not of a heart.
    """
    known = str(item.get("view", ""))
    if item.get("text") or (known and known not in _VIEWS):
        return frame_text(item, PROMPT)
    view = _VIEWS.get(known, "")
    if not view and not any(entry.name == "lv_endo" for entry in table.entries):
        return "an ultrasound image"
    return f"an ultrasound image of the heart, {view or 'echocardiographic'} view{_PHASES.get(str(item.get('phase', '')), '')}"


def clip_agreement(
    clip: ClipText,
    items: Sequence[Mapping[str, Any]],
    table: LabelTable,
    size: int,
    prompt: str | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Mean score with its interval over patients.

    Args:
        clip: the model.
        items: entries of a datalist.
        table: their label table.
        size: edge of the grid in pixels.
        prompt: one sentence for all frames; by default what is known about view and phase of each.
        seed: of the interval.
    """
    scores: list[float] = []
    patients: list[str] = []
    for batch in frame_batches(items, table, size):
        scores += clip.score(batch.image, [prompt or sentence(item, table) for item in batch.items]).tolist()
        patients += [patient_of(item) for item in batch.items]
    return mean_with_interval(scores, patients, seed)
