"""The denoising network laid out for sampling: nothing that does not change from call to call is computed again.

A sampler calls the network N times with one mask at N noise levels that are known before, often for several images of one mask.
:class:`SamplingUNet` therefore splits the network in three:

- :meth:`~SamplingUNet.modulation`: scale and shift maps of all SPADE layers, a function of the mask: once a mask, the first
  convolutions of all layers of one resolution as one;
- :meth:`~SamplingUNet.prefetch`: the time embedding through to the bias it becomes in each block, for all noise levels at once;
- what is left, :meth:`~SamplingUNet.core`, a function of tensors alone that can be compiled, captured or exported.

Upsampling and the convolution after it are one layer (:mod:`~monai_echosynth.networks.blocks.merged_upsampling`).

It is called like the network it was made of, and computes the same up to rounding.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from monai.networks.blocks import SpatialAttentionBlock
from monai.networks.nets.diffusion_model_unet import DiffusionUNetResnetBlock, get_timestep_embedding
from monai.networks.nets.spade_diffusion_model_unet import SPADEDiffResBlock
from torch import Tensor, nn

from monai_echosynth.data.area_pool import area_pool
from monai_echosynth.networks.blocks.input_gate import InputGate
from monai_echosynth.networks.blocks.merged_upsampling import merge_upsampling
from monai_echosynth.networks.blocks.packed_convolution import PackedConvolution, pack_convolutions
from monai_echosynth.networks.blocks.sampling_blocks import Maps, SamplingAttention, SamplingResBlock, plain_convolution
from monai_echosynth.networks.blocks.spade import SPADE, SPADEVariant
from monai_echosynth.networks.blocks.spade_cache import SpadeCache
from monai_echosynth.networks.nets.spade_unet import SPADEUNet

__all__ = ["SamplingUNet"]

Core = Callable[[Tensor, Tensor, Maps], Tensor]


class SamplingUNet(nn.Module):
    """A copy of a trained network, for inference.

    Args:
        network: network in two dimensions without cross-attention; it stays as it is.
        precision: type of the copy's weights and activations; time embeddings stay in float32.
        channels_last: lay maps out pixel by pixel instead of channel by channel.

    Attributes:
        run: what computes :meth:`core`; a compiled or captured form of it may be put here.

    Raises:
        TypeError: the network holds layers that this form does not know.
    """

    def __init__(self, network: SPADEUNet, precision: torch.dtype = torch.float32, channels_last: bool = False) -> None:
        super().__init__()
        if not isinstance(network, SPADEUNet) or network.with_conditioning:
            raise TypeError(f"a SPADEUNet without cross-attention is needed, got {type(network).__name__}")
        own = copy.deepcopy(network).requires_grad_(False).eval()
        merge_upsampling(own)
        self.patch, self.width, self.precision = own.patch, own.block_out_channels[0], precision
        self.layout = torch.channels_last if channels_last else torch.contiguous_format
        self.modulations = _modulations(own)
        self.time_embed = own.time_embed
        self.class_embedding = own.class_embedding if own.num_class_embeds is not None else None
        self.time_all, self.input_gate = _rearrange(own), own.input_gate
        self.conv_in, self.down_blocks, self.middle_block = own.conv_in, own.down_blocks, own.middle_block
        self.up_blocks, self.out = own.up_blocks, own.out
        for part in (self.modulations, self.conv_in, self.down_blocks, self.middle_block, self.up_blocks, self.out):
            part.to(dtype=precision, memory_format=self.layout)  # type: ignore[call-overload]
        self._rows: dict[float, Tensor] = {}
        self.run: Core = self.core

    def pack(self, kind: type[PackedConvolution] = PackedConvolution) -> None:
        """Lays the weights out for a CPU; neither compiled nor exported after that."""
        for part in (self.modulations, self.conv_in, self.down_blocks, self.middle_block, self.up_blocks, self.out):
            pack_convolutions(part, kind)

    def forward(
        self, x: Tensor, timesteps: Tensor, seg: Tensor | SpadeCache, class_labels: Tensor | None = None
    ) -> Tensor:
        """Network output F, the shape and type of ``x``; arguments as those of the network."""
        cache = seg if isinstance(seg, SpadeCache) else SpadeCache(seg)
        maps = cache.maps(self, [side // self.patch for side in x.shape[2:]], self.modulation)
        return self.run(x, self.times(timesteps, class_labels), maps).to(x.dtype)

    def core(self, x: Tensor, times: Tensor, maps: Maps) -> Tensor:
        """The part that differs from call to call.

        Args:
            x: scaled noisy latents (B, C, H, W).
            times: time vectors (1, T) or (B, T).
            maps: SPADE's maps.
        """
        share = None if self.input_gate is None else times[:, -1:]
        h = F.pixel_unshuffle(x.to(self.precision), self.patch).contiguous(memory_format=self.layout)
        times = times.to(self.precision)
        h = self.conv_in(h)
        kept = [h]
        for block in self.down_blocks:
            h, states = block(hidden_states=h, temb=times)
            kept += states
        h = self.middle_block(hidden_states=h, temb=times)
        for block in self.up_blocks:
            count = len(block.resnets)
            kept, states = kept[:-count], kept[-count:]
            h = block(hidden_states=h, res_hidden_states_list=states, temb=times, seg=maps)
        made = F.pixel_shuffle(self.out(h), self.patch)
        return made if share is None else made + InputGate.passed(x, share)

    def modulation(self, seg: Tensor, size: Sequence[int]) -> Maps:
        """Scale and shift of all SPADE layers for a mask (B, K, X, Y) and latents of ``size`` (in patches)."""
        return tuple(
            tensor.contiguous(memory_format=self.layout)
            for part in self.modulations
            for tensor in part(seg.to(self.precision), size)
        )

    def prefetch(self, timesteps: Tensor) -> None:
        """Computes the time vectors of all ``timesteps`` (N,) in one product; calls at these levels look them up."""
        if self.class_embedding is None:
            rows = self._embed(timesteps, None)
            self._rows = dict(zip(timesteps.tolist(), rows.split(1), strict=True))

    def times(self, timesteps: Tensor, class_labels: Tensor | None = None) -> Tensor:
        """Time vectors (1, T) of levels (B,) that are known to be one, (B, T) of others."""
        if class_labels is None and timesteps.device.type == "cpu":
            levels = timesteps.tolist()
            if len(set(levels)) == 1:
                found = self._rows.get(levels[0])
                return self._embed(timesteps[:1], None) if found is None else found
        return self._embed(timesteps, class_labels)

    def _embed(self, timesteps: Tensor, class_labels: Tensor | None) -> Tensor:
        level = embedded = self.time_embed(get_timestep_embedding(timesteps, self.width))
        if self.class_embedding is not None:
            if class_labels is None:
                raise ValueError("class_labels should be provided when num_class_embeds > 0")
            embedded = embedded + self.class_embedding(class_labels)
        times = self.time_all(F.silu(embedded))
        return times if self.input_gate is None else torch.cat([times, self.input_gate(F.silu(level))], 1)


class _Modulation(nn.Module):
    """All SPADE layers of one resolution.

    Args:
        layers: in the order of the network.
        scale: ratio of the network's grid to theirs.
    """

    def __init__(self, layers: Sequence[SPADE], scale: int) -> None:
        super().__init__()
        self.scale, self.averaged = scale, layers[0].variant is SPADEVariant.PAPER
        self.first = _joined([layer.mlp_shared for layer in layers])
        self.activation = layers[0].mlp_shared.adn
        self.second = nn.ModuleList([part for layer in layers for part in _scale_and_shift(layer)])
        self.hidden = [plain_convolution(layer.mlp_gamma).in_channels for layer in layers]

    def forward(self, seg: Tensor, size: Sequence[int]) -> Maps:
        """Scale and shift of each layer, in turns."""
        size = [int(side) // self.scale for side in size]
        hidden = self.activation(self.first(area_pool(seg, size) if self.averaged else F.interpolate(seg, size)))
        parts = hidden.split(self.hidden, 1)
        return tuple(second(parts[number // 2]) for number, second in enumerate(self.second))


def _scale_and_shift(layer: SPADE) -> list[nn.Module]:
    """What makes ``1 + gamma`` and ``beta`` of a layer's hidden map, each a map of its own that nothing has to be added to."""
    found: list[nn.Module] = []
    for trained, start in ((layer.mlp_gamma, 1.0), (layer.mlp_beta, 0.0)):
        convolution = copy.deepcopy(plain_convolution(trained))
        if layer.variant is SPADEVariant.PAPER:
            convolution.bias = nn.Parameter(_bias(convolution) + start, requires_grad=False)
            found.append(convolution)
            continue
        instance = next((part for part in trained.modules() if isinstance(part, nn.InstanceNorm2d)), None)
        if instance is None or instance.affine or instance.track_running_stats:
            raise TypeError(f"an instance normalization without parameters is needed, got {trained}")
        found.append(nn.Sequential(convolution, _InstanceNorm(convolution.out_channels, instance.eps, start)))
    return found


class _InstanceNorm(nn.GroupNorm):
    """Instance normalization that keeps the layout of a map, and overwrites it.

    PyTorch's instance norm returns maps channel by channel. Its group norm takes, for maps pixel by pixel, the variance as a
    difference of squares, which is lost where the mean is large: here the mean is taken off before.

    Args:
        channels: channels of the map.
        eps: added to the variance.
        start: added to the result.
    """

    def __init__(self, channels: int, eps: float, start: float) -> None:
        super().__init__(channels, channels, eps)
        nn.init.constant_(self.bias, start)
        self.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        """Normalized activations for ``x`` (B, C, H, W)."""
        return super().forward(x.sub_(x.mean((2, 3), keepdim=True)))


def _modulations(network: SPADEUNet) -> nn.ModuleList:
    """SPADE layers by resolution, coarsest first: the order in which the decoder meets them."""
    coarsest = len(network.up_blocks) - 1
    levels = []
    for number, block in enumerate(network.up_blocks):
        layers = [norm for resnet in block.resnets for norm in (resnet.norm1, resnet.norm2)]
        levels.append(_Modulation(layers, 2 ** (coarsest - number)))
    return nn.ModuleList(levels)


def _joined(layers: Sequence[nn.Module]) -> nn.Conv2d:
    """Convolutions of one input as one, outputs side by side."""
    parts = [plain_convolution(layer) for layer in layers]
    outputs = sum(part.out_channels for part in parts)
    joint = nn.Conv2d(parts[0].in_channels, outputs, 3, padding=1)
    joint.weight = nn.Parameter(torch.cat([part.weight.detach() for part in parts]))
    joint.bias = nn.Parameter(torch.cat([_bias(part) for part in parts]))
    return joint.requires_grad_(False)


def _bias(part: nn.Conv2d) -> Tensor:
    return torch.zeros_like(part.weight[:, 0, 0, 0]) if part.bias is None else part.bias.detach()


def _rearrange(network: SPADEUNet) -> nn.Linear:
    """Puts sampling blocks into ``network``; returns the projections of the time embedding to all of them as one layer."""
    weights: list[Tensor] = []
    biases: list[Tensor] = []
    start = layer = 0
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, SpatialAttentionBlock):
                setattr(parent, name, SamplingAttention(child))
            if not isinstance(child, (DiffusionUNetResnetBlock, SPADEDiffResBlock)):
                continue
            spade = isinstance(child, SPADEDiffResBlock)
            setattr(parent, name, SamplingResBlock(child, start, layer if spade else None))
            start, layer = start + child.out_channels, layer + 2 * spade
            if type(child.time_emb_proj) is not nn.Linear:
                raise TypeError(f"a plain linear layer is needed, got {type(child.time_emb_proj).__name__}")
            weights.append(child.time_emb_proj.weight.detach())
            biases.append(child.time_emb_proj.bias.detach() + _bias(plain_convolution(child.conv1)))
    joint = nn.Linear(weights[0].shape[1], start)
    joint.weight.data, joint.bias.data = torch.cat(weights), torch.cat(biases)
    return joint.requires_grad_(False)
