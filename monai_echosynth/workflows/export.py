"""Exports a bundle to one file: traced TorchScript or ONNX to run elsewhere, safetensors to keep; checked against PyTorch.

TorchScript and ONNX files run without this package; pre- and postprocessing travel in them as text (``metadata.json`` and
``inference.json``, where MONAI's ``ckpt_export`` puts them). Safetensors holds tensors alone and needs the network's code.
"""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import torch
from monai.data import save_net_with_metadata
from safetensors.torch import load_file
from safetensors.torch import save as serialize
from torch import Tensor, nn

from monai_echosynth.data.atomic import write_bytes
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.integrations.onnx_file import run_onnx, write_onnx
from monai_echosynth.workflows.export_model import ExportModel, export_model

__all__ = ["TOLERANCE", "ExportFormat", "export_bundle"]

TOLERANCE = 1e-4
"""Largest difference of an export's output from PyTorch's."""


class ExportFormat(StrEnum):
    """File formats."""

    TORCHSCRIPT = "torchscript"
    """``.ts``: runs in torch alone, also from C++."""
    ONNX = "onnx"
    """``.onnx``: runs in ONNX Runtime and others."""
    SAFETENSORS = "safetensors"
    """``.safetensors``: the weights, no program."""


_SUFFIXES = {
    ExportFormat.TORCHSCRIPT: (".ts", ".pt"),
    ExportFormat.ONNX: (".onnx",),
    ExportFormat.SAFETENSORS: (".safetensors",),
}


def export_bundle(bundle: str | Path, format: ExportFormat | str, out: str | Path, **ids: Any) -> dict[str, Any]:
    """Writes one file and compares what it computes with PyTorch.

    Args:
        bundle: trained bundle of a segmenter or a generator.
        format: file format.
        out: file to write.
        **ids: config ids to replace: ``solver``, ``nfe`` and ``seed`` of a generator are fixed in the file.

    Returns:
        ``bytes``, ``inputs`` (shapes by name) and ``difference``, the largest from PyTorch's output.

    Raises:
        EchoSynthError: see :func:`~monai_echosynth.workflows.export_model.export_model`; the format is unknown or is not that of
            ``out``, a package is missing, or the outputs differ.
    """
    kind, path = _format(format, Path(out)), Path(out)
    model = export_model(bundle, **ids)
    path.parent.mkdir(parents=True, exist_ok=True)
    difference = _WRITERS[kind](model, path)
    if not difference <= TOLERANCE:
        path.unlink()
        raise EchoSynthError(
            f"an export must compute what PyTorch does within {TOLERANCE}, got {difference:.2g} with {kind}: choose another "
            "format"
        )
    shapes = {name: tuple(value.shape) for name, value in model.inputs.items()}
    return {"bytes": path.stat().st_size, "inputs": shapes, "difference": difference}


def _format(format: ExportFormat | str, path: Path) -> ExportFormat:
    if format not in list(ExportFormat):
        raise EchoSynthError(f"an export's format must be one of {', '.join(ExportFormat)}, got '{format}': pick one")
    kind = ExportFormat(format)
    if path.suffix not in _SUFFIXES[kind]:
        raise EchoSynthError(
            f"a file of the format {kind} ends with {' or '.join(_SUFFIXES[kind])}, got {path}: rename it or change the format"
        )
    return kind


def _texts(model: ExportModel) -> dict[str, str]:
    return {"metadata.json": json.dumps(model.metadata), "inference.json": json.dumps(model.config)}


def _torchscript(model: ExportModel, path: Path) -> float:
    example = tuple(model.inputs.values())
    methods = {"forward": example[0]} if len(example) == 1 else {"forward": example[0], "sample": example}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # sizes are meant to become constants, and the result is compared below
        traced = torch.jit.trace_module(model.module, methods, check_trace=False)
    config = {"inference.json": json.dumps(model.config).encode()}
    buffer = io.BytesIO()
    save_net_with_metadata(
        traced, buffer, include_config_vals=False, meta_values=model.metadata, more_extra_files=config
    )
    write_bytes(path, buffer.getvalue())
    loaded = torch.jit.load(str(path), map_location="cpu")
    calls: dict[str, Callable[..., Tensor]] = {"forward": loaded}
    if len(example) > 1:
        calls["sample"] = loaded.sample
    return _largest_difference(model, lambda name, *tensors: calls[name](*tensors))


def _onnx(model: ExportModel, path: Path) -> float:
    names = list(model.inputs)
    module = model.module if len(names) == 1 else _WithDefaults(model.module)
    defaults = {name: model.inputs[name] for name in names[1:]}
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of the exporter about itself
        write_onnx(module, model.inputs, defaults, _texts(model), path)

    def run(_: str, *tensors: Tensor) -> Tensor:
        return torch.from_numpy(run_onnx(path, dict(zip(names, tensors, strict=False))))

    return _largest_difference(model, run)


def _safetensors(model: ExportModel, path: Path) -> float:
    state = {name: value.detach().contiguous() for name, value in model.module.state_dict().items()}
    write_bytes(path, serialize(state, {"format": "pt", **_texts(model)}))
    loaded = load_file(path)
    return 0.0 if all(torch.equal(loaded[name], value) for name, value in state.items()) else float("inf")


_WRITERS: Mapping[ExportFormat, Callable[[ExportModel, Path], float]] = {
    ExportFormat.TORCHSCRIPT: _torchscript,
    ExportFormat.ONNX: _onnx,
    ExportFormat.SAFETENSORS: _safetensors,
}


class _WithDefaults(nn.Module):
    """All inputs as arguments of ``forward``."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, label: Tensor, noise: Tensor) -> Tensor:
        return self.module.sample(label, noise)  # type: ignore[operator, no-any-return]


@torch.no_grad()
def _largest_difference(model: ExportModel, run: Callable[..., Tensor]) -> float:
    """Between ``run(method, *tensors)`` and the module, with the defaults and with other noise."""
    first, *others = model.inputs.values()
    worst = float((run("forward", first) - model.module(first)).abs().max())
    if others:
        noise = [torch.randn(value.shape, generator=torch.Generator().manual_seed(1)) for value in others]
        expected = model.module.sample(first, *noise)  # type: ignore[operator]
        worst = max(worst, float((run("sample", first, *noise) - expected).abs().max()))
    return worst
