"""The alignment study: synthetic frames are aligned to real ones, and gap, anatomy and segmenters say what for.

synthetic, real -> judge, examiner -> aligner -> aligned set -> segmenters before and after -> evaluate -> report

and an aligner or a baseline for each way to align that is compared. The judge is a segmenter of the real frames that watches the
anatomy while aligners are trained. The examiner is another one, of the budget of all segmenters and with a seed of its own,
which no aligner has met: it says whether the anatomy moved, sets are compared in its features, and it is the upper end of the
segmenters. Those of synthetic frames differ from one another in these frames alone.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from os import PathLike
from pathlib import Path
from typing import Any

from monai_echosynth.data.check_prepared import check_prepared
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows import alignment_stages
from monai_echosynth.workflows.alignment_study_settings import (
    BASELINES,
    BEFORE,
    BOTH,
    EXAMINER,
    EXAMINER_SEED,
    FULL,
    AlignmentStudySettings,
    cell_ids,
)
from monai_echosynth.workflows.stages import Stage, StageContext, run_stages

__all__ = ["run_alignment_study"]

Inputs = dict[str, Path | str]


def run_alignment_study(
    out: str | PathLike[str],
    real: str | PathLike[str] | None = None,
    synthetic: str | PathLike[str] | None = None,
    segmenter: str | PathLike[str] | None = None,
    settings: AlignmentStudySettings | None = None,
) -> Path:
    """Run the study, or what is left of it.

    Args:
        out: folder of the study.
        real: prepared folder of real frames with test patients; a phantom of one machine when omitted.
        synthetic: synthetic set, or another prepared folder; a phantom of another machine when omitted.
        segmenter: trained ``echo_segmentation`` bundle of the real frames; one is trained when omitted.
        settings: what is compared, sizes and budgets.

    Returns:
        Path of the report.

    Raises:
        EchoSynthError: one of ``real`` and ``synthetic`` is given without the other, or is not usable.
    """
    study = settings or AlignmentStudySettings()
    if (real is None) != (synthetic is None):
        raise EchoSynthError(
            "real and synthetic frames belong together, got one of the two: name both folders, or neither"
        )
    if real is not None and synthetic is not None:
        check_prepared(real, "test")
        check_prepared(synthetic, "training")
    root = Path(out).resolve()
    given = (None if path is None else Path(path).resolve() for path in (real, synthetic, segmenter))
    run_stages(alignment_stages_of(study, *given), root)
    return root / "report.html"


def alignment_stages_of(
    study: AlignmentStudySettings, real: Path | None, synthetic: Path | None, segmenter: Path | None
) -> list[Stage]:
    """The stages of the study, in order."""
    stages = list[Stage]()
    if real is None:
        shared = {"patients": study.patients, "size": study.size}
        sides = zip(
            ("synthetic", "real"), study.styles, (1, study.n_test), (2 * study.seed + 1, 2 * study.seed), strict=True
        )
        for side, style, tests, seed in sides:
            values = {**shared, "style": style, "n_test": tests, "seed": seed}
            stages.append(Stage(side, values, alignment_stages.phantom, weight=15))
    sources: Inputs = {"real": real or "real", "synthetic": synthetic or "synthetic"}
    if segmenter is None:
        stages.append(_segmenter(study, "judge", {"frames": sources["real"]}, sources))
    sources["judge"] = segmenter or "judge"
    examiner = Inputs(frames=sources["real"])
    stages.append(_segmenter(study, EXAMINER, examiner, sources, EXAMINER_SEED))
    stages += _segmenters(study, BEFORE, {"frames": sources["synthetic"]}, sources)
    for cell in study.cells:
        stages += _cell(study, cell, sources)
    if BOTH in study.arms:
        together: Inputs = {"frames": sources["synthetic"], "aligned": f"aligned_{FULL}"}
        stages += _segmenters(study, BOTH, together, sources)
    judged: Inputs = {**sources, EXAMINER: EXAMINER, **{cell: f"aligned_{cell}" for cell in study.cells}}
    judged |= {name: name for arm in study.arms for name in study.segmenters_of(arm)}
    chosen = {"compared": list(study.compared), "seed": study.seed, "segmenters": study.segmenters}
    chosen |= {
        "real": real.name if real else study.styles[1],
        "synthetic": synthetic.name if synthetic else study.styles[0],
    }
    weight = 45 * (1 + len(study.cells)) + 20 * len(study.arms) * study.segmenters
    shown: Inputs = {"evaluation": "evaluate", **judged}
    return [
        *stages,
        Stage("evaluate", chosen, _evaluate(study), judged, "evaluation", weight=weight, version=2),
        Stage("report", chosen, _report(study), shown, "report.html", ("summary.json",), 5),
    ]


def _cell(study: AlignmentStudySettings, cell: str, sources: Inputs) -> list[Stage]:
    """One way to align: its set, the segmenter of it and, with an aligner, what that does to real frames."""
    name, seed = f"aligned_{cell}", {"seed": study.seed}
    if cell in BASELINES:
        values = {"kind": cell, "frames": study.aligner.frames, "candidates": study.aligner.candidates, **seed}
        values["strength"] = list(study.strength)
        inputs = {side: sources[side] for side in ("real", "synthetic")}
        weight = 0.13 * study.aligner.frames if cell == "cycle" else 10
        made = [Stage(name, values, alignment_stages.baseline, inputs, weight=weight)]
    else:
        settings = replace(study.aligner, seed=study.seed, ids={**study.aligner.ids, **cell_ids(cell)})
        steps = settings.epochs * settings.samples_per_epoch / settings.batch_size
        run, version = alignment_stages.aligner(settings), 2 if cell == "no_attention" else 1
        trained = Stage(f"aligner_{cell}", asdict(settings), run, sources, weight=0.68 * steps, version=version)
        applied: Inputs = {"aligner": f"aligner_{cell}", "synthetic": sources["synthetic"]}
        same: Inputs = {"aligner": f"aligner_{cell}", "real": sources["real"]}
        made = [
            trained,
            Stage(name, {**seed, "strength": list(study.strength)}, alignment_stages.aligned, applied, weight=20),
            Stage(f"identity_{cell}", {**seed, "strength": [1.0, 1.0]}, alignment_stages.identity, same, weight=3),
        ]
    return [*made, *_segmenters(study, cell, {"frames": name}, sources)]


def _segmenters(study: AlignmentStudySettings, arm: str, frames: Inputs, sources: Inputs) -> list[Stage]:
    """The segmenters of an arm."""
    return [_segmenter(study, name, frames, sources, k) for k, name in enumerate(study.segmenters_of(arm))]


def _segmenter(study: AlignmentStudySettings, name: str, frames: Inputs, sources: Inputs, number: int = 0) -> Stage:
    budget = replace(study.segmentation, seed=study.seed + number)
    inputs: Inputs = {**frames, "real": sources["real"]}
    return Stage(name, asdict(budget), alignment_stages.segmenter(budget), inputs, weight=0.34 * budget.iterations)


def _evaluate(study: AlignmentStudySettings) -> alignment_stages.Run:
    def run(context: StageContext) -> dict[str, Any]:
        from monai_echosynth.workflows.alignment_scores import score_alignment_study

        return score_alignment_study(study, context.inputs, context.folder)

    return run


def _report(study: AlignmentStudySettings) -> alignment_stages.Run:
    def run(context: StageContext) -> dict[str, Any]:
        from monai_echosynth.workflows.alignment_report import write_alignment_report

        write_alignment_report(study, context.inputs, context.out, dict(context.settings))
        return {}

    return run
