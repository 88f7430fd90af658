"""The adaptation study from its base to its report, tiny: every stage runs, a second call does nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from monai_echosynth.data.atomic import write_json
from monai_echosynth.workflows.adaptation_settings import AdaptationSettings
from monai_echosynth.workflows.segmentation import SegmentationSettings
from monai_echosynth.workflows.tee_settings import TeeSettings
from monai_echosynth.workflows.tee_study import run_tee_demo
from tests.helpers.tiny_generator import write_tiny_bundle

pytest.importorskip("peft", reason="adapters: install the extra lora")

STUDY = TeeSettings(
    size=64,
    frames=8,
    patients=10,
    n_test=3,
    adaptation=AdaptationSettings(rank=2, epochs=1, samples_per_epoch=8, batch_size=4, variants=2),
    segmentation=SegmentationSettings(spatial_size=64, base_features=8, iterations=4, batch_size=4, epoch_iterations=2),
    synthetic=8,
    solver="euler",
    nfe=2,
)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = write_tiny_bundle(tmp_path_factory.mktemp("base"))
    path = root / "configs" / "inference.json"
    write_json(path, {**json.loads(path.read_text()), "spatial_size": STUDY.size})
    return root


@pytest.mark.timeout(300)
def test_the_study_ends_in_a_summary_and_a_report(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = run_tee_demo(tmp_path / "tee", base, 0, STUDY)
    summary = json.loads((report.parent / "summary.json").read_text())
    assert summary["data"]["frames"] == 8 and summary["data"]["test"] == 6
    assert set(summary["dice"]) == {"real", "affine", "synthetic", "mixed"}
    for scores in summary["dice"].values():
        assert list(scores) == ["la", "lv", "ra", "rv", "mean"]
    assert set(summary["paired_difference"]["mixed_minus_real"]) == {"la", "lv", "ra", "rv", "mean"}
    assert summary["adapter"]["groups"] == ["linear"]
    page = report.read_text()
    assert "Paired differences" in page and "data:image/png;base64," in page
    synthetic = json.loads((report.parent / "generate_shapes" / "dataset.json").read_text())
    assert list(synthetic["labels"].values()) == ["outside", "la", "lv", "ra", "rv", "sector"]
    capsys.readouterr()
    run_tee_demo(tmp_path / "tee", base, 0, STUDY)
    assert "starts" not in capsys.readouterr().out
