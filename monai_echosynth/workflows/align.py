"""Trains a domain aligner on synthetic and real frames without pairs, and aligns synthetic sets with it.

Training leaves an ``echo_domain_alignment`` bundle with the weights and the features of a bank of real frames; no real frame is
in it. An interrupted training goes on after its last whole epoch, an interrupted set with the frames that are missing.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from monai_echosynth.data.atomic import write_json
from monai_echosynth.data.check_prepared import check_images, check_prepared
from monai_echosynth.data.datalist import read_dataset_json
from monai_echosynth.data.folder_labels import check_table, folder_labels
from monai_echosynth.data.frame_format import FrameFormat
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.nets.domain_aligner import MULTIPLE
from monai_echosynth.workflows.alignment_settings import AlignmentSettings
from monai_echosynth.workflows.bundles import bundle_source
from monai_echosynth.workflows.checksums import CHECKSUMS, write_checksums
from monai_echosynth.workflows.run_bundle import run_bundle
from monai_echosynth.workflows.training_folder import claim_folder

__all__ = ["align", "train_aligner"]

_BUNDLE = "echo_domain_alignment"
_METRICS = "metrics.json"
_TRAINED = ("aligner.safetensors", "bank.safetensors", CHECKSUMS)
_SHARED = (
    *("structures", "channels", "reaches", "chunk", "max_shift", "max_change", "exemplars", "candidates", "seed"),
    *("filters", "local_stage", "global_stage", "stochastic", "dynamic"),
)
"""Config ids that inference must have from training."""


def train_aligner(
    real: str | PathLike[str],
    synthetic: str | PathLike[str],
    segmenter: str | PathLike[str],
    out: str | PathLike[str],
    settings: AlignmentSettings | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Trains an aligner and leaves a ready bundle; one that is trained already is left as it is.

    Args:
        real: prepared folder of real frames; those of its section ``training`` are the bank, their labels are not read.
        synthetic: synthetic set, or another prepared folder, at the size and with the label table of the real one.
        segmenter: trained ``echo_segmentation`` bundle of real frames.
        out: bundle folder to write.
        settings: components and budget.
        progress: show a progress bar.

    Returns:
        ``parameters``, ``epochs``, ``final_loss``, ``validation_loss``, ``seconds`` of this run.

    Raises:
        EchoSynthError: a folder is not prepared, sizes or label tables differ, there is no segmenter, or ``out`` holds something
            else.
    """
    settings = settings or AlignmentSettings()
    root = Path(out)
    size = _common_size(real, synthetic)
    check_prepared(synthetic, "training")
    check_images(real, "training")
    table = folder_labels(check_table(synthetic, folder_labels(real).semantic)).semantic
    sources = {"dataset_dir": real, "synthetic_dir": synthetic, "segmenter_dir": segmenter}
    ids: dict[str, Any] = {name: str(Path(folder).resolve()) for name, folder in sources.items()}
    ids |= {**settings.config(), "structures": table.num_channels}
    claim_folder(root, ids)
    finished = root / "eval" / _METRICS
    if finished.is_file() and all((root / "models" / name).is_file() for name in _TRAINED):
        return {**json.loads(finished.read_text(encoding="utf-8")), "seconds": 0.0}
    _write_bundle(root, ids, size)
    started = time.perf_counter()
    workflow = run_bundle(root, "train.json", "train", progress=progress, **ids)
    write_checksums(root)
    last = json.loads((root / "eval" / "history.json").read_text(encoding="utf-8"))[-1]
    metrics = {
        "parameters": sum(p.numel() for p in workflow.network_def.parameters()),
        "epochs": last["epoch"],
        "final_loss": last["loss"],
        "validation_loss": last.get("validation_loss"),
        "seconds": round(time.perf_counter() - started, 1),
    }
    write_json(finished, metrics)
    shutil.rmtree(root / "models" / "checkpoints", ignore_errors=True)
    return metrics


def align(
    bundle: str | PathLike[str],
    synthetic: str | PathLike[str],
    out: str | PathLike[str],
    seed: int = 0,
    format: FrameFormat | str = FrameFormat.NIFTI,
    progress: bool = True,
    strength: Sequence[float] = (0.0, 1.0),
    **overrides: Any,
) -> dict[str, Any]:
    """Aligns a synthetic set, or completes one that was interrupted.

    Args:
        bundle: trained ``echo_domain_alignment`` bundle.
        synthetic: synthetic set, or another prepared folder; its section ``training`` is aligned.
        out: folder to write: frames, the same labels, a manifest with the aligner's digest.
        seed: frame k depends on (seed, k), the frame and its mask alone.
        format: files to write.
        progress: show a progress bar.
        strength: lowest and highest part of the way to its aligned form that a frame goes, drawn for each.
        **overrides: further ids of the bundle's ``inference.json``.

    Returns:
        ``count``, ``new`` (made in this run), ``largest_shift_px`` (of any pixel of the new ones), ``seconds`` and
        ``images_per_second`` of this run.

    Raises:
        EchoSynthError: the bundle has no weights, the frames do not fit it, the strength is no range within [0, 1], a
            displacement exceeds its bound, or ``out`` holds another set.
    """
    config = Path(bundle) / "configs" / "inference.json"
    if not config.is_file() or "DomainAligner" not in config.read_text(encoding="utf-8"):
        raise EchoSynthError(f"a trained {_BUNDLE} bundle was expected, got {bundle}: name one")
    wanted = json.loads(config.read_text(encoding="utf-8"))["spatial_size"]
    found = read_dataset_json(synthetic).get("spatial_size")
    if found != [wanted] * 2:
        raise EchoSynthError(
            f"frames must have the size that the aligner was trained at, {wanted} x {wanted}, got {found} in {synthetic}: "
            "generate or prepare them at this size"
        )
    ids = {"dataset_dir": str(synthetic), "output_dir": str(out), "seed": seed, "format": str(FrameFormat(format))}
    overrides = {"strength": [float(end) for end in strength], **overrides}
    started = time.perf_counter()
    workflow = run_bundle(Path(bundle), "inference.json", "inference", progress=progress, **{**ids, **overrides})
    seconds = time.perf_counter() - started
    new = len(workflow.parser.get_parsed_content("dataset"))
    return {
        "count": len(workflow.parser.get_parsed_content("synthetic_set").items),
        "new": new,
        "largest_shift_px": round(workflow.parser.get_parsed_content("inferer").largest_shift, 4),
        "seconds": round(seconds, 2),
        "images_per_second": round(new / seconds, 3),
    }


def _common_size(real: str | PathLike[str], synthetic: str | PathLike[str]) -> int:
    sizes = [read_dataset_json(folder).get("spatial_size") for folder in (real, synthetic)]
    if sizes[0] != sizes[1] or not sizes[0] or sizes[0][0] != sizes[0][1]:
        raise EchoSynthError(
            f"real and synthetic frames must have one square size, got {sizes[0]} in {real} and {sizes[1]} in {synthetic}: "
            "prepare both with one --size"
        )
    if sizes[0][0] % MULTIPLE:
        raise EchoSynthError(
            f"frames to align have sides that are a multiple of {MULTIPLE} pixels, got {sizes[0][0]} in {real}: prepare them so"
        )
    return int(sizes[0][0])


def _write_bundle(root: Path, ids: dict[str, Any], size: int) -> None:
    """Copies the shipped bundle and writes settings and size into its configs."""
    shutil.copytree(bundle_source(_BUNDLE), root, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".gitkeep"))
    (root / "models").mkdir(exist_ok=True)
    folders = ("dataset_dir", "synthetic_dir", "segmenter_dir")
    values = {"train": {name: value for name, value in ids.items() if name not in folders}}
    values["inference"] = {**{name: ids[name] for name in _SHARED if name in ids}, "spatial_size": size}
    for name, changed in values.items():
        path = root / "configs" / f"{name}.json"
        write_json(path, {**json.loads(path.read_text(encoding="utf-8")), **changed})
