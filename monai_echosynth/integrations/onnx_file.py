"""Writes a module as an ONNX file and runs such a file (packages onnx, onnxscript and onnxruntime, extra ``onnx``).

Tensors that have a default become inputs with an initializer of the same name: a runtime uses the initializer unless it is fed.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from monai_echosynth.data.atomic import write_bytes
from monai_echosynth.errors import EchoSynthError

__all__ = ["open_onnx", "run_onnx", "write_onnx"]

OUTPUT = "pred"
"""Name of the output."""

_REMEDY = "pip install 'monai-echosynth[onnx]'"


def write_onnx(
    module: nn.Module,
    inputs: Mapping[str, Tensor],
    defaults: Mapping[str, Tensor],
    texts: Mapping[str, str],
    path: Path,
) -> None:
    """Exports ``module``.

    Args:
        module: its ``forward`` takes the tensors of ``inputs`` in their order and returns one.
        inputs: example tensors by name; their shapes become those of the file.
        defaults: values of some of the inputs.
        texts: what the file carries as metadata.
        path: file to write.

    Raises:
        EchoSynthError: a package is missing.
    """
    onnx = _onnx()
    logging.getLogger("torch.onnx").setLevel(
        logging.ERROR
    )  # it names the operators of torchvision, which is not installed
    program = torch.onnx.export(
        module,
        tuple(inputs.values()),
        input_names=list(inputs),
        output_names=[OUTPUT],
        dynamo=True,
        verbose=False,
        optimize=False,  # takes time quadratic in the number of network calls; ONNX Runtime does it when loading
        custom_translation_table=_missing_operators(),
    )
    if program is None:
        raise EchoSynthError("torch's ONNX exporter must return a program, got none: install torch 2.6 or newer")
    _shrink(program.model)
    model = program.model_proto
    for name, value in defaults.items():
        model.graph.initializer.append(onnx.numpy_helper.from_array(value.numpy(), name))
    onnx.helper.set_model_props(model, dict(texts))
    onnx.checker.check_model(model)
    write_bytes(path, model.SerializeToString())


def run_onnx(path: Path, feeds: Mapping[str, Tensor]) -> NDArray[Any]:
    """The output of a file for tensors by input name, computed by ONNX Runtime on the CPU.

    Raises:
        EchoSynthError: the package is missing.
    """
    session = open_onnx(path)
    result: NDArray[Any] = session.run([OUTPUT], {name: value.numpy() for name, value in feeds.items()})[0]
    return result


def open_onnx(path: Path, providers: Sequence[str] = ("CPUExecutionProvider",), threads: int = 0) -> Any:
    """A session of ONNX Runtime.

    Args:
        path: the file.
        providers: what computes, first choice first.
        threads: threads of one call; as many as there are cores when 0.

    Raises:
        EchoSynthError: the package is missing, or it has not been built for the first provider.
    """
    runtime = _onnxruntime()
    known = runtime.get_available_providers()
    if providers[0] not in known:
        raise EchoSynthError(
            f"ONNX Runtime must have {providers[0]}, got one with {', '.join(known)}: install the package built for it"
        )
    options = runtime.SessionOptions()
    options.log_severity_level = 3  # it warns of inputs that have a default, which are meant
    options.intra_op_num_threads = threads
    return runtime.InferenceSession(str(path), options, providers=list(providers))


def _shrink(model: Any) -> None:
    """Keeps one copy of equal constants, nothing that no node uses, and no trace of the source code that made a node."""
    from onnx_ir.passes import Sequential
    from onnx_ir.passes.common import (
        ClearMetadataAndDocStringPass,
        CommonSubexpressionEliminationPass,
        DeduplicateInitializersPass,
        LiftConstantsToInitializersPass,
        RemoveUnusedNodesPass,
    )

    Sequential(
        LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0),
        DeduplicateInitializersPass(),
        CommonSubexpressionEliminationPass(),
        RemoveUnusedNodesPass(),
        ClearMetadataAndDocStringPass(),
    )(model)


def _missing_operators() -> dict[Any, Any]:
    """Operators of the networks that torch's exporter does not know."""
    from onnxscript import opset18 as op

    def hypot(a: Any, b: Any) -> Any:
        return op.Sqrt(op.Add(op.Mul(a, a), op.Mul(b, b)))

    return {torch.ops.aten.hypot.default: hypot}


def _onnx() -> Any:
    try:
        import onnx
        import onnx.checker
        import onnx.helper
        import onnx.numpy_helper
        import onnxscript  # noqa: F401 - torch's exporter needs it
    except ImportError as error:
        raise EchoSynthError(f"ONNX needs the packages onnx and onnxscript ({error}): {_REMEDY}") from error
    return onnx


def _onnxruntime() -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise EchoSynthError(f"running ONNX needs the package onnxruntime ({error}): {_REMEDY}") from error
    return onnxruntime
