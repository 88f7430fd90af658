"""``echosynth metrics``: everything that is published about synthetic sets, with what it takes to read it, in ``metrics.json``.

Beside each distance of synthetic frames from real ones stands that of other real patients; beside each number its
extractor, the digest of its weights and the number of frames.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch

from monai_echosynth.data.atomic import write_json
from monai_echosynth.data.datalist import load_datalist, read_dataset_json, read_label_table
from monai_echosynth.data.finite_json import finite_json
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.metrics.domain_gap import FEWEST_FRAMES
from monai_echosynth.networks.features.activations import FeatureNetwork
from monai_echosynth.networks.features.lpips import LPIPS, SMALLEST, load_lpips
from monai_echosynth.networks.features.transformers_folder import ClipText, clip_text
from monai_echosynth.workflows.adherence import adherence
from monai_echosynth.workflows.clip_agreement import clip_agreement
from monai_echosynth.workflows.distribution_metrics import distribution_metrics
from monai_echosynth.workflows.extractors import Extractor, ExtractorKind, load_extractor, parse_extractor
from monai_echosynth.workflows.frame_pairs import across_patients, by_input, by_mask, within_mask
from monai_echosynth.workflows.gap import common_size
from monai_echosynth.workflows.gap_study import gap_segmenter
from monai_echosynth.workflows.pair_metrics import pair_metrics
from monai_echosynth.workflows.segmentation import SegmentationSettings
from monai_echosynth.workflows.set_features import FeatureSet, read_features

__all__ = ["METRIC_FRAMES", "METRIC_PAIRS", "MetricsSettings", "run_metrics"]

METRIC_FRAMES: Final = 5000
"""Frames of a set that are measured, at most."""

METRIC_PAIRS: Final = 200
"""Pairs of a kind that are measured, at most."""

Sides = Mapping[str, Sequence[Mapping[str, Any]]]
"""Entries of the frames of both sets."""


@dataclass(frozen=True)
class MetricsSettings:
    """What is measured.

    Attributes:
        extractor: ``domain`` or ``KIND:PATH``, see :mod:`monai_echosynth.workflows.extractors`.
        section: section of the real folder to compare with.
        floor_section: section of it that is compared with that one, for reference; None for none.
        segmenter: trained ``echo_segmentation`` bundle of real frames, for ``domain`` where that has no path and for mask
            adherence; one is trained for ``domain`` when omitted.
        clip: folder of a CLIP model, for the CLIP score.
        prompt: sentence for all frames; by default one from view and phase.
        lpips: file of AlexNet's weights, for LPIPS.
        frames: frames of a set at most.
        pairs: pairs of a kind at most.
        seed: of all draws and trainings.
    """

    extractor: str = "domain"
    section: str = "test"
    floor_section: str | None = "training"
    segmenter: str | Path | None = None
    clip: str | Path | None = None
    prompt: str | None = None
    lpips: str | Path | None = None
    frames: int = METRIC_FRAMES
    pairs: int = METRIC_PAIRS
    seed: int = 0


def run_metrics(
    real: str | Path,
    synthetic: str | Path,
    out: str | Path,
    settings: MetricsSettings | None = None,
    budget: SegmentationSettings | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Measures a synthetic set and writes ``metrics.json``.

    Args:
        real: prepared folder of real frames.
        synthetic: synthetic set, or another prepared folder; its ``training`` section is measured.
        out: folder to write.
        settings: what is measured.
        budget: of the segmenter that is trained where none is given.
        progress: show a progress bar while it is trained.

    Returns:
        Content of ``metrics.json``: ``extractor``, ``real``, ``synthetic``, ``size``, ``distribution`` and ``floor`` by metric,
        ``pairs`` by kind of pair, ``lpips`` (its network), ``adherence`` and ``clip_score`` with ``synthetic`` and ``real`` (None
        without the network they need, adherence also where frames have no masks) and ``notes``.

    Raises:
        EchoSynthError: a folder, the extractor or the segmenter is not usable; nothing is trained or written then.
    """
    settings = settings or MetricsSettings()
    extractor, notes = parse_extractor(settings.extractor), []
    size, table = _check(real, synthetic, settings), read_label_table([real, synthetic])
    clip = None if settings.clip is None else clip_text(settings.clip)
    lpips = None if settings.lpips is None else load_lpips(settings.lpips)
    segmenter = settings.segmenter
    if extractor.kind is ExtractorKind.DOMAIN:
        seen = (
            extractor.path or segmenter or gap_segmenter(real, Path(out) / "segmenter", budget, settings.seed, progress)
        )
        segmenter, extractor = segmenter or seen, Extractor(extractor.kind, Path(seen))
    network = load_extractor(extractor)
    options = (network, table, size, settings.frames, settings.seed)
    target = read_features(real, [settings.section], *options)
    measured = read_features(synthetic, ["training"], *options)
    distribution, remarks = distribution_metrics(target, measured, network)
    floor, floor_notes = _floor(real, target, settings, network, table, size)
    notes += [*target.notes, *measured.notes, *remarks, *floor_notes]
    if not network(torch.zeros(1, 1, size, size)).levels:
        notes.append(f"the perceptual distance is left out: {network.name} shows no layers")
    sides = {"synthetic": measured.items, "real": target.items}
    inputs = [Path(item["source"]) for item in load_datalist(synthetic, "training") if item.get("source")]
    if gone := sum(not path.is_file() for path in inputs):
        notes.append(
            f"{gone} of {len(inputs)} frames started from an input that is no longer there: they are not compared with it"
        )
    found = {
        "extractor": {"name": network.name, "sha256": network.sha256, "features": int(target.vectors.shape[1])},
        "real": target.describe(),
        "synthetic": measured.describe(),
        "size": size,
        "seed": settings.seed,
        "distribution": distribution,
        "floor": floor,
        "pairs": _pairs((real, synthetic), sides, settings, network, table, size, lpips),
        "lpips": None if lpips is None else {"name": lpips.name, "sha256": lpips.sha256},
        **_agreement(segmenter, clip, sides, settings, table, size, notes),
        "notes": notes,
    }
    found = finite_json(found)
    write_json(Path(out) / "metrics.json", found)
    return found


def _check(real: str | Path, synthetic: str | Path, settings: MetricsSettings) -> int:
    """Edge of the common grid, after the cheap checks."""
    if settings.frames < FEWEST_FRAMES or settings.pairs < 1:
        raise EchoSynthError(
            f"at least {FEWEST_FRAMES} frames and 1 pair are measured, got {settings.frames} and {settings.pairs}: raise it"
        )
    if settings.seed < 0:
        raise EchoSynthError(f"the seed is 0 or more, got {settings.seed}: correct it")
    if settings.prompt is not None and settings.clip is None:
        raise EchoSynthError("a prompt is for the CLIP score, got one without --clip: name a model, or leave it out")
    if settings.floor_section == settings.section:
        raise EchoSynthError(f"real frames are compared with another section than '{settings.section}': choose another")
    size = common_size(real, synthetic)
    if settings.lpips is not None and size < SMALLEST:
        raise EchoSynthError(f"LPIPS needs frames of {SMALLEST} pixels or more, got {size}: leave it out")
    for folder, name in ((real, settings.section), (synthetic, "training")):
        found = len(load_datalist(folder, name))
        if found < FEWEST_FRAMES:
            raise EchoSynthError(
                f"at least {FEWEST_FRAMES} frames a set are needed, got {found} in section '{name}' of {folder}: add frames"
            )
    return size


def _floor(
    real: str | Path,
    target: FeatureSet,
    settings: MetricsSettings,
    network: FeatureNetwork,
    table: LabelTable,
    size: int,
) -> tuple[dict[str, Any] | None, list[str]]:
    """The same distances between two sections of the real folder."""
    name = settings.floor_section
    if name is None:
        return None, []
    if len(read_dataset_json(real).get(name) or ()) < FEWEST_FRAMES:
        return None, [f"real frames have nothing to be compared with: section '{name}' of {real} has too few"]
    other = read_features(real, [name], network, table, size, settings.frames, settings.seed)
    found, _ = distribution_metrics(target, other, network)
    return {"synthetic": other.describe(), "metrics": found}, list(other.notes)


def _agreement(
    segmenter: str | Path | None,
    clip: ClipText | None,
    sides: Sides,
    settings: MetricsSettings,
    table: LabelTable,
    size: int,
    notes: list[str],
) -> dict[str, Any]:
    """With masks, and with sentences, where there is a network for it."""
    seed = settings.seed
    found: dict[str, Any] = {"adherence": None, "clip_score": None}
    if segmenter is not None:
        judged = {side: adherence(segmenter, items, table, size, seed) for side, items in sides.items()}
        notes += [
            f"mask adherence is left out: no {side} frame has a structure in its label map"
            for side in sides
            if judged[side] is None
        ]
        found["adherence"] = None if None in judged.values() else judged
    if clip is not None:
        scores = {
            side: clip_agreement(clip, items, table, size, settings.prompt, seed) for side, items in sides.items()
        }
        found["clip_score"] = {"model": {"name": clip.network.name, "sha256": clip.network.sha256}, **scores}
    return found


def _pairs(
    folders: tuple[str | Path, str | Path],
    sides: Sides,
    settings: MetricsSettings,
    network: FeatureNetwork,
    table: LabelTable,
    size: int,
    lpips: LPIPS | None,
) -> dict[str, Any]:
    limit, seed = settings.pairs, settings.seed
    every = load_datalist(folders[1], "training")  # frames of one mask are few among those drawn
    kinds = {
        "mask": by_mask(folders[0], every, table, size, limit, seed),
        "within_mask": within_mask(every, limit, seed),
        "input": by_input(every, limit, seed),
        "synthetic": across_patients(sides["synthetic"], limit, seed),
        "real": across_patients(sides["real"], limit, seed),
    }
    return {name: pair_metrics(pairs, network, table, size, seed, lpips) for name, pairs in kinds.items()}
