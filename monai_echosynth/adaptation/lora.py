"""Low-rank adapters on a frozen network, through peft.

The adapted network keeps its class: layers are exchanged in place (``peft.inject_adapter_in_model``), so that conditioning goes
on by keyword and wrappers see the network they know. The second factor starts at zero, hence the output at the start is that of
the base, bit by bit. The modulation that SPADE computes once per mask passes through the same layers and is adapted with them.
"""

from __future__ import annotations

import math
import re
import warnings
from copy import deepcopy
from typing import Any, TypeVar

import torch
from torch import nn

from monai_echosynth.adaptation.adapter_bank import (
    adapter_names,
    adapter_settings,
    detach,
    lora_layers,
    register,
    switch,
)
from monai_echosynth.adaptation.lora_settings import LoRASettings
from monai_echosynth.adaptation.lora_targets import lora_targets, unwrap
from monai_echosynth.diffusion.seeding import derive_seed
from monai_echosynth.errors import EchoSynthError

__all__ = ["attach", "merge"]

Network = TypeVar("Network", bound=nn.Module)


def attach(network: Network, settings: LoRASettings, name: str = "default", seed: int = 0) -> Network:
    """Freeze ``network``, put a new adapter on it and let that adapter act.

    Args:
        network: the base, changed in place; other adapters on it stay. Attach before wrapping it (DDP, ``torch.compile``).
        settings: where the adapter sits and its size.
        name: name of the adapter on this network.
        seed: of the random factor; each layer draws by itself, so that it does not depend on the other groups.

    Returns:
        The same network.

    Raises:
        EchoSynthError: the name is taken or unusable, a group has no layers, or peft is not installed.
    """
    _check_name(network, name)
    if unwrap(network) is not network:
        raise EchoSynthError(
            f"adapters go on a bare network, got one inside {type(network).__name__}: attach first and wrap afterwards"
        )
    targets = lora_targets(network, settings.groups)
    trainable = frozenset(key for key, parameter in network.named_parameters() if parameter.requires_grad)
    with torch.random.fork_rng(devices=[]):  # peft draws the factors from the global generator
        _inject(network, settings, targets, name)
    register(network, name, settings, trainable)
    for key, layer in lora_layers(network, name).items():
        layer.train(layer.base_layer.training)
        _draw(layer.lora_A[name].weight, derive_seed(seed, key))
    switch(network, name)
    return network


def merge(network: nn.Module, name: str | None = None) -> nn.Module:
    """A plain copy of the network with an adapter added into its weights; the adapted network stays as it is.

    Args:
        network: network with adapters.
        name: the adapter; the one that acts when omitted.

    Raises:
        EchoSynthError: there is no such adapter, or none acts.
    """
    name, _ = adapter_settings(network, name)
    plain = deepcopy(unwrap(network))
    with torch.no_grad():
        for layer in lora_layers(plain, name).values():
            layer.merge(adapter_names=[name])
    detach(plain)
    return plain


def _inject(network: nn.Module, settings: LoRASettings, targets: list[str], name: str) -> None:
    peft = _peft()
    config = peft.LoraConfig(
        r=settings.rank,
        lora_alpha=settings.scale * settings.rank,
        lora_dropout=settings.dropout,
        target_modules="|".join(re.escape(target) for target in targets),  # a list would match ends of names too
        bias="none",
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Already found a `peft_config`", UserWarning)  # several adapters are meant
        peft.inject_adapter_in_model(config, network, name)


@torch.no_grad()
def _draw(weight: nn.Parameter, seed: int) -> None:
    """Peft's own law, uniform with a variance of 1 / (3 inputs), from a generator of our own."""
    values = torch.empty(weight.shape, dtype=torch.float32)
    nn.init.kaiming_uniform_(values, a=math.sqrt(5), generator=torch.Generator().manual_seed(seed))
    weight.copy_(values)


def _check_name(network: nn.Module, name: str) -> None:
    if name in adapter_names(network):
        raise EchoSynthError(f"adapter names are unique, '{name}' is attached already: choose another or detach it")
    if not name.isidentifier() or hasattr(nn.ModuleDict(), name):
        raise EchoSynthError(
            f"an adapter needs a name of letters, digits and _, got {name!r}: choose one like 'tee_r4'"
        )


def _peft() -> Any:
    try:
        import peft
    except ImportError as error:
        raise EchoSynthError(f"LoRA needs the package peft ({error}): pip install 'monai-echosynth[lora]'") from error
    return peft
