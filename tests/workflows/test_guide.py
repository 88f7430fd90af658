"""A guided generator from prepared pictures to a set: training, resuming, drawing, starting from frames, and bad input."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from monai_echosynth import cli
from monai_echosynth.data.datalist import load_datalist, read_label_table
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.nets.guided_unet import Guidance
from monai_echosynth.workflows.export_model import export_model
from monai_echosynth.workflows.generate import generate
from monai_echosynth.workflows.guide import guide
from monai_echosynth.workflows.guided_training import train_guided
from monai_echosynth.workflows.metrics_study import MetricsSettings, run_metrics
from monai_echosynth.workflows.verify import verify_bundle
from tests.helpers.tiny_guided import CLASSES, TINY_GUIDED, write_text_encoder, write_tiny_guided, write_tiny_lesions

pytestmark = pytest.mark.filterwarnings("ignore:No hash value provided")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_lesions(tmp_path_factory.mktemp("lesions"))


@pytest.fixture(scope="module")
def trained(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("guided") / "bundle"
    made = train_guided(prepared, out, TINY_GUIDED, progress=False)
    assert made["class_names"] == list(CLASSES) and made["epochs"] == 1 and made["validation_loss"] > 0
    return out


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_guided(tmp_path_factory.mktemp("tiny") / "bundle")


@pytest.fixture(scope="module")
def frame(prepared: Path) -> Path:
    return sorted((prepared / "images").glob("*.nii.gz"))[0]


def _pixels(folder: Path) -> dict[str, Any]:
    return {path.name: np.asarray(nib.load(path).dataobj) for path in sorted((folder / "images").glob("*.nii.gz"))}


def _draw(bundle: Path, out: Path, **options: Any) -> dict[str, Any]:
    guide(bundle, out, progress=False, **{"nfe": 8, **options})
    return _pixels(out)


def test_what_was_trained_is_a_whole_bundle(trained: Path, prepared: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(trained, tmp_path / "copy", ignore=shutil.ignore_patterns("eval"))
    assert [check for check in verify_bundle(copy, prepared) if check.passed is False] == []
    config = json.loads((trained / "configs" / "inference.json").read_text())
    assert (config["spatial_size"], config["size"], config["class_names"]) == (32, "quick", list(CLASSES))
    again = train_guided(prepared, trained, TINY_GUIDED, progress=False)  # nothing left to do
    assert again == {"class_names": list(CLASSES)}
    with pytest.raises(EchoSynthError, match="holds a training with seed = 0"):
        train_guided(prepared, trained, TINY_GUIDED, seed=1, progress=False)


def test_a_set_is_one_of_prepared_frames(bundle: Path, tmp_path: Path) -> None:
    made = guide(bundle, tmp_path / "set", ["normal", "benign"], count=5, nfe=8, progress=False)
    assert (made["count"], made["new"], made["nfe"]) == (5, 5, 8)
    items = load_datalist(tmp_path / "set", "training")
    assert [item["view"] for item in items] == ["normal", "benign", "normal", "benign", "normal"]
    assert read_label_table(tmp_path / "set").names == {"0": "outside", "1": "lesion", "2": "sector"}
    assert (np.asarray(nib.load(items[0]["label"]).dataobj) == 2).all()


def test_pictures_depend_on_seed_position_and_guide_alone(bundle: Path, tmp_path: Path) -> None:
    whole = _draw(bundle, tmp_path / "a", count=4, seed=3)
    few = _draw(bundle, tmp_path / "b", count=2, seed=3, batch_size=1)
    assert all(np.array_equal(few[name], whole[name]) for name in few) and len(few) == 2
    name = sorted(whole)[0]
    (tmp_path / "a" / "images" / name).unlink()
    assert np.array_equal(_draw(bundle, tmp_path / "a", count=4, seed=3)[name], whole[name])
    assert not np.array_equal(_draw(bundle, tmp_path / "c", count=1, seed=4)["benign_s000000.nii.gz"], whole[name])
    with pytest.raises(EchoSynthError, match=r"made with guidance_scale = 2\.0, not 1\.0"):
        _draw(bundle, tmp_path / "a", count=4, seed=3, guidance=1.0)


def test_strength_goes_from_the_frame_to_a_new_picture(
    bundle: Path, prepared: Path, frame: Path, tmp_path: Path
) -> None:
    other = sorted((prepared / "images").glob("*.nii.gz"))[1]
    ends = {
        (name, strength): _draw(bundle, tmp_path / f"{name}{strength}", frames=path, strength=strength, count=1)
        for name, path in (("first", frame), ("second", other))
        for strength in (0.0, 0.5, 1.0)
    }
    one = {key: value["benign_s000000.nii.gz"].astype(float) for key, value in ends.items()}
    assert np.array_equal(one["first", 1.0], one["second", 1.0])
    assert not np.array_equal(one["first", 0.0], one["second", 0.0])
    assert np.array_equal(one["first", 1.0], _draw(bundle, tmp_path / "noise", count=1)["benign_s000000.nii.gz"])
    assert np.abs(one["first", 0.5] - one["first", 0.0]).mean() > 0
    records = json.loads((tmp_path / "first0.5" / "generation.json").read_text())
    assert records["strength"] == 0.5


def test_the_published_metrics_take_a_guided_set(bundle: Path, prepared: Path, tmp_path: Path) -> None:
    class Means(nn.Module):
        def forward(self, image: Tensor) -> Tensor:
            return torch.stack([image.mean(dim=(1, 2, 3)), image[:, 0, 0].mean(dim=1)], dim=1)

    torch.jit.save(torch.jit.script(Means()), str(tmp_path / "net.pt"))
    _draw(bundle, tmp_path / "set", count=6)
    settings = MetricsSettings(f"torchscript:{tmp_path / 'net.pt'}", "training", None, pairs=3)
    found = run_metrics(prepared, tmp_path / "set", tmp_path / "metrics", settings, progress=False)
    assert found["synthetic"]["frames"] == 6 and found["distribution"]["fid"]["value"] > 0
    assert found["pairs"]["synthetic"]["pairs"] == 3 and found["pairs"]["mask"]["pairs"] == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"classes": ["cyst"]}, "draws benign, malignant, normal, got cyst"),
        ({"classes": ["@benign"]}, "begin with a letter or digit"),
        ({"texts": ["a benign lesion"]}, "guided by --class, got --text"),
        ({"guidance": -1.0}, "guidance scale must be 0 or more"),
        ({"strength": 0.5}, "name a frame with --input"),
        ({"count": 0}, "1 or more, got count = 0"),
        ({"solver": "magic"}, "solver must be one of"),
        ({"nfe": 0}, "network evaluations must be at least 1"),
        ({"batch_size": 0}, "batch_size = 0"),
        ({"frames": "missing.png"}, "a picture .* was expected"),
    ],
)
def test_bad_wishes_are_named(bundle: Path, tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(EchoSynthError, match=message):
        _draw(bundle, tmp_path / "set", **options)
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan")])
def test_strengths_outside_the_range_are_named(bundle: Path, frame: Path, tmp_path: Path, strength: float) -> None:
    with pytest.raises(EchoSynthError, match=r"strength must lie in \[0, 1\]"):
        _draw(bundle, tmp_path / "set", frames=frame, strength=strength)


def test_frames_of_another_size_are_named(bundle: Path, prepared: Path, tmp_path: Path) -> None:
    native = sorted((prepared / "original" / "images").glob("*.nii.gz"))[0]
    with pytest.raises(EchoSynthError, match=r"32 x 32 pixels, got 64 x 64"):
        _draw(bundle, tmp_path / "set", frames=native, strength=0.5)


def test_bundles_and_folders_that_are_none_are_named(bundle: Path, prepared: Path, tmp_path: Path) -> None:
    with pytest.raises(EchoSynthError, match="a bundle with configs"):
        guide(tmp_path, tmp_path / "set")
    with pytest.raises(EchoSynthError, match="a trained echo_generative_diffusion bundle was expected"):
        generate(bundle, prepared, tmp_path / "set")
    with pytest.raises(EchoSynthError, match=r"a segmenter's or a generator's bundle was expected.*condition"):
        export_model(bundle)
    broken = shutil.copytree(bundle, tmp_path / "broken")
    (broken / "models" / "diffusion.safetensors").unlink()
    with pytest.raises(EchoSynthError, match="weights needed at"):
        _draw(broken, tmp_path / "set")
    with pytest.raises(EchoSynthError, match="frames of 96 x 96 pixels are needed"):
        train_guided(prepared, tmp_path / "new", replace(TINY_GUIDED, spatial_size=96))
    with pytest.raises(EchoSynthError, match="needs a text encoder, got no folder"):
        train_guided(prepared, tmp_path / "new", replace(TINY_GUIDED, guidance=Guidance.TEXT))
    content = json.loads((prepared / "dataset.json").read_text())
    bare = tmp_path / "bare"
    shutil.copytree(prepared, bare)
    for item in content["training"]:
        item["view"] = ""
    (bare / "dataset.json").write_text(json.dumps(content))
    with pytest.raises(EchoSynthError, match="needs its view"):
        train_guided(bare, tmp_path / "new", TINY_GUIDED)
    assert not (tmp_path / "new").exists() and not (tmp_path / "set").exists()


def test_guided_by_a_picture(prepared: Path, frame: Path, tmp_path: Path) -> None:
    out = tmp_path / "bundle"
    train_guided(prepared, out, replace(TINY_GUIDED, guidance=Guidance.IMAGE), progress=False)
    made = _draw(out, tmp_path / "set", image=frame, count=2)
    assert sorted(made) == ["image0_s000000.nii.gz", "image0_s000001.nii.gz"]
    with pytest.raises(EchoSynthError, match="guided by --image, got none"):
        _draw(out, tmp_path / "none")


@pytest.mark.filterwarnings("ignore")
def test_guided_by_text(prepared: Path, tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    out, encoder = tmp_path / "bundle", write_text_encoder(tmp_path / "clip")
    train_guided(prepared, out, replace(TINY_GUIDED, guidance=Guidance.TEXT), text_encoder=encoder, progress=False)
    made = _draw(out, tmp_path / "set", texts=["a benign lesion", "fog"], text_encoder=encoder)
    assert sorted(made) == ["text0_s000000.nii.gz", "text1_s000001.nii.gz"]
    assert [item["view"] for item in load_datalist(tmp_path / "set", "training")] == ["benign", ""]
    with pytest.raises(EchoSynthError, match="got no folder"):
        _draw(out, tmp_path / "none", texts=["fog"])
    other = write_text_encoder(tmp_path / "other", seed=1)
    with pytest.raises(EchoSynthError, match="encoder that the generator was trained with"):
        _draw(out, tmp_path / "none", texts=["fog"], text_encoder=other)
    with pytest.raises(EchoSynthError, match=r"config\.json and weights was expected"):
        _draw(out, tmp_path / "none", texts=["fog"], text_encoder=tmp_path / "missing")


def test_the_program(bundle: Path, frame: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    common = ["guide", "--bundle", str(bundle), "--nfe", "4"]
    out = tmp_path / "png"
    arguments = ["--out", str(out), "--class", "benign", "--count", "2", "--format", "png", "--solver", "ancestral"]
    assert cli.main([*common, *arguments]) == 0
    assert "2 images in" in capsys.readouterr().out and len(list((out / "images").glob("*.png"))) == 2
    wrong = ["--out", str(tmp_path / "new"), "--input", str(frame), "--strength", "2"]
    assert cli.main([*common, *wrong]) == 2
    assert capsys.readouterr().err.startswith("echosynth: error: strength must lie in [0, 1], got 2.0")
    data = ["--data", str(frame.parent.parent), "--out", str(tmp_path / "new")]
    assert cli.main(["train", *data, "--guidance", "text"]) == 2
    assert "--guidance is for a guided generator" in capsys.readouterr().err
    assert cli.main(["train", "--model", "guided", *data, "--prompt", "{}"]) == 2
    assert cli.main(["train", "--model", "guided", *data, "--preset", "quick"]) == 2
    assert "prepare them with --size 96" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
