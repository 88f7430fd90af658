"""The utility study: what are synthetic frames good for, beside the real frames that they were made from?

frames -> patients -> masks -> generators -> synthetic sets -> segmenters -> scores -> differences -> report

for each number of real patients. Every generator is trained on the same real patients as the segmenter and on nothing else; one
arm starts from a generator of the phantom. Segmenters have one budget and one network. Arms differ in the synthetic frames that
they see beside the real ones, the arm *affine* in its augmentation. All are tested on the same patients, who took no part in
anything. Each segmenter and each score is a stage of its own: a further ratio, arm or number of patients adds to what is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from importlib.util import find_spec
from os import PathLike
from pathlib import Path
from typing import Any

from monai_echosynth.data.check_prepared import check_prepared, check_size
from monai_echosynth.data.datalist import read_dataset_json
from monai_echosynth.data.phantom.styles import StyleName
from monai_echosynth.data.shapes.correspondence import MIN_MAPS
from monai_echosynth.data.subset import check_patients
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows import alignment_stages, tee_stages, utility_stages
from monai_echosynth.workflows.adapted_bundle import base_sizes
from monai_echosynth.workflows.stages import Stage, StageContext, run_stages
from monai_echosynth.workflows.utility_cells import (
    REFERENCE,
    Cell,
    SyntheticSource,
    cells,
    segmenter_options,
    sources,
)
from monai_echosynth.workflows.utility_presets import UTILITY_PRESETS, UtilityPreset
from monai_echosynth.workflows.utility_settings import (
    ALL,
    Arm,
    Masks,
    Patients,
    UtilitySettings,
)

__all__ = ["run_utility_study", "utility_stages_of"]

Inputs = dict[str, Path | str]

_TARGET, _BASE = (StyleName.HAZY,), (StyleName.MEDIAN, StyleName.CRISP, StyleName.PORTABLE)
"""Machines of the phantom: the study has one that its base has not seen."""


def run_utility_study(
    out: str | PathLike[str],
    data: str | PathLike[str] | None = None,
    base: str | PathLike[str] | None = None,
    settings: UtilitySettings | None = None,
) -> Path:
    """Run the study, or what is left of it.

    Args:
        out: folder of the study.
        data: prepared folder with validation and test patients, or a folder of real frames; the phantom when omitted.
        base: trained ``echo_generative_diffusion`` bundle for the arm *adapted*; one is trained on the phantom when omitted.
        settings: what is compared, sizes and budgets.

    Returns:
        Path of the report.

    Raises:
        EchoSynthError: the data or the base are not usable, or there are fewer patients than asked for or needed for shapes.
    """
    study = settings or UTILITY_PRESETS[UtilityPreset.QUICK]
    source, model = (None if path is None else Path(path).resolve() for path in (data, base))
    _check(study, source, model)
    root = Path(out).resolve()
    run_stages(utility_stages_of(study, source, model), root)
    return root / "report.html"


def utility_stages_of(study: UtilitySettings, data: Path | None, base: Path | None) -> list[Stage]:
    """The stages of the study, in order."""
    stages = list[Stage]()
    frames: Path | str = "frames"
    if data is not None and (data / "dataset.json").is_file():
        frames = data
    else:
        stages.append(_frames(study, data))
    every = cells(study)
    counts = list(dict.fromkeys(cell.patients for cell in every))
    stages += [_patients(study, count, frames) for count in counts]  # too few patients show here, before any training
    found = sources(study)
    stages += [
        _masks(study, *key) for key in dict.fromkeys((s.patients, s.masks) for s in found if s.masks is not Masks.REAL)
    ]
    stages += _segmenter(study, REFERENCE, frames)
    if base is None and any(source.arm is Arm.ADAPTED for source in found):
        stages += _base(study)
    made = set[str]()
    for cell in every[1:]:
        if cell.source is not None:
            stages += [stage for stage in _synthetic(study, cell, cell.source, frames, base) if stage.name not in made]
        stages += _segmenter(study, cell, frames)
        made = {stage.name for stage in stages}
    return [*stages, *_end(study, stages, data)]


def _check(study: UtilitySettings, data: Path | None, base: Path | None) -> None:
    """What can be seen to fail before anything is computed."""
    if data is not None and not data.is_dir():
        raise EchoSynthError(
            f"a data folder was expected, got {data}: check the path, or leave it out to use the phantom"
        )
    few = min((int(count) for count in study.patients if count != ALL), default=None)
    if data is not None and (data / "dataset.json").is_file():
        check_size(data, study.size)
        for section in ("training", "validation", "test"):
            check_prepared(data, section)
        check_patients(data)
        training = read_dataset_json(data)["training"]
        known = len({item["patient"] for item in training})
        most = max((int(count) for count in study.patients if count != ALL), default=0)
        if most > known:
            raise EchoSynthError(
                f"{most} training patients were asked for, got {known} in {data}: ask for fewer, or for all"
            )
    adapted = Arm.ADAPTED in study.arms
    if adapted and find_spec("peft") is None:
        raise EchoSynthError(
            "the arm 'adapted' needs the package peft: pip install 'monai-echosynth[lora]', or leave it out"
        )
    if adapted and base is not None and base_sizes(base)["spatial_size"] != study.size:
        raise EchoSynthError(
            f"the base must draw frames of {study.size} x {study.size} pixels, got one of {base_sizes(base)['spatial_size']} in "
            f"{base}: choose another preset or base"
        )
    if Masks.SHAPES in study.masks and few is not None and 2 * few < MIN_MAPS:
        raise EchoSynthError(
            f"a shape model needs at least {MIN_MAPS} maps, got about {2 * few} of {few} patients: ask for more patients, or "
            "take masks from elsewhere"
        )


def _frames(study: UtilitySettings, data: Path | None) -> Stage:
    if data is None:
        values: dict[str, Any] = {"patients": study.phantom_patients, "styles": list(_TARGET), "size": study.size}
        values |= {"n_test": study.test_patients or max(1, study.phantom_patients // 5), "seed": study.seed}
        return Stage("frames", values, alignment_stages.phantom, weight=0.25 * study.phantom_patients)
    values = {"size": study.size, "n_test": study.test_patients, "max_train": study.max_train, "seed": study.seed}
    return Stage("frames", values, utility_stages.prepare_frames, {"source": data}, weight=20)


def _patients(study: UtilitySettings, patients: Patients, frames: Path | str) -> Stage:
    values = {"patients": patients, "seed": study.seed}
    run = utility_stages.patients_of(patients)
    return Stage(f"patients_{patients}", values, run, {"frames": frames}, f"patients/{patients}")


def _masks(study: UtilitySettings, patients: Patients, kind: Masks) -> Stage:
    values = {"pool": study.pool, "seed": study.seed}
    real: Inputs = {"real": f"patients_{patients}"}
    return Stage(
        f"masks_{patients}_{kind}", values, utility_stages.masks(kind), real, f"masks/{patients}_{kind}", weight=10
    )


def _base(study: UtilitySettings) -> list[Stage]:
    values = {"patients": study.base_patients, "styles": list(_BASE), "size": study.size, "n_test": 1}
    values |= {"seed": study.seed + 1}  # other patients than those of the study's phantom
    trained = {**asdict(study.base), "seed": study.seed}
    data = Stage("base_data", values, alignment_stages.phantom, weight=0.25 * study.base_patients)
    run = utility_stages.base(study.base)
    return [data, Stage("base", trained, run, {"data": "base_data"}, weight=_steps(study))]


def _synthetic(
    study: UtilitySettings, cell: Cell, source: SyntheticSource, frames: Path | str, base: Path | None
) -> list[Stage]:
    """Generator, set, judgment of the set and the head of the set that a cell learns from; some are there already."""
    real, seed = f"patients_{source.patients}", {"seed": study.seed}
    stages = list[Stage]()
    made: Inputs = {
        "real": real,
        "masks": real if source.masks is Masks.REAL else f"masks_{source.patients}_{source.masks}",
    }
    drawn: dict[str, Any] = {"pool": study.pool, "size": study.size, **seed}
    if source.arm is not Arm.SYNTHSEG:
        bundle = f"generator_{source.bundle}"
        values, inputs = _generator(study, source.arm), Inputs(real=real)
        if source.arm is Arm.ADAPTED:
            inputs["base"] = base or "base"
        run = utility_stages.generator(source.arm, study)
        stages.append(
            Stage(bundle, {**values, **seed}, run, inputs, f"generators/{source.bundle}", weight=_steps(study))
        )
        made["bundle"] = bundle
    if source.arm in (Arm.DIFFUSION, Arm.ADAPTED):
        drawn |= {"solver": study.solver, "nfe": source.nfe or study.nfe}
    if source.nfe is not None:
        drawn = {**drawn, "pool": None, "calls": study.compute_calls}
    whole = f"set_{source.name}"
    stages.append(Stage(whole, drawn, utility_stages.synthetic(source, study), made, f"sets/{source.name}", weight=20))
    judged: Inputs = {"segmenter": f"segmenter_{REFERENCE.name}", "real": real, "frames": frames, "synthetic": whole}
    asked, place = {"frames": study.judged, **seed}, f"judged/{source.name}"
    stages.append(Stage(f"judge_{source.name}", asked, utility_stages.judge, judged, place, weight=25))
    if cell.ratio is not None:
        values = {"ratio": cell.ratio, "masks": str(source.masks)}
        inputs, place = Inputs(real=real, synthetic=whole), f"heads/{cell.frames}"
        stages.append(Stage(f"head_{cell.frames}", values, utility_stages.head, inputs, place))
    return stages


def _generator(study: UtilitySettings, arm: Arm) -> dict[str, Any]:
    if arm is Arm.DIFFUSION:
        return {**asdict(study.generator), "latents": study.latents}
    return asdict(study.gan if arm is Arm.GAN else study.adaptation)


def _segmenter(study: UtilitySettings, cell: Cell, frames: Path | str) -> list[Stage]:
    budget, options = replace(study.segmentation, seed=study.seed), segmenter_options(cell, study.mixing)
    real = f"patients_{cell.patients}"
    learned: Inputs = {} if cell.alone else {"real": real}
    if cell.source is not None:
        learned["synthetic"] = f"set_{cell.source.name}" if cell.ratio is None else f"head_{cell.frames}"
    run = tee_stages.segmenter(list(learned), budget, options)
    name, scored = f"segmenter_{cell.name}", Inputs(frames=frames, segmenter=f"segmenter_{cell.name}")
    weight = 0.16 * budget.iterations * (study.size / 96) ** 2
    return [
        Stage(
            name,
            {**asdict(budget), **options},
            run,
            {**learned, "watched": real},
            f"segmenters/{cell.name}",
            weight=weight,
        ),
        Stage(
            f"score_{cell.name}",
            {"seed": study.seed},
            utility_stages.score,
            scored,
            f"scores/{cell.name}",
            weight=6,
            version=2,
        ),
    ]


def _steps(study: UtilitySettings) -> float:
    """Expected seconds of a generator's training."""
    budget = study.generator.diffusion
    return 0.01 * budget.epochs * budget.samples_per_epoch * (study.size / 96) ** 2


def _end(study: UtilitySettings, stages: list[Stage], data: Path | None) -> list[Stage]:
    scored: Inputs = {stage.name: stage.name for stage in stages if stage.name.startswith("score_")}
    counted = ("head_", "set_", "patients_", "judge_", "generator_", "segmenter_", "masks_")
    shown: Inputs = {stage.name: stage.name for stage in stages if stage.name.startswith(counted)}
    chosen: dict[str, Any] = {
        "cells": [cell.name for cell in cells(study)],
        "source": "phantom" if data is None else data.name,
    }
    chosen |= {"seed": study.seed}
    names = [stage.name for stage in stages]

    def compare(context: StageContext) -> Mapping[str, Any]:
        from monai_echosynth.workflows.utility_scores import compare_cells

        return compare_cells(study, context.inputs, context.folder)

    def report(context: StageContext) -> Mapping[str, Any]:
        from monai_echosynth.workflows.utility_report import write_utility_report

        write_utility_report(study, context.out, str(context.settings["source"]), names)
        return {}

    inputs: Inputs = {**scored, **shown, "evaluation": "evaluate"}
    return [
        Stage("evaluate", chosen, compare, scored, "evaluation", weight=1 + 0.5 * len(scored)),
        Stage("report", chosen, report, inputs, "report.html", ("summary.json",), 5),
    ]
