"""The comparison of few network calls: its cells, and its page from numbers of a finished run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.few_calls.cells import CALLS, CONSISTENCY, GUIDED, REFERENCE, STUDENT, TUNED, Cell, cells, main_cells
from benchmarks.few_calls.page import draw, page, rows, seed_rows
from benchmarks.few_calls.study import Budget, Bundles, stages

BUDGET = Budget(frames=4, steps=2, main_steps=3, seeds=2)


def test_every_number_of_calls_is_there_once() -> None:
    found = cells()
    assert found[0] == REFERENCE and len(set(found)) == len(found)
    assert [cell.calls for cell in found if cell.method == STUDENT] == [1, 2, 4]
    for solver in ("dpmpp_2m", "unipc"):
        assert {cell.calls for cell in found if cell.method == solver} >= set(CALLS[1:])
    assert sorted(cell.calls for cell in found if cell.method == "heun") == [3, 7, 15, 31, 63]
    assert [cell for cell in found if cell.calls == 1] == [Cell(STUDENT, 1), Cell("dpmpp_2m", 1)]
    assert set(main_cells()) <= set(found)
    further = {CONSISTENCY, TUNED, GUIDED}
    assert {cell.method for cell in cells([*further])} == {*(cell.method for cell in found), *further}


def test_stages_name_each_piece_of_work_once(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("data", "judge", "teacher", "student", "consistency", "tuned", "companion")]
    made = stages(*paths[:2], Bundles(*paths[2:]), BUDGET)
    names = [stage.name for stage in made]
    assert len(set(names)) == len(names)
    drawn = {stage.name: stage for stage in made if stage.name.startswith("set_")}
    assert drawn["set_student_2"].inputs["bundle"] == paths[3]
    assert drawn["set_consistency_2"].inputs["bundle"] == paths[4]
    assert drawn["set_tuned_8"].inputs["bundle"] == paths[5]
    assert drawn["set_guided_32"].inputs["companion"] == paths[6]
    assert drawn["set_unipc_8"].inputs["bundle"] == paths[2]
    assert sum(name.startswith("dice_") for name in names) == len(drawn) + 2 * len(main_cells())


def test_differences_are_paired_and_averaged_over_seeds(tmp_path: Path) -> None:
    _write_run(tmp_path)
    two = next(row for row in seed_rows(tmp_path, BUDGET) if (row["method"], row["calls"]) == (STUDENT, 2))
    assert two["difference"]["mean"] < 0
    assert abs(two["difference"]["mean"] - -0.02) < 1e-9  # each frame lies .02 below the reference's in both seeds
    table = rows(tmp_path, BUDGET, cells())
    assert next(row for row in table if row["method"] == "unipc" and row["calls"] == 2)["dice"] is None  # left out
    assert next(row for row in table if row["method"] == "heun" and row["calls"] == 63)["difference"] is None


def test_page_and_picture(tmp_path: Path) -> None:
    _write_run(tmp_path)
    text = "\n".join(page(tmp_path, BUDGET, cells(), "the command", "somewhere"))
    assert "the command" in text and "| student, 2 calls |" in text and "| teacher, unipc | 2 | – |" in text
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert len(tables) == 2 + len(main_cells()) + 2 + len(cells())
    draw(rows(tmp_path, BUDGET, cells())).savefig(tmp_path / "p.png")
    assert (tmp_path / "p.png").stat().st_size > 5000


def _write_run(out: Path) -> None:
    """What a run leaves, with numbers made up: two calls of UniPC fail, all else loses .01 a halving of calls."""
    for cell in cells():
        lost = 0.0 if cell == REFERENCE else 0.02
        failed = cell == Cell("unipc", 2)
        _json(out / "stages" / f"quality_{cell.name}.json", {"adherence": 0.9 - lost, "kid": {"value": 0.2 + lost}})
        _summary(out / cell.name / "quality" / "adherence", 0.9 - lost)
        for steps, seeds in ((BUDGET.steps, 1), (BUDGET.main_steps, BUDGET.seeds)):
            for seed in range(seeds):
                score = {"mean_dice": {"mean": 0.88 - lost + 0.01 * seed, "ci95": [0.8, 0.9]}}
                trained: dict[str, Any] = {"left_out": True} if failed else score
                _json(out / "stages" / f"dice_{cell.name}_{steps}_{seed}.json", trained)
                _summary(out / cell.name / f"{steps}_{seed}" / "scores", 0.88 - lost + 0.01 * seed)


def _json(path: Path, metrics: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"metrics": metrics}))


def _summary(folder: Path, dice: float) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    cases = [
        {
            "reference_file": f"labels/frame{k}.nii.gz",
            "patient": f"patient{k // 2}",
            "metrics": {name: {"Dice": dice + 0.01 * k} for name in ("1", "2", "3", "(1, 2)")},
        }
        for k in range(4)
    ]
    (folder / "summary.json").write_text(json.dumps({"metric_per_case": cases}))
