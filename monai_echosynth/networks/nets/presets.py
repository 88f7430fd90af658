"""Named network sizes.

``quick`` trains in minutes on two CPU cores, ``cpu`` in an hour or two, on latents of half the frame's side; ``*_l64`` are the
same for a quarter and ``*_pixel`` for the frame itself, at about the same cost: patches bring all of them to one grid.

``l64``, ``l128``, ``edm`` and ``ncsn`` (for VE and VP) are the sizes of the efficient semantic diffusion paper, ``s`` is that of
its view classifier. Its U-Nets have 281.7 million parameters without SPADE and 77.7 in SPADE (EDM), 295 and 86.6 (EDM-L64), 55
and 32 (VE, VP). MONAI's blocks lack what some of them are in: the noise level gives a shift but no scale, and SPADE is in the
residual blocks of the decoder but not in its attention and upsampling. Instead a level and SPADE's hidden layer are a little
wider, where parameters cost least time, so that both counts agree within 2 %.

Bundles refer to a preset by name, so that a definition stands in one place.
"""

from __future__ import annotations

from typing import Any

from monai_echosynth.networks.nets.efficientnet_v2 import EfficientNetV2
from monai_echosynth.networks.nets.gamma_autoencoder import GammaAutoencoder
from monai_echosynth.networks.nets.mask_discriminator import MaskDiscriminator
from monai_echosynth.networks.nets.spade_generator import SpadeGenerator
from monai_echosynth.networks.nets.spade_unet import SPADEUNet

__all__ = ["gamma_autoencoder", "mask_discriminator", "spade_generator", "spade_unet", "view_classifier"]

_AUTOENCODERS: dict[str, dict[str, Any]] = {
    "quick": {"channels": (16, 32), "num_res_blocks": 1, "norm_num_groups": 8, "attention_levels": (False, False)},
    "cpu": {"channels": (24, 48), "num_res_blocks": 1, "norm_num_groups": 8, "attention_levels": (False, False)},
    "l64": {"channels": (64, 128, 192)},
    "l128": {"channels": (64, 128)},
}
_AUTOENCODERS |= {
    "quick_l64": _AUTOENCODERS["quick"] | {"channels": (16, 32, 32), "attention_levels": (False,) * 3},
    "cpu_l64": _AUTOENCODERS["cpu"] | {"channels": (24, 48, 48), "attention_levels": (False,) * 3},
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
        "channels": (192, 384, 576, 800),
        "num_res_blocks": 3,
        "attention_levels": (False, True, True, True),
        "num_head_channels": (64, 64, 64, 80),
        "resblock_updown": True,
        "spade_intermediate_channels": 204,
    },
    "ncsn": {
        "channels": (224, 256, 256),
        "num_res_blocks": 4,
        "attention_levels": (False, False, False),
        "num_head_channels": 64,
        "resblock_updown": True,
        "spade_intermediate_channels": 160,
    },
}
_UNETS |= {
    "l128": _UNETS["l64"] | {"attention_levels": (False, False, True, True)},
    "edm": _UNETS["l64"] | {"attention_levels": (False, False, False, True), "spade_intermediate_channels": 184},
}
_UNETS |= {f"{name}_l64": _UNETS[name] | {"patch": 1} for name in ("quick", "cpu")}
_UNETS |= {f"{name}_pixel": _UNETS[name] | {"patch": 4, "input_gate": True} for name in ("quick", "cpu")}

_CLASSIFIERS: dict[str, dict[str, Any]] = {
    "quick": {"width": 0.25, "depth": 0.34, "stochastic_depth": 0.05},
    "cpu": {"width": 0.35, "depth": 0.34, "stochastic_depth": 0.1},
    "s": {},
}

_GENERATORS: dict[str, dict[str, Any]] = {
    "quick": {"channels": (16, 32, 48, 64, 64), "style": 32, "features": 16, "hidden": 16},
    "cpu": {"channels": (24, 48, 64, 96, 96), "style": 64, "features": 16, "hidden": 24},
    "spade": {"channels": (64, 128, 256, 512, 1024, 1024), "style": 256, "features": 64, "hidden": 128},
}

_DISCRIMINATORS: dict[str, dict[str, Any]] = {
    "quick": {"channels": 16, "num_layers_d": 2},
    "cpu": {"channels": 24, "num_layers_d": 2},
    "spade": {"channels": 64, "num_layers_d": 2},
}


def gamma_autoencoder(size: str = "cpu", **overrides: Any) -> GammaAutoencoder:
    """Gamma-VAE of a named size.

    Args:
        size: ``quick``, ``cpu``, ``l128`` (two-fold downsampling), ``quick_l64``, ``cpu_l64`` or ``l64`` (four-fold).
        **overrides: arguments of :class:`~monai_echosynth.networks.nets.gamma_autoencoder.GammaAutoencoder`.
    """
    return GammaAutoencoder(**(_choose(_AUTOENCODERS, size) | overrides))


def spade_unet(size: str = "cpu", classes: int = 5, **overrides: Any) -> SPADEUNet:
    """SPADE diffusion U-Net of a named size, one channel of latents or gray levels in and out.

    Args:
        size: ``quick``, ``cpu``, with ``_l64`` or ``_pixel`` added or not, ``l64``, ``l128``, ``edm`` or ``ncsn``.
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


def spade_generator(size: str = "cpu", spatial_size: int = 128, **overrides: Any) -> SpadeGenerator:
    """Generator of a SPADE-GAN of a named size.

    Args:
        size: ``quick``, ``cpu`` or ``spade``, about that of the SPADE paper (for 256 x 256).
        spatial_size: side of the frames.
        **overrides: arguments of :class:`~monai_echosynth.networks.nets.spade_generator.SpadeGenerator`.
    """
    return SpadeGenerator(**({"spatial_size": spatial_size} | _choose(_GENERATORS, size) | overrides))


def mask_discriminator(
    size: str = "cpu", spatial_size: int = 128, scales: int = 2, **overrides: Any
) -> MaskDiscriminator:
    """Discriminator of a SPADE-GAN of a named size.

    Args:
        size: as in :func:`spade_generator`.
        spatial_size: side of the frames.
        scales: number of patch discriminators; each has a field of view four times as wide as the one before.
        **overrides: arguments of :class:`~monai_echosynth.networks.nets.mask_discriminator.MaskDiscriminator`.
    """
    shape = {"num_d": scales, "minimum_size_im": spatial_size}
    return MaskDiscriminator(**(shape | _choose(_DISCRIMINATORS, size) | overrides))


def _choose(table: dict[str, dict[str, Any]], size: str) -> dict[str, Any]:
    if size not in table:
        raise ValueError(f"unknown network size {size!r}: choose one of {', '.join(table)}")
    return table[size]
