"""The segmentation network: MONAI's DynUNet in the shape that nnU-Net's rules plan for a frame size."""

from __future__ import annotations

from collections.abc import Sequence

from monai.networks.nets import DynUNet

from monai_echosynth.networks.nets.plan import SegmentationPlan, plan_segmentation

__all__ = ["build_segmenter", "segmenter"]


def segmenter(
    spatial_size: Sequence[int] | int = 128,
    base_features: int = 24,
    out_channels: int = 4,
    in_channels: int = 1,
    deep_supervision: bool = True,
) -> DynUNet:
    """Network planned for prepared frames of one size, for use as ``_target_`` in a config.

    Args:
        spatial_size: size of the frames along x and y.
        base_features: channels at full resolution.
        out_channels: classes, background included.
        in_channels: channels of the image.
        deep_supervision: return the stacked outputs of the last levels in training.
    """
    shape = (spatial_size, spatial_size) if isinstance(spatial_size, int) else tuple(spatial_size)
    plan = plan_segmentation(shape, base_features=base_features)
    return build_segmenter(plan, out_channels, in_channels, deep_supervision)


def build_segmenter(
    plan: SegmentationPlan, out_channels: int = 4, in_channels: int = 1, deep_supervision: bool = True
) -> DynUNet:
    """Network of a plan: plain convolution blocks with instance norm and leaky ReLU, transposed convolutions upwards.

    ``forward(image)``: (B, C, X, Y) to logits (B, K, X, Y); with deep supervision in training (B, 1 + heads, K, X, Y).
    """
    return DynUNet(
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
