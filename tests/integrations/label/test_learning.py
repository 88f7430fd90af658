"""Learning from annotations: weights in use change, whole or not at all; synthetic frames join in; bad requests are refused."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.integrations.label.annotations import Annotation
from monai_echosynth.integrations.label.learning import LearningSettings, learn
from monai_echosynth.networks.nets.segmenter import segmenter
from monai_echosynth.networks.weights import load_weights
from tests.helpers.label_studies import save_nifti, tiny_cine, write_tiny_segmenter
from tests.helpers.tiny_generator import write_tiny_bundle

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*always_return_as_numpy.*:FutureWarning"),
    pytest.mark.filterwarnings("ignore:No hash value provided"),
    pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad=True"),
]
QUIET = {"progress": False, "epoch_iterations": 1}


@pytest.fixture
def annotations(tmp_path: Path) -> list[Annotation]:
    made = []
    for number in range(3):
        images, maps = tiny_cine(number + 1)
        folder = tmp_path / "studies"
        files = (save_nifti(folder / kind / f"p{number}.nii.gz", array) for kind, array in (("i", images), ("l", maps)))
        made.append(Annotation(f"p{number}", *files))
    return made


def _weights(bundle: Path, name: str = "model.pt") -> dict[str, torch.Tensor]:
    return dict(load_weights(segmenter(32, 4), bundle / "models" / name).state_dict())


def test_weights_in_use_are_replaced_again_and_again(tmp_path: Path, annotations: list[Annotation]) -> None:
    bundle = write_tiny_segmenter(tmp_path / "b")
    seen = [_weights(bundle)]
    for epochs in (2, 1):  # the second, shorter one must not find itself finished
        result = learn(bundle, annotations, tmp_path / "work", LearningSettings(max_epochs=epochs, seed=1), **QUIET)
        assert result["frames"] + result["validation_frames"] == 6 and result["synthetic_frames"] == 0
        assert result["epochs"] == epochs and result["final_loss"] > 0
        assert 0 <= result["validation_dice"] <= 1 and 0 <= result["validation_dice_before"] <= 1
        kept = load_weights(segmenter(32, 4), tmp_path / "work" / "previous.safetensors").state_dict()
        assert all(torch.equal(kept[key], value) for key, value in seen[-1].items())
        seen.append(_weights(bundle))
        assert all(torch.equal(seen[-1][key], value) for key, value in _weights(bundle, "model.safetensors").items())
    for before, after in pairwise(seen):
        assert any(not torch.equal(before[key], after[key]) for key in before)
    listed = (bundle / "models" / "SHA256SUMS").read_text()
    assert "model.pt" in listed and not (bundle / "models" / "checkpoints").exists()


def test_training_starts_from_the_present_weights(tmp_path: Path, annotations: list[Annotation]) -> None:
    """With a learning rate of zero the network stays what was loaded, or what was drawn."""
    bundle = write_tiny_segmenter(tmp_path / "b")
    before = _weights(bundle)
    still = {**QUIET, "learning_rate": 0.0, "ema_decay": 0.0}
    learn(bundle, annotations, tmp_path / "w", LearningSettings(max_epochs=1, val_split=0), **still)
    after = _weights(bundle)
    assert all(torch.allclose(after[key], before[key]) for key in before)
    same = learn(bundle, annotations, tmp_path / "w", LearningSettings(max_epochs=1), **still, precision="float32")
    assert same["validation_dice"] == pytest.approx(same["validation_dice_before"], abs=1e-5)
    learn(
        bundle,
        annotations,
        tmp_path / "w",
        LearningSettings(max_epochs=1, val_split=0, pretrained=False, seed=5),
        **still,
    )
    drawn = _weights(bundle)
    assert any(not torch.allclose(drawn[key], before[key]) for key in before)


def test_synthetic_frames_of_the_annotated_maps_join_in(tmp_path: Path, annotations: list[Annotation]) -> None:
    bundle, generator = write_tiny_segmenter(tmp_path / "b"), write_tiny_bundle(tmp_path / "g")
    settings = LearningSettings(max_epochs=1, val_split=0, synthetic=7)
    result = learn(bundle, annotations, tmp_path / "work", settings, generator, **QUIET)
    assert result["synthetic_frames"] == 7 and result["frames"] == 6
    manifest = json.loads((tmp_path / "work" / "synthetic" / "manifest.json").read_text())
    assert {record["mask"] for record in manifest["images"]} == {
        "p0",
        "p1_t0000",
        "p1_t0001",
        *(f"p2_t000{n}" for n in range(3)),
    }


def test_what_cannot_be_trained_is_refused_and_changes_nothing(tmp_path: Path, annotations: list[Annotation]) -> None:
    bundle = write_tiny_segmenter(tmp_path / "b")
    before = (bundle / "models" / "model.pt").read_bytes()
    work = tmp_path / "work"
    with pytest.raises(EchoSynthError, match="need a generator"):
        learn(bundle, annotations, work, LearningSettings(synthetic=2), **QUIET)
    with pytest.raises(EchoSynthError, match="got none in 0 saved labels"):
        learn(bundle, [], work, **QUIET)
    assert (bundle / "models" / "model.pt").read_bytes() == before
    (bundle / "models" / "model.pt").unlink()
    with pytest.raises(EchoSynthError, match=r"weights needed at .*model\.pt"):
        learn(bundle, annotations, work, **QUIET)
    (bundle / "configs" / "train.json").write_text("{}")
    with pytest.raises(EchoSynthError, match=r"needs the key spatial_size, got none in .*train\.json"):
        learn(bundle, annotations, work, **QUIET)
    with pytest.raises(EchoSynthError, match=r"configs/train\.json, got .*nowhere"):
        learn(tmp_path / "nowhere", annotations, work)


def test_settings_of_a_request() -> None:
    request = {
        "max_epochs": "3",
        "val_split": 0.5,
        "pretrained": "false",
        "device": "cpu",
        "client_id": "x",
        "synthetic": "",
    }
    assert LearningSettings.from_request(request) == LearningSettings(3, 0.5, False, 0, 0, "cpu")
    assert LearningSettings.from_request({}) == LearningSettings()
    for bad, words in (({"max_epochs": "many"}, "'max_epochs' must be a number"), ({"synthetic": -1}, "0 or more")):
        with pytest.raises(EchoSynthError, match=words):
            LearningSettings.from_request(bad)
