"""Grids: which cells there are, what is left out, and what is an error, before anything is computed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from monai_echosynth.diffusion.family import Family
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows.generator_grid import DEFAULT_GRID, FAMILIES, cells_of, parse_grid, read_grid
from monai_echosynth.workflows.generator_plan import make_plan
from monai_echosynth.workflows.training_settings import Preset
from tests.helpers.tiny_chambers import write_tiny_chambers
from tests.helpers.tiny_prepared import write_tiny_prepared
from tests.helpers.tiny_views import relabel, write_tiny_views

GRID: dict[str, Any] = {"families": ["edm", "sdm"], "solvers": ["ddim", "heun"], "nfe": [5, 10]}


def test_the_grid_of_the_package_has_three_families_two_solvers_and_three_numbers() -> None:
    grid = read_grid(DEFAULT_GRID)
    cells, left_out = cells_of(grid)
    assert (len(grid.families), len(grid.solvers), len(grid.nfe)) == (3, 2, 3)
    assert len(cells) == 18 == len({cell.name for cell in cells}) and left_out == []
    assert len({cell.line for cell in cells}) == 6


def test_grids_of_the_documentation_are_sound() -> None:
    page = (Path(__file__).parents[2] / "docs" / "study.md").read_text()
    grids = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", page, re.DOTALL)]
    assert len(grids) >= 2
    for content in grids:
        assert cells_of(parse_grid(content))[0]


def test_what_a_cross_product_cannot_have_is_left_out_and_said() -> None:
    cells, left_out = cells_of(parse_grid(GRID))
    assert [cell.name for cell in cells] == ["edm_ddim_5", "edm_ddim_10", "edm_heun_5", "sdm_ddim_5", "sdm_ddim_10"]
    assert len(left_out) == 2
    assert "heun with 10 calls is left out" in left_out[0] and "sdm with heun is left out" in left_out[1]


def test_a_gan_has_one_cell_and_needs_no_solver() -> None:
    (cell,), left_out = cells_of(parse_grid({"families": ["spade-gan"]}))
    assert (cell.name, cell.solver, cell.nfe, left_out) == ("spade-gan", None, 1, [])
    assert set(FAMILIES) == {*Family, "spade-gan"}


def test_calls_by_solver() -> None:
    grid = parse_grid({**GRID, "nfe": {"ddim": [20, 5, 5], "heun": [9]}})
    assert [cell.name for cell in cells_of(grid)[0] if cell.family == "edm"] == [
        "edm_ddim_5",
        "edm_ddim_20",
        "edm_heun_9",
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"families": ["edm", "ddpm"]}, r"'families' must be among edm-l64, .*spade-gan, got 'ddpm'"),
        ({"families": []}, "at least one family"),
        ({"families": "edm"}, "must be a list of names"),
        ({"families": ["edm", "edm"]}, "stands once"),
        ({"solvers": ["ddim", "rk4"]}, r"'solvers' must be among euler, .*, got 'rk4'"),
        ({"solvers": ["consistency"]}, r"'solvers' must be among euler, .*, got 'consistency'"),
        ({"families": ["sdm"]}, "heun draws from none of the families sdm"),
        ({"solvers": ["heun"], "nfe": [5]}, "sdm needs at least one solver of ddim, ancestral, got heun"),
        ({"solvers": []}, "edm needs at least one solver"),
        ({"nfe": [10, 20]}, r"network calls of heun are 1, 3, 5, \.\.\., got nfe 10, 20"),
        ({"nfe": {"ddim": [5], "heun": [5, 10]}}, r"heun are 1, 3, 5, \.\.\., got nfe 10"),
        ({"nfe": {"ddim": [5]}}, "names the solvers ddim, heun"),
        ({"nfe": []}, "got nfe none"),
        ({"nfe": 5}, "list of network calls"),
        ({"nfe": [0, 5]}, "whole number of at least 1, got 0"),
        ({"nfe": [5.5]}, "got 5.5"),
        ({"nfe": [True]}, "got True"),
        ({"nfe": [5, 1001]}, "1 to 1000, its noise levels"),
        ({"preset": "huge"}, "must be one of quick, cpu, paper, got 'huge'"),
        ({"size": 100}, "multiple of 32"),
        ({"size": 96, "preset": "paper"}, "multiple of 64"),
        ({"frames": "many"}, "'frames' must be a whole number"),
        ({"budget": 0}, "'budget' must be a positive number"),
        ({"budget": "1"}, "'budget' must be a positive number"),
        ({"segmenter_steps": -1}, "at least 1, got -1"),
        ({"patients": 10, "test_patients": 9}, "leave 2 of 10 patients"),
        ({"seed": -1}, "'seed' must be"),
        ({"sovlers": ["ddim"]}, "keys of a grid are families, .*, got 'sovlers'"),
    ],
)
def test_mistakes_are_one_clear_error(change: dict[str, Any], words: str, tmp_path: Path) -> None:
    path = tmp_path / "grid.json"
    path.write_text(json.dumps({**GRID, **change}))
    with pytest.raises(EchoSynthError, match=words) as caught:
        read_grid(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(("text", "words"), [("{", "whole JSON"), ("[]", "JSON object"), ("{}", "must be a list")])
def test_damaged_files(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "grid.json"
    path.write_text(text)
    with pytest.raises(EchoSynthError, match=words):
        read_grid(path)
    with pytest.raises(EchoSynthError, match="is none"):
        read_grid(tmp_path / "missing.json")


def test_one_view_leaves_view_classification_out(tmp_path: Path) -> None:
    plan = make_plan(parse_grid(GRID), write_tiny_prepared(tmp_path / "one"))
    assert not plan.views and not plan.conditioned and plan.size == 32
    assert "view classification is left out" in plan.notes[-1] and "got 4CH" in plan.notes[-1]
    both = write_tiny_views(tmp_path / "two")
    plan = make_plan(parse_grid(GRID), both)
    assert plan.views and plan.conditioned
    relabel(both, lambda item: "2CH" if item["patient"] < "patient0003" else "5CH")
    with pytest.raises(EchoSynthError, match=r"telling views apart|must show one of the views"):
        make_plan(parse_grid(GRID), both)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"size": 64}, r"64 x 64 pixels, got \[32"),
        ({"preset": "paper"}, "side that 64 divides"),
        ({"frames": 2}, "at least 4"),
    ],
)
def test_data_that_do_not_fit(change: dict[str, Any], words: str, tmp_path: Path) -> None:
    data = write_tiny_prepared(tmp_path / "data")
    with pytest.raises(EchoSynthError, match=words):
        make_plan(parse_grid({**GRID, **change}), data)


def test_data_of_other_labels_or_too_few_frames(tmp_path: Path) -> None:
    with pytest.raises(EchoSynthError, match="got other labels"):
        make_plan(parse_grid(GRID), write_tiny_chambers(tmp_path / "chambers"))
    with pytest.raises(EchoSynthError, match="at least 4 frames are needed in 'test', got 2"):
        make_plan(parse_grid(GRID), write_tiny_prepared(tmp_path / "few", test=2))
    with pytest.raises(EchoSynthError, match="run 'echosynth prepare' first"):
        make_plan(parse_grid(GRID), tmp_path)


def test_budgets_of_the_grid_reach_every_training() -> None:
    content = {**GRID, "families": ["edm", "edm-l64", "edm-l128"], "preset": "quick", "size": 64, "budget": 0.5}
    plan = make_plan(parse_grid({**content, "segmenter_steps": 7, "view_steps": 9, "seed": 3}))
    assert (plan.segmentation.iterations, plan.segmentation.spatial_size, plan.segmentation.seed) == (7, 64, 3)
    assert (plan.classifier.iterations, plan.classifier.size, plan.gan.spatial_size) == (9, "quick", 64)
    assert (plan.diffusion("edm").diffusion.epochs, plan.diffusion("edm").spatial_size) == (8, 64)
    assert [plan.autoencoder(family) for family in plan.grid.families] == [None, "quick_l64", "quick"]
    assert plan.grid.preset is Preset.QUICK and plan.views
