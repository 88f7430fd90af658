"""From annotations to better weights: fine-tunes the segmenter on what was annotated, with synthetic frames of the same masks.

The training is ``configs/train.json`` of the bundle, started from its present weights and with a smaller learning rate; the
new weights replace the old ones when it ends, whole or not at all. Synthetic frames come from ``echo_generative_diffusion``,
guided by the annotated maps and warped copies of them; their share in a batch falls from a half at most to nothing, so that real
frames have the last word.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from monai_echosynth.data.datalist import load_datalist
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.integrations.label.annotations import Annotation, prepare_annotations
from monai_echosynth.integrations.label.frame_segmenter import FrameSegmenter
from monai_echosynth.integrations.label.labels import segmenter_labels
from monai_echosynth.integrations.label.study import read_maps, read_study
from monai_echosynth.metrics.overlap import confusion
from monai_echosynth.workflows.checksums import write_checksums
from monai_echosynth.workflows.generate import generate
from monai_echosynth.workflows.run_bundle import run_bundle
from monai_echosynth.workflows.segmentation import training_curve

__all__ = ["LearningSettings", "learn"]

_COPIES = 4
_SYNTHETIC_SHARE = 0.5
_PRETRAINED_RATE = 0.0005


@dataclass(frozen=True)
class LearningSettings:
    """What a client may choose.

    Attributes:
        max_epochs: epochs of ``epoch_iterations`` (a config id of the bundle) optimizer steps.
        val_split: share of the patients that validates.
        pretrained: start from the present weights.
        synthetic: synthetic frames to add.
        seed: seed of split, order, augmentation and synthetic frames.
        device: where to compute; the config's choice when None.
    """

    max_epochs: int = 10
    val_split: float = 0.2
    pretrained: bool = True
    synthetic: int = 0
    seed: int = 0
    device: str | None = None

    @classmethod
    def from_request(cls, request: Mapping[str, Any]) -> LearningSettings:
        """Settings of a request; keys that are none of them are passed over, as Label sends many.

        Raises:
            EchoSynthError: a value is of another kind or out of range.
        """
        kinds: dict[str, Any] = {"max_epochs": int, "val_split": float, "synthetic": int, "seed": int}
        values: dict[str, Any] = {}
        for key, kind in kinds.items():
            if request.get(key) not in (None, ""):
                try:
                    values[key] = kind(request[key])
                except (TypeError, ValueError) as error:
                    raise EchoSynthError(
                        f"'{key}' must be a number, got {request[key]!r}: send one or leave it out"
                    ) from error
        if "pretrained" in request:
            values["pretrained"] = str(request["pretrained"]).lower() not in ("false", "0", "no")
        settings = cls(**values, device=str(request["device"]) if request.get("device") else None)
        if settings.max_epochs < 1 or settings.synthetic < 0:
            raise EchoSynthError(
                f"training needs max_epochs of 1 or more and synthetic of 0 or more, got {settings.max_epochs} and"
                f" {settings.synthetic}: correct them"
            )
        return settings


def learn(
    bundle: Path,
    annotations: Sequence[Annotation],
    work: Path,
    settings: LearningSettings | None = None,
    generator: Path | None = None,
    **overrides: Any,
) -> dict[str, Any]:
    """Trains the segmenter of a bundle on annotations, in place.

    Args:
        bundle: trained ``echo_segmentation`` bundle; its weights are replaced.
        annotations: studies with their label maps.
        work: folder for prepared frames, synthetic ones, curves, checkpoints and the weights so far
            (``previous.safetensors``, to go back to); its content is replaced.
        settings: what to do.
        generator: trained ``echo_generative_diffusion`` bundle of the same structures, for synthetic frames.
        **overrides: further config ids of ``train.json``.

    Returns:
        ``frames``, ``validation_frames`` and ``synthetic_frames`` used, ``epochs``, ``final_loss``; where frames validate, their
        mean Dice ``validation_dice_before`` and, after the last epoch that validates, ``validation_dice``.

    Raises:
        EchoSynthError: nothing is annotated, an annotation is bad, or a bundle is not there or lacks its weights.
    """
    settings = settings or LearningSettings()
    config = _train_config(bundle)
    shutil.rmtree(work, ignore_errors=True)
    frames = work / "frames"
    size = int(config["spatial_size"])
    counts = prepare_annotations(annotations, frames, segmenter_labels(bundle), size, settings.val_split, settings.seed)
    extra = _synthetic(generator, frames, work / "synthetic", settings)
    ids: dict[str, Any] = {
        "dataset_dir": str(frames),
        "val_dataset_dir": str(frames),
        "output_dir": str(work / "curves"),
        "ckpt_dir": str(work / "checkpoints"),
        "seed": settings.seed,
        "train::trainer::max_epochs": settings.max_epochs,
        "val_interval": max(1, settings.max_epochs // 5),
        **({"device": settings.device} if settings.device else {}),
        **_joined(extra, settings.synthetic, counts["training"]),
        **({} if counts["validation"] else {"validate::dataset::data": []}),
        **(_from_present_weights(bundle, config) if settings.pretrained else {}),
        **overrides,
    }
    before = _validation_dice(bundle, frames, settings.device) if counts["validation"] and settings.pretrained else {}
    shutil.copy2(bundle / "models" / "model.safetensors", work / "previous.safetensors")
    run_bundle(bundle, "train.json", "train", **ids)
    write_checksums(bundle)
    return {
        "frames": counts["training"],
        "validation_frames": counts["validation"],
        "synthetic_frames": settings.synthetic if extra else 0,
        "epochs": settings.max_epochs,
        **before,
        **training_curve(work / "curves" / "history.json"),
    }


def _train_config(bundle: Path) -> dict[str, Any]:
    path = bundle / "configs" / "train.json"
    if not path.is_file():
        raise EchoSynthError(
            f"training needs a bundle with configs/train.json, got {bundle}: name an echo_segmentation bundle"
        )
    config = json.loads(path.read_text(encoding="utf-8"))
    missing = [key for key in ("spatial_size", "train", "validate") if key not in config]
    if missing:
        raise EchoSynthError(f"a training config needs the key {missing[0]}, got none in {path}: copy the bundle again")
    return dict(config)


def _from_present_weights(bundle: Path, config: Mapping[str, Any]) -> dict[str, Any]:
    """Config ids that load the weights in use before the first step."""
    weights = bundle / "models" / "model.pt"
    if not weights.is_file():
        raise EchoSynthError(
            f"weights needed at {weights}, which does not exist: make the app folder again, or train with pretrained = false"
        )
    loader = {"_target_": "CheckpointLoader", "load_path": str(weights), "load_dict": {"model": "$@network"}}
    return {"train::handlers": [loader, *config["train"]["handlers"]], "learning_rate": _PRETRAINED_RATE}


def _validation_dice(bundle: Path, frames: Path, device: str | None) -> dict[str, float]:
    """Mean Dice of the present weights on the frames that validate."""
    segmenter, ids = FrameSegmenter(bundle, device), segmenter_labels(bundle).ids.values()
    dices = []
    for item in load_datalist(frames, "validation"):
        found = segmenter.labels(read_study(Path(item["image"])).frames)
        wanted = read_maps(Path(item["label"]))
        dices += [confusion(found == number, wanted == number).dice for number in ids]
    return {"validation_dice_before": float(np.nanmean(dices))}


def _joined(extra: Path | None, synthetic: int, real: int) -> dict[str, Any]:
    """Config ids that add synthetic frames: by their number at first, a half at most, none at the end."""
    if extra is None:
        return {}
    return {"extra_dataset_dirs": [str(extra)], "extra_share": min(_SYNTHETIC_SHARE, synthetic / (synthetic + real))}


def _synthetic(generator: Path | None, frames: Path, out: Path, settings: LearningSettings) -> Path | None:
    """Synthetic frames of the annotated maps; None where none are asked for."""
    if not settings.synthetic:
        return None
    if generator is None:
        raise EchoSynthError(
            "synthetic frames need a generator, got an app without one: make the app folder with --generator, or ask for none"
        )
    ids: dict[str, Any] = {"device": settings.device} if settings.device else {}
    generate(generator, frames, out, count=settings.synthetic, seed=settings.seed, copies=_COPIES, **ids)
    return out
