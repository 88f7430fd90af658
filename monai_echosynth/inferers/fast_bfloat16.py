"""Whether bfloat16 is the faster arithmetic on a device.

A GPU's own word is enough. A CPU's is not: processors that list AVX512-BF16 but have no matrix units (AMX) train in bfloat16 at
twice the speed of float32 or at half of it, depending on the kernels that there are for them. So one convolution, forward and
backward, is timed in both, once a process. On the two such processors that were seen it takes 0.5 and 1.3 times as long.
"""

from __future__ import annotations

import time
from functools import cache

import torch
from torch.nn import functional

__all__ = ["fast_bfloat16"]

_GAIN = 0.8
"""bfloat16 must take less than this share of the time of float32."""
_TURNS = 6


def fast_bfloat16(device: torch.device | str) -> bool:
    """Whether networks of convolutions run faster in bfloat16 than in float32 on ``device``.

    On a CPU with AVX512-BF16 and without AMX this takes some 0.2 s of work the first time.
    """
    kind = torch.device(device).type
    if kind == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return kind == "cpu" and (_has("_is_amx_tile_supported") or (_has("_is_avx512_bf16_supported") and _measured()))


def _has(probe: str) -> bool:
    return bool(getattr(torch.cpu, probe, bool)())


@cache
def _measured() -> bool:
    """Compares the best of a few turns; draws no random numbers."""
    seconds: dict[torch.dtype, float] = {}
    for _ in range(1 + _TURNS):  # the first turn chooses kernels
        for dtype in (torch.float32, torch.bfloat16):
            seconds[dtype] = min(_convolution(dtype), seconds.get(dtype, float("inf")))
    return seconds[torch.bfloat16] < _GAIN * seconds[torch.float32]


def _convolution(dtype: torch.dtype) -> float:
    """Seconds of the processor, which other programs hardly lengthen, for one convolution, forward and backward."""
    with torch.inference_mode(False), torch.enable_grad():
        image = torch.full((4, 48, 64, 64), 0.5, dtype=dtype, requires_grad=True)
        weight = torch.full((48, 48, 3, 3), 0.01, dtype=dtype, requires_grad=True)
        started = time.process_time()
        torch.autograd.grad(functional.conv2d(image, weight, padding=1).sum(), (image, weight))
        return time.process_time() - started
