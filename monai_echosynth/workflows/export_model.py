"""What of a bundle is exported: one module with one tensor in, the metadata that describes it, and its inference config.

A segmenter is its network, preprocessed frame to logits, as MONAI's ``ckpt_export`` exports it: pre- and postprocessing travel as
the inference config beside it. A generator is everything from label map to image
(:class:`~monai_echosynth.inferers.label_generator.LabelGenerator`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ConfigParser
from torch import Tensor, nn

from monai_echosynth.data.builtin_labels import SEMANTIC_LABELS
from monai_echosynth.data.label_table import LabelTable
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.inferers.label_generator import LabelGenerator
from monai_echosynth.networks.weights import load_weights
from monai_echosynth.workflows.bundle_config import build, bundle_parser, read_config, read_metadata

__all__ = ["ExportModel", "export_model"]


@dataclass(frozen=True, eq=False)
class ExportModel:
    """A module to export.

    Attributes:
        module: in evaluation mode; ``forward`` takes the tensors of ``inputs``.
        inputs: example tensors by name. After the first, each one has a default that the module holds as a buffer of its name.
        metadata: content of ``metadata.json``, with the data format of ``module``.
        config: content of ``inference.json`` with the ids that were used.
    """

    module: nn.Module
    inputs: Mapping[str, Tensor]
    metadata: Mapping[str, Any]
    config: Mapping[str, Any]


def export_model(bundle: str | Path, **ids: Any) -> ExportModel:
    """Builds what is exported of a bundle.

    Args:
        bundle: trained ``echo_segmentation`` bundle, or a generator's (``echo_generative_diffusion``, ``echo_tee_adaptation``).
        **ids: config ids to replace, such as ``solver``, ``nfe`` and ``seed`` of a generator.

    Raises:
        EchoSynthError: the bundle has no weights, an id is not in its config, or its network is neither.
    """
    parser = bundle_parser(bundle, **ids)
    parser["device"] = "$torch.device('cpu')"
    inputs = read_metadata(bundle)["network_data_format"]["inputs"]
    if "preconditioning" in parser and "autoencoder" in parser and "seg" in inputs:
        return _generator(bundle, parser, {**read_config(bundle), **ids})
    if list(inputs) != ["image"] or "weights_path" not in parser:
        raise EchoSynthError(
            f"an export has one tensor in: a segmenter's or a generator's bundle was expected, got {bundle} with inputs "
            f"{', '.join(inputs)}: name another bundle"
        )
    network = load_weights(build(parser, "network_def"), build(parser, "weights_path"))
    shape = (1, inputs["image"]["num_channels"], *inputs["image"]["spatial_shape"])
    example = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    return ExportModel(
        network.requires_grad_(False).eval(), {"image": example}, read_metadata(bundle), {**read_config(bundle), **ids}
    )


def _generator(bundle: str | Path, parser: ConfigParser, config: Mapping[str, Any]) -> ExportModel:
    table, lookup = SEMANTIC_LABELS, SEMANTIC_LABELS.channel_of_id
    if "remapping" in parser:
        remapping = build(parser, "remapping")
        table, lookup = remapping.source, remapping.base.channel_of_id[remapping.base_id_of_id]
    metadata = read_metadata(bundle)
    classes = metadata["network_data_format"]["inputs"]["seg"]["num_channels"]
    size, seed = int(parser["spatial_size"]), int(parser["seed"])
    module = LabelGenerator(
        build(parser, "network"), build(parser, "inferer").image, lookup.tolist(), classes, size, seed
    )
    format_ = {"inputs": {"image": _label_format(table, size)}, "outputs": {"pred": _image_format(size)}}
    label = _stripes(table, size)
    inputs = {"label": label, "noise": module.noise}
    return ExportModel(module, inputs, {**metadata, "network_data_format": format_}, config)


def _stripes(table: LabelTable, size: int) -> Tensor:
    """A map (1, 1, X, Y) with every id of the table."""
    values = torch.tensor([float(entry.id) for entry in table.entries])
    return values[torch.arange(size) * len(values) // size].expand(1, 1, size, size).contiguous()


def _label_format(table: LabelTable, size: int) -> dict[str, Any]:
    ids = sorted(entry.id for entry in table.entries)
    return {
        "type": "image",
        "format": "segmentation",
        "num_channels": 1,
        "spatial_shape": [size, size],
        "dtype": "float32",
        "value_range": [ids[0], ids[-1]],
        "is_patch_data": False,
        "channel_def": {"0": ", ".join(f"{number} {name}" for number, name in table.names.items())},
    }


def _image_format(size: int) -> dict[str, Any]:
    return {
        "type": "image",
        "format": "ultrasound",
        "modality": "US",
        "num_channels": 1,
        "spatial_shape": [size, size],
        "dtype": "float32",
        "value_range": [0, 1],
        "is_patch_data": False,
        "channel_def": {"0": "image"},
    }
