"""The adapters attached to one network: which there are, which one acts, and the base beneath them.

The layers that carry adapters are those of peft: each keeps the layer of the base as ``base_layer`` and, by adapter name, the
factors ``lora_A`` and ``lora_B``. At most one adapter acts at a time. What holds for the network as a whole is kept on it as an
:class:`AdapterBank`, which is copied with the network and takes no part in its state dict.

A :class:`~monai_echosynth.networks.blocks.spade_cache.SpadeCache` holds modulation maps of the adapter that acted when they were
computed: make a new one after :func:`switch`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from torch import Tensor, nn

from monai_echosynth.adaptation.lora_settings import LoRASettings
from monai_echosynth.adaptation.lora_targets import unwrap
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.weights import weights_digest

__all__ = [
    "AdapterBank",
    "active_adapter",
    "adapter_names",
    "adapter_settings",
    "base_digest",
    "base_state",
    "detach",
    "lora_layers",
    "register",
    "switch",
    "trainable_parameters",
]

_BANK = "adapter_bank"


@dataclass
class AdapterBank:
    """Adapters of a network.

    Attributes:
        trainable: names of the parameters of the base that were trainable before the first adapter was attached.
        settings: settings of each adapter by name, in the order of attachment.
        active: the adapter that acts, None for the base alone.
    """

    trainable: frozenset[str]
    settings: dict[str, LoRASettings] = field(default_factory=dict)
    active: str | None = None


def adapter_names(network: nn.Module) -> tuple[str, ...]:
    """Names of the attached adapters, in the order of attachment."""
    bank = _bank(network)
    return () if bank is None else tuple(bank.settings)


def active_adapter(network: nn.Module) -> str | None:
    """Name of the adapter that acts, None when the base acts alone."""
    bank = _bank(network)
    return None if bank is None else bank.active


def adapter_settings(network: nn.Module, name: str | None = None) -> tuple[str, LoRASettings]:
    """Name and settings of an adapter, by default of the one that acts.

    Raises:
        EchoSynthError: there is no such adapter, or none acts.
    """
    bank = _bank(network)
    if name is None:
        name = active_adapter(network)
    if name is None:
        raise EchoSynthError("an adapter is needed, but none acts on this network: attach, load or switch to one")
    if bank is None or name not in bank.settings:
        known = ", ".join(adapter_names(network)) or "none"
        raise EchoSynthError(
            f"adapter '{name}' is not attached (attached: {known}): attach or load it, or correct its name"
        )
    return name, bank.settings[name]


def lora_layers(network: nn.Module, name: str | None = None) -> dict[str, Any]:
    """Layers that carry the adapter ``name``, or any adapter, by the module name of the layer they adapt."""
    found = {
        key: module
        for key, module in unwrap(network).named_modules()
        if {"base_layer", "lora_A"} <= module._modules.keys()
    }
    return {key: layer for key, layer in found.items() if name is None or name in cast(Any, layer).lora_A}


def trainable_parameters(network: nn.Module) -> list[nn.Parameter]:
    """Parameters of the adapter that acts, for the optimizer.

    Raises:
        EchoSynthError: no adapter acts.
    """
    adapter_settings(network)
    return [parameter for parameter in network.parameters() if parameter.requires_grad]


def switch(network: nn.Module, name: str | None) -> None:
    """Let one adapter act, and be trained, instead of another; with None the base alone.

    Raises:
        EchoSynthError: there is no such adapter.
    """
    if name is not None:
        adapter_settings(network, name)
    for layer in lora_layers(network).values():
        layer.enable_adapters(name is not None)
        if name is not None:
            layer.set_adapter(name)  # a layer without this adapter then acts as in the base
    bank = _bank(network)
    if bank is not None:
        bank.active = name


def detach(network: nn.Module, name: str | None = None) -> None:
    """Remove one adapter, or all of them.

    With the last one the network is the base again: its modules, values, names and trainable parameters. When the adapter that
    acted is removed and others stay, the base acts alone until :func:`switch`.

    Raises:
        EchoSynthError: there is no such adapter.
    """
    network = unwrap(network)
    bank = _bank(network)
    if bank is None:
        if name is not None:
            adapter_settings(network, name)
        return
    removed = tuple(bank.settings) if name is None else (adapter_settings(network, name)[0],)
    active = bank.active
    switch(network, None)
    for key, layer in lora_layers(network).items():
        layer.set_adapter([])
        for adapter in removed:
            layer.delete_adapter(adapter)
        if not len(layer.lora_A):
            parent, _, child = key.rpartition(".")
            setattr(network.get_submodule(parent), child, layer.base_layer)
    for adapter in removed:
        del bank.settings[adapter]
        cast(Any, network).peft_config.pop(adapter, None)
    if not bank.settings:
        _forget(network, bank)
    elif active in bank.settings:
        switch(network, active)


def base_state(network: nn.Module) -> dict[str, Tensor]:
    """State dict of the base: without adapters, with the names it has when none is attached."""
    base = unwrap(network)
    adapted = tuple(f"{name}." for name in lora_layers(base))
    state = {}
    for name, tensor in base.state_dict().items():
        if not name.startswith(adapted):
            state[name] = tensor
        elif ".base_layer." in name:
            state[name.replace(".base_layer.", ".")] = tensor
    return state


def base_digest(network: nn.Module) -> str:
    """SHA-256 of the base, as ``weights_digest`` gives it when no adapter is attached."""
    return weights_digest(cast(nn.Module, _State(base_state(network))))


def register(network: nn.Module, name: str, settings: LoRASettings, trainable: frozenset[str]) -> None:
    """Note a newly attached adapter; ``trainable`` counts for the first one only."""
    bank = _bank(network)
    if bank is None:
        bank = AdapterBank(trainable)
        setattr(network, _BANK, bank)
    bank.settings[name] = settings


@dataclass(frozen=True)
class _State:
    """Tensors where a function asks for the state dict of a module."""

    tensors: dict[str, Tensor]

    def state_dict(self) -> dict[str, Tensor]:
        return self.tensors


def _bank(network: nn.Module) -> AdapterBank | None:
    bank = getattr(unwrap(network), _BANK, None)
    return bank if isinstance(bank, AdapterBank) else None


def _forget(network: nn.Module, bank: AdapterBank) -> None:
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name in bank.trainable)
    delattr(network, _BANK)
    delattr(network, "peft_config")
