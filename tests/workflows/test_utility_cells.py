"""Bookkeeping of the utility study: its segmenters, their numbers of frames, who is compared, and what may be asked for."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from monai_echosynth import cli
from monai_echosynth.commands import utility
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows import utility_settings
from monai_echosynth.workflows.tee_settings import ANNEALED, STRONG_AFFINE
from monai_echosynth.workflows.utility_cells import (
    REFERENCE,
    Cell,
    cells,
    compute_images,
    frame_count,
    mean_share,
    pairs,
    segmenter_options,
    sources,
)
from monai_echosynth.workflows.utility_curves import compute_figure, patients_figure, ratio_figure
from monai_echosynth.workflows.utility_options import OPTIONS, chosen_settings, read_settings
from monai_echosynth.workflows.utility_presets import UTILITY_PRESETS, UtilityPreset
from monai_echosynth.workflows.utility_settings import Arm, Augmentation, Masks, Mixing
from monai_echosynth.workflows.utility_study import run_utility_study, utility_stages_of
from tests.helpers.tiny_prepared import write_tiny_prepared
from tests.helpers.tiny_utility import TINY_UTILITY

CAMUS = UTILITY_PRESETS[UtilityPreset.CAMUS]


def test_the_choices_of_the_command_are_those_of_the_study() -> None:
    for names, kind in (
        (utility.ARMS, Arm),
        (utility.MASKS, Masks),
        (utility.AUGMENTATIONS, Augmentation),
        (utility.MIXING, Mixing),
        (utility.PRESETS, UtilityPreset),
    ):
        assert names == tuple(kind)
    options = vars(cli.build_parser().parse_args(["utility"]))
    assert set(options) - set(utility._NOT_SETTINGS) <= set(OPTIONS)


@pytest.mark.parametrize(
    ("ratio", "frames", "count"), [(0.5, 20, 10), (0.5, 5, 3), (1, 90, 90), (5, 756, 3780), (0.01, 20, 1)]
)
def test_frames_are_counted_exactly(ratio: float, frames: int, count: int) -> None:
    assert frame_count(ratio, frames) == count


def test_equal_compute_is_equal_calls() -> None:
    for nfe in (4, 8, 16, 32, 96):
        assert compute_images(96, 20, nfe) * nfe == 96 * 20
    assert compute_images(10, 1, 7) == 1  # never more than the budget


def test_cells_are_the_grid_and_each_is_named_once() -> None:
    study = replace(CAMUS, patients=(10, 45, "all"), ratios=(0.0, 0.5, 5.0), masks=(Masks.AUGMENTED, Masks.SHAPES))
    every = cells(study)
    names = [cell.name for cell in every]
    assert names[0] == REFERENCE.name == "real_all" and len(set(names)) == len(names)
    assert len(names) == 3 * (2 + 4 * 2 * 2)  # the reference is the arm real of all patients
    assert {"real_10", "affine_45", "synthseg_10_x0p5", "diffusion_all_x5_shapes", "adapted_45_x5"} <= set(names)
    assert len(sources(study)) == 3 * 4 * 2
    assert not any("." in name for name in names)
    few = cells(replace(study, arms=(Arm.DIFFUSION,), ratios=(0.0,)))
    assert [cell.name for cell in few] == ["real_all", "real_10", "affine_10", "real_45", "affine_45", "affine_all"]


def test_every_cell_is_compared_with_real_frames_and_strong_augmentation() -> None:
    study = replace(CAMUS, augmentations=tuple(Augmentation), compute_nfe=(4, 8, 16))
    found = [(a.name, b.name) for a, b in pairs(study)]
    assert len(set(found)) == len(found)
    for cell in cells(study):
        if cell.source is not None:
            assert {(cell.name, f"real_{cell.patients}"), (cell.name, f"affine_{cell.patients}")} <= set(found)
    assert ("affine_10", "real_10") in found
    assert ("diffusion_10_x5_strong", "gan_10_x5_strong") in found and ("adapted_45_x1", "diffusion_45_x1") in found
    assert ("diffusion_45_n4_alone", "diffusion_45_n16_alone") in found and (
        "diffusion_45_n8",
        "diffusion_45_n16",
    ) in found
    assert all(a.patients == b.patients for a, b in pairs(study))


def test_segmenters_differ_in_what_their_arm_says_alone() -> None:
    study = replace(CAMUS, augmentations=tuple(Augmentation))
    by_name = {cell.name: cell for cell in cells(study)}
    assert segmenter_options(by_name["real_10"], study.mixing) == {}
    assert segmenter_options(by_name["affine_10"], study.mixing) == STRONG_AFFINE
    assert segmenter_options(by_name["gan_10_x1"], study.mixing) == ANNEALED
    assert segmenter_options(by_name["gan_10_x1_strong"], study.mixing) == {**ANNEALED, **STRONG_AFFINE}
    assert segmenter_options(by_name["gan_10_x1"], Mixing.PROPORTIONAL) == {}


def test_the_stated_share_is_that_of_the_draws() -> None:
    study = replace(CAMUS, compute_nfe=(4, 8))
    by_name = {cell.name: cell for cell in cells(study)}
    mixed: Cell = by_name["diffusion_10_x5"]
    assert mean_share(mixed, Mixing.PROPORTIONAL, 20, 100, 48) == pytest.approx(5 / 6)
    assert mean_share(mixed, Mixing.ANNEALED, 20, 100, 48) == pytest.approx(0.8 * 0.5 / 2, abs=0.01)
    assert mean_share(by_name["real_10"], Mixing.ANNEALED, 20, 0, 48) == 0
    assert mean_share(by_name["diffusion_45_n4_alone"], Mixing.ANNEALED, 0, 100, 48) == 1


def test_few_frames_are_warped_more_often() -> None:
    assert [CAMUS.generator_for(frames).variants for frames in (20, 90, 220, 756)] == [52, 12, 8, 8]
    assert CAMUS.generator_for(1).variants == 64


def test_generators_see_the_patients_of_their_segmenter_alone() -> None:
    stages = {stage.name: stage for stage in utility_stages_of(CAMUS, None, None)}
    for count in (10, 45):
        for arm in ("gan", "diffusion", "adapted"):
            inputs = dict(stages[f"generator_{arm}_{count}"].inputs)
            assert inputs.pop("base", "base") == "base" and inputs == {"real": f"patients_{count}"}
            learned = stages[f"segmenter_{arm}_{count}_x1"].inputs
            assert learned == {
                **{key: f"patients_{count}" for key in ("real", "watched")},
                "synthetic": f"head_{arm}_{count}_augmented_1",
            }
        assert stages[f"masks_{count}_augmented"].inputs == {"real": f"patients_{count}"}
    assert stages["base"].inputs == {"data": "base_data"}
    assert stages["base_data"].settings["seed"] != stages["frames"].settings["seed"]
    budgets = {
        json.dumps({k: stage.settings[k] for k in ("iterations", "batch_size")})
        for name, stage in stages.items()
        if name.startswith("segmenter_")
    }
    assert len(budgets) == 1


def test_a_settings_file_and_options_change_the_preset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "study.json"
    path.write_text(
        json.dumps({"preset": "camus", "patients": [10, "all"], "ratios": [0, 2], "iterations": 100, "budget": 0.5})
    )
    seen: list[Any] = []

    def run(out: Path, data: Path | None, base: Path | None, settings: Any) -> Path:
        seen.append(settings)
        return out

    monkeypatch.setattr("monai_echosynth.workflows.utility_study.run_utility_study", run)
    assert (
        cli.main(["utility", "--settings", str(path), "--ratios", "0", "1", "--arms", "diffusion", "--seed", "3"]) == 0
    )
    study = seen[0]
    assert study.size == 128 and study.patients == (10, "all") and study.ratios == (0.0, 1.0) and study.seed == 3
    assert study.arms == (Arm.DIFFUSION,) and study.segmentation.iterations == 100
    assert study.generator.diffusion.epochs == CAMUS.generator.diffusion.epochs // 2
    assert study.gan.epochs == CAMUS.gan.epochs // 2 and study.adaptation.epochs == CAMUS.adaptation.epochs // 2
    assert cli.main(["utility"]) == 0 and seen[1] == UTILITY_PRESETS[UtilityPreset.QUICK]
    assert cli.main(["utility", "--data", str(tmp_path), "--compute-nfe", "8", "16"]) == 0
    assert seen[2] == replace(CAMUS, compute_nfe=(8, 16))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"ratios": [-1]}, "is 0 or more, got -1"),
        ({"ratios": [float("nan")]}, "is 0 or more, got nan"),
        ({"ratios": [0, 6]}, "the pool of 5 synthetic frames per real one, got 6"),
        ({"ratios": []}, "'ratios' needs values"),
        ({"ratios": 1}, "'ratios' is a list"),
        ({"patients": [10, 10]}, "each once"),
        ({"patients": [0]}, "1 or more, or 'all', got 0"),
        ({"patients": ["some"]}, "got 'some'"),
        (
            {"arms": ["cyclegan"]},
            "'arms' must be among real, affine, synthseg, gan, diffusion, adapted, got 'cyclegan'",
        ),
        ({"masks": ["drawn"]}, "'masks' must be among real, augmented, shapes"),
        ({"mixing": "half"}, "'mixing' must be among annealed, proportional"),
        ({"nfe": 0}, "'nfe' is a whole number from 1 on, got 0"),
        ({"test_patients": 0}, "'test_patients' is a whole number"),
        ({"pool": 0}, "the pool is a positive number"),
        ({"solver": "heunn"}, "'solver' must be among euler, .*, got 'heunn'"),
        ({"solver": "consistency"}, "'solver' must be among"),
        ({"solver": "heun", "nfe": 24}, "heun cannot make exactly 24 network calls an image: take 23"),
        ({"solver": "heun", "nfe": 23, "compute_nfe": [3, 8]}, "exactly 8 network calls an image: take 7"),
        ({"compute_nfe": [200]}, "between 1 and the 96"),
        ({"iterations": 0}, "'iterations' is a whole number"),
        ({"budget": 0}, "budget is a positive multiple"),
        ({"budget": "much"}, "'budget' is a number"),
        ({"epochs": 3}, "got 'epochs': correct the name"),
    ],
)
def test_settings_that_make_no_study_are_named(options: dict[str, Any], words: str) -> None:
    with pytest.raises(EchoSynthError, match=words):
        chosen_settings("camus", options)


def test_a_bad_settings_file_or_arm_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(EchoSynthError, match="'preset' must be among quick, camus, got 'huge'"):
        chosen_settings("huge", {})
    for text in ("{", None):
        path = tmp_path / f"{text}.json"
        if text:
            path.write_text(text)
        with pytest.raises(EchoSynthError, match="settings are a readable JSON file"):
            read_settings(path)
    (tmp_path / "list.json").write_text("[1]")
    with pytest.raises(EchoSynthError, match="settings are a JSON object, got list"):
        read_settings(tmp_path / "list.json")
    with pytest.raises(SystemExit):
        cli.main(["utility", "--arms", "cyclegan"])
    assert "invalid choice: 'cyclegan'" in capsys.readouterr().err
    assert cli.main(["utility", "--ratios", "-1", "--out", str(tmp_path / "out")]) == 2
    assert "is 0 or more, got -1.0" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_data_that_cannot_serve_are_refused_before_anything_is_computed(tmp_path: Path) -> None:
    data, out = write_tiny_prepared(tmp_path / "data"), tmp_path / "out"
    for settings, words in (
        (replace(TINY_UTILITY, patients=(2, 4)), "4 training patients were asked for, got 3"),
        (replace(TINY_UTILITY, masks=(Masks.SHAPES,)), "at least 8 maps, got about 4 of 2 patients"),
        (UTILITY_PRESETS[UtilityPreset.QUICK], "64 x 64 pixels are needed"),
    ):
        with pytest.raises(EchoSynthError, match=words):
            run_utility_study(out, data, settings=settings)
    with pytest.raises(EchoSynthError, match="a data folder was expected"):
        run_utility_study(out, tmp_path / "nothing", settings=TINY_UTILITY)
    with pytest.raises(EchoSynthError, match="trained echo_generative_diffusion bundle was expected"):
        run_utility_study(out, data, tmp_path, settings=TINY_UTILITY)
    path = data / "dataset.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "test": []}))
    with pytest.raises(EchoSynthError, match="section 'test' must hold at least one frame"):
        run_utility_study(out, data, settings=TINY_UTILITY)
    assert not out.exists()


def _rows() -> dict[str, dict[str, Any]]:
    study = replace(CAMUS, ratios=(0.0, 1.0, 5.0), compute_nfe=(4, 8))
    rows = {}
    for cell in cells(study):
        dice = {"mean": {"mean": 0.8, "ci95": [0.7, 0.9]}, "la": {"mean": None, "ci95": None}}
        count = 378 if cell.patients == utility_settings.ALL else cell.patients
        row: dict[str, Any] = {"arm": cell.arm, "patients": count, "ratio": cell.ratio, "dice": dice, "title": cell.arm}
        row |= {"line": f"{cell.arm}{cell.alone}", "all_patients": count == 378, "augmentation": "usual"}
        rows[cell.name] = {**row, "nfe": cell.source and cell.source.nfe, "real_frames": 0 if cell.alone else 20}
    return rows


def test_figures_have_a_line_for_every_arm() -> None:
    rows = _rows()
    for drawn in (patients_figure(rows), ratio_figure(rows)):
        for arm in ("synthseg", "gan", "diffusion", "adapted"):
            assert f">{arm}</text>" in drawn
    assert ">real</text>" in patients_figure(rows) and "Real patients" in patients_figure(rows)
    assert "10 patients" in ratio_figure(rows) and "45 patients" in ratio_figure(rows)
    assert "Network calls per image" in compute_figure(rows) and "Synthetic frames alone" in compute_figure(rows)
    one = {name: row for name, row in rows.items() if row["patients"] == 10 and row["ratio"] in (0, 1)}
    assert patients_figure(one) == ratio_figure(one) == compute_figure(one) == ""
