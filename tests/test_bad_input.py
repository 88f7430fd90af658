"""Bad input through the program: one line that names the file or the key and a remedy, code 2, nothing that looks whole."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from monai_echosynth import cli
from monai_echosynth.networks.nets.segmenter import segmenter
from monai_echosynth.networks.weights import save_weights
from monai_echosynth.workflows.segmentation import (
    SEGMENTATION_PRESETS,
    SegmentationPreset,
    SegmentationSettings,
    write_bundle,
)
from monai_echosynth.workflows.training_settings import PRESETS, Preset
from tests.helpers.echo_frames import camus_folder, save_nifti
from tests.helpers.tiny_generator import TINY_SETTINGS, write_tiny_bundle
from tests.helpers.tiny_prepared import write_tiny_prepared

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")

FINISHED = ("dataset.json", "manifest.json", "summary.json", "scores.json", "report.html", "*.safetensors")
"""What says that a folder is whole; ``summary.json`` of a study stands beside its report."""
TINY_SEGMENTER = SegmentationSettings(spatial_size=32, base_features=4, iterations=2, batch_size=2, epoch_iterations=1)

Fails = Callable[..., str]
Damage = Callable[[Path], object]


@pytest.fixture
def fails(capsys: pytest.CaptureFixture[str]) -> Fails:
    """Runs the program, checks code 2 and a single error line that holds all ``words``, and returns that line."""

    def run(arguments: list[object], *words: object) -> str:
        capsys.readouterr()
        code = cli.main([str(argument) for argument in arguments])
        lines = capsys.readouterr().err.replace("\r", "\n").strip().splitlines()
        assert code == 2, lines
        errors = [line for line in lines if "echosynth: error: " in line]
        assert errors == lines[-1:] and errors[0].startswith("echosynth: error: ") and "Traceback" not in errors[0]
        missing = [str(word) for word in words if str(word) not in errors[0]]
        assert not missing, (missing, errors[0])
        assert {":", ";"} & set(errors[0].removeprefix("echosynth: error: "))  # the remedy follows
        return errors[0]

    return run


@pytest.fixture
def tiny_presets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PRESETS, Preset.QUICK, TINY_SETTINGS)
    monkeypatch.setitem(SEGMENTATION_PRESETS, SegmentationPreset.QUICK, TINY_SEGMENTER)


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_bundle(tmp_path_factory.mktemp("generator") / "bundle")


@pytest.fixture(scope="module")
def segmentation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("segmentation") / "bundle"
    write_bundle(root, TINY_SEGMENTER)
    save_weights(segmenter(32, 4), root / "models" / "model.safetensors")
    return root


def unfinished(folder: Path) -> bool:
    return not [path for name in FINISHED for path in folder.rglob(name)] and not list(folder.rglob(".partial-*"))


def rewrite(path: Path, change: Callable[[np.ndarray], np.ndarray]) -> None:
    image = nib.load(path)
    spacing = image.header.get_zooms()
    save_nifti(path, change(np.asarray(image.dataobj)), (float(spacing[0]), float(spacing[1])))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def blacken(path: Path) -> None:
    rewrite(path, np.zeros_like)


def spoil(path: Path) -> None:
    rewrite(path, lambda array: np.where(array == array.max(), np.nan, array.astype(np.float32)))


def mislabel(path: Path) -> None:
    rewrite(path, lambda array: np.where(array == 1, 9, array).astype(np.uint8))


def shrink(path: Path) -> None:
    rewrite(path, lambda array: array[:-1])


DAMAGES: dict[str, tuple[str, Damage, str]] = {
    "label missing": ("label", Path.unlink, "label"),
    "image missing": ("image", Path.unlink, "image"),
    "unknown id": ("label", mislabel, "got 9"),
    "other shape": ("label", shrink, "shape"),
    "cut image": ("image", cut, "whole NIfTI"),
    "cut label": ("label", cut, "whole NIfTI"),
    "black image": ("image", blacken, "all black"),
    "NaN image": ("image", spoil, "NaN"),
    "NaN label": ("label", spoil, "nan"),
}
each_damage = pytest.mark.parametrize("damage", DAMAGES)


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
@pytest.mark.parametrize("model", cli.MODELS)
def test_train_on_bad_frames(model: str, damage: str, tmp_path: Path, fails: Fails, tiny_presets: None) -> None:
    data, name, word = damaged_prepared(tmp_path / "data", "training", damage)
    command = ["train", "--model", model, "--preset", "quick", "--data", data, "--out", tmp_path / "out"]
    fails(command, name, "exist" if word in ("label", "image") else word)
    assert not (tmp_path / "out").exists()


@each_damage
def test_evaluate_bad_frames(damage: str, tmp_path: Path, fails: Fails, segmentation: Path) -> None:
    data, name, word = damaged_prepared(tmp_path / "data", "test", damage)
    command = ["evaluate", "--bundle", segmentation, "--data", data, "--out", tmp_path / "out"]
    fails(command, name, "exist" if word in ("label", "image") else word)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("section", ["training", "validation"])
@pytest.mark.parametrize("model", cli.MODELS)
def test_train_on_nobody(model: str, section: str, tmp_path: Path, fails: Fails, tiny_presets: None) -> None:
    data = prepared_without(tmp_path / "data", section)
    command = ["train", "--model", model, "--preset", "quick", "--data", data, "--out", tmp_path / "out"]
    fails(command, section, data, "more patients")
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


# weights and checkpoints


def test_weights_of_another_network(tmp_path: Path, fails: Fails, generator: Path, segmentation: Path) -> None:
    data = write_tiny_prepared(tmp_path / "data")
    wrong, foreign = (write_tiny_bundle(tmp_path / name) / "models" for name in ("wrong", "foreign"))
    (wrong / "autoencoder.safetensors").replace(wrong / "diffusion.safetensors")
    write_tiny_bundle(tmp_path / "spare")
    (tmp_path / "spare/models/autoencoder.safetensors").replace(wrong / "autoencoder.safetensors")
    (foreign / "diffusion.safetensors").write_bytes(b"no weights at all")
    write_bundle(tmp_path / "seg", TINY_SEGMENTER)
    save_weights(segmenter(32, 6), tmp_path / "seg/models/model.safetensors")
    out = ["--out", tmp_path / "out"]
    for root, words in (
        (wrong, ("another network", "choose the file")),
        (foreign, ("cannot be read", "copy or train")),
    ):
        command = ["generate", "--bundle", root.parent, "--masks", data, *out, "--nfe", "1"]
        fails(command, root / "diffusion.safetensors", *words)
    fails(["evaluate", "--bundle", tmp_path / "seg", "--data", data, *out], "model.safetensors", "another network")
    fails(["evaluate", "--bundle", generator, "--data", data, *out], generator, "evaluate.json")
    fails(["generate", "--bundle", segmentation, "--masks", data, *out], segmentation, "echo_generative_diffusion")
    (foreign / "diffusion.safetensors").unlink()
    fails(["generate", "--bundle", foreign.parent, "--masks", data, *out], "diffusion.safetensors", "train the network")
    assert unfinished(tmp_path / "out")


def test_verify_finds_weights_of_another_network(
    tmp_path: Path, segmentation: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_bundle(tmp_path / "seg", TINY_SEGMENTER)
    save_weights(segmenter(32, 6), tmp_path / "seg/models/model.safetensors")
    assert cli.main(["verify", "--bundle", str(tmp_path / "seg")]) == 1
    assert "another network" in capsys.readouterr().out


@pytest.mark.parametrize("content", ["other", "garbage", "nothing"])
def test_checkpoint_of_another_network(content: str, tmp_path: Path, fails: Fails, tiny_presets: None) -> None:
    import torch

    checkpoint = tmp_path / "out" / "eval" / "autoencoder" / "checkpoints" / "checkpoint.pt"
    data = write_tiny_prepared(tmp_path / "data")
    command = ["train", "--preset", "quick", "--data", data, "--out", tmp_path / "out"]
    fails_before_training = [*command[:-1], data / "dataset.json" / "below"]
    fails(fails_before_training, "dataset.json")
    from monai_echosynth.workflows.train import claim_training

    claim_training(tmp_path / "out", data, TINY_SETTINGS, 0)
    checkpoint.parent.mkdir(parents=True)
    if content == "other":
        state = {
            "network": segmenter(32, 4).state_dict(),
            "average": {},
            "optimizer": {},
            "lr_scheduler": {},
            "trainer": {},
        }
        torch.save(state, checkpoint)
    else:
        checkpoint.write_bytes(b"garbage" if content == "garbage" else b"")
    fails(command, checkpoint, "remove its folder")
    assert unfinished(tmp_path / "out")


def test_training_leaves_other_folders_alone(tmp_path: Path, fails: Fails, tiny_presets: None) -> None:
    data = write_tiny_prepared(tmp_path / "data")
    kept = tmp_path / "out" / "models" / "mine.txt"
    kept.parent.mkdir(parents=True)
    kept.write_text("dear to me")
    for model in cli.MODELS:
        fails(
            ["train", "--model", model, "--preset", "quick", "--data", data, "--out", tmp_path / "out"],
            tmp_path / "out",
            "choose another",
        )
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == [kept]


# folders that cannot be written, disks that are full


def commands(tmp_path: Path, generator: Path, segmentation: Path, out: Path) -> dict[str, list[object]]:
    data, source = write_tiny_prepared(tmp_path / "data"), camus_folder(tmp_path / "source", 4)
    quick = ["--preset", "quick", "--data", data, "--out", out]
    return {
        "phantom": ["phantom", "--patients", 3, "--width", 64, "--workers", 1, "--out", out],
        "prepare": ["prepare", "--data", source, "--size", 32, "--out", out],
        "generator": ["train", *quick],
        "segmenter": ["train", "--model", "segmenter", *quick],
        "generate": ["generate", "--bundle", generator, "--masks", data, "--nfe", 1, "--out", out],
        "evaluate": ["evaluate", "--bundle", segmentation, "--data", data, "--out", out],
        "demo": ["demo", "--data", source, "--preset", "quick", "--out", out],
    }


each_command = pytest.mark.parametrize(
    "command", ["phantom", "prepare", "generator", "segmenter", "generate", "evaluate", "demo"]
)


@each_command
def test_output_below_a_file(
    command: str, tmp_path: Path, fails: Fails, generator: Path, segmentation: Path, tiny_presets: None
) -> None:
    (tmp_path / "file").write_text("not a folder")
    fails(commands(tmp_path, generator, segmentation, tmp_path / "file" / "out")[command], tmp_path / "file", "choose")
    assert (tmp_path / "file").read_text() == "not a folder"


@each_command
@pytest.mark.parametrize(
    ("number", "remedy"), [(errno.ENOSPC, "free some space"), (errno.EROFS, "may write")], ids=["full", "read-only"]
)
def test_output_that_cannot_be_written(
    command: str,
    number: int,
    remedy: str,
    tmp_path: Path,
    fails: Fails,
    generator: Path,
    segmentation: Path,
    tiny_presets: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "out"
    arguments = commands(tmp_path, generator, segmentation, out)[command]
    replace = os.replace

    def refuse(self: Path, target: Any) -> Path:
        if Path(target).is_relative_to(out) and Path(target).name.endswith(
            (".nii.gz", ".safetensors", "generation.json", "summary.json")
        ):
            raise OSError(number, os.strerror(number), str(target))
        replace(self, target)
        return Path(target)

    monkeypatch.setattr(Path, "replace", refuse)
    fails(arguments, out, remedy)
    assert unfinished(out)


def test_full_disk_under_predictions(
    tmp_path: Path, fails: Fails, segmentation: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MONAI tries one writer after another and forgets why they failed."""
    import monai.data

    def full(self: object, *_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for writer in (monai.data.NibabelWriter, monai.data.ITKWriter):
        monkeypatch.setattr(writer, "write", full)
    monkeypatch.setattr(Path, "write_bytes", full)
    data = write_tiny_prepared(tmp_path / "data")
    command = ["evaluate", "--bundle", segmentation, "--data", data, "--out", tmp_path / "out"]
    fails(command, tmp_path / "out", "free some space")
    assert unfinished(tmp_path / "out")


@pytest.mark.parametrize("model", cli.MODELS)
def test_full_disk_under_checkpoints(
    model: str, tmp_path: Path, fails: Fails, tiny_presets: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """torch.save names no file."""
    import torch

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(torch, "save", full)
    data = write_tiny_prepared(tmp_path / "data")
    command = ["train", "--model", model, "--preset", "quick", "--data", data, "--out", tmp_path / "out"]
    fails(command, tmp_path / "out", "free some space")
    assert unfinished(tmp_path / "out")
