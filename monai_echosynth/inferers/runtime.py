"""How a trained generator is run on a machine: as it is, or in faster forms that compute the same within rounding.

A runtime is a set of parts, written ``fused+channels_last+compiled``; ``plain`` is the empty set: the networks as they were
trained, and the reference for all others. Every part but ``batched`` and ``int8_decoder`` stands on the fused form of the network
(:mod:`~monai_echosynth.networks.nets.sampling_unet`).
"""

from __future__ import annotations

import copy
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

import torch
from monai.networks.nets.autoencoderkl import AEKLResBlock
from torch import Tensor, nn

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.inferers.cuda_graph import CudaGraph
from monai_echosynth.inferers.latent_image import LatentImage
from monai_echosynth.networks.blocks.int8_convolutions import int8_convolutions
from monai_echosynth.networks.blocks.merged_upsampling import merge_upsampling
from monai_echosynth.networks.blocks.packed_convolution import PackedConvolution, pack_convolutions
from monai_echosynth.networks.blocks.sampling_blocks import SamplingDecoderBlock
from monai_echosynth.networks.blocks.winograd_convolution import TRANSFORMED_WEIGHTS, WinogradConvolution
from monai_echosynth.networks.nets.gamma_autoencoder import GammaAutoencoder
from monai_echosynth.networks.nets.pixel_space import PixelSpace
from monai_echosynth.networks.nets.sampling_unet import SamplingUNet
from monai_echosynth.networks.nets.spade_unet import SPADEUNet

__all__ = ["Exporter", "Runtime", "RuntimePart"]

Exporter = Callable[[nn.Module], nn.Module]
"""Turns a module of tensors alone into one that another program computes."""


class RuntimePart(StrEnum):
    """What a runtime is made of."""

    FUSED = "fused"
    """Nothing twice: modulation of all layers at once, time embeddings of the whole grid, fewer passes over memory."""
    CHANNELS_LAST = "channels_last"
    """Maps pixel by pixel."""
    PACKED = "packed"
    """Weights of convolutions as oneDNN reads them; CPU."""
    WINOGRAD = "winograd"
    """Convolutions of 3 x 3 with a quarter of the multiplications where that is faster, the others as ``packed``; CPU."""
    BFLOAT16 = "bfloat16"
    """Network and decoder in bfloat16."""
    FLOAT16 = "float16"
    """Network and decoder in float16; CUDA."""
    COMPILED = "compiled"
    """By ``torch.compile``; needs a C++ compiler on a CPU."""
    CUDA_GRAPH = "cuda_graph"
    """Each network call of the solver's loop replayed as one graph; CUDA."""
    ONNXRUNTIME = "onnxruntime"
    """By ONNX Runtime."""
    INT8_DECODER = "int8_decoder"
    """Convolutions of the decoder in 8 bits, activations quantized on the fly; CPU."""
    BATCHED = "batched"
    """Images of a batch together on a CPU too, where they are one by one otherwise."""


_LAID_OUT = {RuntimePart.PACKED: PackedConvolution, RuntimePart.WINOGRAD: WinogradConvolution}

_ENGINES = (RuntimePart.COMPILED, RuntimePart.CUDA_GRAPH, RuntimePart.ONNXRUNTIME, *_LAID_OUT)
"""Each computes the core in its own way."""

_HALVES = {RuntimePart.BFLOAT16: torch.bfloat16, RuntimePart.FLOAT16: torch.float16}


@dataclass(frozen=True, eq=False)
class Runtime:
    """A form to run a generator in.

    Attributes:
        parts: what it is made of; nothing for the plain form.
        exporter: hands a module to another program, for ``onnxruntime``.
    """

    parts: frozenset[RuntimePart] = frozenset()
    exporter: Exporter | None = None

    @classmethod
    def named(cls, name: str, exporter: Exporter | None = None) -> Runtime:
        """The runtime of a name such as ``plain`` or ``fused+compiled``.

        Raises:
            EchoSynthError: a part is unknown, or parts exclude each other.
        """
        words = [] if name == "plain" else name.split("+")
        unknown = [word for word in words if word not in list(RuntimePart)]
        if unknown:
            known = ", ".join(RuntimePart)
            raise EchoSynthError(
                f"a runtime is plain or some of {known}, joined by +, got '{unknown[0]}': choose among them"
            )
        parts = frozenset(map(RuntimePart, words))
        for group in (_ENGINES, tuple(_HALVES)):
            both = [str(part) for part in group if part in parts]
            if len(both) > 1:
                raise EchoSynthError(
                    f"a runtime has at most one of {', '.join(group)}, got {'+'.join(both)}: leave one out"
                )
        single = parts & {RuntimePart.ONNXRUNTIME, RuntimePart.WINOGRAD}
        if single and parts & {*_HALVES, RuntimePart.INT8_DECODER}:
            raise EchoSynthError(
                f"{', '.join(single)} computes in float32 here, got {name}: leave the other precision out"
            )
        return cls(parts - {RuntimePart.FUSED} | _implied(parts), exporter)

    @property
    def name(self) -> str:
        """Its parts in order, ``plain`` without any."""
        return "+".join(part for part in RuntimePart if part in self.parts) or "plain"

    @property
    def batched(self) -> bool:
        """Whether images of a batch are computed together."""
        return RuntimePart.BATCHED in self.parts

    @property
    def precision(self) -> torch.dtype:
        """Type of the networks' activations."""
        return next((_HALVES[part] for part in self.parts if part in _HALVES), torch.float32)

    @property
    def weight_copies(self) -> int:
        """How often the trained weights lie in memory at most, those handed in included."""
        if RuntimePart.WINOGRAD in self.parts:
            return 1 + TRANSFORMED_WEIGHTS
        return 2 if self.parts - {RuntimePart.BATCHED} else 1

    def without(self, *parts: RuntimePart) -> Runtime:
        """The runtime without some of its parts."""
        return replace(self, parts=self.parts - set(parts))

    def missing(self, device: torch.device | str) -> tuple[RuntimePart, str] | None:
        """The first part that cannot be had on ``device``, and why."""
        cuda = torch.device(device).type == "cuda"
        for part in (RuntimePart.CUDA_GRAPH, RuntimePart.FLOAT16):
            if part in self.parts and not cuda:
                return part, "it needs a CUDA device"
        for part in (*_LAID_OUT, RuntimePart.INT8_DECODER):
            if part in self.parts and cuda:
                return part, "it is for CPUs"
        if RuntimePart.COMPILED in self.parts and not cuda and not _compiler():
            return RuntimePart.COMPILED, "it needs a C++ compiler"
        return None

    def prepare(self, network: nn.Module, image: LatentImage) -> tuple[nn.Module, LatentImage]:
        """Network and pass in this form; those handed in stay as they are.

        Raises:
            EchoSynthError: this form cannot be had for the network or on its device.
        """
        if not self.parts - {RuntimePart.BATCHED}:
            return network, image
        missing = self.missing(next(network.parameters()).device)
        if missing:
            raise EchoSynthError(f"{missing[0]} cannot be had here, {missing[1]}: leave it out of {self.name}")
        if RuntimePart.FUSED in self.parts:
            network = self._network(network, image)
        return network, replace(image, autoencoder=self._autoencoder(image.autoencoder))

    def _network(self, network: nn.Module, image: LatentImage) -> nn.Module:
        if not isinstance(network, SPADEUNet):
            raise EchoSynthError(f"the fused form is for a SPADEUNet, got {type(network).__name__}: use plain")
        try:
            unet = SamplingUNet(network, self.precision, RuntimePart.CHANNELS_LAST in self.parts)
        except TypeError as error:
            raise EchoSynthError(f"the fused form does not know this network ({error}): use plain") from error
        device = next(network.parameters()).device
        levels = torch.tensor(list(image.sigmas[:-1]), dtype=torch.float64)
        with torch.inference_mode():
            unet.prefetch(image.preconditioning.coefficients(levels).noise.float().to(device))
        if self._convolution:
            unet.pack(self._convolution)
        elif RuntimePart.COMPILED in self.parts:
            unet.run = torch.compile(unet.core, dynamic=False)
        elif RuntimePart.CUDA_GRAPH in self.parts:
            unet.run = CudaGraph(unet.core)
        elif RuntimePart.ONNXRUNTIME in self.parts:
            exported = self._exported(_Core(unet))
            unet.run = lambda x, times, maps: exported(x, times, *maps)
        return unet

    def _autoencoder(self, trained: GammaAutoencoder | PixelSpace) -> GammaAutoencoder | PixelSpace:
        """The autoencoder with another decoder; the pixel space, which has none, as it is."""
        if not isinstance(trained, GammaAutoencoder):
            return trained
        own = copy.deepcopy(trained).requires_grad_(False).eval()
        if RuntimePart.INT8_DECODER in self.parts:
            int8_convolutions(own.decoder)
        if RuntimePart.FUSED in self.parts:
            merge_upsampling(own.decoder)
            for name, block in list(own.decoder.blocks.named_children()):
                if isinstance(block, AEKLResBlock):
                    setattr(own.decoder.blocks, name, SamplingDecoderBlock(block))
        if RuntimePart.CHANNELS_LAST in self.parts:
            own.decoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if self._convolution:
            own.decoder.to(self.precision if RuntimePart.INT8_DECODER not in self.parts else torch.float32)
            pack_convolutions(own.decoder, self._convolution)
        if self.precision is not torch.float32 and RuntimePart.INT8_DECODER not in self.parts:
            own.decoder = _Lowered(own.decoder.to(self.precision), self.precision)
        if RuntimePart.COMPILED in self.parts and RuntimePart.INT8_DECODER not in self.parts:
            own.decoder = torch.compile(own.decoder, dynamic=False)
        elif RuntimePart.ONNXRUNTIME in self.parts:
            own.decoder = self._exported(own.decoder)
        return own

    @property
    def _convolution(self) -> type[PackedConvolution] | None:
        """What convolutions are replaced by."""
        return next((kind for part, kind in _LAID_OUT.items() if part in self.parts), None)

    def _exported(self, module: nn.Module) -> nn.Module:
        if self.exporter is None:
            raise EchoSynthError("onnxruntime needs an exporter, got none: use the command's --runtime onnxruntime")
        return self.exporter(module.eval())


class _Core(nn.Module):
    """The core of a network as a module of tensors alone."""

    def __init__(self, unet: SamplingUNet) -> None:
        super().__init__()
        self.unet = unet

    def forward(self, x: Tensor, times: Tensor, *maps: Tensor) -> Tensor:
        return self.unet.core(x, times, maps)


class _Lowered(nn.Module):
    """A module in a shorter type, float32 outside."""

    def __init__(self, module: nn.Module, precision: torch.dtype) -> None:
        super().__init__()
        self.module, self.precision = module, precision

    def forward(self, x: Tensor) -> Tensor:
        lowered: Tensor = self.module(x.to(self.precision))
        return lowered.float()


def _implied(parts: frozenset[RuntimePart]) -> frozenset[RuntimePart]:
    """The fused form where a part stands on it."""
    free = {RuntimePart.BATCHED, RuntimePart.INT8_DECODER}
    return frozenset({RuntimePart.FUSED}) if parts - free else frozenset()


def _compiler() -> str | None:
    """The C++ compiler that ``torch.compile`` would call."""
    names = [os.environ["CXX"]] if os.environ.get("CXX") else ["g++", "clang++", "c++", "cl"]
    return next((found for found in map(shutil.which, names) if found), None)
