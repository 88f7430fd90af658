"""The benchmark runner: turns, well-formed results, tables. Times are never asserted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks import __main__ as program
from benchmarks.counting import Rates, count
from benchmarks.registry import BENCHMARKS
from benchmarks.runner import Case, Options, measure, run_benchmarks, that_run
from benchmarks.table import to_markdown


def trivial(options: Options) -> dict[str, Any]:
    cases = [Case("add", lambda: sum(range(10))), Case("more", lambda: sum(range(100)), 4, {"calls": 3})]
    return {"title": "Sums", "rows": measure(cases, options.rounds), "checks": {"same": True}}


def test_cases_take_turns() -> None:
    order: list[str] = []
    rows = measure([Case("A", lambda: order.append("A")), Case("B", lambda: order.append("B"))], rounds=3, warm_up=1)
    assert "".join(order) == "ABABABAB"
    assert [row["name"] for row in rows] == ["A", "B"] and [row["rounds"] for row in rows] == [3, 3]


def test_what_cannot_be_had_is_left_out_with_its_reason() -> None:
    def failing() -> None:
        raise RuntimeError("out of memory\nand a long story")

    cases = [Case("A", failing), Case("B", lambda: None)]
    assert that_run(cases) == (cases[1:], {"A": "out of memory"})


@pytest.mark.parametrize("rounds", [1, 4])
def test_rows_are_well_formed(rounds: int) -> None:
    for row in trivial(Options(rounds=rounds))["rows"]:
        low, high = row["quartiles"]
        assert 0 <= low <= row["seconds_per_item"] <= high and row["speedup"] > 0
    assert trivial(Options())["rows"][0]["speedup"] == 1.0


def test_report_is_plain_json_and_prints() -> None:
    report = run_benchmarks({"sums": trivial}, Options(quick=True, rounds=2))
    assert json.loads(json.dumps(report)) == report
    assert {"format", "created", "quick", "rounds", "machine", "versions", "results"} == set(report)
    assert report["machine"]["cores"] >= 1 and report["versions"]["torch"]
    text = to_markdown(report)
    assert "### Sums" in text and "| calls |" in text and "not to be quoted" in text and "same: True" in text
    assert len({line.count("|") for line in text.splitlines() if line.startswith("|")}) == 1


def test_program_writes_json_and_markdown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in BENCHMARKS:
        monkeypatch.setitem(BENCHMARKS, name, trivial)
    out, table = tmp_path / "r.json", tmp_path / "r.md"
    only = list(BENCHMARKS)[:2]
    assert program.main(["--quick", "--only", *only, "--out", str(out), "--markdown", str(table)]) == 0
    assert list(json.loads(out.read_text())["results"]) == only
    assert table.read_text() in capsys.readouterr().out
    with pytest.raises(SystemExit):
        program.main(["--only", "nothing", "--out", str(out)])


@pytest.mark.parametrize("name", ["runtimes", "attention", "speed_of_light", "operations"])
def test_entries_run_at_small_size(name: str) -> None:
    found = BENCHMARKS[name](Options(quick=True, rounds=1))
    assert found["rows"] and to_markdown(run_benchmarks({name: lambda _: found}, Options(quick=True, rounds=1)))
    for row in found["rows"]:
        assert row.get("largest difference", 0.0) < 1e-4
        assert 0 <= row.get("share", 0.0) <= 1


def test_counts_are_those_of_the_operations() -> None:
    layer, x = torch.nn.Conv2d(3, 5, 3, padding=1, bias=False), torch.randn(2, 3, 8, 8)
    found = count(lambda: layer(x), [layer.weight, x])
    assert found.flop == 2 * 2 * 8 * 8 * 5 * 3 * 9
    assert found.least == 4 * (5 * 3 * 9 + 2 * 3 * 64 + 2 * 5 * 64) <= found.moved
    rates = Rates(flop=found.flop / 2, low=1.0, copy=found.least)
    assert found.floor(rates) == 2.0
