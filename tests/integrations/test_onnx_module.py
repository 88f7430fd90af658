"""A module computed by ONNX Runtime: any shape, any number of threads at once, the same numbers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor, nn

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.integrations.onnx_module import OnnxModule

pytest.importorskip("onnxruntime")


class _Sum(nn.Module):
    def forward(self, x: Tensor, *others: Tensor) -> Tensor:
        return x + 2 * others[0] * others[1]


def test_it_computes_what_the_module_does() -> None:
    module, plain = OnnxModule(_Sum()), _Sum()
    with torch.inference_mode():
        for size in (3, 4):
            tensors = [torch.randn(1, size) for _ in range(3)]
            torch.testing.assert_close(module(*tensors), plain(*tensors))
        with ThreadPoolExecutor(2) as pool:
            for found in pool.map(lambda _: module(*tensors), range(4)):
                torch.testing.assert_close(found, plain(*tensors))


def test_a_wrong_provider_is_named() -> None:
    with pytest.raises(EchoSynthError, match="ONNX Runtime must have TensorrtExecutionProvider, got one with"):
        OnnxModule(_Sum(), "TensorrtExecutionProvider")(*[torch.zeros(1, 2)] * 3)
