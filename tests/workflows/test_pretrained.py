"""A bundle from a folder, a hub's cache or a hub gives the same checked network; what cannot be had is said in one sentence."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from monai_echosynth import cli
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.nets.segmenter import segmenter
from monai_echosynth.networks.nets.spade_unet import SPADEUNet
from monai_echosynth.networks.weights import save_weights, weights_digest
from monai_echosynth.workflows.checksums import write_checksums
from monai_echosynth.workflows.pretrained import from_pretrained
from monai_echosynth.workflows.segmentation import write_bundle
from tests.helpers.hub_server import COMMIT, serve_hub, write_hub_cache
from tests.helpers.tiny_generator import write_tiny_bundle
from tests.helpers.tiny_prepared import write_tiny_prepared
from tests.helpers.tiny_segmenter import TINY_SEGMENTER

NAME = "lab/echo_segmentation"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("trained") / "segmenter"
    write_bundle(root, TINY_SEGMENTER)
    torch.manual_seed(0)
    network = segmenter(TINY_SEGMENTER.spatial_size, base_features=TINY_SEGMENTER.base_features)
    for suffix in ("safetensors", "pt"):
        save_weights(network, root / "models" / f"model.{suffix}")
    write_checksums(root)
    return root


@pytest.fixture(scope="module")
def digest(bundle: Path) -> str:
    return weights_digest(from_pretrained(bundle).network())


def test_saved_and_loaded_again(bundle: Path, digest: str, tmp_path: Path) -> None:
    messy = tmp_path / "messy"
    shutil.copytree(bundle, messy)
    for left in ("eval/history.json", "models/checkpoints/last.pt", "training.json"):
        (messy / left).parent.mkdir(exist_ok=True)
        (messy / left).write_text("{}")
    saved = from_pretrained(messy).save_pretrained(tmp_path / "saved")
    again = from_pretrained(saved)
    assert weights_digest(again.network()) == digest
    assert not again.network().training and again.metadata["version"] == "0.1.0"
    names = {path.relative_to(saved).as_posix() for path in saved.rglob("*") if path.is_file()}
    assert names == {path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file()}


def test_generators_too(tmp_path: Path) -> None:
    root = write_tiny_bundle(tmp_path / "generator")
    write_checksums(root)
    loaded = from_pretrained(str(root))
    assert isinstance(loaded.network(), SPADEUNet)
    assert loaded.workflow(nfe=2).parser["nfe"] == 2
    with pytest.raises(EchoSynthError, match=r"config ids must be in .*got nef"):
        loaded.workflow(nef=2)


def test_workflow_runs(bundle: Path, tmp_path: Path) -> None:
    prepared = write_tiny_prepared(tmp_path / "prepared")
    images, out = str(prepared / "original" / "images"), str(tmp_path / "out")
    workflow = from_pretrained(bundle).workflow(dataset_dir=images, output_dir=out)
    workflow.initialize()
    workflow.run()
    assert len(list((tmp_path / "out").glob("*_seg.nii.gz"))) == 4


def test_changed_weights_are_refused(bundle: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(bundle, copy)
    path = copy / "models" / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(EchoSynthError, match=r"model\.safetensors differs from its checksum: copy or fetch"):
        from_pretrained(copy)


def test_not_a_trained_bundle(repository: Path, bundle: Path, tmp_path: Path) -> None:
    for source, message in (
        (repository / "bundles" / "echo_generative_diffusion", "without weights in models/"),
        (tmp_path, r"a bundle with configs/metadata\.json was expected"),
        (tmp_path / "none" / "at" / "all", "a bundle folder or a hub's id owner/name was expected"),
        ("two words/name", "a bundle folder or a hub's id owner/name was expected"),
    ):
        with pytest.raises(EchoSynthError, match=message):
            from_pretrained(source)
    with pytest.raises(EchoSynthError, match="revisions are those of a hub"):
        from_pretrained(bundle, revision="main")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(EchoSynthError, match="new or empty folder"):
        from_pretrained(bundle).save_pretrained(tmp_path / "full")


def test_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(EchoSynthError, match=r"pip install 'monai-echosynth\[hub\]'"):
        from_pretrained(NAME)


def test_cache_without_a_network(bundle: Path, digest: str, tmp_path: Path) -> None:
    pytest.importorskip("huggingface_hub", reason="hub: install the extra hub")
    write_hub_cache(tmp_path, NAME, bundle)
    for revision in (None, COMMIT):
        loaded = from_pretrained(NAME, revision=revision, cache=tmp_path, local_only=True)
        assert weights_digest(loaded.network()) == digest
    with pytest.raises(EchoSynthError) as caught:
        from_pretrained("lab/other", cache=tmp_path, local_only=True)
    text = str(caught.value)
    assert "hf download lab/other --local-dir other" in text and "\n" not in text


FETCH = f"""
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.integrations.hub import fetch_bundle
try:
    print(fetch_bundle("{NAME}"))
except EchoSynthError as error:
    print("refused:", error)
"""


def _fetch(home: Path, **variables: str) -> str:
    """What fetching gives in a process with its own hub settings, which the client reads when it is imported."""
    settings = {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_XET": "1", "HF_HOME": str(home), **variables}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FETCH],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_hub_and_afterwards_its_cache(bundle: Path, digest: str, tmp_path: Path) -> None:
    pytest.importorskip("huggingface_hub", reason="hub: install the extra hub")
    with serve_hub(NAME, bundle) as address:
        folder = _fetch(tmp_path, HF_ENDPOINT=address)
    assert folder.startswith(str(tmp_path)) and weights_digest(from_pretrained(folder).network()) == digest
    assert _fetch(tmp_path, HF_ENDPOINT=address, HF_HUB_OFFLINE="1") == folder


def test_offline_without_a_cache(tmp_path: Path) -> None:
    pytest.importorskip("huggingface_hub", reason="hub: install the extra hub")
    answer = _fetch(tmp_path, HF_HUB_OFFLINE="1")
    assert answer.startswith(f"refused: the bundle {NAME} must be in the hub's cache or within reach")
    assert f"hf download {NAME} --local-dir echo_segmentation" in answer and "\n" not in answer


def test_commands_take_a_hub_s_id(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hub = pytest.importorskip("huggingface_hub", reason="hub: install the extra hub")
    snapshot = write_hub_cache(tmp_path, NAME, bundle)
    monkeypatch.setattr(hub, "snapshot_download", lambda *_, **__: str(snapshot))
    assert cli.main(["verify", "--bundle", f"hub:{NAME}"]) == 0
    assert "checksums" in capsys.readouterr().out
