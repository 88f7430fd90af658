"""Training an aligner and aligning a set: what comes out, that it is the same again, and input that does not fit."""

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
from safetensors.torch import load_file

from monai_echosynth import cli
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.losses.alignment_loss import AlignmentLoss
from monai_echosynth.workflows.align import align, train_aligner
from monai_echosynth.workflows.alignment_settings import COMPONENTS
from tests.helpers.tiny_aligner import TINY_ALIGNER, TinyDomains, write_tiny_domains
from tests.helpers.tiny_prepared import write_tiny_prepared

pytestmark = [
    pytest.mark.filterwarnings("ignore:No hash value provided"),
    pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad=True"),
]


@pytest.fixture(scope="module")
def domains(tmp_path_factory: pytest.TempPathFactory) -> TinyDomains:
    return write_tiny_domains(tmp_path_factory.mktemp("domains"))


ALL = (1.0, 1.0)


def train(domains: TinyDomains, out: Path, **changes: Any) -> dict[str, Any]:
    settings = replace(TINY_ALIGNER, **changes)
    return train_aligner(domains.real, domains.synthetic, domains.segmenter, out, settings, progress=False)


@pytest.fixture(scope="module")
def bundle(domains: TinyDomains, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("trained") / "aligner"
    made = train(domains, out)
    assert made["epochs"] == 2 and made["parameters"] > 0
    return out


@pytest.fixture(scope="module")
def aligned(domains: TinyDomains, bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("aligned") / "set"
    assert align(bundle, domains.synthetic, out, progress=False, strength=ALL)["count"] == 5
    return out


def _pixels(folder: Path, key: str = "image") -> list[np.ndarray[Any, Any]]:
    items = json.loads((folder / "dataset.json").read_text())["training"]
    return [np.asarray(nib.load(folder / item[key]).dataobj) for item in items]  # type: ignore[attr-defined]


def test_bundle_holds_no_frame(bundle: Path) -> None:
    assert not [*bundle.rglob("*.nii.gz"), *bundle.rglob("*.png")]
    names = {path.name for path in (bundle / "models").iterdir()}
    assert names == {"aligner.safetensors", "bank.safetensors", "SHA256SUMS"}


def test_set_has_the_labels_of_its_source_and_other_images(domains: TinyDomains, aligned: Path) -> None:
    for one, other in zip(_pixels(domains.synthetic, "label"), _pixels(aligned, "label"), strict=True):
        np.testing.assert_array_equal(one, other)
    differences = [
        np.abs(one.astype(int) - other).mean()
        for one, other in zip(_pixels(domains.synthetic), _pixels(aligned), strict=True)
    ]
    assert all(0 < difference < 0.25 * 255 for difference in differences)


def test_manifest_names_aligner_and_source(bundle: Path, aligned: Path, domains: TinyDomains) -> None:
    manifest = json.loads((aligned / "manifest.json").read_text())
    digests = [manifest[name] for name in ("aligner_sha256", "bank_sha256", "source_sha256")]
    assert manifest["synthetic"] and [len(digest) for digest in digests] == [64] * 3
    assert manifest["source"] == {"name": "synthetic"} and manifest["max_shift"] == 0.5
    assert [record["id"][:11] for record in manifest["images"]] == [f"patient{k // 2:04d}" for k in range(5)]


def test_same_again_and_completed_after_an_interruption(
    domains: TinyDomains, bundle: Path, aligned: Path, tmp_path: Path
) -> None:
    shutil.copytree(aligned, tmp_path / "set")
    for path in sorted((tmp_path / "set" / "images").iterdir())[1:4]:
        path.unlink()
    made = align(bundle, domains.synthetic, tmp_path / "set", progress=False, strength=ALL)
    assert made["new"] == 3
    for one, other in zip(_pixels(aligned), _pixels(tmp_path / "set"), strict=True):
        np.testing.assert_array_equal(one, other)
    other_seed = align(bundle, domains.synthetic, tmp_path / "other", seed=1, progress=False, strength=ALL)
    assert other_seed["new"] == 5
    assert any((one != other).any() for one, other in zip(_pixels(aligned), _pixels(tmp_path / "other"), strict=True))


def test_what_the_source_says_of_itself_is_kept(bundle: Path, aligned: Path, tmp_path: Path) -> None:
    made = align(bundle, aligned, tmp_path / "again", progress=False)  # an aligned set is a synthetic set too
    manifest, source = (json.loads((folder / "manifest.json").read_text()) for folder in (tmp_path / "again", aligned))
    assert manifest["source"]["aligner_sha256"] == source["aligner_sha256"] and "images" not in manifest["source"]
    assert 0 <= made["largest_shift_px"] <= 0.5


def test_a_trained_aligner_is_left_as_it_is(
    domains: TinyDomains, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trains(*_: Any) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(AlignmentLoss, "forward", trains)
    assert train(domains, bundle) == {**json.loads((bundle / "eval" / "metrics.json").read_text()), "seconds": 0.0}


def test_real_frames_need_no_labels(domains: TinyDomains, tmp_path: Path) -> None:
    real = Path(shutil.copytree(domains.real, tmp_path / "real"))
    content = json.loads((real / "dataset.json").read_text())
    for item in content["training"]:
        (real / item.pop("label")).unlink()
    (real / "dataset.json").write_text(json.dumps(content))
    assert np.isfinite(train(replace(domains, real=real), tmp_path / "aligner", epochs=1)["final_loss"])


def test_an_interrupted_training_ends_with_the_same_weights(
    domains: TinyDomains, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, forward = tmp_path / "aligner", AlignmentLoss.forward

    def dies_in_the_second_epoch(self: AlignmentLoss, *args: Any) -> Any:
        if (out / "eval" / "history.json").is_file() and torch.is_grad_enabled():
            raise KeyboardInterrupt
        return forward(self, *args)

    monkeypatch.setattr(AlignmentLoss, "forward", dies_in_the_second_epoch)
    with pytest.raises(KeyboardInterrupt):
        train(domains, out)
    assert not (out / "models" / "aligner.safetensors").exists()
    monkeypatch.undo()
    train(domains, out)
    for name in ("aligner", "bank"):
        found, whole = (load_file(folder / "models" / f"{name}.safetensors") for folder in (out, bundle))
        assert all(torch.equal(found[key], whole[key]) for key in whole)
    assert [record["epoch"] for record in json.loads((out / "eval" / "history.json").read_text())] == [1, 2]


@pytest.mark.parametrize("name", COMPONENTS)
def test_every_component_can_be_switched_off(domains: TinyDomains, tmp_path: Path, name: str) -> None:
    ids = {**TINY_ALIGNER.ids, **COMPONENTS[name]}
    made = train(domains, tmp_path / "aligner", epochs=1, samples_per_epoch=2, ids=ids)
    assert np.isfinite(made["final_loss"])
    align(tmp_path / "aligner", domains.synthetic, tmp_path / "set", progress=False)


@pytest.mark.parametrize("kind", ["mmd", "coral"])
def test_plain_alignments_train(domains: TinyDomains, tmp_path: Path, kind: str) -> None:
    made = train(domains, tmp_path / "aligner", epochs=1, ids={**TINY_ALIGNER.ids, "alignment_kind": kind})
    assert np.isfinite(made["final_loss"])


def test_frames_of_two_sizes_are_refused(domains: TinyDomains, tmp_path: Path) -> None:
    other = write_tiny_prepared(tmp_path / "other", size=64)
    with pytest.raises(EchoSynthError, match="one square size"):
        train(replace(domains, synthetic=other), tmp_path / "aligner")


def test_frames_of_another_size_than_the_aligner_are_refused(bundle: Path, tmp_path: Path) -> None:
    other = write_tiny_prepared(tmp_path / "other", size=64)
    with pytest.raises(EchoSynthError, match="trained at, 32 x 32"):
        align(bundle, other, tmp_path / "set", progress=False)


def test_what_cannot_be_trained_leaves_no_folder(domains: TinyDomains, tmp_path: Path) -> None:
    sides = [write_tiny_prepared(tmp_path / name, size=40, training=2) for name in ("real", "synthetic")]
    with pytest.raises(EchoSynthError, match="a multiple of 32 pixels, got 40"):
        train(replace(domains, real=sides[0], synthetic=sides[1]), tmp_path / "aligner")
    with pytest.raises(EchoSynthError, match="'epochs' of an aligner is 1 or more, got 0"):
        train(domains, tmp_path / "aligner", epochs=0)
    assert not (tmp_path / "aligner").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--bundle", "b", "--epochs", "3"], "--epochs is for training an aligner"),
        (["--bundle", "b", "--real", "r"], "--real is for training an aligner"),
        (["--strength", "1", "0.5"], "the lower one first"),
        ([], "an aligner is needed, or what it is trained with"),
    ],
)
def test_options_that_do_not_go_together(
    options: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["align", "--synthetic", "s", "--out", str(tmp_path / "out"), *options]) != 0
    assert words in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_a_single_real_frame_is_refused(domains: TinyDomains, tmp_path: Path) -> None:
    one = write_tiny_prepared(tmp_path / "one", training=1)
    with pytest.raises(EchoSynthError, match="two real frames or more"):
        train(replace(domains, real=one), tmp_path / "aligner")


def test_a_folder_that_is_no_aligner_is_refused(domains: TinyDomains, tmp_path: Path) -> None:
    with pytest.raises(EchoSynthError, match="echo_domain_alignment"):
        align(domains.segmenter, domains.synthetic, tmp_path / "set", progress=False)
    with pytest.raises(EchoSynthError, match="echo_segmentation"):
        train(replace(domains, segmenter=domains.real), tmp_path / "aligner")


def test_another_training_in_the_folder_is_left_alone(domains: TinyDomains, bundle: Path) -> None:
    before = (bundle / "models" / "aligner.safetensors").read_bytes()
    with pytest.raises(EchoSynthError, match="epochs"):
        train(domains, bundle, epochs=7)
    assert (bundle / "models" / "aligner.safetensors").read_bytes() == before
