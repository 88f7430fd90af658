"""The adaptation study: a transthoracic generator learns other frames from a few of them, and segmenters say what for.

base -> target -> few -> adapter, shapes -> two synthetic sets -> aligner -> the same sets aligned
-> segmenters -> evaluate -> report

for each number of frames, and at the first number for each adaptation that is compared. Segmenters differ in their training
frames, the arm *affine* in its augmentation, and nothing else; all are tested on the same patients.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from os import PathLike
from pathlib import Path
from typing import Any

from monai_echosynth.data.check_prepared import check_prepared
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows import alignment_stages, tee_stages
from monai_echosynth.workflows.adaptation_settings import AdaptationMethod, AdaptationSettings
from monai_echosynth.workflows.stages import Stage, StageContext, run_stages
from monai_echosynth.workflows.tee_names import REFERENCE, aligned, cells, generated, segmenters, synthetic_sets
from monai_echosynth.workflows.tee_settings import ANNEALED, COMPARED, STRONG_AFFINE, TeeSettings
from monai_echosynth.workflows.training_settings import PRESETS, Preset

__all__ = ["run_tee_study"]

Inputs = dict[str, Path | str]


def run_tee_study(
    out: str | PathLike[str],
    base: str | PathLike[str] | None = None,
    data: str | PathLike[str] | None = None,
    rules: str | PathLike[str] | None = None,
    settings: TeeSettings | None = None,
) -> Path:
    """Run the study, or what is left of it.

    Args:
        out: folder of the study.
        base: trained ``echo_generative_diffusion`` bundle; one of the preset quick is trained on the phantom when omitted.
        data: prepared folder of the target frames with test patients; the phantom from the esophagus when omitted.
        rules: JSON file of label rules from the target to the base; proposed from the names when omitted.
        settings: sizes and budgets.

    Returns:
        Path of the report.

    Raises:
        EchoSynthError: the base, the data or the rules are not usable, or a name in ``settings`` is unknown.
    """
    study = settings or TeeSettings()
    unknown = [name for name in study.compared if name not in COMPARED]
    if unknown or not study.frames:
        wrong = f"got {unknown[0]!r}" if unknown else "and at least one number of frames is needed"
        raise EchoSynthError(f"adaptations to compare are {', '.join(COMPARED)}; {wrong}: correct the settings")
    if data is not None:
        check_prepared(data, "test")
    root = Path(out).resolve()
    stages = tee_stages_of(study, *(None if path is None else Path(path).resolve() for path in (base, data, rules)))
    run_stages(stages, root)
    return root / "report.html"


def tee_stages_of(study: TeeSettings, base: Path | None, data: Path | None, rules: Path | None) -> list[Stage]:
    """The stages of the study, in order."""
    seed, stages = {"seed": study.seed}, list[Stage]()
    if base is None:
        source = {"patients": study.base_patients, **seed}
        stages.append(Stage("base_data", source, tee_stages.base_data, weight=30))
        trained = {**asdict(PRESETS[Preset.QUICK]), **seed}
        stages.append(Stage("base", trained, tee_stages.base, {"data": "base_data"}, weight=170))
    if data is None:
        target = {"patients": study.patients, "n_test": study.n_test, "size": study.size, **seed}
        stages.append(Stage("target", target, tee_stages.target, weight=15))
    found: Inputs = {"base": base or "base", "target": data or "target"}
    for count in study.frames:
        stages += _frames(study, count, found)
    stages += [stage for cell in cells(study) for stage in _cell(study, cell, found, rules)]
    stages.append(_segmenter(study, REFERENCE, {"target": found["target"]}, found["target"]))
    judged: Inputs = {"target": found["target"], **{name: f"segmenter_{name}" for name in segmenters(study)}}
    judged |= {name: name for name in synthetic_sets(study)}
    shown: Inputs = {f"adapter_{cell}": f"adapter_{cell}" for cell in cells(study)}
    shown |= {f"few_{count}": f"few_{count}" for count in study.frames}
    source_name = "phantom" if data is None else data.name
    chosen = {"frames": list(study.frames), "compared": list(study.compared), **seed, "source": source_name}
    return [
        *stages,
        Stage("evaluate", chosen, _evaluate(study), judged, "evaluation", weight=6 * len(judged), version=2),
        Stage(
            "report",
            chosen,
            _report(study),
            {**judged, **shown, "evaluation": "evaluate"},
            "report.html",
            ("summary.json",),
            5,
        ),
    ]


def _frames(study: TeeSettings, count: int, found: Inputs) -> list[Stage]:
    """A number of frames: the frames, masks like theirs, and the segmenters without synthetic frames."""
    few, masks = f"few_{count}", {"count": study.synthetic // 2, "seed": study.seed}
    return [
        Stage(few, {"frames": count}, tee_stages.few, {"target": found["target"]}, weight=1),
        Stage(f"shapes_{count}", masks, tee_stages.shapes, {"frames": few}, weight=5),
        _segmenter(study, f"real_{count}", {few: few}, few),
        _segmenter(study, f"affine_{count}", {few: few}, few, STRONG_AFFINE),
    ]


def _cell(study: TeeSettings, cell: str, found: Inputs, rules: Path | None) -> list[Stage]:
    """An adaptation to a number of frames: the adapter, two synthetic sets, and the segmenters with them."""
    count, name = cells(study)[cell]
    few, bundle = f"few_{count}", f"adapter_{cell}"
    settings = _adaptation(study, name, found["base"])
    drawn = {"count": study.synthetic // 2, "solver": study.solver, "nfe": study.nfe, "seed": study.seed}
    learned: Inputs = {"base": found["base"], "frames": few} | ({"rules": rules} if rules else {})
    weight = 1 if settings.method == AdaptationMethod.NONE else 0.23 * settings.epochs * settings.samples_per_epoch / 16
    stages = [Stage(bundle, asdict(settings), tee_stages.adapter(settings, rules), learned, weight=weight)]
    for made, masks in zip(generated(cell), (few, f"shapes_{count}"), strict=True):
        stages.append(Stage(made, drawn, tee_stages.generate_set, {"bundle": bundle, "masks": masks}, weight=22))
    synthetic: Inputs = {made: made for made in generated(cell)}
    stages.append(_segmenter(study, f"synthetic_{cell}", synthetic, few))
    if name:
        return stages
    stages.append(_segmenter(study, f"mixed_{cell}", {few: few, **synthetic}, few, ANNEALED))
    return stages + _aligned(study, cell, count)


def _aligned(study: TeeSettings, cell: str, count: int) -> list[Stage]:
    """The synthetic sets of a cell aligned to its target frames, watched by their segmenter, and the segmenter with them."""
    few, bundle = f"few_{count}", f"aligner_{cell}"
    settings = replace(study.alignment, seed=study.seed)
    sources: Inputs = {"real": few, "synthetic": generated(cell)[1], "judge": f"segmenter_real_{count}"}
    steps = settings.epochs * settings.samples_per_epoch / settings.batch_size
    stages = [Stage(bundle, asdict(settings), alignment_stages.aligner(settings), sources, weight=0.4 * steps)]
    for made, source in zip(aligned(cell), generated(cell), strict=True):
        inputs: Inputs = {"aligner": bundle, "synthetic": source}
        stages.append(
            Stage(made, {"seed": study.seed, "strength": [1.0, 1.0]}, alignment_stages.aligned, inputs, weight=10)
        )
    together: Inputs = {few: few, **{made: made for made in aligned(cell)}}
    return [*stages, _segmenter(study, f"aligned_{cell}", together, few, ANNEALED)]


def _segmenter(
    study: TeeSettings, name: str, sources: Inputs, watched: Path | str, options: Mapping[str, Any] | None = None
) -> Stage:
    budget, options = replace(study.segmentation, seed=study.seed), dict(options or {})
    run = tee_stages.segmenter(list(sources), budget, options)
    return Stage(f"segmenter_{name}", {**asdict(budget), **options}, run, {**sources, "watched": watched}, weight=80)


def _adaptation(study: TeeSettings, name: str, base: Path | str) -> AdaptationSettings:
    """Settings of an adaptation; adapters that are compared get the rank that gives them all one size."""
    settings = replace(study.adaptation, seed=study.seed, **COMPARED.get(name, {}))
    if name:
        settings = replace(settings, rank=None)
    return settings.sized(PRESETS[Preset.QUICK].diffusion.size if isinstance(base, str) else _size(base))


def _size(bundle: Path) -> str:
    path = bundle / "configs" / "inference.json"
    if not path.is_file():
        raise EchoSynthError(f"a trained echo_generative_diffusion bundle was expected, got {bundle}: name the base")
    return str(json.loads(path.read_text(encoding="utf-8"))["size"])


def _evaluate(study: TeeSettings) -> tee_stages.Run:
    def run(context: StageContext) -> dict[str, Any]:
        from monai_echosynth.workflows.tee_scores import score_tee_study

        return score_tee_study(study, context.inputs, context.folder)

    return run


def _report(study: TeeSettings) -> tee_stages.Run:
    def run(context: StageContext) -> dict[str, Any]:
        from monai_echosynth.workflows.tee_report import write_tee_report

        write_tee_report(study, context.out, str(context.settings["source"]))
        return {}

    return run
