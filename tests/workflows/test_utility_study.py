"""The utility study from its frames to its report, tiny: every arm, exact counts, resumed, extended, nothing done twice."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from monai_echosynth.data.datalist import load_datalist
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.transforms.label_synthesis import LabelSynthesisd
from monai_echosynth.workflows.utility_settings import Arm, Masks
from monai_echosynth.workflows.utility_stages import check_origin
from monai_echosynth.workflows.utility_study import run_utility_study
from tests.helpers.tiny_generator import write_tiny_bundle
from tests.helpers.tiny_prepared import write_tiny_prepared
from tests.helpers.tiny_utility import TINY_UTILITY

pytest.importorskip("peft", reason="adapters: install the extra lora")

pytestmark = [
    pytest.mark.filterwarnings("ignore:No hash value provided"),
    pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad=True"),
    pytest.mark.filterwarnings("ignore:.*always_return_as_numpy.*:FutureWarning"),
    pytest.mark.timeout(600),
]

SYNTHETIC = ("synthseg", "gan", "diffusion", "adapted")
PAINTED = replace(TINY_UTILITY, arms=(Arm.SYNTHSEG,))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_prepared(tmp_path_factory.mktemp("prepared"), training=6)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_bundle(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def study(data: Path, base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_utility_study(tmp_path_factory.mktemp("study") / "out", data, base, TINY_UTILITY).parent


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def test_every_arm_is_scored_with_exact_numbers_of_frames(study: Path) -> None:
    summary = read(study / "summary.json")
    rows = summary["utility"]
    assert set(rows) == {"real_all", "real_2", "affine_2", *(f"{arm}_2_x1" for arm in SYNTHETIC)}
    assert (rows["real_all"]["real_frames"], rows["real_2"]["real_frames"], rows["real_2"]["synthetic_frames"]) == (
        6,
        4,
        0,
    )
    for arm in SYNTHETIC:
        row = rows[f"{arm}_2_x1"]
        assert (row["real_frames"], row["synthetic_frames"], row["patients"], row["ratio"]) == (4, 4, 2, 1)
        assert 0 < row["share_of_synthetic"] < 1
        for other in ("real_2", "affine_2"):
            found = summary["paired_difference"][f"{arm}_2_x1_minus_{other}"]
            assert set(found) == {"dice", "hd95_mm", "hd_mm"} and "mean" in found["dice"]
    assert len({row["iterations"] for row in rows.values()}) == 1
    assert all(
        {"lv_endo", "myo", "lv_epi", "la"} <= set(row[key])
        for row in rows.values()
        for key in ("dice", "hd_mm", "hd95_mm")
    )
    assert summary["data"]["test_patients"] == 2


def test_a_mixed_segmenter_sees_its_real_frames_and_the_head_of_its_set(study: Path) -> None:
    config = read(study / "segmenters" / "diffusion_2_x1" / "training.json")
    assert config["dataset_dir"].endswith("patients/2") and config["extra_share"] == 0.8
    assert config["extra_dataset_dirs"][0].endswith("heads/diffusion_2_augmented_1")
    head = load_datalist(study / "heads" / "diffusion_2_augmented_1", "training")
    assert head == load_datalist(study / "sets" / "diffusion_2_augmented", "training")[:4]


def test_patients_never_cross(study: Path, tmp_path: Path) -> None:
    real = {item["patient"] for item in load_datalist(study / "patients" / "2", "training")}
    test = {item["patient"] for item in load_datalist(study / "patients" / "2", "test")}
    assert len(real) == 2 and not real & test
    for arm in SYNTHETIC:
        made = load_datalist(study / "sets" / f"{arm}_2_augmented", "training")
        assert {item["patient"] for item in made} == real
    stranger = shutil.copytree(study / "heads" / "gan_2_augmented_1", tmp_path / "set")
    content = read(stranger / "dataset.json")
    content["training"][1]["patient"] = sorted(test)[0]
    (stranger / "dataset.json").write_text(json.dumps(content))
    with pytest.raises(EchoSynthError, match=f"come from masks of the training patients, got {sorted(test)[0]}"):
        check_origin(stranger, study / "patients" / "2", Masks.AUGMENTED)


def test_every_arm_has_the_same_masks(study: Path) -> None:
    labels = [
        [record["label_sha256"] for record in read(study / "sets" / f"{arm}_2_augmented" / "manifest.json")["images"]]
        for arm in SYNTHETIC
    ]
    assert all(found == labels[0] for found in labels)
    real = {Path(item["label"]).read_bytes() for item in load_datalist(study / "patients" / "2", "training")}
    warped = {path.read_bytes() for path in (study / "masks" / "2_augmented" / "labels").iterdir()}
    assert len(warped) == 4 and not warped & real


def test_sets_are_judged_and_audited_and_overfitting_shows(study: Path) -> None:
    summary = read(study / "summary.json")
    for arm in SYNTHETIC:
        made = summary["sets"][f"{arm}_2_augmented"]
        assert made["count"] == 4 and 0 <= made["adherence"]["mean"] <= 1
        assert 0 <= made["copies"]["flagged"] <= made["frames"] and 0 <= made["nearness"]["mean"] <= 1
    assert summary["sets"]["diffusion_2_augmented"]["calls"] == 4 * 2
    assert summary["generators"]["diffusion_2"]["best_epoch"] in (1, 2)
    assert summary["generators"]["diffusion_2"]["frames"] == summary["generators"]["gan_2"]["frames"] == 4


def test_the_report_stands_alone(study: Path) -> None:
    page = (study / "report.html").read_text()
    assert "<script" not in page and 'src="http' not in page and ">nan<" not in page
    for words in ("Paired differences", "Real + SPADE-GAN", "strong affine augmentation", "Nearness", "Best epoch"):
        assert words in page


def test_a_second_run_does_nothing_and_a_larger_study_adds_to_the_first(
    study: Path, data: Path, base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_utility_study(study, data, base, TINY_UTILITY)
    assert "starts" not in capsys.readouterr().out
    more = replace(TINY_UTILITY, arms=(Arm.SYNTHSEG, Arm.DIFFUSION), ratios=(0.0, 0.5, 1.0), compute_nfe=(1, 2))
    out = shutil.copytree(study, tmp_path / "more")
    summary = read(run_utility_study(out, data, base, more).parent / "summary.json")
    said = capsys.readouterr().out
    started = {line.split("] ")[1].split(":")[0] for line in said.splitlines() if "starts" in line}
    new = {f"{kind}_{arm}_2_x0p5" for kind in ("segmenter", "score") for arm in ("synthseg", "diffusion")}
    new |= {f"head_{arm}_2_augmented_0p5" for arm in ("synthseg", "diffusion")}
    new |= {f"{kind}_diffusion_2_augmented_n{calls}" for kind in ("set", "judge") for calls in (1, 2)}
    ends = [f"diffusion_2_n{calls}{end}" for calls in (1, 2) for end in ("", "_alone")]
    new |= {f"{kind}_{end}" for kind in ("segmenter", "score") for end in ends}
    assert started == {*new, "evaluate", "report"}
    assert summary["utility"]["synthseg_2_x0p5"]["synthetic_frames"] == 2
    calls = {summary["sets"][f"diffusion_2_augmented_n{nfe}"]["calls"] for nfe in (1, 2)}
    assert calls == {2 * 4}  # equal compute, counted
    assert summary["utility"]["diffusion_2_n1_alone"]["real_frames"] == 0
    assert "diffusion_2_n1_alone_minus_diffusion_2_n2_alone" in summary["paired_difference"]
    assert "Many cheap images or few good ones" in (out / "report.html").read_text()


def test_a_killed_study_goes_on_where_it_stopped(
    study: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = shutil.copytree(study, tmp_path / "out")
    shutil.rmtree(out / "sets" / "synthseg_2_augmented")
    (out / "stages" / "set_synthseg_2_augmented.json").unlink()
    paint, calls = LabelSynthesisd.__call__, []

    def killed(self: Any, item: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return paint(self, item)

    monkeypatch.setattr(LabelSynthesisd, "__call__", killed)
    with pytest.raises(KeyboardInterrupt):
        run_utility_study(out, data, None, PAINTED)
    assert len(list((out / "sets" / "synthseg_2_augmented" / "images").iterdir())) == 2
    monkeypatch.undo()
    capsys.readouterr()
    run_utility_study(out, data, None, PAINTED)
    said = capsys.readouterr().out
    assert "set_synthseg_2_augmented: resumes" in said and "segmenter_synthseg_2_x1: already done" in said
    again, before = (read(root / "sets" / "synthseg_2_augmented" / "manifest.json") for root in (out, study))
    assert [row["image_sha256"] for row in again["images"]] == [row["image_sha256"] for row in before["images"]]
