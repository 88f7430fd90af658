"""The generator study: how useful and how realistic are the frames of each family, at which cost?

data -> real row; autoencoder -> generator of each family -> for each cell: set -> segmenter, view classifier, quality -> report

All sets are drawn from the same masks with the same seed. The segmenters differ in their training frames alone, the view
classifiers too, and all are tested on the same real patients, as are those of the row ``real``, which saw real frames. Each stage
is one job, which any process takes that is at hand (:mod:`monai_echosynth.workflows.stage_sharing`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from os import PathLike
from pathlib import Path
from typing import Any

from monai_echosynth.workflows import generator_stages
from monai_echosynth.workflows.generator_grid import DEFAULT_GRID, GAN, REAL, Cell, StudyGrid, read_grid
from monai_echosynth.workflows.generator_plan import PHANTOM_VIEWS, StudyPlan, make_plan
from monai_echosynth.workflows.ranks import Rank, by_itself
from monai_echosynth.workflows.stage_sharing import share_stages
from monai_echosynth.workflows.stages import Stage, StageContext

__all__ = ["generator_stages_of", "run_generator_study"]

Inputs = dict[str, Path | str]


def run_generator_study(
    out: str | PathLike[str],
    data: str | PathLike[str] | None = None,
    grid: StudyGrid | None = None,
) -> Path:
    """Run the study, or what is left of it; under ``torchrun``, this process's share.

    Args:
        out: folder of the study.
        data: prepared folder of real frames with test patients; the phantom when omitted.
        grid: what is compared; the grid that comes with the package when omitted.

    Returns:
        Path of the report.

    Raises:
        EchoSynthError: the grid or the data are not usable; nothing is computed then.
    """
    root, source = Path(out).resolve(), None if data is None else Path(data).resolve()
    plan = make_plan(grid or read_grid(DEFAULT_GRID), source)
    with by_itself() as rank:
        echo = _echo(rank)
        if rank.number == 0:
            for line in (*plan.notes, f"{len(plan.cells)} cells: {', '.join(cell.name for cell in plan.cells)}"):
                echo(line)
        stages = generator_stages_of(plan, source, progress=rank.world_size == 1)
        share_stages(stages, root, echo, workers=rank.world_size)
    return root / "report.html"


def _echo(rank: Rank) -> Callable[[str], None]:
    """Says lines, with the number of the process where there are several."""
    prefix = f"process {rank.number}: " if rank.world_size > 1 else ""
    return lambda line: print(prefix + line, flush=True)


def generator_stages_of(plan: StudyPlan, data: Path | None = None, progress: bool = True) -> list[Stage]:
    """The stages of the study, in order."""
    grid, stages = plan.grid, list[Stage]()
    seed = {"seed": grid.seed}
    if data is None:
        sizes = {"patients": grid.patients, "n_test": grid.test_patients, "size": plan.size}
        settings = {**sizes, "views": list(PHANTOM_VIEWS), **seed}
        stages.append(Stage("data", settings, generator_stages.phantom(progress), weight=0.5 * grid.patients))
    source: Path | str = data or "data"
    stages += _row(plan, REAL, source, source, progress)
    for family in grid.families:
        stages += _family(plan, family, source, {stage.name for stage in stages}, progress)
        for cell in plan.cells:
            if cell.family == family:
                stages += _cell(plan, cell, source, progress)
    known: Inputs = {stage.name: stage.name for stage in stages}
    described = {"notes": list(plan.notes), "source": plan.source, "grid": asdict(grid)}
    files = ("summary.json", "cells.csv", "curves.png", "frames.png")
    report = Stage("report", described, _report(plan), {"data": source, **known}, "report.html", files, weight=20)
    return [*stages, report]


def _family(plan: StudyPlan, family: str, source: Path | str, made: set[str], progress: bool) -> list[Stage]:
    """The generator of a family, and the gamma-VAE that it needs unless that is made."""
    seed, stages, inputs = {"seed": plan.grid.seed}, list[Stage](), Inputs(data=source)
    area = (plan.size / 96) ** 2
    size = plan.autoencoder(family)
    if family == GAN:
        settings: dict[str, Any] = {**asdict(plan.gan), **seed}
        weight = 0.4 * area * plan.gan.epochs * plan.gan.samples_per_epoch / plan.gan.batch_size
    else:
        sizes = plan.diffusion(family)
        budget = sizes.diffusion
        settings = {"family": family, **asdict(sizes), "conditioned": plan.conditioned, **seed}
        weight = 0.27 * area * budget.epochs * budget.samples_per_epoch / 32
        if size is not None:
            name = f"autoencoder_{size}"
            inputs["autoencoder"] = name
            if name not in made:
                first = {**asdict(sizes.autoencoder), **seed}
                work = 0.19 * area * sizes.autoencoder.epochs * sizes.autoencoder.samples_per_epoch / 16
                run = generator_stages.first_stage(plan, family, progress)
                stages.append(Stage(name, first, run, {"data": source}, f"generators/{name}", weight=work))
    run = generator_stages.generator(plan, family, progress)
    return [*stages, Stage(f"generator_{family}", settings, run, inputs, f"generators/{family}", weight=weight)]


def _cell(plan: StudyPlan, cell: Cell, source: Path | str, progress: bool) -> list[Stage]:
    """The set of a cell, and what is asked of it."""
    made, area = f"synthetic_{cell.name}", (plan.size / 96) ** 2
    settings = {"solver": cell.solver, "nfe": cell.nfe, "frames": plan.grid.frames, "seed": plan.grid.seed}
    settings["batch_size"] = plan.grid.batch_size
    inputs: Inputs = {"data": source, "generator": f"generator_{cell.family}"}
    weight = 5 + (plan.grid.frames or 4 * plan.grid.patients) * (0.03 + 0.007 * area * cell.nfe)
    run = generator_stages.synthetic(plan, cell, progress)
    drawn = Stage(made, settings, run, inputs, f"cells/{cell.name}/synthetic", weight=weight)
    return [drawn, *_row(plan, cell.name, made, source, progress)]


def _row(plan: StudyPlan, name: str, frames: Path | str, source: Path | str, progress: bool) -> list[Stage]:
    """What is asked of the training frames of one row."""
    area, folder = (plan.size / 96) ** 2, f"cells/{name}"
    inputs: Inputs = {"frames": frames, "data": source}
    segmenter, classifier = plan.segmentation, plan.classifier
    stages = [
        Stage(
            f"segmenter_{name}",
            asdict(segmenter),
            generator_stages.segmented(plan, progress),
            inputs,
            f"{folder}/segmenter",
            (f"{folder}/segmentation",),
            10 + 0.16 * area * segmenter.iterations,
        )
    ]
    if plan.views:
        stages.append(
            Stage(
                f"views_{name}",
                asdict(classifier),
                generator_stages.classified(plan, progress),
                inputs,
                f"{folder}/classifier",
                (f"{folder}/classification",),
                4 + 0.3 * area * classifier.iterations,
            )
        )
    judged: Inputs = {**inputs, "judge": f"segmenter_{REAL}"}
    measure = generator_stages.quality(plan)
    return [*stages, Stage(f"quality_{name}", {"seed": plan.grid.seed}, measure, judged, f"{folder}/quality", weight=6)]


def _report(plan: StudyPlan) -> generator_stages.Run:
    def run(context: StageContext) -> dict[str, Any]:
        from monai_echosynth.workflows.generator_report import write_generator_report

        write_generator_report(plan, context.inputs["data"], context.out)
        return {}

    return run
