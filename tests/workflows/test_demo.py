"""A whole study at a toy size: complete, repeatable, re-run only where something changed, and its bundles stand alone."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows.demo import run_demo
from monai_echosynth.workflows.evaluate import evaluate_segmenter
from monai_echosynth.workflows.generate import generate
from monai_echosynth.workflows.segmentation import SegmentationSettings
from monai_echosynth.workflows.study_presets import SamplingSettings, StudySettings
from monai_echosynth.workflows.training_settings import GenerativeSettings, StageBudget
from monai_echosynth.workflows.verify import verify_bundle

BUDGET = StageBudget("quick", 1, 16, 8, 2e-3)
STUDY = StudySettings(
    GenerativeSettings(32, BUDGET, BUDGET, variants=1),
    SegmentationSettings(spatial_size=32, base_features=4, iterations=4, batch_size=4, epoch_iterations=2),
    SamplingSettings(nfe=3),
    images_per_mask=1,
    n_test=1,
    max_train=4,
    phantom_patients=6,
    phantom_views=("4CH",),
)
STRUCTURES = ("lv_endo", "myo", "lv_epi", "la")

pytestmark = [pytest.mark.filterwarnings("ignore:.*always_return_as_numpy.*:FutureWarning"), pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("study") / "out"
    assert run_demo(None, out, "quick", 0, STUDY) == out / "report.html"
    return out


def _summary(out: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    return content


def _stamps(out: Path) -> dict[str, int]:
    return {path.stem: path.stat().st_mtime_ns for path in (out / "stages").glob("*.json")}


def test_summary_holds_what_it_promises(study: Path) -> None:
    summary = _summary(study)
    promised: dict[str, tuple[str, ...]] = {
        "data": ("n_train", "n_test", "patients_train", "patients_test", "source"),
        "vae": ("psnr_in_sector", "ssim_in_sector", "kl", "latent_std"),
        "diffusion": ("params", "epochs", "final_loss"),
        "generation": ("count", "nfe", "solver", "images_per_second"),
        "tstr": ("real", "synthetic", "mixed"),
        "ratio_synthetic_to_real": ("lv_endo", "mean"),
        "mask_adherence": ("lv_endo", "myo", "la"),
        "timing_s": ("data", "prepare", "autoencoder", "diffusion", "generate", "segmenter_real", "evaluate"),
        "versions": ("torch", "monai"),
    }
    for key, names in promised.items():
        assert set(names) <= set(summary[key]), key
    assert {"peak_memory_mb", "seed"} <= summary.keys()
    for arm in ("real", "synthetic", "mixed"):
        for name in STRUCTURES:
            assert 0 <= summary["tstr"][arm][name]["mean"] <= 1
            assert len(summary["tstr"][arm][name]["ci95"]) == 2
            assert name in summary["tstr"][arm]["hd95_mm"]
    assert summary["data"] | {"source": "phantom"} == summary["data"]
    assert (summary["data"]["patients_train"], summary["data"]["patients_test"]) == (4, 1)
    assert summary["generation"]["nfe"] == 3
    assert (study / "report.html").stat().st_size > 10_000


def test_a_second_run_skips_every_stage(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, stamps = (study / "summary.json").read_bytes(), _stamps(study)
    run_demo(None, study, "quick", 0, STUDY)
    assert _stamps(study) == stamps
    assert (study / "summary.json").read_bytes() == before


def test_a_changed_setting_re_runs_what_depends_on_it(study: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    out = tmp_path_factory.mktemp("changed") / "out"
    shutil.copytree(study, out)
    before = _stamps(study)
    shutil.copystat(study / "stages", out / "stages")
    assert _stamps(out) == before
    run_demo(None, out, "quick", 0, replace(STUDY, sampling=SamplingSettings(nfe=2)))
    changed = {name for name, stamp in _stamps(out).items() if stamp != before[name]}
    again = {"generate", "showcase", "segmenter_synthetic", "segmenter_mixed", "evaluate", "bundles", "report"}
    assert changed == again
    assert _summary(out)["generation"]["nfe"] == 2
    assert _summary(out)["tstr"]["real"] == _summary(study)["tstr"]["real"]


@pytest.fixture
def bundles(study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The exported bundles at another place, with another working directory."""
    shutil.copytree(study / "bundles", tmp_path / "elsewhere")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "elsewhere"


def test_exported_bundles_run_on_their_own(study: Path, bundles: Path) -> None:
    made = generate(
        bundles / "echo_generative_diffusion",
        study / "prepared",
        "set",
        count=2,
        nfe=3,
        progress=False,
    )
    assert made["count"] == 2
    records = json.loads(Path("set/manifest.json").read_text())["images"]
    of_the_study = json.loads((study / "synthetic" / "manifest.json").read_text())["images"]
    assert [r["image_sha256"] for r in records] == [r["image_sha256"] for r in of_the_study[:2]]
    scores = evaluate_segmenter(bundles / "echo_segmentation", study / "prepared", "scores", draws=10)
    mixed = _summary(study)["tstr"]["mixed"]
    assert scores["dice"]["lv_endo"]["mean"] == pytest.approx(mixed["lv_endo"]["mean"], abs=1e-9)


@pytest.mark.parametrize("name", ["echo_generative_diffusion", "echo_segmentation"])
def test_checksums_of_exported_weights_match(bundles: Path, name: str) -> None:
    models = bundles / name / "models"
    sums = dict(reversed(line.split("  ")) for line in (models / "SHA256SUMS").read_text().splitlines())
    files = {path.name for path in models.iterdir() if path.name != "SHA256SUMS" and path.stat().st_size}
    assert set(sums) == files
    assert any(file.endswith(".safetensors") for file in files)
    assert all(hashlib.sha256((models / file).read_bytes()).hexdigest() == sums[file] for file in files)
    assert [check for check in verify_bundle(bundles / name) if check.passed is False] == []


def test_exported_configs_name_no_place(study: Path) -> None:
    for path in (study / "bundles").rglob("*"):
        if path.suffix in (".json", ".conf", ".md"):
            assert str(study) not in path.read_text(encoding="utf-8"), path


def test_missing_data_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(EchoSynthError, match="nowhere"):
        run_demo(tmp_path / "nowhere", tmp_path / "out")
    assert not (tmp_path / "out").exists()
