"""Adapters on disk: a safetensors file of the low-rank factors alone, which says what it belongs to.

Tensors are float32 and named ``<layer>.lora_A.weight`` and ``<layer>.lora_B.weight``. The header holds, as text: the format and
its version, the adapter's name and settings, the SHA-256 of the base it was trained on, and as JSON the remapping of labels and
the label table of its domain, where they were given. Nothing in the file is executed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialize
from torch import Tensor, nn

from monai_echosynth.adaptation.adapter_bank import adapter_names, adapter_settings, base_digest, lora_layers, switch
from monai_echosynth.adaptation.lora import attach
from monai_echosynth.adaptation.lora_settings import LoRASettings, lora_shapes
from monai_echosynth.data.atomic import atomic_path
from monai_echosynth.errors import EchoSynthError

__all__ = ["FORMAT", "FORMAT_VERSION", "AdapterInfo", "load_adapter", "read_adapter_info", "save_adapter"]

FORMAT = "monai_echosynth.lora"
FORMAT_VERSION = 1


@dataclass(frozen=True)
class AdapterInfo:
    """What an adapter file says about itself.

    Attributes:
        name: name it was saved under.
        settings: layer groups, rank, alpha and dropout.
        base: SHA-256 of the weights it was trained on.
        parameters: number of its parameters.
        remapping: rules that map the labels of its domain onto the channels of the base.
        label_table: label table of its domain.
    """

    name: str
    settings: LoRASettings
    base: str
    parameters: int
    remapping: dict[str, Any] | None
    label_table: dict[str, Any] | None


def save_adapter(
    path: str | Path,
    network: nn.Module,
    name: str | None = None,
    *,
    remapping: Mapping[str, Any] | None = None,
    label_table: Mapping[str, Any] | None = None,
) -> None:
    """Write an adapter, without its base.

    Args:
        path: file to write, ``.safetensors``.
        network: network that carries the adapter; may be wrapped.
        name: the adapter; the one that acts when omitted.
        remapping: rules that map the labels of its domain onto the channels of the base, plain values.
        label_table: label table of its domain, plain values.

    Raises:
        EchoSynthError: there is no such adapter, or none acts.
        OSError: the file cannot be written.
    """
    name, settings = adapter_settings(network, name)
    tensors = {key: weight.detach().float().cpu().contiguous() for key, weight in _factors(network, name).items()}
    metadata = {
        "format": FORMAT,
        "version": str(FORMAT_VERSION),
        "name": name,
        "settings": json.dumps(settings.to_dict()),
        "base": base_digest(network),
    }
    for key, value in (("remapping", remapping), ("label_table", label_table)):
        if value is not None:
            metadata[key] = json.dumps(dict(value), ensure_ascii=False)
    with atomic_path(path) as partial:
        partial.write_bytes(serialize(tensors, metadata))


def load_adapter(path: str | Path, network: nn.Module, name: str | None = None) -> str:
    """Put a saved adapter on ``network`` and let it act; the network is unchanged when the file does not fit.

    Args:
        path: file written by :func:`save_adapter`.
        network: the base the adapter was trained on, with or without adapters.
        name: name on this network, by default the one in the file. When an adapter of the given name is attached
            already, it takes the values from the file, for which groups, rank and scale must agree.

    Returns:
        The name.

    Raises:
        EchoSynthError: the file is missing, damaged, no adapter, for another base or of another rank, or the name in it is taken.
    """
    path = Path(path)
    info, tensors = _read(path)
    digest = base_digest(network)
    if digest != info.base:
        raise EchoSynthError(
            f"adapter {path} was trained on the base with SHA-256 {info.base}, this network has {digest}: "
            "load the base it belongs to, or train the adapter on this one"
        )
    _check_tensors(path, tensors, lora_shapes(network, info.settings))
    if name is None and info.name in adapter_names(network):
        raise EchoSynthError(
            f"adapter {path} is named '{info.name}', which is attached already: give another name or detach it"
        )
    name = info.name if name is None else name
    if name in adapter_names(network):
        _check_same(path, info.settings, name, adapter_settings(network, name)[1])
        switch(network, name)
    else:
        attach(network, info.settings, name)
    with torch.no_grad():
        for key, weight in _factors(network, name).items():
            weight.copy_(tensors[key])
    return name


def read_adapter_info(path: str | Path) -> AdapterInfo:
    """What an adapter file says about itself; no network is needed.

    Raises:
        EchoSynthError: the file is missing, damaged or no adapter.
    """
    return _read(Path(path))[0]


def _factors(network: nn.Module, name: str) -> dict[str, Tensor]:
    """Both factors of every adapted layer by their name in the file."""
    layers = lora_layers(network, name).items()
    return {
        f"{key}.{part}.weight": getattr(layer, part)[name].weight
        for key, layer in layers
        for part in ("lora_A", "lora_B")
    }


def _read(path: Path) -> tuple[AdapterInfo, dict[str, Tensor]]:
    if not path.is_file():
        raise EchoSynthError(f"an adapter is needed at {path}, where there is no file: train it or correct the path")
    if not path.stat().st_size:
        raise EchoSynthError(f"adapter {path} is empty: copy it again or train it")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise EchoSynthError(f"adapter {path} is damaged or no safetensors file ({error}): copy it again") from error
    return _info(path, metadata, sum(tensor.numel() for tensor in tensors.values())), tensors


def _info(path: Path, metadata: Mapping[str, str], parameters: int) -> AdapterInfo:
    if metadata.get("format") != FORMAT:
        raise EchoSynthError(
            f"{path} holds tensors but no adapter (no '{FORMAT}' in its header): give a file from save_adapter"
        )
    if metadata.get("version") != str(FORMAT_VERSION):
        raise EchoSynthError(
            f"adapter {path} has format version {metadata.get('version')}, this program reads {FORMAT_VERSION}: "
            "install the version of monai-echosynth that wrote it"
        )
    try:
        return AdapterInfo(
            name=metadata["name"],
            settings=LoRASettings.from_dict(json.loads(metadata["settings"])),
            base=metadata["base"],
            parameters=parameters,
            remapping=json.loads(metadata.get("remapping", "null")),
            label_table=json.loads(metadata.get("label_table", "null")),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise EchoSynthError(f"adapter {path} has a header that cannot be read ({error}): copy it again") from error


def _check_tensors(
    path: Path, tensors: Mapping[str, Tensor], shapes: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]]
) -> None:
    expected = {
        f"{key}.{part}.weight": shape
        for key, pair in shapes.items()
        for part, shape in zip(("lora_A", "lora_B"), pair, strict=True)
    }
    wrong = [
        *(f"missing {key}" for key in expected if key not in tensors),
        *(f"unexpected {key}" for key in tensors if key not in expected),
        *(
            f"{key} is {tuple(tensors[key].shape)} instead of {shape}"
            for key, shape in expected.items()
            if key in tensors and tuple(tensors[key].shape) != shape
        ),
    ]
    if wrong:
        raise EchoSynthError(
            f"adapter {path} does not fit its own settings ({wrong[0]}; {len(wrong)} differences): save or train it again"
        )
    broken = [key for key, tensor in tensors.items() if not bool(torch.isfinite(tensor).all())]
    if broken:
        raise EchoSynthError(f"adapter {path} needs finite values, got NaN or infinity in {broken[0]}: train it again")


def _check_same(path: Path, settings: LoRASettings, name: str, own: LoRASettings) -> None:
    for what in ("groups", "rank", "scale"):
        theirs, ours = getattr(settings, what), getattr(own, what)
        if theirs != ours:
            theirs, ours = (" + ".join(value) if what == "groups" else value for value in (theirs, ours))
            raise EchoSynthError(
                f"adapter {path} has {what} {theirs}, '{name}' on this network has {ours}: load it under another name"
            )
