"""``echosynth tune-grid``: grids stored beside the weights, taken by generation, kept, and refused where they mean nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from monai_echosynth import cli
from monai_echosynth.data.grid_file import GRIDS, read_grids
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows.generate import generate
from monai_echosynth.workflows.tune_grid import GridSearchSettings, tune_grids
from monai_echosynth.workflows.verify import verify_bundle
from tests.helpers.tiny_generator import write_tiny_bundle
from tests.helpers.tiny_prepared import write_tiny_prepared

SMALL = GridSearchSettings(masks=1, reference_nfe=9, evaluations=6)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_prepared(tmp_path_factory.mktemp("prepared"))


@pytest.fixture(scope="module")
def tuned(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = write_tiny_bundle(tmp_path_factory.mktemp("tuned"))
    found = tune_grids(root, prepared, ["unipc", "heun"], [2, 3], SMALL, echo=lambda line: None)
    assert [(one["solver"], one["nfe"]) for one in found] == [("unipc", 2), ("unipc", 3), ("heun", 1), ("heun", 3)]
    assert all(one["distance"] <= one["default"] and one["levels"][-1] == 0 for one in found)
    assert any(one["distance"] < one["default"] for one in found)
    return root


def test_generation_takes_the_grid_and_says_so(tuned: Path, prepared: Path, tmp_path: Path) -> None:
    generate(tuned, prepared, tmp_path / "tuned", count=1, solver="unipc", nfe=3, progress=False)
    manifest = json.loads((tmp_path / "tuned" / "manifest.json").read_text())
    assert tuple(manifest["sigmas"]) == read_grids(tuned / "models" / GRIDS).sigmas("unipc", 3)
    generate(tuned, prepared, tmp_path / "other", count=1, solver="unipc", nfe=4, progress=False)
    assert json.loads((tmp_path / "other" / "manifest.json").read_text())["sigmas"] is None


def test_what_was_found_is_kept_and_whole(tuned: Path, prepared: Path) -> None:
    before = (tuned / "models" / GRIDS).read_bytes()
    lines: list[str] = []
    tune_grids(tuned, prepared, ["unipc"], [2], SMALL, echo=lines.append)
    assert (tuned / "models" / GRIDS).read_bytes() == before and lines[0].startswith("unipc 2 calls: distance ")
    assert GRIDS in (tuned / "models" / "SHA256SUMS").read_text()
    assert [check for check in verify_bundle(tuned) if check.passed is False] == []


def test_command(prepared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = write_tiny_bundle(tmp_path / "bundle")
    shared = ["tune-grid", "--bundle", str(root), "--data", str(prepared)]
    options = ["--calls", "1", "--masks", "1", "--reference", "3", "--evaluations", "3", "--solvers", "euler"]
    assert cli.main([*shared, *options]) == 0
    assert "sigma_grids.json" in capsys.readouterr().out
    assert read_grids(root / "models" / GRIDS).sigmas("euler", 1) is not None


def test_bad_input(prepared: Path, tuned: Path, tmp_path: Path) -> None:
    def edited(name: str, file: str, **values: Any) -> Path:
        root = Path(shutil.copytree(tuned, tmp_path / name))
        content = {**json.loads((root / file).read_text()), **values}
        (root / file).write_text(json.dumps({key: value for key, value in content.items() if value is not None}))
        return root

    student = edited("student", f"models/{GRIDS}", complete=True)
    older = edited("older", "configs/inference.json", grids_path=None)
    for root, options, words in (
        (tuned, {"solvers": ["ancestral"]}, "without fresh noise, got ancestral"),
        (tuned, {"calls": [0]}, "of 1 or more"),
        (student, {}, "a few-step student has its own noise levels"),
        (older, {}, "that reads sampling grids"),
        (tmp_path, {}, r"a bundle with configs/inference\.json"),
    ):
        with pytest.raises(EchoSynthError, match=words):
            tune_grids(root, prepared, **options, settings=SMALL)  # type: ignore[arg-type]
