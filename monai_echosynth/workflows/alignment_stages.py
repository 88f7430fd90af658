"""What the stages of the alignment study do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from monai_echosynth.workflows.alignment_settings import AlignmentSettings
from monai_echosynth.workflows.baseline_alignment import align_by_baseline
from monai_echosynth.workflows.phantom_stage import phantom_data, prepared
from monai_echosynth.workflows.segmentation import SegmentationSettings
from monai_echosynth.workflows.stages import StageContext

__all__ = ["Run", "aligned", "aligner", "baseline", "identity", "phantom", "segmenter"]

Run = Callable[[StageContext], Mapping[str, Any]]


def phantom(context: StageContext) -> dict[str, Any]:
    """Four-chamber frames of one machine (``style``) or several (``styles``), prepared."""
    settings = context.settings
    return phantom_data(context, ["4CH"], styles=settings["styles"] if "styles" in settings else [settings["style"]])


def aligner(settings: AlignmentSettings) -> Run:
    """Trains an aligner."""

    def run(context: StageContext) -> Mapping[str, Any]:
        from monai_echosynth.workflows.align import train_aligner

        sets = prepared(context.inputs["real"]), prepared(context.inputs["synthetic"])
        return train_aligner(*sets, context.inputs["judge"], context.folder, settings)

    return run


def aligned(context: StageContext) -> Mapping[str, Any]:
    """Aligns the synthetic frames."""
    from monai_echosynth.workflows.align import align

    return align(context.inputs["aligner"], prepared(context.inputs["synthetic"]), context.folder, **context.settings)


def identity(context: StageContext) -> Mapping[str, Any]:
    """Sends real validation frames, which took no part in training, through the aligner."""
    from monai_echosynth.workflows.align import align
    from monai_echosynth.workflows.anatomy_shift import mean_change

    real = prepared(context.inputs["real"])
    align(context.inputs["aligner"], real, context.folder, section="validation", **context.settings)
    return mean_change(real, context.folder, "validation")


def baseline(context: StageContext) -> Mapping[str, Any]:
    """Aligns the synthetic frames by a baseline."""
    sets = prepared(context.inputs["real"]), prepared(context.inputs["synthetic"])
    chosen = {key: value for key, value in context.settings.items() if key != "kind"}
    return align_by_baseline(context.settings["kind"], *sets, context.folder, **chosen)


def segmenter(budget: SegmentationSettings) -> Run:
    """Trains on the input ``frames``, and on ``aligned`` where given; the real side has the validation frames."""

    def run(context: StageContext) -> Mapping[str, Any]:
        from monai_echosynth.data.datalist import read_dataset_json
        from monai_echosynth.workflows.segmentation import train_segmenter

        frames = [prepared(context.inputs[name]) for name in ("frames", "aligned") if name in context.inputs]
        real = prepared(context.inputs["real"])
        sized = replace(budget, spatial_size=int(read_dataset_json(real)["spatial_size"][0]))
        return train_segmenter(context.folder, frames, sized, val_dataset_dir=real)

    return run
