"""A view classifier from prepared frames to scores, on tiny frames; several folders, the program, and bad input."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from monai_echosynth import cli
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.nets.presets import view_classifier
from monai_echosynth.networks.weights import save_weights
from monai_echosynth.workflows import view_classification
from monai_echosynth.workflows.training_settings import Preset
from monai_echosynth.workflows.verify import verify_bundle
from monai_echosynth.workflows.view_classification import train_view_classifier, write_view_bundle
from monai_echosynth.workflows.view_scores import (
    evaluate_view_classifier,
    is_view_classifier,
    score_views,
    view_score_table,
)
from tests.helpers.tiny_views import TINY_VIEWS, relabel, write_tiny_views

SETTINGS = replace(TINY_VIEWS, iterations=60, batch_size=12, epoch_iterations=30, val_interval=2, learning_rate=0.004)

pytestmark = [
    pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad=True"),
    pytest.mark.timeout(600),
]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_views(tmp_path_factory.mktemp("prepared"), training=8, test=8)


@pytest.fixture(scope="module")
def trained(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle trained on two folders."""
    out = tmp_path_factory.mktemp("classifier") / "bundle"
    extra = write_tiny_views(tmp_path_factory.mktemp("extra"), seed=1)
    metrics = train_view_classifier(out, [prepared, extra], SETTINGS, progress=False)
    assert metrics["class_names"] == ["2CH", "4CH"]
    assert (metrics["frames"], metrics["iterations"]) == (14, 60)
    assert 0 <= metrics["validation_accuracy"] <= 1
    return out


@pytest.fixture
def copy(prepared: Path, tmp_path: Path) -> Path:
    """A copy of the prepared folder, to be damaged."""
    return shutil.copytree(prepared, tmp_path / "copy")


def test_what_was_trained_is_a_bundle_and_scores(trained: Path, prepared: Path, tmp_path: Path) -> None:
    assert {path.name for path in (trained / "models").iterdir()} == {"SHA256SUMS", "model.pt", "model.safetensors"}
    inference = json.loads((trained / "configs" / "inference.json").read_text())
    assert (inference["spatial_size"], inference["size"], inference["class_names"]) == (32, "quick", ["2CH", "4CH"])
    scores = evaluate_view_classifier(trained, prepared, tmp_path / "out")
    assert (scores["frames"], scores["patients"]) == (8, 4)
    assert scores["accuracy"]["mean"] > 0.6 and scores["auroc"]["4CH"]["mean"] > 0.9
    assert sum(sum(row.values()) for row in scores["confusion"].values()) == 8
    assert json.loads((tmp_path / "out" / "scores.json").read_text()) == scores
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert {case["view"] for case in summary["cases"]} == {"2CH", "4CH"}
    assert view_score_table(summary)["accuracy"] == scores["accuracy"]
    assert view_score_table(summary, draws=50, seed=1)["accuracy"]["mean"] == scores["accuracy"]["mean"]


def test_verify_accepts_it(trained: Path, prepared: Path) -> None:
    checks = verify_bundle(trained)
    assert checks and all(check.passed is not False for check in checks), checks
    assert {"network inference.json", "train train.json", "infer inference.json"} <= {check.name for check in checks}


def test_the_program_trains_and_evaluates(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(view_classification, "VIEW_PRESETS", {Preset.QUICK: TINY_VIEWS})
    out = ["--out", str(tmp_path / "bundle")]
    assert cli.main(["train", "--model", "view-classifier", "--preset", "quick", "--data", str(prepared), *out]) == 0
    assert "views 2CH, 4CH from 8 frames" in capsys.readouterr().out
    scores = ["--data", str(prepared), "--out", str(tmp_path / "scores"), "--draws", "50"]
    assert cli.main(["evaluate", "--bundle", str(tmp_path / "bundle"), *scores]) == 0
    said = capsys.readouterr().out
    assert "8 frames of 4 patients; accuracy and AUROC" in said
    assert [line.split()[0] for line in said.splitlines()[-2:]] == ["accuracy", "AUROC"]


def test_one_view_in_the_test_section_has_no_area(
    trained: Path, copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    relabel(copy, lambda item: "2CH")
    command = ["evaluate", "--bundle", str(trained), "--data", str(copy), "--out", str(tmp_path / "out")]
    assert cli.main(command) == 0
    assert "AUROC    not there" in capsys.readouterr().out
    assert json.loads((tmp_path / "out" / "scores.json").read_text())["auroc"] == {"4CH": None}


def test_bad_training_data_is_named_and_nothing_written(copy: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for view, words in {
        lambda item: "2CH": r"two views or more, got 8 frames of \['2CH'\]",
        lambda item: None: "needs its view to be classified, got none for patient0000_4CH_ED",
        lambda item: (
            "ME4C" if int(item["patient"][-4:]) == 4 else item["phase"]
        ): "views ED, ES, got ME4C in patient0004",
    }.items():
        relabel(copy, view)
        with pytest.raises(EchoSynthError, match=words):
            train_view_classifier(out, [copy], TINY_VIEWS, progress=False)
    with pytest.raises(EchoSynthError, match="at least one prepared folder"):
        train_view_classifier(out, [], TINY_VIEWS)
    assert not out.exists()


def test_bad_evaluation_is_named(trained: Path, copy: Path, tmp_path: Path) -> None:
    relabel(copy, lambda item: "ME4C")
    with pytest.raises(EchoSynthError, match="one of the views 2CH, 4CH, got ME4C"):
        evaluate_view_classifier(trained, copy, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_weights_of_another_network_are_refused(prepared: Path, tmp_path: Path) -> None:
    root = tmp_path / "bundle"
    write_view_bundle(root, TINY_VIEWS, ["2CH", "4CH"])
    with pytest.raises(EchoSynthError, match="train the network or copy the file"):
        evaluate_view_classifier(root, prepared, tmp_path / "out")
    save_weights(view_classifier("quick", classes=3), root / "models" / "model.safetensors")
    with pytest.raises(EchoSynthError, match=r"another network than EfficientNetV2 .*classifier.1.weight is \(3, "):
        evaluate_view_classifier(root, prepared, tmp_path / "out")


def test_folder_of_another_training_is_refused(trained: Path, prepared: Path) -> None:
    with pytest.raises(EchoSynthError, match="iterations = 60, not 30"):
        train_view_classifier(trained, [prepared], replace(SETTINGS, iterations=30), progress=False)


def test_a_frame_without_prediction_is_named(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("image,2CH,4CH,predicted\na.png,0.5,0.5,2CH\n")
    items = [{"image": "x/a.png", "label": 0, "patient": "a"}, {"image": "x/b.png", "label": 1, "patient": "b"}]
    with pytest.raises(EchoSynthError, match=r"got none for x/b\.png"):
        score_views(tmp_path / "p.csv", items, tmp_path / "summary.json", ["2CH", "4CH"])


def test_bundles_are_told_apart(repository: Path, tmp_path: Path) -> None:
    bundles = repository / "bundles"
    assert is_view_classifier(bundles / "echo_view_classification")
    assert not is_view_classifier(bundles / "echo_segmentation") and not is_view_classifier(tmp_path)
