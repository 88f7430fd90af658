"""Network weights as safetensors: no pickles, a checksum, and an error that names what does not fit."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from safetensors.torch import load_file
from safetensors.torch import save as serialize
from torch import nn

from monai_echosynth.data.atomic import atomic_path
from monai_echosynth.errors import EchoSynthError

__all__ = ["load_weights", "save_weights", "weights_digest"]


def save_weights(module: nn.Module, path: str | Path) -> None:
    """Write the state dict of ``module`` as safetensors (``.safetensors``) or as a plain state dict (``.pt``)."""
    path = Path(path)
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()}
    with atomic_path(path) as partial:
        if path.suffix == ".safetensors":
            partial.write_bytes(serialize(state))  # safetensors itself hides what the system said
        else:
            torch.save(state, partial)


def load_weights(module: nn.Module, path: str | Path) -> nn.Module:
    """Load weights written by :func:`save_weights` into ``module`` and return it.

    Raises:
        EchoSynthError: if the file is missing, damaged, or belongs to another network.
    """
    path = Path(path)
    if not path.is_file():
        raise EchoSynthError(
            f"weights needed at {path}, which does not exist: train the network or copy the file there"
        )
    try:
        state = load_file(path) if path.suffix == ".safetensors" else torch.load(path, "cpu", weights_only=True)
    except Exception as error:  # a damaged file raises whatever its bytes lead to
        raise EchoSynthError(f"weights in {path} cannot be read ({error}): copy or train them again") from error
    own = module.state_dict()
    wrong = [
        *(f"missing {name}" for name in own if name not in state),
        *(f"unexpected {name}" for name in state if name not in own),
        *(
            f"{name} is {tuple(state[name].shape)} instead of {tuple(own[name].shape)}"
            for name in own
            if name in state and state[name].shape != own[name].shape
        ),
    ]
    if wrong:
        raise EchoSynthError(
            f"{path} holds the weights of another network than {type(module).__name__} "
            f"({wrong[0]}; {len(wrong)} differences): choose the file or the network definition that belongs to it"
        )
    module.load_state_dict(state)
    return module


def weights_digest(module: nn.Module) -> str:
    """SHA-256 over names, shapes and values of the state dict."""
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
