"""Weights of monai-generative 0.2.3, carried over to MONAI's names so that the network's outputs stay what they were.

MONAI's own converters (``load_old_state_dict``) exist for two of the four networks and change their outputs. Three rules make
the difference:

- self-attention has a layer ``proj_attn`` that monai-generative created, trained by weight decay alone, and never called. MONAI
  calls its successor ``attn.out_proj``: that becomes the identity;
- the normalization inside SPADE keeps its own scale and shift, ``param_free_norm.N.*`` there and ``param_free_norm.*`` in MONAI;
- convolutions after upsampling moved from ``conv`` to ``postconv``, transposed ones to ``deconv``.

What does not become a whole state dict of the network is refused, with the first key that does not fit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from monai_echosynth.errors import EchoSynthError

__all__ = ["convert_generative_state", "load_generative_weights", "read_generative_state"]

_WRAPPERS = ("module.", "_orig_mod.")
_MONAI_ONLY = re.compile(r"\.attn\.(to_[qkv]|out_proj)\.|\.attn[12]\.out_proj\.|\.postconv\.|\.deconv\.")


def load_generative_weights(network: nn.Module, path: str | Path, key: str | None = None) -> nn.Module:
    """Loads a checkpoint saved with monai-generative into ``network`` and returns it.

    Args:
        network: from :func:`~monai_echosynth.networks.nets.generative.generative_network`, or MONAI's of the same shape.
        path: file written by ``torch.save``: a state dict, or a dictionary that holds one.
        key: name of the state dict in the file where there are several.

    Raises:
        EchoSynthError: the file is missing, damaged, holds anything but tensors, or is not such a checkpoint of such a network.
    """
    state = read_generative_state(path, key)
    try:
        network.load_state_dict(convert_generative_state(state, network))
    except EchoSynthError as error:
        raise EchoSynthError(f"{path}: {error}") from error
    return network


def read_generative_state(path: str | Path, key: str | None = None) -> dict[str, Tensor]:
    """The state dict in a checkpoint, without the prefix that DDP or ``torch.compile`` put before its names.

    Raises:
        EchoSynthError: the file is missing or damaged, needs pickled code, or holds none or several state dicts.
    """
    path = Path(path)
    if not path.is_file():
        raise EchoSynthError(f"a checkpoint of monai-generative is needed, got no file {path}: check the path")
    try:
        content = torch.load(path, "cpu", weights_only=True)
    except Exception as error:  # a damaged file raises whatever its bytes lead to
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise EchoSynthError(
            f"a checkpoint must hold tensors alone, {path} cannot be read ({reason[0]}): "
            "save network.state_dict() with torch.save"
        ) from error
    found = dict(_state_dicts(content))
    if key is not None:
        found = {name: state for name, state in found.items() if name == key}
    if len(found) != 1:
        keys = ", ".join(map(repr, content)) if isinstance(content, Mapping) else type(content).__name__
        raise EchoSynthError(
            f"a checkpoint must hold one state dict{'' if key is None else f' under {key!r}'}, got {len(found)} in {path} "
            f"(it holds {keys[:200]}): name one with --key"
        )
    (state,) = found.values()
    for prefix in _WRAPPERS:
        if all(name.startswith(prefix) for name in state):
            state = {name.removeprefix(prefix): value for name, value in state.items()}
    return state


def convert_generative_state(state: Mapping[str, Tensor], network: nn.Module) -> dict[str, Tensor]:
    """A state dict of monai-generative in the names of ``network``.

    Args:
        state: state dict as monai-generative saves it.
        network: the network that it is for; read for its names and shapes alone.

    Returns:
        A whole state dict of ``network``.

    Raises:
        EchoSynthError: a key has no place in the network, one of the network's is missing, or a shape differs.
    """
    own = network.state_dict()
    modern = next((name for name in state if _MONAI_ONLY.search(name)), None)
    if modern is not None:
        raise EchoSynthError(f"{modern!r} is a name of MONAI, not of monai-generative: load these weights as they are")
    converted: dict[str, Tensor] = {}
    for name, value in state.items():
        renamed = _rename(name, own)
        if renamed not in own:
            raise _misfit(network, f"{name!r} has no place in it")
        converted[renamed] = _identity(value) if ".proj_attn." in name else value
        if converted[renamed].shape != own[renamed].shape:
            shapes = f"{tuple(value.shape)} instead of {tuple(own[renamed].shape)}"
            raise _misfit(network, f"{name!r} is {shapes}")
    missing = next((name for name in own if name not in converted), None)
    if missing is not None:
        raise _misfit(network, f"{missing!r} of the network is not in it")
    return converted


def _rename(name: str, own: Mapping[str, Any]) -> str:
    """MONAI's name of a parameter of monai-generative; a name that both know stays."""
    new = name.replace(".param_free_norm.N.", ".param_free_norm.")
    new = re.sub(r"\.(attn[12])\.to_out\.0\.", r".\1.out_proj.", new)
    if ".transformer_blocks." not in new:
        new = re.sub(r"\.(to_[qkv])\.(weight|bias)$", r".attn.\1.\2", new)
        new = new.replace(".proj_attn.", ".attn.out_proj.")
    candidates = (new, new.replace(".conv.conv.", ".postconv.conv."), new.replace(".conv.conv.", ".deconv."))
    return next((candidate for candidate in candidates if candidate in own), new)


def _identity(value: Tensor) -> Tensor:
    """The layer that does nothing, for a weight (C, C) or a bias (C,)."""
    return torch.eye(len(value), dtype=value.dtype) if value.ndim == 2 else torch.zeros_like(value)


def _state_dicts(content: Any) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """The content itself or the entries of it that are state dicts, with their names."""
    if not isinstance(content, Mapping) or not content:
        return
    if all(isinstance(value, Tensor) for value in content.values()):
        yield "", {str(name): value for name, value in content.items()}
        return
    for name, value in content.items():
        if isinstance(value, Mapping) and value and all(isinstance(entry, Tensor) for entry in value.values()):
            yield str(name), {str(inner): entry for inner, entry in value.items()}


def _misfit(network: nn.Module, what: str) -> EchoSynthError:
    return EchoSynthError(
        f"these are not monai-generative's weights of this {type(network).__name__}: {what}: choose the kind of network and the "
        "arguments with which it was trained"
    )
