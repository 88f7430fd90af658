"""A module that ONNX Runtime computes: exported when it is first called with tensors of a shape, called like the module then.

Images are computed by several threads side by side, each with one thread of its own, as by PyTorch on a CPU: results then
depend neither on the batch nor on the number of threads.
"""

from __future__ import annotations

import tempfile
import threading
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from monai_echosynth.integrations.onnx_file import OUTPUT, open_onnx, write_onnx

__all__ = ["OnnxModule"]


class OnnxModule(nn.Module):
    """Takes tensors and returns one, as ``module`` does.

    Args:
        module: function of float32 tensors alone, in evaluation mode.
        provider: what computes; that of the tensors' device when omitted.
    """

    def __init__(self, module: nn.Module, provider: str | None = None) -> None:
        super().__init__()
        self.module, self.provider = module, provider
        self._sessions: dict[Any, Any] = {}
        self._lock = threading.Lock()

    def forward(self, *tensors: Tensor) -> Tensor:
        """The module's output, on the device of the first tensor.

        Raises:
            EchoSynthError: a package or the provider is missing.
        """
        device = tensors[0].device
        key = tuple(tensor.shape for tensor in tensors)
        with self._lock:
            if key not in self._sessions:
                self._sessions[key] = self._session(tensors)
        feeds = {f"in{k}": tensor.detach().cpu().contiguous().numpy() for k, tensor in enumerate(tensors)}
        return torch.from_numpy(self._sessions[key].run([OUTPUT], feeds)[0]).to(device)

    def _session(self, tensors: tuple[Tensor, ...]) -> Any:
        cuda = tensors[0].device.type == "cuda"
        provider = self.provider or ("CUDAExecutionProvider" if cuda else "CPUExecutionProvider")
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the exporter about itself
            path = Path(folder) / "module.onnx"
            with torch.inference_mode(False), torch.no_grad():
                examples = {f"in{k}": tensor.detach().clone() for k, tensor in enumerate(tensors)}
                write_onnx(self.module, examples, {}, {}, path)
            return open_onnx(path, [provider], threads=1)
