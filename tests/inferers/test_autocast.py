"""The precision is what was asked for, and what comes out is float32."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor, nn

from monai_echosynth.inferers.autocast import AutocastInferer, Precision
from monai_echosynth.inferers.fast_bfloat16 import fast_bfloat16


class _Probe(nn.Module):
    """Records the type that a matrix product comes out in."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.seen: list[torch.dtype] = []

    def forward(self, x: Tensor, offset: Tensor) -> Mapping[str, Tensor]:
        out = self.linear(x)
        self.seen.append(out.dtype)
        return {"out": out + offset.to(out.dtype), "count": torch.tensor([1])}


@pytest.mark.parametrize(("precision", "inside"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)])
def test_precision_is_obeyed_and_results_are_float32(precision: str, inside: torch.dtype) -> None:
    probe = _Probe()
    out = AutocastInferer(precision)(torch.randn(2, 4), probe, offset=torch.ones(1))
    assert probe.seen == [inside]
    assert out["out"].dtype is torch.float32
    assert out["count"].dtype is torch.int64


def test_auto_follows_the_device() -> None:
    probe = _Probe()
    AutocastInferer()(torch.randn(2, 4), probe, offset=torch.ones(1))
    assert (probe.seen == [torch.bfloat16]) is fast_bfloat16("cpu")


def test_weights_stay_float32() -> None:
    probe = _Probe()
    AutocastInferer(Precision.BFLOAT16)(torch.randn(2, 4), probe, offset=torch.ones(1))["out"].sum().backward()
    assert probe.linear.weight.dtype is torch.float32
    assert probe.linear.weight.grad is not None
    assert probe.linear.weight.grad.dtype is torch.float32


def test_unknown_precision_is_refused() -> None:
    with pytest.raises(ValueError, match="half"):
        AutocastInferer("half")
