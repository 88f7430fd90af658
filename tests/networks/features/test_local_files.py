"""Feature networks from TorchScript and state dicts: what they see, their digest, files that do not fit."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.features.activations import pictures
from monai_echosynth.networks.features.resnet import resnet50, resnet50_features
from monai_echosynth.networks.features.torchscript import torchscript_features


class Published(nn.Module):
    """Takes gray levels and a switch, as FID's file does."""

    def forward(self, image: Tensor, return_features: bool = False) -> Tensor:
        gray = image.float()
        means = torch.stack([gray.mean(dim=(1, 2, 3)), gray[:, 0, 0].mean(dim=1)], dim=1)
        return means if return_features else means * 0.0


def frames(count: int = 2, size: int = 24, seed: int = 0) -> Tensor:
    return torch.rand((count, 1, size, size), generator=torch.Generator().manual_seed(seed))


def script(module: nn.Module, path: Path) -> Path:
    torch.jit.save(torch.jit.script(module), str(path))
    return path


def test_pictures_have_depth_in_rows_and_three_channels() -> None:
    image = torch.zeros(1, 1, 8, 8)
    image[0, 0, :, 7] = 1.0  # the deepest line
    found = pictures(image, 8)
    assert found.shape == (1, 3, 8, 8)
    assert (found[0, :, 7] == 1.0).all() and (found[0, :, :7] == -1.0).all()


def test_the_published_inception_file_gets_gray_levels(tmp_path: Path) -> None:
    network = torchscript_features(script(Published(), tmp_path / "inception.pt"), "Inception")
    image = frames()
    found = network(image)
    gray = torch.round(255 * image)
    assert torch.allclose(found.vector[:, 0], gray.mean(dim=(1, 2, 3)), rtol=1e-5)
    assert torch.allclose(found.vector[:, 1], gray[:, 0, :, 0].mean(dim=1), rtol=1e-5)  # first row: least depth
    assert found.levels == () and len(network.sha256) == 64 and "inception.pt" in network.name


def test_maps_are_averaged_and_shown(tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = nn.Conv2d(3, 5, 3, stride=2)
    network = torchscript_features(script(module, tmp_path / "net.pt"), "own", size=32)
    found, answer = network(frames()), module(pictures(frames(), 32))
    assert torch.allclose(found.vector, answer.mean(dim=(2, 3)), atol=1e-6)
    assert torch.allclose(found.levels[0], answer.transpose(-1, -2), atol=1e-6)


def test_files_that_do_not_fit_are_named(tmp_path: Path) -> None:
    with pytest.raises(EchoSynthError, match=r"got nothing at .*absent\.pt"):
        torchscript_features(tmp_path / "absent.pt", "own")
    (tmp_path / "bad.pt").write_bytes(b"no archive")
    with pytest.raises(EchoSynthError, match=r"must be a TorchScript file, got .*bad\.pt"):
        torchscript_features(tmp_path / "bad.pt", "own")
    network = torchscript_features(script(nn.Flatten(0), tmp_path / "flat.pt"), "own", size=8)
    with pytest.raises(EchoSynthError, match=r"must answer with \(B, F\)"):
        network(frames())


@pytest.fixture(scope="module")
def reference() -> nn.Module:
    torch.manual_seed(0)
    return resnet50().eval()


def named(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """RadImageNet's names: the backbone is the list of torchvision's children."""
    numbers = {"conv1": 0, "bn1": 1, "layer1": 4, "layer2": 5, "layer3": 6, "layer4": 7}
    return {f"backbone.{numbers[key.split('.')[0]]}.{key.split('.', 1)[1]}": value for key, value in state.items()}


def test_both_ways_of_naming_are_the_same_network(reference: nn.Module, tmp_path: Path) -> None:
    state = reference.state_dict()
    save_file({k: v for k, v in state.items() if "num_batches" not in k}, tmp_path / "torchvision.safetensors")
    torch.save(named(state), tmp_path / "radimagenet.pt")
    networks = [resnet50_features(tmp_path / name) for name in ("torchvision.safetensors", "radimagenet.pt")]
    found = [network(frames(1)) for network in networks]
    assert found[0].vector.shape == (1, 2048) and len(found[0].levels) == 4
    assert torch.equal(found[0].vector, found[1].vector)
    assert networks[0].sha256 == networks[1].sha256
    assert torch.allclose(found[0].vector, found[0].levels[-1].mean(dim=(2, 3)), atol=1e-6)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    save_file({"conv1.weight": torch.zeros(2, 3, 7, 7)}, tmp_path / "other.safetensors")
    with pytest.raises(EchoSynthError, match=r"other\.safetensors must hold the weights of a ResNet-50"):
        resnet50_features(tmp_path / "other.safetensors")
    (tmp_path / "bad.pt").write_bytes(b"nothing")
    with pytest.raises(EchoSynthError, match="cannot be read"):
        resnet50_features(tmp_path / "bad.pt")
    torch.save([torch.zeros(1)], tmp_path / "list.pt")
    with pytest.raises(EchoSynthError, match="a state dict was expected"):
        resnet50_features(tmp_path / "list.pt")
    with pytest.raises(EchoSynthError, match="got nothing at"):
        resnet50_features(tmp_path / "absent.pt")
