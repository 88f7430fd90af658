"""Named network sizes.

``*_quick`` trains in minutes on two CPU cores, ``*_cpu`` in an hour or two; ``*_l64`` and ``*_l128`` are the sizes of the
efficient semantic diffusion paper, ``s`` is that of its view classifier. Bundles refer to a preset by name, so that a definition
stands in one place.
"""

from __future__ import annotations

from typing import Any

from monai_echosynth.networks.nets.efficientnet_v2 import EfficientNetV2
from monai_echosynth.networks.nets.gamma_autoencoder import GammaAutoencoder
from monai_echosynth.networks.nets.spade_unet import SPADEUNet

__all__ = ["gamma_autoencoder", "spade_unet", "view_classifier"]

_AUTOENCODERS: dict[str, dict[str, Any]] = {
    "quick": {"channels": (16, 32), "num_res_blocks": 1, "norm_num_groups": 8, "attention_levels": (False, False)},
    "cpu": {"channels": (24, 48), "num_res_blocks": 1, "norm_num_groups": 8, "attention_levels": (False, False)},
    "l64": {"channels": (64, 128, 192)},
    "l128": {"channels": (64, 128)},
}

_UNETS: dict[str, dict[str, Any]] = {
    "quick": {
        "patch": 2,
        "channels": (48, 96, 96),
        "num_res_blocks": 1,
        "attention_levels": (False, False, True),
        "norm_num_groups": 16,
        "num_head_channels": 32,
        "spade_intermediate_channels": 32,
    },
    "cpu": {
        "patch": 2,
        "channels": (64, 128, 128),
        "num_res_blocks": 1,
        "attention_levels": (False, False, True),
        "num_head_channels": 32,
        "spade_intermediate_channels": 48,
    },
    "l64": {
        "channels": (192, 384, 576, 768),
        "num_res_blocks": 3,
        "attention_levels": (False, True, True, True),
        "num_head_channels": 64,
    },
}
_UNETS["l128"] = _UNETS["l64"] | {"attention_levels": (False, False, True, True)}

_CLASSIFIERS: dict[str, dict[str, Any]] = {
    "quick": {"width": 0.25, "depth": 0.34, "stochastic_depth": 0.05},
    "cpu": {"width": 0.35, "depth": 0.34, "stochastic_depth": 0.1},
    "s": {},
}


def gamma_autoencoder(size: str = "cpu", **overrides: Any) -> GammaAutoencoder:
    """Gamma-VAE of a named size.

    Args:
        size: ``quick``, ``cpu``, ``l128`` (two-fold downsampling) or ``l64`` (four-fold).
        **overrides: arguments of :class:`~monai_echosynth.networks.nets.gamma_autoencoder.GammaAutoencoder`.
    """
    return GammaAutoencoder(**(_choose(_AUTOENCODERS, size) | overrides))


def spade_unet(size: str = "cpu", classes: int = 5, **overrides: Any) -> SPADEUNet:
    """SPADE diffusion U-Net of a named size, one latent channel in and out.

    Args:
        size: ``quick``, ``cpu``, ``l64`` or ``l128``.
        classes: semantic channels K of the mask.
        **overrides: arguments of :class:`~monai_echosynth.networks.nets.spade_unet.SPADEUNet`.
    """
    fixed = {"in_channels": 1, "out_channels": 1, "label_nc": classes, "use_flash_attention": True}
    return SPADEUNet(**(fixed | _choose(_UNETS, size) | overrides))


def view_classifier(size: str = "cpu", classes: int = 2, **overrides: Any) -> EfficientNetV2:
    """EfficientNetV2 of a named size for frames of one channel.

    Args:
        size: ``quick`` or ``cpu`` (0.6 and 1.0 million parameters) or ``s``, the published one (20 million).
        classes: number of views.
        **overrides: arguments of :class:`~monai_echosynth.networks.nets.efficientnet_v2.EfficientNetV2`.
    """
    return EfficientNetV2(**({"classes": classes} | _choose(_CLASSIFIERS, size) | overrides))


def _choose(table: dict[str, dict[str, Any]], size: str) -> dict[str, Any]:
    if size not in table:
        raise ValueError(f"unknown network size {size!r}: choose one of {', '.join(table)}")
    return table[size]
