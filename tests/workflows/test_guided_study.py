"""The study of guided diffusion at a size for seconds: every stage runs once, and its numbers are those of its files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from monai_echosynth.data.datalist import load_datalist
from monai_echosynth.workflows.guided_study import GuidedStudySettings, run_guided_study
from tests.helpers.tiny_guided import CLASSES, TINY_GUIDED
from tests.helpers.tiny_views import TINY_VIEWS

pytestmark = [
    pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad=True"),
    pytest.mark.timeout(600),
]

TINY = GuidedStudySettings(
    TINY_GUIDED, TINY_VIEWS, pictures=12, n_test=3, count=6, nfe=4, strengths=(0.0, 0.5, 1.0), frames=1
)


def test_every_stage_runs_once_and_the_numbers_agree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    summary = run_guided_study(tmp_path, settings=TINY)
    assert summary == json.loads((tmp_path / "summary.json").read_text())
    accuracy = summary["accuracy"]
    assert {name: score["frames"] for name, score in accuracy.items()} == {"training": 8, "test": 3, "generated": 6}
    assert all(0 <= score["mean"] <= 1 for score in accuracy.values())
    confusion = summary["confusion"]
    assert [sum(confusion[name].values()) for name in CLASSES] == [2, 2, 2]
    hits = sum(confusion[name][name] for name in CLASSES)
    assert accuracy["generated"]["mean"] == pytest.approx(hits / 6)
    assert summary["distances"]["0"] == 0 and set(summary["distances"]) == {"0", "0.5", "1"}
    assert len(load_datalist(tmp_path / "strengths" / "strength_0.5", "training")) == 3
    with Image.open(tmp_path / "pictures.png") as overview:
        assert overview.size == (8 * 32, 6 * 32)
    capsys.readouterr()
    again = run_guided_study(tmp_path, settings=replace(TINY, count=7))
    said = capsys.readouterr().out
    assert "generator: already done" in said and "synthetic: starts" in said
    assert again["accuracy"]["generated"]["frames"] == 7
