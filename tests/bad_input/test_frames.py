"""Bad frames and folders in every command: one line that names the file and a remedy, code 2."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import pytest

from monai_echosynth import cli
from monai_echosynth.commands import train
from tests.helpers.damage import DAMAGES, each_damage, unfinished
from tests.helpers.echo_frames import camus_folder
from tests.helpers.tiny_prepared import write_tiny_prepared

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")

Fails = Callable[..., str]
Training = Callable[[str, Path, Path], list[object]]

# prepare and demo: source data


def damaged_camus(root: Path, damage: str) -> tuple[Path, str, str]:
    """A CAMUS folder with one bad frame, the name that the error must hold and its word."""
    kind, hurt, word = DAMAGES[damage]
    base = camus_folder(root, 4) / "database_nifti" / "patient0002" / "patient0002_4CH_ED"
    path = base.with_name(base.name + ("_gt.nii.gz" if kind == "label" else ".nii.gz"))
    hurt(path)
    return root, base.name, word


@each_damage
@pytest.mark.parametrize("command", ["prepare", "demo"])
def test_source_frames(command: str, damage: str, tmp_path: Path, fails: Fails) -> None:
    data, name, word = damaged_camus(tmp_path / "data", damage)
    fails([command, "--data", data, "--out", tmp_path / "out"], name, word)
    assert unfinished(tmp_path / "out")


@pytest.mark.parametrize("command", ["prepare", "demo"])
def test_source_folders(command: str, tmp_path: Path, fails: Fails) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "a file").touch()
    for name in ("missing", "empty", "a file"):
        fails([command, "--data", tmp_path / name, "--out", tmp_path / "out"], tmp_path / name, "check the path")
        assert unfinished(tmp_path / "out")


@pytest.mark.parametrize("command", ["prepare", "demo"])
def test_one_patient(command: str, tmp_path: Path, fails: Fails) -> None:
    data = camus_folder(tmp_path / "data", 1)
    fails([command, "--data", data, "--out", tmp_path / "out"], "2 patients", "patient0001", "add patients")
    assert unfinished(tmp_path / "out")


@pytest.mark.parametrize(
    ("count", "remedy"), [("0", "ask for one or more"), ("4", "lower n_test"), ("-1", "ask for one")]
)
def test_test_patients(count: str, remedy: str, tmp_path: Path, fails: Fails) -> None:
    data = camus_folder(tmp_path / "data", 4)
    fails(["prepare", "--data", data, "--out", tmp_path / "out", "--n-test", count], remedy)
    assert unfinished(tmp_path / "out")


# train and evaluate: prepared data


def damaged_prepared(root: Path, section: str, damage: str) -> tuple[Path, str, str]:
    kind, hurt, word = DAMAGES[damage]
    item = json.loads((write_tiny_prepared(root) / "dataset.json").read_text())[section][1]
    hurt(root / item[kind])
    return root, item["id"], word


def prepared_without(root: Path, section: str) -> Path:
    content = json.loads((write_tiny_prepared(root) / "dataset.json").read_text())
    (root / "dataset.json").write_text(json.dumps({**content, section: []}))
    return root


@each_damage
@pytest.mark.parametrize("model", train.MODELS)
def test_train_on_bad_frames(model: str, damage: str, tmp_path: Path, fails: Fails, training: Training) -> None:
    data, name, word = damaged_prepared(tmp_path / "data", "training", damage)
    fails(training(model, data, tmp_path / "out"), name, "exist" if word in ("label", "image") else word)
    assert not (tmp_path / "out").exists()


@each_damage
def test_evaluate_bad_frames(damage: str, tmp_path: Path, fails: Fails, segmentation: Path) -> None:
    data, name, word = damaged_prepared(tmp_path / "data", "test", damage)
    command = ["evaluate", "--bundle", segmentation, "--data", data, "--out", tmp_path / "out"]
    fails(command, name, "exist" if word in ("label", "image") else word)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("section", ["training", "validation"])
@pytest.mark.parametrize("model", train.MODELS)
def test_train_on_nobody(model: str, section: str, tmp_path: Path, fails: Fails, training: Training) -> None:
    data = prepared_without(tmp_path / "data", section)
    fails(training(model, data, tmp_path / "out"), section, data, "more patients")
    assert not (tmp_path / "out").exists()


def test_no_test_patients(tmp_path: Path, fails: Fails, segmentation: Path) -> None:
    data = prepared_without(tmp_path / "data", "test")
    fails(["evaluate", "--bundle", segmentation, "--data", data, "--out", tmp_path / "out"], "'test'", data, "patients")
    assert not (tmp_path / "out").exists()


def test_frames_of_another_size(tmp_path: Path, fails: Fails) -> None:
    data = write_tiny_prepared(tmp_path / "data")
    fails(["train", "--preset", "quick", "--data", data, "--out", tmp_path / "out"], data, "--size 96")
    assert not (tmp_path / "out").exists()


def test_folders_that_are_not_prepared(tmp_path: Path, fails: Fails, generator: Path, segmentation: Path) -> None:
    (tmp_path / "empty").mkdir()
    out = ["--out", tmp_path / "out"]
    for name in (tmp_path / "missing", tmp_path / "empty"):
        fails(["train", "--data", name, *out], name, "echosynth prepare")
        fails(["train", "--model", "segmenter", "--data", name, *out], name, "echosynth prepare")
        fails(["evaluate", "--bundle", segmentation, "--data", name, *out], name, "echosynth prepare")
        fails(["verify", "--bundle", generator, "--data", name], name, "echosynth prepare")
        fails(["generate", "--bundle", generator, "--masks", name, *out], name, "check the path")
    good = write_tiny_prepared(tmp_path / "good")
    fails(["train", "--data", good, "--validation", good, *out], good, "leave it out")
    fails(
        ["train", "--model", "segmenter", "--data", good, "--validation", tmp_path / "no", *out],
        "no",
        "echosynth prepare",
    )
    fails(["verify", "--bundle", generator, "--schema", tmp_path / "missing"], tmp_path / "missing", "check the path")
    assert not (tmp_path / "out").exists()


# generate: masks


def raw_masks(root: Path) -> Path:
    """Raw label maps, each with its image beside; one frame's ids and pixels decide about the sector."""
    for number in (1, 2):
        base = camus_folder(root / "camus", 2) / "database_nifti" / f"patient000{number}" / f"patient000{number}_4CH_ED"
        for kind, suffix in (("images", ".nii.gz"), ("labels", "_gt.nii.gz")):
            (root / kind).mkdir(parents=True, exist_ok=True)
            base.with_name(base.name + suffix).rename(root / kind / f"p{number}.nii.gz")
    return root


@each_damage
def test_generate_from_bad_masks(damage: str, tmp_path: Path, fails: Fails, generator: Path) -> None:
    if damage == "label missing":
        pytest.skip("a mask that is not there is not asked for")
    kind, hurt, word = DAMAGES[damage]
    path = raw_masks(tmp_path / "masks") / f"{kind}s" / "p2.nii.gz"
    hurt(path)
    command = [
        "generate",
        "--bundle",
        generator,
        "--masks",
        tmp_path / "masks",
        "--out",
        tmp_path / "out",
        "--nfe",
        "1",
    ]
    fails(command, "p2.nii.gz", word)
    assert unfinished(tmp_path / "out")


def test_mask_of_another_size_is_resampled_and_said_so(
    tmp_path: Path, generator: Path, caplog: pytest.LogCaptureFixture
) -> None:
    masks = raw_masks(tmp_path / "masks")
    command = ["generate", "--bundle", generator, "--masks", masks, "--out", tmp_path / "out", "--nfe", "1"]
    assert cli.main([str(argument) for argument in command]) == 0
    assert "mask p1.nii.gz was resampled from 48 x 40 to 32 x 32 pixels" in caplog.messages[0]
    assert nib.load(tmp_path / "out" / "labels" / "p1_s000000.nii.gz").shape == (32, 32)


@pytest.mark.parametrize("option", ["--count", "--nfe", "--batch-size"])
def test_none_at_all(option: str, tmp_path: Path, fails: Fails, generator: Path) -> None:
    masks = write_tiny_prepared(tmp_path / "masks")
    fails(
        ["generate", "--bundle", generator, "--masks", masks, "--out", tmp_path / "out", option, "0"], "got", "0", "1"
    )
    assert unfinished(tmp_path / "out")
