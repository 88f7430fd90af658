"""LPIPS equals torchmetrics' with the same AlexNet, whatever the weights are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.features import lpips
from monai_echosynth.networks.features.lpips import LPIPS, alexnet_features, load_lpips


def alexnet(seed: int = 0) -> dict[str, Tensor]:
    """A state dict as torchvision's AlexNet has it, the classifier included."""
    torch.manual_seed(seed)
    state = {f"features.{key}": value for key, value in alexnet_features().state_dict().items()}
    return {**state, "classifier.6.bias": torch.zeros(1000)}


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "alexnet.pth"
    torch.save(alexnet(), path)
    return path


def frames(seed: int, size: int = 96) -> Tensor:
    return torch.rand(3, 1, size, size, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("size", [32, 96])
def test_it_equals_torchmetrics(weights: Path, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = pytest.importorskip("torchmetrics.functional.image.lpips")
    layers = nn.Sequential(*alexnet_features(), nn.MaxPool2d(3, 2))  # torchvision's list has one more
    state = torch.load(weights, weights_only=True)
    layers.load_state_dict({k.removeprefix("features."): v for k, v in state.items() if k.startswith("features.")})
    monkeypatch.setattr(theirs, "_get_tv_model_features", lambda *_: layers)
    reference = theirs._LPIPS(pretrained=True, net="alex").eval()
    first, second = frames(1, size), frames(2, size)
    shown = [2 * frame.transpose(-1, -2).expand(-1, 3, -1, -1) - 1 for frame in (first, second)]
    with torch.inference_mode():
        wanted = reference(*shown).flatten()
    assert torch.allclose(load_lpips(weights)(first, second), wanted, rtol=1e-4, atol=1e-6)


def test_equal_frames_have_no_distance_and_pairs_do_not_depend_on_the_batch(weights: Path) -> None:
    pytest.importorskip("torchmetrics")
    network, first, second = load_lpips(weights), frames(1), frames(2)
    assert torch.equal(network(first, first), torch.zeros(3))
    distances = network(first, second)
    assert (distances > 0).all() and torch.allclose(distances[1:2], network(first[1:2], second[1:2]), rtol=1e-4)
    assert torch.allclose(distances, network(second, first), rtol=1e-5)
    assert network.name == "AlexNet (alexnet.pth)" and len(network.sha256) == 64


def test_channels_without_weight_do_not_count() -> None:
    network = LPIPS(alexnet_features(), [torch.zeros(n) for n in (64, 192, 384, 256, 256)])
    assert torch.equal(network(frames(1), frames(2)), torch.zeros(3))


def test_bad_files_are_named(tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EchoSynthError, match=r"AlexNet were expected, got nothing at .*none\.pth"):
        load_lpips(tmp_path / "none.pth")
    (tmp_path / "text.pth").write_text("no weights")
    with pytest.raises(EchoSynthError, match=r"weights in .*text\.pth cannot be read"):
        load_lpips(tmp_path / "text.pth")
    other: dict[str, Any] = {**alexnet(), "features.3.weight": torch.zeros(8, 8, 3, 3)}
    torch.save(other, tmp_path / "other.pth")
    with pytest.raises(EchoSynthError, match=r"torchvision's AlexNet, got nothing that fits features\.3\.weight"):
        load_lpips(tmp_path / "other.pth")
    monkeypatch.setattr(lpips, "find_spec", lambda _: None)
    with pytest.raises(EchoSynthError, match=r"pip install 'monai-echosynth\[metrics\]'"):
        load_lpips(weights)
