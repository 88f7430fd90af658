"""``echosynth audit``: does a synthetic set repeat frames of its training, and does the generator remember patients?

Three questions, each with held-out patients as the control: which frames are copies
(:mod:`monai_echosynth.workflows.copy_check`), whether the set as a whole is nearer to the training frames than to as many
held-out ones, and whether the denoising loss gives members away (:mod:`monai_echosynth.workflows.membership`). Written as
``audit.json`` and ``audit.html``, and in short into the set's manifest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from monai_echosynth.data.atomic import write_json, write_text
from monai_echosynth.data.conditions import condition_items
from monai_echosynth.data.datalist import load_datalist, read_dataset_json, read_label_table
from monai_echosynth.data.finite_json import finite_json
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.features.activations import FeatureNetwork
from monai_echosynth.workflows.audit_filter import record_audit, write_filtered
from monai_echosynth.workflows.audit_report import audit_page
from monai_echosynth.workflows.copy_check import fit_control, search
from monai_echosynth.workflows.copy_result import CopyCheck
from monai_echosynth.workflows.copy_search import build_gallery
from monai_echosynth.workflows.extractors import domain_features
from monai_echosynth.workflows.frame_batches import chosen_items
from monai_echosynth.workflows.gap_frames import grid_size, patient_of
from monai_echosynth.workflows.gap_study import gap_segmenter
from monai_echosynth.workflows.mean_interval import mean_with_interval
from monai_echosynth.workflows.membership import load_diffusion, membership
from monai_echosynth.workflows.segmentation import SegmentationSettings

__all__ = ["HELD_OUT", "AuditSettings", "run_audit"]

HELD_OUT: Final = ("validation", "test")
"""Sections that hold patients whom a generator has not seen."""

_BOUND: Final = 0.0501
"""Probability of a false alarm from which a remark is made."""

Items = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class AuditSettings:
    """What is audited, and against what.

    Attributes:
        training_section: section of the training folder that the generator saw.
        held_out_sections: sections of the held-out folder, joined; empty ones are passed over.
        false_alarms: share of held-out patients that may raise an alarm.
        segmenter: trained ``echo_segmentation`` bundle of real frames; one is trained when omitted.
        bundle: trained ``echo_generative_diffusion`` bundle, for membership inference; None for none.
        membership_frames: frames of each side of the membership inference at most.
        seed: of all draws and trainings.
    """

    training_section: str = "training"
    held_out_sections: tuple[str, ...] = HELD_OUT
    false_alarms: float = 0.05
    segmenter: str | Path | None = None
    bundle: str | Path | None = None
    membership_frames: int = 200
    seed: int = 0


def run_audit(
    synthetic: str | Path,
    training: str | Path,
    out: str | Path,
    held_out: str | Path | None = None,
    filtered: str | Path | None = None,
    settings: AuditSettings | None = None,
    budget: SegmentationSettings | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Audits a synthetic set and writes ``audit.json`` and ``audit.html``, and the result into its manifest.

    Args:
        synthetic: the set; its ``training`` section is audited.
        training: prepared folder whose frames the generator was trained on.
        out: folder to write.
        held_out: prepared folder with frames of other patients; that of the training frames when omitted.
        filtered: folder to write the set to without the flagged frames; None for none.
        settings: what is audited.
        budget: of the segmenter that is trained where none is given.
        progress: show a progress bar while it is trained.

    Returns:
        Content of ``audit.json``: ``sets``, ``extractor``, ``copies`` (threshold, false alarms, flagged frames and their nearest
        training frames), ``nearness``, ``membership`` (None without a bundle), ``scores`` of every frame, ``filtered``, notes.

    Raises:
        EchoSynthError: a folder, the segmenter or the bundle is not usable, or held-out frames are no control; no result is
            written then.
    """
    settings = settings or AuditSettings()
    held_out = training if held_out is None else held_out
    sets, notes = _sets(synthetic, training, held_out, settings)
    table = read_label_table([synthetic, training, held_out])
    size = min(grid_size(folder) for folder in (synthetic, training, held_out))
    model = None if settings.bundle is None else load_diffusion(settings.bundle)
    if model is not None:  # a frame that it cannot be asked about shows here, not after the search for copies
        for name in ("training", "held_out"):
            condition_items(sets[name], model.conditions)
    segmenter = settings.segmenter
    if segmenter is None:
        segmenter = gap_segmenter(training, Path(out) / "segmenter", budget, settings.seed, progress)
    network = domain_features(segmenter)
    checked = _check_copies(sets, table, size, network, settings)
    result: dict[str, Any] = {
        "synthetic": str(synthetic),
        "training": str(training),
        "held_out": str(held_out),
        "sets": {name: _count(items) for name, items in sets.items()},
        "size": size,
        "seed": settings.seed,
        "extractor": {"name": network.name, "sha256": network.sha256},
        "copies": checked.describe(settings.false_alarms),
        "nearness": _nearness(sets, checked, table, size, network, settings.seed),
        "membership": None,
        "scores": {
            "synthetic": np.round(checked.scores, 3).tolist(),
            "held_out": np.round(checked.control.suspicion, 3).tolist(),
        },
        "filtered": None,
        "notes": [*notes, *_remarks(sets, checked)],
    }
    if model is not None:
        limit, seed = settings.membership_frames, settings.seed
        members, others = (chosen_items(sets[name], limit, seed) for name in ("training", "held_out"))
        result["membership"] = membership(model, members, others, table, seed)
    result = finite_json(result)
    if filtered is not None:
        written = write_filtered(synthetic, filtered, result["copies"]["frames"], summary(result))
        result["filtered"] = {"folder": str(filtered), **written}
    write_json(Path(out) / "audit.json", result)
    write_text(Path(out) / "audit.html", audit_page(result, checked.most_suspicious()))
    record_audit(synthetic, summary(result))
    return result


def summary(result: Mapping[str, Any]) -> dict[str, Any]:
    """What the manifest says about an audit."""
    copies = result["copies"]
    kept = ("threshold", "false_alarms", "flagged", "share")
    return {
        "sets": result["sets"],
        "extractor_sha256": result["extractor"]["sha256"],
        "copies": {**{key: copies[key] for key in kept}, "ids": [row["id"] for row in copies["frames"]]},
        "nearness": result["nearness"],
        "membership": result["membership"],
    }


def _sets(
    synthetic: str | Path, training: str | Path, held_out: str | Path, settings: AuditSettings
) -> tuple[dict[str, Items], list[str]]:
    """Entries of the three sets, after the cheap checks, and remarks."""
    if settings.seed < 0:
        raise EchoSynthError(f"the seed is 0 or more, got {settings.seed}: correct it")
    if not 0 < settings.false_alarms < 1:
        raise EchoSynthError(
            f"the share of false alarms must be between 0 and 1, got {settings.false_alarms}: choose one such as 0.05"
        )
    same = Path(training).resolve() == Path(held_out).resolve()
    if same and settings.training_section in settings.held_out_sections:
        raise EchoSynthError(
            f"held-out frames must be of patients that were not trained on, got section '{settings.training_section}' for both: "
            "choose other sections"
        )
    content, notes = read_dataset_json(held_out), []
    held: list[dict[str, Any]] = []
    for name in settings.held_out_sections:
        if content.get(name):
            held += load_datalist(held_out, name)
        else:
            notes.append(f"section '{name}' of {held_out} has no frames")
    if not held:
        raise EchoSynthError(
            f"the control needs held-out frames, got none in {', '.join(settings.held_out_sections)} of {held_out}: prepare some"
        )
    found: dict[str, Items] = {
        "synthetic": load_datalist(synthetic, "training"),
        "training": load_datalist(training, settings.training_section),
        "held_out": held,
    }
    shared = {patient_of(item) for item in found["training"]} & {patient_of(item) for item in held} if same else set()
    if shared:
        raise EchoSynthError(
            f"held-out patients must not be trained on, got {sorted(shared)[0]} in both sections of {training}: split by patient"
        )
    return found, notes


def _check_copies(
    sets: Mapping[str, Items], table: LabelTable, size: int, network: FeatureNetwork, settings: AuditSettings
) -> CopyCheck:
    gallery = build_gallery(sets["training"], table, size, network)
    if not gallery.items:
        raise EchoSynthError("training frames that show something are needed, got uniform ones alone: look at them")
    held_out = search(sets["held_out"], gallery, table, size, network)
    control = fit_control(held_out, gallery, settings.false_alarms)
    found = search(sets["synthetic"], gallery, table, size, network)
    if not found.items:
        raise EchoSynthError("synthetic frames that show something are needed, got uniform ones alone: look at them")
    return CopyCheck(found, held_out, control, gallery)


def _nearness(
    sets: Mapping[str, Items],
    checked: CopyCheck,
    table: LabelTable,
    size: int,
    network: FeatureNetwork,
    seed: int,
) -> dict[str, Any]:
    """Share of frames with a texture nearer to training frames than to as many held-out ones; .5 if none is remembered."""
    count = min(len(checked.gallery.items), len(sets["held_out"]))
    half = chosen_items(checked.gallery.items, count, seed)
    others = chosen_items(list(sets["held_out"]), count, seed)
    sample = chosen_items([dict(item) for item in checked.found.items], 500, seed)
    sides = [
        search(sample, build_gallery(items, table, size, network), table, size, network).column("correlation")
        for items in (half, others)
    ]
    nearer = np.where(sides[0] == sides[1], 0.5, sides[0] > sides[1])
    return {
        **mean_with_interval(nearer, [patient_of(item) for item in sample], seed),
        "frames": len(sample),
        "of_each": count,
    }


def _remarks(sets: Mapping[str, Items], checked: CopyCheck) -> list[str]:
    notes = []
    blank = len(sets["synthetic"]) - len(checked.found.items)
    if blank:
        notes.append(f"{blank} of {len(sets['synthetic'])} synthetic frames are uniform and not audited")
    if checked.control.bound > _BOUND:
        patients = len(set(checked.held_out.patients))
        bound = f"{checked.control.bound:.3f}"
        notes.append(
            f"{patients} held-out patients bound the alarms of a further one by {bound}; 19 are needed for .05"
        )
    return notes


def _count(items: Items) -> dict[str, int]:
    return {"frames": len(items), "patients": len({patient_of(item) for item in items})}
