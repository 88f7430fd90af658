"""Companions of autoguidance: trained on the generator's latents, recorded with what they guide, refused where they differ."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from monai_echosynth import cli
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.weights import load_weights, save_weights
from monai_echosynth.workflows.bundle_config import build, bundle_parser
from monai_echosynth.workflows.companion import train_companion
from monai_echosynth.workflows.generate import generate
from monai_echosynth.workflows.training_settings import PRESETS, Preset
from monai_echosynth.workflows.verify import verify_bundle
from tests.helpers.tiny_generator import TINY_SETTINGS, write_tiny_bundle
from tests.helpers.tiny_prepared import write_tiny_prepared

pytestmark = [pytest.mark.filterwarnings("ignore:No hash value provided")]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_prepared(tmp_path_factory.mktemp("prepared"))


@pytest.fixture(scope="module")
def main(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_bundle(tmp_path_factory.mktemp("main"))


@pytest.fixture(scope="module")
def companion(prepared: Path, main: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("companion") / "bundle"
    tiny = replace(TINY_SETTINGS, diffusion=replace(TINY_SETTINGS.diffusion, samples_per_epoch=4), variants=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PRESETS, Preset.QUICK, tiny)  # type: ignore[arg-type]
        words = ["train", "--model", "companion", "--teacher", str(main), "--data", str(prepared), "--out", str(root)]
        assert cli.main([*words, "--preset", "quick"]) == 0
        assert train_companion(prepared, main, root, "quick", progress=False) == {}
    return root


def test_a_companion_is_a_whole_bundle_of_the_same_latents(companion: Path, main: Path) -> None:
    assert [check for check in verify_bundle(companion) if check.passed is False] == []
    own, other = (folder / "models" / "autoencoder.safetensors" for folder in (companion, main))
    assert own.read_bytes() == other.read_bytes()


def test_guidance_is_counted_and_recorded(companion: Path, main: Path, prepared: Path, tmp_path: Path) -> None:
    made = {}
    for name, options in (
        ("plain", {"nfe": 3}),
        ("guided", {"nfe": 6, "companion": companion, "guidance": 2.0}),
        ("off", {"nfe": 3, "companion": companion, "guidance": 1.0}),
    ):
        found = generate(main, prepared, tmp_path / name, count=1, solver="unipc", progress=False, **options)  # type: ignore[arg-type]
        made[name] = json.loads((tmp_path / name / "manifest.json").read_text())
        assert found["nfe"] == options["nfe"]
    images = {name: manifest["images"][0]["image_sha256"] for name, manifest in made.items()}
    assert images["plain"] == images["off"] != images["guided"]
    assert (made["plain"]["guidance"], made["plain"]["companion_sha256"]) == (None, None)
    assert made["guided"]["guidance"] == 2.0 and len(made["guided"]["companion_sha256"]) == 64


def _autoencoder(root: Path) -> None:
    path = root / "models" / "autoencoder.safetensors"
    network = load_weights(build(bundle_parser(root), "autoencoder_def"), path)
    network.normalizer.mean.add_(0.1)
    save_weights(network, path)


def _json(file: str, change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], None]:
    def edit(root: Path) -> None:
        content = json.loads((root / file).read_text())
        change(content)
        (root / file).write_text(json.dumps(content))

    return edit


def _labels(content: dict[str, Any]) -> None:
    content["network_data_format"]["inputs"]["seg"]["channel_def"]["3"] = "rv"


OTHERS: dict[str, Callable[[Path], None]] = {
    r"latents \(autoencoder\)": _autoencoder,
    "mask channels": _json("configs/metadata.json", _labels),
    "classes": _json("configs/inference.json", lambda content: content.update(conditions=["4CH ED"])),
    "frame size": _json("configs/inference.json", lambda content: content.update(spatial_size=64)),
}


@pytest.mark.parametrize("what", OTHERS)
def test_companions_of_something_else(companion: Path, main: Path, prepared: Path, tmp_path: Path, what: str) -> None:
    other = Path(shutil.copytree(companion, tmp_path / "other"))
    OTHERS[what](other)
    with pytest.raises(EchoSynthError, match=f"must have the {what} of what it guides"):
        generate(main, prepared, tmp_path / "set", count=1, companion=other, progress=False)
    assert not (tmp_path / "set").exists()


def test_other_bad_input(companion: Path, main: Path, prepared: Path, tmp_path: Path) -> None:
    student = Path(shutil.copytree(main, tmp_path / "student"))
    (student / "models" / "sigma_grids.json").write_text(
        '{"complete": true, "grids": {"consistency": {"1": [80.0, 0.0]}}}'
    )
    for bundle, options, words in (
        (main, {"guidance": 1.5}, "needs a companion network"),
        (main, {"companion": companion, "guidance": 0.5}, "must be 1 or more, got 0.5"),
        (main, {"companion": tmp_path}, r"a bundle with configs/inference\.json"),
        (student, {"companion": companion, "solver": "consistency"}, "got a few-step student"),
    ):
        with pytest.raises(EchoSynthError, match=words):
            generate(bundle, prepared, tmp_path / "set", count=1, progress=False, **options)  # type: ignore[arg-type]
    assert not (tmp_path / "set").exists()
