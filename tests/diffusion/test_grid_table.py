"""Tables of sampling grids: found by solver and calls, complete for students, checked when read."""

from __future__ import annotations

import pytest

from monai_echosynth.diffusion.grid_table import GridTable
from monai_echosynth.errors import EchoSynthError


def test_grids_are_found_by_the_calls_that_fit() -> None:
    table = GridTable().with_grid("heun", 3, (10.0, 1.0, 0.0)).with_grid("unipc", 2, (9.0, 2.0, 0.0))
    assert table.sigmas("heun", 4) == table.sigmas("heun", 3) == (10.0, 1.0, 0.0)
    assert table.sigmas("unipc", 2) == (9.0, 2.0, 0.0)
    assert table.sigmas("unipc", 3) is None and table.sigmas("euler", 2) is None
    assert table.with_grid("unipc", 2, (8.0, 2.0, 0.0)).sigmas("unipc", 2) == (8.0, 2.0, 0.0)


def test_a_student_draws_with_what_it_was_trained_for() -> None:
    table = GridTable.of_student([80.0, 4.0, 1.3, 0.4], "digest")
    assert [table.sigmas("consistency", n) for n in (1, 2, 4)] == [
        (80.0, 0.0),
        (80.0, 1.3, 0.0),
        (80.0, 4.0, 1.3, 0.4, 0.0),
    ]
    for solver, nfe in (("consistency", 3), ("consistency", 8), ("unipc", 2)):
        with pytest.raises(EchoSynthError, match=f"1, 2, 4 calls with the solver consistency, got {nfe} with {solver}"):
            table.sigmas(solver, nfe)
    for wrong in ([80.0, 4.0, 1.3], [80.0, 4.0, 4.0, 1.0], [1.0, 2.0, 3.0, 4.0]):
        with pytest.raises(EchoSynthError, match="four decreasing noise levels"):
            GridTable.of_student(wrong)


def test_json_there_and_back() -> None:
    table = GridTable.of_student([80.0, 4.0, 1.3, 0.4], "digest").with_grid("heun", 3, (10.0, 1.0, 0.0))
    assert GridTable.from_dict(table.to_dict()) == table


@pytest.mark.parametrize("levels", [[1.0, 2.0, 0.0], [2.0, 1.0, 0.5], [2.0, 0.0], [2.0, float("nan"), 0.0]])
def test_bad_grids(levels: list[float]) -> None:
    with pytest.raises(EchoSynthError, match="a grid of 2 calls of unipc"):
        GridTable.from_dict({"grids": {"unipc": {"2": levels}}})
    with pytest.raises(EchoSynthError, match="got 'rk45'"):
        GridTable.from_dict({"grids": {"rk45": {"2": [2.0, 1.0, 0.0]}}})
