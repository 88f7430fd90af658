"""Several adapters on one base: each acts as if it were alone, and the base comes back exactly."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch

from monai_echosynth.adaptation import (
    LayerGroup,
    LoRASettings,
    active_adapter,
    adapter_names,
    attach,
    base_digest,
    base_state,
    detach,
    lora_targets,
    merge,
    switch,
    trainable_parameters,
)
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.nets.spade_unet import SPADEUNet
from monai_echosynth.networks.weights import weights_digest
from tests.adaptation.adapters import PLAIN_GROUPS, needs_peft, output, trained
from tests.helpers.tiny_generator import tiny_unet

pytestmark = needs_peft

FIRST = LoRASettings((LayerGroup.LINEAR, LayerGroup.CONVOLUTION), 2)
SECOND = LoRASettings((LayerGroup.SPADE, LayerGroup.CONVOLUTION), 3, 1.0)


def _pair() -> SPADEUNet:
    network = tiny_unet()
    trained(attach(network, FIRST, "first"), "first", seed=1)
    return trained(attach(network, SECOND, "second", seed=7), "second", seed=2)


def test_each_acts_as_if_alone() -> None:
    network, base = _pair(), tiny_unet()
    alone = {
        None: output(base),
        "first": output(trained(attach(deepcopy(base), FIRST, "first"), "first", seed=1)),
        "second": output(trained(attach(deepcopy(base), SECOND, "second", seed=7), "second", seed=2)),
    }
    assert (adapter_names(network), active_adapter(network)) == (("first", "second"), "second")
    for name in ("second", "first", None, "second", None, "first"):
        switch(network, name)
        assert active_adapter(network) == name
        assert torch.equal(output(network), alone[name])
    assert not any(torch.allclose(alone[None], alone[name], atol=1e-3) for name in ("first", "second"))
    torch.testing.assert_close(output(merge(network, "second")), alone["second"], rtol=0, atol=1e-5)


def test_the_one_that_acts_is_trained() -> None:
    network = _pair()
    for name in ("first", "second"):
        switch(network, name)
        own = {key for key, parameter in network.named_parameters() if parameter.requires_grad}
        assert own == {key for key, _ in network.named_parameters() if f".{name}." in key}
        assert len(own) == len(trainable_parameters(network))
    switch(network, None)
    with pytest.raises(EchoSynthError, match="none acts on this network"):
        trainable_parameters(network)


def test_base_beneath_the_adapters() -> None:
    network, base = _pair(), tiny_unet()
    assert base_digest(network) == base_digest(base) == weights_digest(base)
    state = base_state(network)
    assert state.keys() == base.state_dict().keys()
    assert all(torch.equal(value, state[name]) for name, value in base.state_dict().items())
    assert lora_targets(network, PLAIN_GROUPS) == lora_targets(base, PLAIN_GROUPS)
    with torch.no_grad():
        state["conv_in.conv.weight"][0, 0, 0, 0] += 1e-3
    assert base_digest(network) != weights_digest(base)


def test_the_base_comes_back() -> None:
    base = tiny_unet()
    base.conv_in.requires_grad_(False)
    modules, state = dict(base.named_modules()), {name: value.clone() for name, value in base.state_dict().items()}
    trainable = [parameter.requires_grad for parameter in base.parameters()]
    attributes = set(vars(base))
    trained(attach(base, FIRST, "first"), "first")
    attach(base, SECOND, "second")
    assert not any(p.requires_grad for name, p in base.named_parameters() if ".lora_" not in name)
    detach(base)
    assert dict(base.named_modules()) == modules
    assert list(base.state_dict()) == list(state)
    assert all(torch.equal(value, state[name]) for name, value in base.state_dict().items())
    assert [parameter.requires_grad for parameter in base.parameters()] == trainable
    assert set(vars(base)) == attributes
    attach(base, FIRST, "first")


@pytest.mark.parametrize("active", ["first", "second", None])
def test_one_of_two_leaves(active: str | None) -> None:
    network = _pair()
    switch(network, "second")
    expected = output(network)
    switch(network, active)
    detach(network, "first")
    assert adapter_names(network) == ("second",)
    assert active_adapter(network) == (active if active == "second" else None)
    assert not [key for key in network.state_dict() if ".first." in key or key.startswith("time_embed.0.base_layer")]
    switch(network, "second")
    assert torch.equal(output(network), expected)
    detach(network, "second")
    assert weights_digest(network) == weights_digest(tiny_unet())


def test_copies_are_independent() -> None:
    network = _pair()
    copy = deepcopy(network)
    detach(copy, "second")
    assert adapter_names(network) == ("first", "second")
    assert active_adapter(network) == "second"


def test_unknown_names() -> None:
    network = _pair()
    for call in (switch, detach, merge):
        with pytest.raises(EchoSynthError, match=r"'third' is not attached \(attached: first, second\)"):
            call(network, "third")
    with pytest.raises(EchoSynthError, match=r"attached: none"):
        detach(tiny_unet(), "third")
    detach(tiny_unet())
    with pytest.raises(EchoSynthError, match="none acts"):
        merge(tiny_unet())
