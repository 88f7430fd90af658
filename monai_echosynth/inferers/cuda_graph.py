"""A network call recorded once as a CUDA graph and replayed in every step of a solver: no launch costs between its kernels.

References:
    CUDA graphs in PyTorch, https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from monai_echosynth.errors import EchoSynthError

__all__ = ["CudaGraph"]

_WARM_UP = 3


@dataclass(eq=False)
class _Recording:
    """A graph with the tensors that it reads and writes."""

    graph: torch.cuda.CUDAGraph
    x: Tensor
    times: Tensor
    maps: tuple[Tensor, ...]
    filled_from: tuple[Tensor, ...]
    output: Tensor


class CudaGraph:
    """Replays ``core(x, times, maps)``; one graph for each shape of the arguments.

    Maps are copied into the graph's memory only when they are others than in the call before.

    Args:
        core: function of tensors alone.
    """

    def __init__(self, core: Callable[[Tensor, Tensor, tuple[Tensor, ...]], Tensor]) -> None:
        self.core = core
        self._recordings: dict[tuple[torch.Size, ...], _Recording] = {}

    def __call__(self, x: Tensor, times: Tensor, maps: tuple[Tensor, ...]) -> Tensor:
        """The core's output, a tensor of its own.

        Raises:
            EchoSynthError: the tensors are not on a CUDA device.
        """
        if x.device.type != "cuda":
            raise EchoSynthError(f"CUDA graphs need a CUDA device, got tensors on {x.device}: leave cuda_graph out")
        key = (x.shape, times.shape, *(part.shape for part in maps))
        recording = self._recordings.get(key)
        if recording is None:
            recording = self._recordings[key] = self._record(x, times, maps)
        recording.x.copy_(x)
        recording.times.copy_(times)
        if maps is not recording.filled_from:
            for kept, part in zip(recording.maps, maps, strict=True):
                kept.copy_(part)
            recording.filled_from = maps
        recording.graph.replay()
        return recording.output.clone()

    def _record(self, x: Tensor, times: Tensor, maps: tuple[Tensor, ...]) -> _Recording:
        own = (x.clone(), times.clone(), tuple(part.clone() for part in maps))
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(_WARM_UP):
                self.core(*own)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            output = self.core(*own)
        return _Recording(graph, *own, maps, output)
