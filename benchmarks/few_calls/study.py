"""The stages: for each cell a set, its quality and a segmenter of it; for the main cells segmenters of further seeds.

All sets are drawn from the same masks with the same seed. Segmenters differ in their training frames, and within a cell in their
seed, alone; all are tested on the same patients, who took part in no training.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.few_calls.cells import CONSISTENCY, GUIDED, STUDENT, TUNED, Cell, cells, main_cells
from monai_echosynth.workflows.evaluate import mask_adherence, train_and_evaluate
from monai_echosynth.workflows.generate import generate
from monai_echosynth.workflows.metrics_study import MetricsSettings, run_metrics
from monai_echosynth.workflows.segmentation import SegmentationSettings
from monai_echosynth.workflows.stages import Stage, StageContext

__all__ = ["Budget", "Bundles", "stages"]

Run = Callable[[StageContext], Mapping[str, Any]]


@dataclass(frozen=True)
class Budget:
    """How much is done.

    Attributes:
        frames: frames of a set.
        steps: steps of a segmenter in the table of all cells.
        main_steps: steps of the segmenters of the main cells, of each seed.
        seeds: segmenters of a main cell.
        floor: adherence under which no segmenter is trained for the table: its frames do not show their masks.
        runtime: form of the networks that draws all sets.
        segmentation: sizes of all segmenters.
    """

    frames: int = 300
    steps: int = 250
    main_steps: int = 400
    seeds: int = 3
    floor: float = 0.5
    runtime: str = "channels_last+packed"
    segmentation: SegmentationSettings = field(default_factory=SegmentationSettings)


@dataclass(frozen=True)
class Bundles:
    """What draws.

    Attributes:
        teacher: trained generator.
        student: its student.
        consistency: a second student, by consistency tuning; none when omitted.
        tuned: a copy of the teacher with searched noise levels; none when omitted.
        companion: the teacher's companion for autoguidance; none when omitted.
    """

    teacher: Path
    student: Path
    consistency: Path | None = None
    tuned: Path | None = None
    companion: Path | None = None

    def cells(self) -> list[Cell]:
        """Cells that they can draw."""
        given = ((CONSISTENCY, self.consistency), (TUNED, self.tuned), (GUIDED, self.companion))
        return cells([name for name, path in given if path])

    def inputs(self, cell: Cell) -> dict[str, Path | str]:
        """Those of a cell."""
        own = {STUDENT: self.student, CONSISTENCY: self.consistency, TUNED: self.tuned}
        drawing = own.get(cell.method) or self.teacher
        return {
            "bundle": drawing,
            **({"companion": self.companion} if cell.method == GUIDED and self.companion else {}),
        }


def stages(data: Path, judge: Path, bundles: Bundles, budget: Budget) -> list[Stage]:
    """The stages, in order of their weight for the answer."""
    found = list[Stage]()
    for cell in bundles.cells():
        settings = {"solver": cell.method, "nfe": cell.calls, "frames": budget.frames, "runtime": budget.runtime}
        inputs = {**bundles.inputs(cell), "data": data}
        folder, weight = f"{cell.name}/set", 15 + budget.frames * 0.012 * cell.calls
        found.append(Stage(f"set_{cell.name}", settings, _draw(cell, budget), inputs, folder, weight=weight))
        judged: dict[str, Path | str] = {"frames": f"set_{cell.name}", "data": data, "judge": judge}
        found.append(Stage(f"quality_{cell.name}", {}, _judge, judged, f"{cell.name}/quality", weight=20))
    for seed in range(budget.seeds):
        found += [_segmenter(cell, data, budget, budget.main_steps, seed) for cell in main_cells()]
    found += [_segmenter(cell, data, budget, budget.steps, 0) for cell in bundles.cells()]
    return found


def _segmenter(cell: Cell, data: Path, budget: Budget, steps: int, seed: int) -> Stage:
    settings = replace(budget.segmentation, iterations=steps, seed=seed)
    name = f"dice_{cell.name}_{steps}_{seed}"
    inputs: dict[str, Path | str] = {
        "frames": f"set_{cell.name}",
        "quality": f"quality_{cell.name}",
        "data": data,
    }
    told = {**asdict(settings), "floor": budget.floor}
    folder = f"{cell.name}/{steps}_{seed}"
    return Stage(name, told, _train(settings, budget.floor), inputs, f"{folder}/segmenter", weight=0.4 * steps)


def _draw(cell: Cell, budget: Budget) -> Run:
    sampling: dict[str, Any] = {"nfe": cell.calls}
    if cell.method not in (STUDENT, CONSISTENCY):
        sampling["solver"] = "unipc" if cell.method in (TUNED, GUIDED) else cell.method

    def run(context: StageContext) -> Mapping[str, Any]:
        bundle, data = context.inputs["bundle"], context.inputs["data"]
        if cell.method == GUIDED:
            sampling["companion"] = context.inputs["companion"]
        made = generate(bundle, data, context.folder, budget.frames, runtime=budget.runtime, progress=False, **sampling)
        if made["nfe"] != cell.calls:
            raise ValueError(f"{cell.name} made {made['nfe']} network calls")
        return {"nfe": made["nfe"], "runtime": made["runtime"]}

    return run


def _judge(context: StageContext) -> Mapping[str, Any]:
    frames, data, judge = (context.inputs[name] for name in ("frames", "data", "judge"))
    settings = MetricsSettings(segmenter=judge, floor_section=None, pairs=1)
    found = run_metrics(data, frames, context.folder, settings, progress=False)
    mask_adherence(judge, frames, context.folder / "adherence")
    return {
        "adherence": found["adherence"]["synthetic"]["mean"]["value"],
        **{name: found["distribution"][name] for name in ("kid", "recall")},
    }


def _train(settings: SegmentationSettings, floor: float) -> Run:
    def run(context: StageContext) -> Mapping[str, Any]:
        frames, data = context.inputs["frames"], context.inputs["data"]
        found = json.loads((context.inputs["quality"] / "metrics.json").read_text(encoding="utf-8"))
        if not found["adherence"]["synthetic"]["mean"]["value"] >= floor:
            return {"left_out": True}
        scores = train_and_evaluate(context.folder, frames, data, context.folder.parent / "scores", settings, False)
        return {"mean_dice": scores["mean_dice"], "dice": scores["dice"]}

    return run
