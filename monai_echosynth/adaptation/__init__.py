"""Adaptation (layer 2): small trained additions that carry a frozen generator to another domain.

Low-rank adapters (LoRA) are attached to named groups of layers, trained alone, saved alone, and switched or merged on one
base. Only :func:`attach` and what calls it need the package peft (extra ``lora``).
"""

from __future__ import annotations

from monai_echosynth.adaptation.adapted import adapted
from monai_echosynth.adaptation.adapter_bank import (
    active_adapter,
    adapter_names,
    base_digest,
    base_state,
    detach,
    switch,
    trainable_parameters,
)
from monai_echosynth.adaptation.adapter_file import AdapterInfo, load_adapter, read_adapter_info, save_adapter
from monai_echosynth.adaptation.adapter_table import GroupRow, rank_for, render_table, trainable_table
from monai_echosynth.adaptation.lora import attach, merge
from monai_echosynth.adaptation.lora_settings import LoRASettings
from monai_echosynth.adaptation.lora_targets import LayerGroup, lora_targets

__all__ = [
    "AdapterInfo",
    "GroupRow",
    "LayerGroup",
    "LoRASettings",
    "active_adapter",
    "adapted",
    "adapter_names",
    "attach",
    "base_digest",
    "base_state",
    "detach",
    "load_adapter",
    "lora_targets",
    "merge",
    "rank_for",
    "read_adapter_info",
    "render_table",
    "save_adapter",
    "switch",
    "trainable_parameters",
    "trainable_table",
]
