"""A network with a saved adapter in its weights, as generation uses it."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from monai_echosynth.adaptation.adapter_file import load_adapter
from monai_echosynth.adaptation.lora import merge

__all__ = ["adapted"]


def adapted(network: nn.Module, path: str | Path) -> nn.Module:
    """A plain copy of ``network``, the base of the adapter in the file ``path``, with that adapter merged into its weights.

    Costs as much per call as the base. ``network`` keeps the adapter unmerged.

    Raises:
        EchoSynthError: see :func:`~monai_echosynth.adaptation.adapter_file.load_adapter`.
    """
    return merge(network, load_adapter(path, network))
