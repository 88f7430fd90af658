"""The segmentation network: MONAI's DynUNet in the shape that nnU-Net's rules plan for a frame size.

DynUNet registers each layer twice, by its role (``downsamples.0``) and by its place in the recursion (``skip_layers``), and its
state dict names each tensor twice. Here the second names are left out when saving and filled in when loading, so that weights
are stored once and fit safetensors; state dicts with both names load as well.

Its heads of deep supervision write into a list that the layers share, which TorchScript cannot compile. For inference they are
taken out of the computation; their weights stay, so that those of a training fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from monai.networks.nets import DynUNet
from monai.networks.nets.dynunet import DynUNetSkipLayer
from torch import Tensor, nn

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.nets.plan import SegmentationPlan, plan_segmentation

__all__ = ["build_segmenter", "segmenter"]

_ALIASES = "skip_layers."


def segmenter(
    spatial_size: Sequence[int] | int = 128,
    base_features: int = 16,
    out_channels: int = 4,
    in_channels: int = 1,
    deep_supervision: bool = True,
    inference: bool = False,
) -> DynUNet:
    """Network planned for prepared frames of one size, for use as ``_target_`` in a config.

    Args:
        spatial_size: size of the frames along x and y.
        base_features: channels at full resolution.
        out_channels: classes, background included.
        in_channels: channels of the image.
        deep_supervision: return the stacked outputs of the last levels in training.
        inference: leave the heads of deep supervision out of the computation; what :func:`torch.jit.script` needs.

    Raises:
        EchoSynthError: the network cannot halve ``spatial_size`` as often as planned.
    """
    shape = (spatial_size, spatial_size) if isinstance(spatial_size, int) else tuple(spatial_size)
    plan = plan_segmentation(shape, base_features=base_features)
    if plan.patch_size != tuple(shape):
        raise EchoSynthError(f"spatial_size must halve evenly, got {tuple(shape)}: use {plan.patch_size}")
    network = build_segmenter(plan, out_channels, in_channels, deep_supervision)
    return _without_heads(network) if inference else network


def build_segmenter(
    plan: SegmentationPlan, out_channels: int = 4, in_channels: int = 1, deep_supervision: bool = True
) -> DynUNet:
    """Network of a plan: plain convolution blocks with instance norm and leaky ReLU, transposed convolutions upwards.

    ``forward(image)``: (B, C, X, Y) to logits (B, K, X, Y); with deep supervision in training (B, 1 + heads, K, X, Y).
    """
    network = DynUNet(
        spatial_dims=2,
        in_channels=in_channels,
        out_channels=out_channels,
        kernel_size=plan.kernels,
        strides=plan.strides,
        upsample_kernel_size=plan.strides[1:],
        filters=plan.features,
        deep_supervision=deep_supervision,
        deep_supr_num=plan.heads,
    )
    network.register_state_dict_post_hook(_drop_aliases)
    network.register_load_state_dict_pre_hook(_fill_in_aliases)
    return network


def _without_heads(network: DynUNet) -> DynUNet:
    """Cuts the heads off the layers; the network keeps them, and their weights, beside."""
    for layer in network.modules():
        if isinstance(layer, DynUNetSkipLayer):
            layer.heads = layer.super_head = None
    network.deep_supervision = False
    return network


def _drop_aliases(network: nn.Module, state: dict[str, Tensor], prefix: str, _: Any) -> None:
    for name in [name for name in state if name.startswith(f"{prefix}{_ALIASES}")]:
        del state[name]


def _fill_in_aliases(network: nn.Module, state: dict[str, Tensor], prefix: str, *_: Any) -> None:
    named = list(network.named_parameters(remove_duplicate=False))
    canonical = {id(parameter): name for name, parameter in named if not name.startswith(_ALIASES)}
    for alias, parameter in named:
        source = prefix + canonical[id(parameter)]
        if source in state:
            state.setdefault(prefix + alias, state[source])
