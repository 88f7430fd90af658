"""Counts what a computation needs at least: floating-point operations, and bytes between memory and processor.

Operations are those of products and convolutions (a multiply-add is two), as ``torch.utils.flop_counter`` counts them. Bytes
are counted twice: ``least`` reads every weight and input once and writes the output; ``moved`` is what goes in and out of every
single kernel, as it does where no kernel is fused with another and no cache helps.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode, register_flop_formula, sdpa_flop

__all__ = ["Count", "Rates", "count", "measured_rates"]


@dataclass(frozen=True)
class Count:
    """What one call needs.

    Attributes:
        flop: floating-point operations.
        least: bytes that must be moved.
        moved: bytes that kernels one by one move.
    """

    flop: float
    least: float
    moved: float

    def floor(self, rates: Rates) -> float:
        """Seconds that a machine of these rates needs at least."""
        return max(self.flop / rates.flop, self.least / rates.copy)


@dataclass(frozen=True)
class Rates:
    """What a machine does.

    Attributes:
        flop: operations per second of a large float32 matrix product.
        low: the same in bfloat16.
        copy: bytes per second of a large copy, reading and writing counted.
    """

    flop: float
    low: float
    copy: float


class _Bytes(TorchDispatchMode):
    """Adds up the sizes of what goes in and out of kernels; views move nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.moved = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if not func.is_view:
            self.moved += sum(t.numel() * t.element_size() for t in _tensors((args, kwargs, out)))
        return out


def count(run: Callable[[], object], given: object = ()) -> Count:
    """Counts one call.

    Args:
        run: the work, repeatable.
        given: weights and inputs of the work, in lists, tuples or dictionaries; with the output they are what must be moved.
    """
    flops, traffic = FlopCounterMode(display=False), _Bytes()
    with torch.no_grad(), flops:
        run()
    with torch.no_grad(), traffic:
        out = run()
    least = sum(t.numel() * t.element_size() for t in _tensors((given, out)))
    return Count(float(flops.get_total_flops()), float(least), float(traffic.moved))


def measured_rates(device: torch.device, side: int = 2048, megabytes: int = 256, rounds: int = 5) -> Rates:
    """Best of a few rounds each: the rates are a bound, not a typical value."""
    flops = []
    for kind in (torch.float32, torch.bfloat16):
        a, b = (torch.randn(side, side, device=device).to(kind) for _ in range(2))
        flops.append(2.0 * side**3 / _best(lambda a=a, b=b: a @ b, rounds, device))
    source = torch.zeros(megabytes * 1024 * 256, device=device)
    target = torch.empty_like(source)
    seconds = _best(lambda: target.copy_(source), rounds, device)
    return Rates(flops[0], flops[1], 2.0 * source.numel() * 4 / seconds)


def _best(run: Callable[[], object], rounds: int, device: torch.device) -> float:
    run()
    times = []
    for _ in range(rounds):
        _wait(device)
        start = time.perf_counter()
        run()
        _wait(device)
        times.append(time.perf_counter() - start)
    return min(times)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _tensors(value: object) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _tensors(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _tensors(part)


@register_flop_formula(torch.ops.aten._scaled_dot_product_flash_attention_for_cpu)
def _attention_on_cpu(query: Any, key: Any, value: Any, *args: Any, **kwargs: Any) -> int:
    """The fused attention of a CPU, which the counter of some versions of PyTorch leaves out; sizes come in."""
    return int(sdpa_flop(query, key, value))
