"""The network has the planned shape, supervises deeply in training only, and survives wrapping."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pytest
import torch
from torch import nn

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.nets.segmenter import segmenter
from monai_echosynth.networks.weights import load_weights, save_weights


@pytest.mark.parametrize("size", [32, (48, 32), 96])
def test_output_shapes(size: int | tuple[int, int]) -> None:
    network = segmenter(size, base_features=4)
    shape = (size, size) if isinstance(size, int) else size
    image = torch.rand(2, 1, *shape)
    assert network.train()(image).shape == (2, 3, 4, *shape)
    assert network.eval()(image).shape == (2, 4, *shape)


def test_every_parameter_is_trained() -> None:
    network = segmenter(32, base_features=4)
    network(torch.rand(2, 1, 32, 32)).square().mean().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters() if p.ndim > 1)


def test_without_deep_supervision_there_are_no_heads() -> None:
    network = segmenter(32, base_features=4, deep_supervision=False)
    assert not any("super_head" in name for name, _ in network.named_parameters())
    assert network.train()(torch.rand(1, 1, 32, 32)).ndim == 4


@pytest.mark.filterwarnings("ignore:The TorchScript type system:UserWarning")
def test_inference_leaves_the_heads_out_and_can_be_scripted(tmp_path: Path) -> None:
    trained = segmenter(32, base_features=4)
    save_weights(trained, tmp_path / "w.safetensors")
    network = load_weights(segmenter(32, base_features=4, inference=True), tmp_path / "w.safetensors")
    image = torch.rand(1, 1, 32, 32)
    expected = trained.eval()(image)
    assert torch.equal(network.eval()(image), expected) and torch.equal(network.train()(image), expected)
    assert network.state_dict().keys() == trained.state_dict().keys()
    torch.testing.assert_close(torch.jit.script(network.eval())(image), expected, rtol=0, atol=1e-5)


def test_size_that_does_not_halve_is_refused() -> None:
    with pytest.raises(EchoSynthError, match=r"use \(112, 112\)"):
        segmenter(100)


def test_size_of_the_cpu_network() -> None:
    assert isinstance(network := segmenter(128, base_features=16), nn.Module)
    assert 1e6 < sum(p.numel() for p in network.parameters()) < 3e6


def test_weights_are_stored_once_and_load_in_every_form(tmp_path: Path) -> None:
    network = segmenter(32, base_features=4).eval()
    state = network.state_dict()
    assert len(state) == len(list(network.parameters()))
    save_weights(network, tmp_path / "w.safetensors")
    image = torch.rand(1, 1, 32, 32)
    loaded = load_weights(segmenter(32, base_features=4).eval(), tmp_path / "w.safetensors")
    assert torch.equal(loaded(image), network(image))
    with_aliases = {name: p.detach().clone() for name, p in network.named_parameters(remove_duplicate=False)}
    other = segmenter(32, base_features=4).eval()
    other.load_state_dict(with_aliases)
    assert torch.equal(other(image), network(image))
    copied = deepcopy(segmenter(32, base_features=4)).eval()
    nn.Sequential(copied).load_state_dict({f"0.{name}": value for name, value in state.items()})
    assert torch.equal(copied(image), network(image))
    with pytest.raises(RuntimeError, match="output_block"):
        copied.load_state_dict({name: value for name, value in state.items() if "output_block" not in name})
