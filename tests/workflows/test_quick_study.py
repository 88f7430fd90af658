"""The study on the phantom at its full budget: synthetic frames train a segmenter about as well as the phantom's own do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from monai_echosynth.workflows.demo import run_demo


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_synthetic_frames_train_nearly_as_well_as_their_source(tmp_path: Path) -> None:
    run_demo(None, tmp_path / "study", preset="quick", seed=0)
    ratio = json.loads((tmp_path / "study" / "summary.json").read_text())["ratio_synthetic_to_real"]
    assert ratio["lv_endo"] >= 0.97
    assert ratio["mean"] >= 0.95
