"""EfficientNetV2-S: the published size name by name, blocks against their formulas, stochastic depth, small sizes."""

from __future__ import annotations

import hashlib

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.blocks.mbconv import FusedMBConv, MBConv, drop_residual
from monai_echosynth.networks.nets.efficientnet_v2 import EfficientNetV2
from monai_echosynth.networks.nets.presets import view_classifier
from tests.helpers.tiny_generator import scramble

PUBLISHED = "1d905bff391f9c329116e3ed19d84ebebe07bc927bdf065064aecb24b63c854a"
"""SHA-256 over names and shapes of the state dict of torchvision 0.28's efficientnet_v2_s, in its order."""


def _published() -> EfficientNetV2:
    with torch.device("meta"):
        return EfficientNetV2(in_channels=3, classes=1000)


def test_names_and_shapes_are_the_published_ones() -> None:
    network = _published()
    assert sum(value.numel() for value in network.parameters()) == 21_458_488
    names = "\n".join(f"{name} {tuple(value.shape)}" for name, value in network.state_dict().items())
    assert hashlib.sha256(names.encode()).hexdigest() == PUBLISHED


def test_stochastic_depth_rises_to_the_last_block() -> None:
    drops = [block.drop for stage in list(_published().features)[1:-1] for block in stage]
    assert len(drops) == 40
    torch.testing.assert_close(torch.tensor(drops), 0.2 * torch.arange(40) / 40)


def _norm(layer: nn.Sequential, values: Tensor, **kwargs: int) -> Tensor:
    convolution, norm = layer[0], layer[1]
    values = F.conv2d(values, convolution.weight, **kwargs)
    scale = norm.weight / (norm.running_var + 1e-3).sqrt()
    return (values - norm.running_mean[:, None, None]) * scale[:, None, None] + norm.bias[:, None, None]


def _randomize(layer: nn.Module) -> nn.Module:
    scramble(layer, scale=0.3)
    for norm in layer.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2.0)
    return layer


def test_mbconv_equals_its_formula() -> None:
    block, x = _randomize(MBConv(8, 8, 16)), torch.randn(2, 8, 6, 6)
    expand, depthwise, gate, project = block.block
    hidden = F.silu(_norm(expand, x))
    hidden = F.silu(_norm(depthwise, hidden, padding=1, groups=16))
    squeezed = F.silu(F.conv2d(hidden.mean((2, 3), keepdim=True), gate.fc1.weight, gate.fc1.bias))
    assert gate.fc1.out_channels == 2
    hidden = hidden * torch.sigmoid(F.conv2d(squeezed, gate.fc2.weight, gate.fc2.bias))
    torch.testing.assert_close(block(x), x + _norm(project, hidden), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("channels", "out", "stride"), [(8, 8, 1), (8, 16, 1), (8, 8, 2)])
def test_fused_mbconv_equals_its_formula(channels: int, out: int, stride: int) -> None:
    block, x = _randomize(FusedMBConv(channels, out, 32, stride)), torch.randn(2, channels, 6, 6)
    widen, project = block.block
    expected = _norm(project, F.silu(_norm(widen, x, padding=1, stride=stride)))
    expected = expected + x if (stride, out) == (1, channels) else expected
    torch.testing.assert_close(block(x), expected, rtol=1e-4, atol=1e-5)


def test_unwidened_block_is_one_convolution() -> None:
    block, x = _randomize(FusedMBConv(8, 8, 8)), torch.randn(2, 8, 6, 6)
    torch.testing.assert_close(block(x), x + F.silu(_norm(block.block[0], x, padding=1)), rtol=1e-4, atol=1e-5)


def test_residuals_are_dropped_image_by_image_and_in_training_alone() -> None:
    torch.manual_seed(0)
    dropped = drop_residual(torch.ones(4000, 2, 1, 1), 0.25)
    assert torch.equal(dropped[:, 0], dropped[:, 1])
    assert dropped.unique().tolist() == [0.0, pytest.approx(4 / 3)]
    assert float(dropped.mean()) == pytest.approx(1.0, abs=0.05)
    block, x = MBConv(8, 8, 16, drop=0.9), torch.randn(64, 8, 4, 4)
    untouched = (block.train()(x) == x).flatten(1).all(1)
    assert 0.7 < untouched.float().mean() < 1.0
    assert not (block.eval()(x) == x).flatten(1).all(1).any()


@pytest.mark.parametrize(("size", "parameters"), [("quick", 555_390), ("cpu", 1_028_666), ("s", 20_179_618)])
def test_presets_take_one_channel(size: str, parameters: int) -> None:
    with torch.device("meta"):
        network = view_classifier(size)
    assert network.features[0][0].in_channels == 1
    assert sum(value.numel() for value in network.parameters()) == parameters
    assert all(value.shape[0] % 8 == 0 for name, value in network.features[0].named_parameters())


def test_logits_of_any_frame_size() -> None:
    network = view_classifier("quick", classes=3).eval()
    with torch.inference_mode():
        assert network(torch.randn(2, 1, 96, 64)).shape == (2, 3)


@pytest.mark.parametrize("wrong", [{"classes": 0}, {"width": 0.0}, {"in_channels": 0}, {"dropout": 1.0}])
def test_impossible_networks_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(EchoSynthError, match="correct the network definition"):
        EfficientNetV2(**wrong)  # type: ignore[arg-type]
