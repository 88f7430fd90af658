"""Metrics of sets whose answer is known, the file and the table of the command, and what it refuses."""

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
from PIL import Image
from torch import nn

from monai_echosynth import cli
from monai_echosynth.data.builtin_labels import LESION_LABELS
from monai_echosynth.data.datalist import load_datalist, read_label_table
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.features.activations import Activations, FeatureNetwork
from monai_echosynth.networks.features.lpips import alexnet_features
from monai_echosynth.workflows.clip_agreement import sentence
from monai_echosynth.workflows.extractors import (
    Extractor,
    ExtractorKind,
    domain_features,
    load_extractor,
    parse_extractor,
)
from monai_echosynth.workflows.frame_pairs import across_patients, by_mask, within_mask
from monai_echosynth.workflows.image_distance import frame_features
from monai_echosynth.workflows.metrics_study import MetricsSettings, run_metrics
from monai_echosynth.workflows.metrics_table import metrics_rows, metrics_text
from monai_echosynth.workflows.set_features import read_features
from tests.helpers.tiny_prepared import write_tiny_prepared
from tests.helpers.tiny_segmenter import TINY_SEGMENTER, write_tiny_segmenter

SIZE = 48


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_prepared(tmp_path_factory.mktemp("real"), size=SIZE, native=(60, 50), training=12, test=10)


@pytest.fixture(scope="module")
def synthetic(real: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two noisier frames of each training mask, and one of a warped copy."""
    return write_synthetic(real, tmp_path_factory.mktemp("synthetic"))


def write_synthetic(real: Path, folder: Path, noise: float = 30.0) -> Path:
    rng, items = np.random.default_rng(0), []
    for number, item in enumerate(load_datalist(real, "training") * 3):
        name, copy = f"s{number:03d}", int(number >= 24)
        image = nib.load(item["image"])
        gray = np.clip(np.asarray(image.dataobj) + rng.normal(0, noise, image.shape), 0, 255).astype(np.uint8)
        paths = {key: f"{key}s/{name}.nii.gz" for key in ("image", "label")}
        for path in paths.values():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
        nib.save(nib.Nifti1Image(gray, image.affine), folder / paths["image"])
        shutil.copyfile(item["label"], folder / paths["label"])
        items.append({**item, **paths, "id": name, "mask": item["id"], "copy": copy})
    content = json.loads((real / "dataset.json").read_text())
    (folder / "dataset.json").write_text(json.dumps({**content, "training": items, "validation": [], "test": []}))
    return folder


@pytest.fixture(scope="module")
def segmenter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_segmenter(tmp_path_factory.mktemp("segmenter") / "bundle")


@pytest.fixture(scope="module")
def found(real: Path, synthetic: Path, segmenter: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return run_metrics(real, synthetic, tmp_path_factory.mktemp("out"), MetricsSettings(segmenter=segmenter))


def test_domain_features_are_those_of_the_kernel_distance(segmenter: Path, tmp_path: Path) -> None:
    folder = write_tiny_prepared(tmp_path, size=32)
    ours = read_features(folder, ["training"], domain_features(segmenter), read_label_table(folder), 32, 100).vectors
    assert np.allclose(ours, frame_features(segmenter, load_datalist(folder, "training")), atol=1e-4)


def test_a_set_is_not_away_from_itself(real: Path, segmenter: Path, tmp_path: Path) -> None:
    settings = MetricsSettings(segmenter=segmenter, section="training", floor_section=None)
    result = run_metrics(real, real, tmp_path, settings)
    assert result["distribution"]["fid"]["value"] == pytest.approx(0.0, abs=1e-6)
    for name in ("precision", "recall", "coverage", "density"):
        assert result["distribution"][name]["value"] == pytest.approx(1.0)
    assert result["distribution"]["kid"]["value"] <= 0 and result["floor"] is None
    low, high = result["distribution"]["kid"]["ci95"]
    assert low < 0 < high or high <= 0


def test_noise_is_seen_by_every_distance(found: dict[str, Any]) -> None:
    floor = found["floor"]["metrics"]
    assert found["distribution"]["fid"]["value"] > floor["fid"]["value"]
    for name in ("kid", "cmmd"):
        assert found["distribution"][name]["value"] > 2 * abs(floor[name]["value"]), name
    for name in ("precision", "coverage"):
        assert found["distribution"][name]["value"] <= floor[name]["value"]


def test_pairs_of_one_mask_are_nearer_than_pairs_of_patients(found: dict[str, Any]) -> None:
    pairs = found["pairs"]
    assert {kind: part["pairs"] for kind, part in pairs.items()} == {
        "mask": 12,
        "within_mask": 12,
        "input": 0,
        "synthetic": pairs["synthetic"]["pairs"],
        "real": pairs["real"]["pairs"],
    }
    for name, sign in (("perceptual", 1), ("ssim", -1), ("ms_ssim", -1)):
        assert sign * pairs["mask"][name]["value"] < sign * pairs["synthetic"][name]["value"], name
        low, high = pairs["mask"][name]["ci95"]
        assert low <= pairs["mask"][name]["value"] <= high


def test_pairs_are_found_by_mask_and_map(real: Path, synthetic: Path, tmp_path: Path) -> None:
    items, table = load_datalist(synthetic, "training"), read_label_table(real)
    pairs = by_mask(real, items, table, SIZE, 100)
    assert len(pairs) == 12 and all(one["id"] == other["mask"] and other["copy"] == 0 for one, other in pairs)
    namesakes = write_tiny_prepared(tmp_path, size=SIZE, training=12, seed=9)  # the same ids, other patients
    assert by_mask(namesakes, items, table, SIZE, 100) == []
    assert len(within_mask(items, 5)) == 5 and all(
        a["mask"] == b["mask"] and a["copy"] == b["copy"] for a, b in within_mask(items, 99)
    )
    across = across_patients(items, 100)
    assert across and all(a["patient"] != b["patient"] and a["phase"] == b["phase"] for a, b in across)
    assert across_patients(items[:1], 10) == []


def test_everything_is_said_beside_the_numbers(found: dict[str, Any]) -> None:
    text = metrics_text(found)
    assert found["extractor"]["sha256"][:16] in text and "n = 10 real and 36 synthetic frames of 48 x 48" in text
    assert "biased upwards" in text and all(len(row) == 3 for row in metrics_rows(found))
    assert found["distribution"]["cmmd"]["published"] is False and "CMMD (own bandwidth)" in text
    assert found["clip_score"] is None


def test_sentences_say_what_is_known() -> None:
    wanted = "an ultrasound image of the heart, apical four-chamber view at end-systole"
    assert sentence({"view": "4CH", "phase": "ES"}) == wanted
    assert sentence({}) == "an ultrasound image of the heart, echocardiographic view"
    assert sentence({}, LESION_LABELS) == "an ultrasound image"
    assert sentence({"view": "", "text": "a spiculated mass"}, LESION_LABELS) == "a spiculated mass"


def test_frames_are_compared_with_those_they_started_from(
    real: Path, segmenter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [{**item, "source": item["image"]} for item in load_datalist(real, "training")]
    for number, item in enumerate(items[:3]):  # inputs may be pictures of another form: rows in depth, 16 bits
        shown = np.asarray(nib.load(item["image"]).dataobj).T.astype(np.uint16) * 257
        item["source"] = str(tmp_path / f"input{number}.png")
        Image.fromarray(shown).save(item["source"])
    folder = changed(real, tmp_path / "made", [*items[:6], {**items[6], "source": str(tmp_path / "gone.nii.gz")}])
    found = run_metrics(real, folder, tmp_path / "out", MetricsSettings(segmenter=segmenter), progress=False)
    assert found["pairs"]["input"]["pairs"] == 6 and found["pairs"]["input"]["ssim"]["value"] == pytest.approx(1)
    text = metrics_text(found)
    assert "1 of 7 frames started from an input that is no longer there" in text
    assert "Input frame: SSIM (n = 6)" in text and "LPIPS" not in text


def test_lpips_stands_beside_the_other_distances(real: Path, synthetic: Path, segmenter: Path, tmp_path: Path) -> None:
    pytest.importorskip("torchmetrics")
    state = {f"features.{key}": value for key, value in alexnet_features().state_dict().items()}
    torch.save(state, tmp_path / "alexnet.pth")
    settings = MetricsSettings(segmenter=segmenter, lpips=tmp_path / "alexnet.pth", pairs=4)
    found = run_metrics(real, synthetic, tmp_path / "out", settings, progress=False)
    assert 0 < found["pairs"]["mask"]["lpips"]["value"] < found["pairs"]["synthetic"]["lpips"]["value"]
    text = metrics_text(found)
    assert "Same mask: LPIPS (n = 4)" in text and found["lpips"]["sha256"][:16] in text


def test_lpips_needs_frames_of_some_size(real: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monai_echosynth.workflows.metrics_study.common_size", lambda *_: 24)
    with pytest.raises(EchoSynthError, match="frames of 32 pixels or more, got 24"):
        run_metrics(real, real, tmp_path / "out", MetricsSettings(lpips=tmp_path / "alexnet.pth"))


def test_a_judge_may_be_another_network_than_the_extractor(real: Path, segmenter: Path, tmp_path: Path) -> None:
    settings = MetricsSettings(extractor=f"domain:{segmenter}", segmenter=tmp_path / "judge")
    with pytest.raises(EchoSynthError, match="judge"):
        run_metrics(real, real, tmp_path / "out", settings, progress=False)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (MetricsSettings(seed=-1), "the seed is 0 or more, got -1"),
        (MetricsSettings(prompt="a heart"), "got one without --clip"),
    ],
)
def test_options_that_do_nothing_are_refused(settings: MetricsSettings, words: str, real: Path, tmp_path: Path) -> None:
    with pytest.raises(EchoSynthError, match=words):
        run_metrics(real, real, tmp_path / "out", settings)


def test_the_command_prints_the_table_and_the_default_trains_its_network(
    real: Path, synthetic: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from monai_echosynth.workflows.segmentation import SEGMENTATION_PRESETS, SegmentationPreset

    monkeypatch.setitem(SEGMENTATION_PRESETS, SegmentationPreset.QUICK, replace(TINY_SEGMENTER, spatial_size=48))
    arguments = [
        "metrics",
        real,
        synthetic,
        "--out",
        tmp_path,
        "--frames",
        8,
        "--pairs",
        2,
        "--real-train-section",
        "none",
    ]
    assert cli.main([str(argument) for argument in arguments]) == 0
    shown = capsys.readouterr().out
    assert "FID" in shown and "segmenter of real frames" in shown
    content = json.loads((tmp_path / "metrics.json").read_text(), parse_constant=pytest.fail)
    assert content["synthetic"]["frames"] == 8 and (tmp_path / "segmenter" / "models" / "model.safetensors").is_file()


def test_other_extractors_come_from_files(real: Path, synthetic: Path, tmp_path: Path) -> None:
    torch.jit.save(torch.jit.script(nn.Sequential(nn.AvgPool2d(56), nn.Flatten())), str(tmp_path / "net.pt"))
    settings = MetricsSettings(f"torchscript:{tmp_path / 'net.pt'}", floor_section=None, pairs=2)
    result = run_metrics(real, synthetic, tmp_path / "out", settings)
    assert result["extractor"]["features"] == 3 * 4 * 4 and result["adherence"] is None
    assert result["pairs"]["mask"]["perceptual"]["value"] is None
    assert any("shows no layers" in note for note in result["notes"])


# bad input


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("vgg", "must be one of domain, inception, radimagenet, dinov2, clip, torchscript, got 'vgg'"),
        ("inception", "needs its local file or folder, got none"),
        ("clip:nowhere/at/all", r"expected at nowhere.at.all, which does not exist: nothing is downloaded"),
    ],
)
def test_extractors_are_checked_before_anything_else(text: str, message: str, real: Path, tmp_path: Path) -> None:
    with pytest.raises(EchoSynthError, match=message):
        run_metrics(real, real, tmp_path / "out", MetricsSettings(text))
    assert not (tmp_path / "out").exists()


def test_radimagenet_may_be_torchscript(tmp_path: Path) -> None:
    torch.jit.save(torch.jit.script(nn.AvgPool2d(112)), str(tmp_path / "rin.pt"))
    network = load_extractor(parse_extractor(f"radimagenet:{tmp_path / 'rin.pt'}"))
    assert network.name == "RadImageNet (rin.pt)"
    (tmp_path / "state.pt").write_bytes(b"x")
    with pytest.raises(EchoSynthError, match="cannot be read"):
        load_extractor(Extractor(ExtractorKind.RADIMAGENET, tmp_path / "state.pt"))
    with pytest.raises(EchoSynthError, match="needs a path"):
        load_extractor(Extractor(ExtractorKind.DOMAIN, None))


def changed(source: Path, folder: Path, items: list[dict[str, Any]]) -> Path:
    """The prepared folder with other training frames."""
    shutil.copytree(source, folder)
    content = json.loads((folder / "dataset.json").read_text())
    (folder / "dataset.json").write_text(json.dumps({**content, "training": items}))
    return folder


def test_sets_that_are_too_small_are_refused(real: Path, segmenter: Path, tmp_path: Path) -> None:
    items = json.loads((real / "dataset.json").read_text())["training"]
    settings = MetricsSettings(segmenter=segmenter)
    with pytest.raises(EchoSynthError, match="must hold at least one frame, got none"):
        run_metrics(real, changed(real, tmp_path / "empty", []), tmp_path / "out", settings)
    with pytest.raises(EchoSynthError, match="at least 4 frames a set are needed, got 1 in section 'training'"):
        run_metrics(real, changed(real, tmp_path / "one", items[:1]), tmp_path / "out", settings)
    with pytest.raises(EchoSynthError, match="raise it"):
        run_metrics(real, real, tmp_path / "out", replace(settings, frames=3))
    with pytest.raises(EchoSynthError, match="another section than 'test'"):
        run_metrics(real, real, tmp_path / "out", replace(settings, floor_section="test"))
    with pytest.raises(EchoSynthError, match="echo_segmentation bundle was expected"):
        run_metrics(real, real, tmp_path / "out", MetricsSettings(f"domain:{tmp_path}"))
    few = run_metrics(real, changed(real, tmp_path / "few", items[:5]), tmp_path / "few_out", settings)
    assert few["distribution"]["coverage"]["value"] is None and any(
        "more than 5 frames" in note for note in few["notes"]
    )


def test_constant_frames_are_left_out_and_said(real: Path, segmenter: Path, tmp_path: Path) -> None:
    folder = tmp_path / "flat"
    shutil.copytree(real, folder)
    items = load_datalist(folder, "training")
    for item in items[:3]:
        image = nib.load(item["image"])
        nib.save(nib.Nifti1Image(np.full(image.shape, 90, np.uint8), image.affine), item["image"])
    result = run_metrics(real, folder, tmp_path / "out", MetricsSettings(segmenter=segmenter, pairs=20))
    assert result["synthetic"]["frames"] == 9 and any("3 of 12 frames" in note for note in result["notes"])
    for item in items[3:]:
        image = nib.load(item["image"])
        nib.save(nib.Nifti1Image(np.full(image.shape, 90, np.uint8), image.affine), item["image"])
    with pytest.raises(EchoSynthError, match="show something are needed, got 0 of 12"):
        run_metrics(real, folder, tmp_path / "all", MetricsSettings(segmenter=segmenter))


def test_bad_frames_are_named(real: Path, segmenter: Path, tmp_path: Path) -> None:
    items = json.loads((real / "dataset.json").read_text())["training"]
    folder = changed(real, tmp_path / "bad", [{**items[0], "image": "nan.nii"}, *items[1:]])
    nib.save(nib.Nifti1Image(np.full((SIZE, SIZE), np.nan, np.float32), np.eye(4)), folder / "nan.nii")
    with pytest.raises(EchoSynthError, match=r"got NaN or infinity in .*nan\.nii"):
        run_metrics(real, folder, tmp_path / "out", MetricsSettings(segmenter=segmenter))


def test_features_that_are_no_numbers_are_named(real: Path) -> None:
    network = FeatureNetwork("broken", "0" * 64, False, lambda image: Activations(image.flatten(1) / 0.0))
    with pytest.raises(EchoSynthError, match="got NaN or infinity in 10 of 10 frames from broken"):
        read_features(real, ["test"], network, read_label_table(real), SIZE, 100)


def test_sizes_that_differ_meet_on_the_smaller_grid(real: Path, segmenter: Path, tmp_path: Path) -> None:
    small = write_tiny_prepared(tmp_path / "small", size=32)
    result = run_metrics(
        real, small, tmp_path / "out", MetricsSettings(segmenter=segmenter, floor_section=None, pairs=2)
    )
    assert result["size"] == 32 and result["pairs"]["real"]["ms_ssim"]["value"] is None  # too small for five scales
