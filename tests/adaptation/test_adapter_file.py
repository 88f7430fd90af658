"""Adapters on disk: small, self-describing, equal after a round trip, and refused where they do not fit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from monai_echosynth.adaptation import (
    LayerGroup,
    LoRASettings,
    active_adapter,
    adapter_names,
    attach,
    base_digest,
    load_adapter,
    read_adapter_info,
    save_adapter,
    switch,
    trainable_parameters,
)
from monai_echosynth.adaptation.adapter_bank import lora_layers
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.weights import save_weights, weights_digest
from tests.adaptation.adapters import needs_peft, output, trained
from tests.helpers.tiny_generator import tiny_unet

pytestmark = needs_peft

SETTINGS = LoRASettings((LayerGroup.LINEAR, LayerGroup.SPADE), 2, 3.0, 0.1)
RULES = {"rules": [{"source": "ra", "kind": "repurpose", "target": "myo"}]}
TABLE = {"name": "tee", "labels": [{"id": 4, "name": "ra", "channel": 4, "color": [1, 2, 3]}]}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    network = trained(attach(tiny_unet(), SETTINGS, "tee"), "tee")
    save_adapter(tmp_path / "tee.safetensors", network, remapping=RULES, label_table=TABLE)
    return tmp_path / "tee.safetensors"


def _rewrite(path: Path, change: Callable[[dict[str, torch.Tensor], dict[str, str]], object]) -> None:
    with safe_open(path, "pt") as file:
        metadata, tensors = dict(file.metadata()), {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    change(tensors, metadata)
    save_file(tensors, path, metadata)


def test_round_trip(saved: Path) -> None:
    expected = output(trained(attach(tiny_unet(), SETTINGS, "tee"), "tee"))
    network = tiny_unet()
    assert load_adapter(saved, network) == active_adapter(network) == "tee"
    assert torch.equal(output(network), expected)
    assert load_adapter(saved, network, "again") == "again"
    assert torch.equal(output(network), expected)
    switch(network, None)
    assert torch.equal(output(network), output(tiny_unet()))


def test_file_tells_what_it_is(saved: Path) -> None:
    info = read_adapter_info(saved)
    network = attach(tiny_unet(), SETTINGS)
    assert (info.name, info.settings, info.base) == ("tee", SETTINGS, weights_digest(tiny_unet()))
    assert (info.remapping, info.label_table) == (RULES, TABLE)
    assert info.parameters == sum(parameter.numel() for parameter in trainable_parameters(network))


def test_file_holds_the_factors_alone(saved: Path) -> None:
    with safe_open(saved, "pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        metadata = file.metadata()
    layers = lora_layers(attach(tiny_unet(), SETTINGS))
    assert set(tensors) == {f"{layer}.{part}.weight" for layer in layers for part in ("lora_A", "lora_B")}
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float32}
    assert all(isinstance(value, str) for value in metadata.values())
    assert saved.stat().st_size < 4 * sum(tensor.numel() for tensor in tensors.values()) + 2**14
    assert list(saved.parent.iterdir()) == [saved]


def test_from_inside_a_wrapper_and_beside_another(tmp_path: Path, saved: Path) -> None:
    network = tiny_unet()
    load_adapter(saved, network)
    attach(network, LoRASettings((LayerGroup.CONVOLUTION,)), "other")
    wrapper = nn.Module()
    wrapper.module = network
    save_adapter(tmp_path / "b.safetensors", wrapper, "tee", remapping=RULES, label_table=TABLE)
    assert read_adapter_info(tmp_path / "b.safetensors") == read_adapter_info(saved)
    tensors, expected = load_file(tmp_path / "b.safetensors"), load_file(saved)
    assert tensors.keys() == expected.keys()
    assert all(torch.equal(tensor, expected[key]) for key, tensor in tensors.items())
    save_adapter(tmp_path / "c.safetensors", wrapper)
    assert read_adapter_info(tmp_path / "c.safetensors").name == "other"
    assert read_adapter_info(tmp_path / "c.safetensors").remapping is None


def test_values_go_into_an_adapter_of_the_same_size(saved: Path) -> None:
    network = attach(tiny_unet(), SETTINGS, "mine", seed=9)
    load_adapter(saved, network, "mine")
    assert adapter_names(network) == ("mine",)
    assert torch.equal(output(network), output(trained(attach(tiny_unet(), SETTINGS, "tee"), "tee")))


@pytest.mark.parametrize(
    ("own", "words"),
    [
        (LoRASettings(SETTINGS.groups, 4, 6.0), "has rank 2, 'mine' on this network has 4"),
        (LoRASettings(SETTINGS.groups, 2, 2.0), r"has scale 1.5, 'mine' on this network has 1.0"),
        (LoRASettings((LayerGroup.SPADE,), 2, 3.0), r"has groups linear \+ spade, 'mine' on this network has spade"),
    ],
)
def test_adapter_of_another_rank_is_refused(saved: Path, own: LoRASettings, words: str) -> None:
    network = trained(attach(tiny_unet(), own, "mine"), "mine")
    before = output(network)
    with pytest.raises(EchoSynthError, match=words) as caught:
        load_adapter(saved, network, "mine")
    assert str(saved) in str(caught.value)
    assert torch.equal(output(network), before)


def test_another_base_is_refused_with_both_hashes(saved: Path) -> None:
    network = tiny_unet(seed=1)
    with pytest.raises(EchoSynthError, match="load the base it belongs to") as caught:
        load_adapter(saved, network)
    message = str(caught.value)
    assert "\n" not in message
    assert all(word in message for word in (str(saved), weights_digest(tiny_unet()), base_digest(network)))
    assert not lora_layers(network)


def test_name_that_is_taken(saved: Path) -> None:
    network = attach(tiny_unet(), SETTINGS, "tee")
    before = output(network)
    with pytest.raises(EchoSynthError, match="named 'tee', which is attached already"):
        load_adapter(saved, network)
    assert torch.equal(output(network), before)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def _no_adapter(path: Path) -> None:
    save_weights(tiny_unet(), path)


def _shape(tensors: dict[str, Any], metadata: dict[str, str]) -> None:
    tensors["time_embed.0.lora_A.weight"] = torch.zeros(4, 16)


def _poison(tensors: dict[str, Any], metadata: dict[str, str]) -> None:
    tensors["time_embed.0.lora_A.weight"][0, 0] = float("nan")


def _rank(tensors: dict[str, Any], metadata: dict[str, str]) -> None:
    metadata["settings"] = json.dumps(SETTINGS.to_dict() | {"rank": 0})


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (Path.unlink, "no file: train it or correct the path"),
    "no bytes": (lambda path: path.write_bytes(b""), "is empty: copy it again"),
    "cut": (_cut, "damaged or no safetensors file"),
    "header cut": (lambda path: path.write_bytes(path.read_bytes()[:40]), "damaged or no safetensors file"),
    "pickle": (lambda path: torch.save({"a": torch.zeros(1)}, path), "damaged or no safetensors file"),
    "weights": (_no_adapter, "holds tensors but no adapter"),
    "no tensors": (lambda path: _rewrite(path, lambda t, m: t.clear()), "missing time_embed.0.lora_A.weight"),
    "one missing": (lambda path: _rewrite(path, lambda t, m: t.pop(sorted(t)[0])), "missing .* 1 differences"),
    "one more": (lambda path: _rewrite(path, lambda t, m: t.update(x=torch.zeros(1))), "unexpected x"),
    "shape": (lambda path: _rewrite(path, _shape), r"lora_A.weight is \(4, 16\) instead of \(2, 16\)"),
    "NaN": (lambda path: _rewrite(path, _poison), "finite values, got NaN or infinity in time_embed.0.lora_A.weight"),
    "version": (
        lambda path: _rewrite(path, lambda t, m: m.update(version="2")),
        "format version 2, this program reads 1",
    ),
    "no settings": (lambda path: _rewrite(path, lambda t, m: m.pop("settings")), "header that cannot be read"),
    "no JSON": (lambda path: _rewrite(path, lambda t, m: m.update(settings="{")), "header that cannot be read"),
    "rank 0": (lambda path: _rewrite(path, _rank), "header that cannot be read .*whole number from 1"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_file_is_named_and_changes_nothing(saved: Path, damage: str) -> None:
    change, words = DAMAGES[damage]
    change(saved)
    network = tiny_unet()
    with pytest.raises(EchoSynthError, match=words) as caught:
        load_adapter(saved, network)
    assert str(saved) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert weights_digest(network) == weights_digest(tiny_unet())
    if "header" in words or "safetensors" in words or "no file" in words:
        with pytest.raises(EchoSynthError, match=words):
            read_adapter_info(saved)


def test_nothing_is_saved_without_an_adapter(tmp_path: Path) -> None:
    with pytest.raises(EchoSynthError, match="none acts"):
        save_adapter(tmp_path / "a.safetensors", tiny_unet())
    network = attach(tiny_unet(), SETTINGS, "tee")
    with pytest.raises(EchoSynthError, match=r"'tea' is not attached \(attached: tee\)"):
        save_adapter(tmp_path / "a.safetensors", network, "tea")
    assert not list(tmp_path.iterdir())
