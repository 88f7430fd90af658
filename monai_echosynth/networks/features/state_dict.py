"""State dicts of other projects' networks from local files, read without running code."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from monai_echosynth.errors import EchoSynthError

__all__ = ["read_state_dict"]


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Tensors by name of a ``.safetensors`` file, or of a state dict in ``.pt`` or ``.pth``.

    Raises:
        EchoSynthError: the file is damaged or holds something else.
    """
    try:
        state = load_file(path) if path.suffix == ".safetensors" else torch.load(path, "cpu", weights_only=True)
    except Exception as error:  # a damaged file raises whatever its bytes lead to
        raise EchoSynthError(
            f"weights in {path} cannot be read ({str(error).splitlines()[0]}): copy the file again, or convert it to safetensors"
        ) from error
    inner = state.get("state_dict", state) if isinstance(state, dict) else None
    if not isinstance(inner, dict):
        raise EchoSynthError(f"a state dict was expected, got {type(state).__name__} in {path}: save its state_dict()")
    return {key: value for key, value in inner.items() if isinstance(value, Tensor)}
