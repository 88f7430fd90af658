"""The alignment study from end to end on tiny frames, its parts, and input that does not fit."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from PIL import Image

from monai_echosynth import cli
from monai_echosynth.alignment.exemplar_choice import ExemplarChoice
from monai_echosynth.commands import demo_align
from monai_echosynth.data.datalist import load_datalist, read_label_table
from monai_echosynth.diffusion.seeding import derive_seed
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.transforms.one_hot import LabelToSeg
from monai_echosynth.workflows.align import train_aligner
from monai_echosynth.workflows.alignment_settings import COMPONENTS
from monai_echosynth.workflows.alignment_study import alignment_stages_of, run_alignment_study
from monai_echosynth.workflows.alignment_study_settings import CELLS, AlignmentStudySettings
from monai_echosynth.workflows.anatomy_shift import anatomy_shift, mean_change
from monai_echosynth.workflows.baseline_alignment import align_by_baseline
from monai_echosynth.workflows.baseline_exemplars import BANK, STORED, exemplar_choice
from monai_echosynth.workflows.bundles import bundle_source
from monai_echosynth.workflows.gap import GAPS
from monai_echosynth.workflows.report.frame_io import read_frame
from tests.helpers.tiny_aligner import TINY_ALIGNER, TinyDomains, write_tiny_domains
from tests.helpers.tiny_prepared import write_tiny_prepared
from tests.helpers.tiny_segmenter import TINY_SEGMENTER

pytestmark = [
    pytest.mark.filterwarnings("ignore:No hash value provided"),
    pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad=True"),
    pytest.mark.filterwarnings("ignore:.*always_return_as_numpy.*:FutureWarning"),
]
TINY = AlignmentStudySettings(
    ("no_attention", "histogram", "both", "fourier", "cycle"),
    aligner=replace(TINY_ALIGNER, epochs=1),
    segmentation=TINY_SEGMENTER,
    segmenters=2,
)


@pytest.fixture(scope="module")
def domains(tmp_path_factory: pytest.TempPathFactory) -> TinyDomains:
    return write_tiny_domains(tmp_path_factory.mktemp("domains"))


@pytest.fixture(scope="module")
def study(domains: TinyDomains, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("study") / "align"
    run_alignment_study(out, domains.real, domains.synthetic, domains.segmenter, TINY)
    return out


def test_summary_has_every_gap_before_and_after(study: Path) -> None:
    summary: dict[str, Any] = json.loads((study / "summary.json").read_text())
    cells = ["before", *TINY.cells]
    assert list(summary["gaps"]) == cells and "both" not in cells
    assert all(set(found["gaps"]) == set(GAPS) for found in summary["gaps"].values())
    assert list(summary["dice"]) == ["real", *cells, "both"]
    assert {
        "full_minus_before",
        "both_minus_before",
        "full_minus_both",
        "cycle_minus_before",
        "full_minus_real",
    } <= set(summary["differences"])
    assert summary["segmenters"] == 2
    assert set(summary["aligners"]) == {"full", "no_attention"}
    assert 0 <= summary["aligners"]["full"]["identity"]["mean"] < 0.25
    assert set(summary["anatomy"]["full"]["structures"]) == {"lv_endo", "myo", "la"}


def test_scores_are_means_over_segmenters(study: Path) -> None:
    each = [
        json.loads((study / "evaluation" / name / "scores.json").read_text()) for name in TINY.segmenters_of("both")
    ]
    found = json.loads((study / "evaluation" / "dice.json").read_text())["both"]["mean"]["mean"]
    assert found == pytest.approx(np.mean([one["mean_dice"]["mean"] for one in each]), abs=1e-9)
    seeds = [json.loads((study / "stages" / f"{name}.json").read_text()) for name in TINY.segmenters_of("both")]
    assert [record["settings"]["seed"] for record in seeds] == [0, 1]
    assert all(
        record["metrics"]["frames"]
        == 2 * json.loads((study / "stages" / "segmenter_full.json").read_text())["metrics"]["frames"]
        for record in seeds
    )


def test_report_stands_alone_and_shows_the_frames(study: Path) -> None:
    page = (study / "report.html").read_text()
    assert "<script" not in page and 'src="http' not in page
    assert all(
        title in page
        for title in ("Without attention", "Histogram matching", "CycleGAN", "Border sharpness", "together")
    )
    assert ">nan<" not in page
    with Image.open(study / "frames.png") as picture:
        assert min(picture.size) > 64


def test_a_finished_study_runs_nothing_again(domains: TinyDomains, study: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (study / "stages").glob("*.json")}
    run_alignment_study(study, domains.real, domains.synthetic, domains.segmenter, TINY)
    assert {path: path.stat().st_mtime_ns for path in (study / "stages").glob("*.json")} == before


def test_without_folders_two_machines_are_simulated() -> None:
    stages = {stage.name: stage for stage in alignment_stages_of(AlignmentStudySettings(), None, None, None)}
    assert stages["real"].settings["style"] != stages["synthetic"].settings["style"]
    assert stages["real"].settings["seed"] != stages["synthetic"].settings["seed"]
    assert stages["aligner_full"].inputs["judge"] == "judge"


def test_names_agree_with_the_command() -> None:
    assert demo_align.COMPARED == CELLS
    assert tuple(COMPONENTS) == demo_align.COMPONENTS


def test_unknown_cells_are_refused() -> None:
    with pytest.raises(EchoSynthError, match="no_such"):
        AlignmentStudySettings(("no_such",))


def test_a_set_without_a_segmenter_is_refused() -> None:
    with pytest.raises(EchoSynthError, match="1 segmenter or more, got 0"):
        AlignmentStudySettings(segmenters=0)


def test_numbers_of_patients_are_for_simulated_frames(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["demo-align", "--real", "r", "--synthetic", "s", "--patients", "9"]) != 0
    assert "patients are simulated where no frames are given" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "steps"), [([], 200), (["--real", "r", "--synthetic", "s"], 600), (["--iterations", "7"], 7)]
)
def test_segmenters_of_given_frames_are_trained_longer(
    arguments: list[str], steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[AlignmentStudySettings] = []
    monkeypatch.setattr(
        "monai_echosynth.workflows.alignment_study.run_alignment_study", lambda *values: asked.append(values[-1])
    )
    assert cli.main(["demo-align", *arguments]) == 0
    assert asked[0].segmentation.iterations == steps
    assert arguments or asked[0] == AlignmentStudySettings()


def test_baselines_go_the_same_part_of_the_way(domains: TinyDomains, tmp_path: Path) -> None:
    sources = domains.real, domains.synthetic
    for name, strength in (("none", (0.0, 0.0)), ("half", (0.5, 0.5)), ("all", (1.0, 1.0))):
        align_by_baseline("histogram", *sources, tmp_path / name, strength=strength, progress=False)
    change = {name: mean_change(domains.synthetic, tmp_path / name)["mean"] for name in ("none", "half", "all")}
    assert change["none"] == 0 and change["half"] == pytest.approx(change["all"] / 2, rel=0.1)


def test_baselines_choose_the_exemplars_of_an_aligner(domains: TinyDomains, tmp_path: Path) -> None:
    config = json.loads((bundle_source("echo_domain_alignment") / "configs" / "train.json").read_text())
    assert (config["bank_size"], config["stored_bank"], config["candidates"]) == (BANK, STORED, 8)
    settings = replace(TINY_ALIGNER, epochs=1, ids={"channels": [8, 8, 16, 16]})  # banks as in the bundle
    train_aligner(domains.real, domains.synthetic, domains.segmenter, tmp_path, settings, progress=False)
    parser = ConfigParser()
    parser.read_config(str(tmp_path / "configs" / "inference.json"))
    parser["bundle_root"], parser["dataset_dir"] = str(tmp_path), str(domains.synthetic)
    aligner, stored = (parser.get_parsed_content(key) for key in ("network", "bank"))
    theirs = ExemplarChoice(aligner, stored, 1, 2)
    table = read_label_table(domains.synthetic)
    items = load_datalist(domains.synthetic, "training")
    ours, _ = exemplar_choice(load_datalist(domains.real, "training"), items, table, 2)
    for item in items:
        frame = read_frame(item)
        image, seg = torch.from_numpy(frame.image)[None, None], LabelToSeg(table)(frame.label)[None].float()
        seeds = [derive_seed(seed, 3) for seed in range(6)]
        shown = image.expand(6, -1, -1, -1), seg.expand(6, -1, -1, -1)
        assert torch.equal(ours(seeds, *shown), theirs(seeds, *shown))


def test_structures_that_one_side_shows_alone_have_no_shift(
    domains: TinyDomains, monkeypatch: pytest.MonkeyPatch
) -> None:
    maps = [np.zeros((32, 32), int) for _ in range(10)]
    for number, seen in enumerate(maps):
        seen[4:12, 4:12] = 1
        if number % 2:  # after: moved by a pixel, and in the first frame another structure appears
            seen[:] = np.roll(seen, 1, axis=0)
    maps[1][20:24, 20:24] = 2
    answers = iter(maps)
    monkeypatch.setattr("monai_echosynth.workflows.anatomy_shift._segmented", lambda *_: next(answers))
    found = anatomy_shift(domains.segmenter, domains.synthetic, domains.synthetic)["structures"]
    assert found["myo"]["one_sided"] == 1 and np.isnan(found["myo"]["shift_mm"]["median"])
    assert found["lv_endo"]["one_sided"] == 0 and 0 < found["lv_endo"]["shift_mm"]["p95"] < 2


def test_the_examiner_is_no_judge(study: Path) -> None:
    folders = {name: (study / name / "models" / "model.safetensors") for name in ("examiner", "segmenter_before")}
    assert all(path.is_file() for path in folders.values()) and not (study / "judge").exists()
    plan = alignment_stages_of(AlignmentStudySettings(), None, None, None)
    seeds = {stage.name: stage.settings["seed"] for stage in plan if stage.name in ("judge", "examiner")}
    assert seeds == {"judge": 0, "examiner": 1000}


def test_one_side_alone_is_refused(domains: TinyDomains, tmp_path: Path) -> None:
    with pytest.raises(EchoSynthError, match="both folders, or neither"):
        run_alignment_study(tmp_path, real=domains.real)


def test_anatomy_of_a_set_against_itself_has_not_moved(domains: TinyDomains) -> None:
    found = anatomy_shift(domains.segmenter, domains.synthetic, domains.synthetic)
    for row in found["structures"].values():
        assert np.isnan(row["shift_mm"]["median"]) or row["shift_mm"]["median"] == 0
        assert row["dice_before"] == row["dice_after"]
    assert mean_change(domains.synthetic, domains.synthetic) == {"mean": 0.0, "max": 0.0}


def test_anatomy_of_other_frames_is_refused(domains: TinyDomains, tmp_path: Path) -> None:
    other = write_tiny_prepared(tmp_path / "other", training=3)
    with pytest.raises(EchoSynthError, match="must hold the frames"):
        anatomy_shift(domains.segmenter, domains.synthetic, other)


@pytest.mark.parametrize("kind", ["histogram", "cycle"])
def test_baselines_complete_what_was_interrupted(domains: TinyDomains, tmp_path: Path, kind: str) -> None:
    sources = domains.real, domains.synthetic
    align_by_baseline(kind, *sources, tmp_path, frames=8, progress=False)
    images = sorted((tmp_path / "images").iterdir())
    before = [path.read_bytes() for path in images]
    images[2].unlink()
    align_by_baseline(kind, *sources, tmp_path, frames=8, progress=False)
    assert [path.read_bytes() for path in images] == before
