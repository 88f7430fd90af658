"""Forward passes in bfloat16 where the device is faster in it, in float32 elsewhere.

MONAI's engines enter ``torch.autocast("cuda")`` whatever the device, so that their ``amp`` switch has no effect on a CPU. The
precision is therefore chosen where the network is called. Weights, losses and optimizer stay in float32.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import torch
from monai.inferers import SimpleInferer
from torch import Tensor

from monai_echosynth.inferers.fast_bfloat16 import fast_bfloat16

__all__ = ["AutocastInferer", "Precision"]


class Precision(StrEnum):
    """Arithmetic of the forward pass."""

    AUTO = "auto"
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


class AutocastInferer(SimpleInferer):
    """Calls ``network(inputs, *args, **kwargs)`` under autocast and returns float32.

    Args:
        precision: ``auto`` takes bfloat16 exactly where
            :func:`~monai_echosynth.inferers.fast_bfloat16.fast_bfloat16` holds for the inputs' device.
    """

    def __init__(self, precision: Precision | str = Precision.AUTO) -> None:
        super().__init__()
        self.precision = Precision(precision)

    def __call__(self, inputs: Tensor | dict[str, Tensor], network: Any, *args: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        """Output of the network for a tensor or a dictionary of them; tensors in a tuple or mapping are converted one by one."""
        device = (next(iter(inputs.values())) if isinstance(inputs, dict) else inputs).device
        enabled = self.precision is Precision.BFLOAT16 or (self.precision is Precision.AUTO and fast_bfloat16(device))
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=enabled):
            outputs = super().__call__(inputs, network, *args, **kwargs)
        return _to_float32(outputs)


def _to_float32(outputs: Any) -> Any:
    if isinstance(outputs, Tensor):
        return outputs.float() if outputs.is_floating_point() else outputs
    if isinstance(outputs, dict):
        return {key: _to_float32(value) for key, value in outputs.items()}
    if isinstance(outputs, (list, tuple)):
        return type(outputs)(_to_float32(value) for value in outputs)
    return outputs
