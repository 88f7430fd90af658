"""The study of guided diffusion: does a classifier of real pictures find in generated ones the class that was asked for?

pictures -> classifier of real ones, guided generator -> generated set -> accuracies; frames at several strengths -> distances

The classifier is that of the bundle ``echo_view_classification``, trained on real pictures alone (here those of the lesion
phantom) and scored on its own training pictures, on held-out ones and on generated ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from monai_echosynth.data.check_prepared import check_prepared
from monai_echosynth.workflows import guided_stages
from monai_echosynth.workflows.guided_settings import GUIDED_PRESETS, GuidedSettings
from monai_echosynth.workflows.stages import Stage, run_stages
from monai_echosynth.workflows.training_settings import Preset
from monai_echosynth.workflows.view_classification import VIEW_PRESETS, ViewSettings

__all__ = ["GuidedStudySettings", "guided_stages_of", "run_guided_study"]


@dataclass(frozen=True)
class GuidedStudySettings:
    """Sizes and budgets.

    Attributes:
        generator: sizes and budget of the generator.
        classifier: sizes and budget of the classifier.
        pictures: simulated pictures, a third of each class.
        n_test: of them, held out.
        count: generated pictures, the classes in turn.
        guidance: classifier-free guidance scale.
        nfe: network calls a picture.
        solver: numerical method.
        strengths: noise on real frames, from reconstruction to a new picture.
        frames: real frames that are noised.
        seed: of everything.
    """

    generator: GuidedSettings = GUIDED_PRESETS[Preset.QUICK]
    classifier: ViewSettings = VIEW_PRESETS[Preset.QUICK]
    pictures: int = 480
    n_test: int = 90
    count: int = 300
    guidance: float = 2.0
    nfe: int = 50
    solver: str = "ddim"
    strengths: tuple[float, ...] = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    frames: int = 6
    seed: int = 0


def run_guided_study(
    out: str | PathLike[str],
    data: str | PathLike[str] | None = None,
    settings: GuidedStudySettings | None = None,
) -> dict[str, Any]:
    """Run the study, or what is left of it.

    Args:
        out: folder of the study.
        data: prepared folder whose frames have classes, with a test section; the lesion phantom when omitted.
        settings: sizes and budgets.

    Returns:
        Content of ``summary.json``: ``accuracy`` of the classifier on real training pictures (``training``), held-out ones
        (``test``) and generated ones (``generated``), each with its interval; ``confusion`` of the generated ones;
        ``distances`` to the reconstruction by strength.

    Raises:
        EchoSynthError: the data are not usable, or a setting is out of range.
    """
    study = settings or GuidedStudySettings()
    if data is not None:
        for section in ("training", "validation", "test"):
            check_prepared(data, section)
    root = Path(out).resolve()
    source = None if data is None else Path(data).resolve()
    return dict(run_stages(guided_stages_of(study, source), root)["evaluate"].metrics)


def guided_stages_of(study: GuidedStudySettings, data: Path | None = None) -> list[Stage]:
    """The stages of the study, in order."""
    seed = {"seed": study.seed}
    stages = list[Stage]()
    if data is None:
        sizes = {"pictures": study.pictures, "n_test": study.n_test, "size": study.generator.spatial_size}
        stages.append(Stage("data", {**sizes, **seed}, guided_stages.phantom, weight=60))
    frames: Mapping[str, Path | str] = {"data": data or "data"}
    drawn = {"guidance": study.guidance, "nfe": study.nfe, "solver": study.solver, **seed}
    steps = study.generator.diffusion.epochs * study.generator.diffusion.samples_per_epoch
    classifier = {**asdict(study.classifier), **seed}
    generator = {**asdict(study.generator), **seed}
    made: Mapping[str, Path | str] = {"generator": "generator", **frames}
    judged: Mapping[str, Path | str] = {"classifier": "classifier", "synthetic": "synthetic", **frames}
    return [
        *stages,
        Stage("classifier", classifier, guided_stages.classifier(study.classifier), frames, weight=120),
        Stage("generator", generator, guided_stages.generator(study.generator), frames, weight=120 + 0.014 * steps),
        Stage("synthetic", {**drawn, "count": study.count}, guided_stages.generated, made, weight=0.8 * study.count),
        Stage(
            "strengths",
            {**drawn, "strengths": list(study.strengths), "frames": study.frames},
            guided_stages.strengths,
            made,
            weight=60,
        ),
        Stage(
            "evaluate",
            seed,
            guided_stages.evaluated,
            {**judged, "strengths": "strengths"},
            "evaluation",
            ("summary.json", "pictures.png"),
            30,
        ),
    ]
