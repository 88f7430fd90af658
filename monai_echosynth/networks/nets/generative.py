"""The networks of monai-generative 0.2.3, built from their own arguments so that they compute what they computed there.

monai-generative was merged into MONAI with changes that matter to its weights:

- its SPADE normalizes scale and shift, and samples the mask at the nearest pixel; the normalization inside SPADE has parameters
  of its own in the diffusion U-Net. MONAI does the same, this project's :class:`SPADEUNet` by option;
- the normalization inside SPADE has an epsilon of 1e-5 in its SPADE autoencoder, and ``norm_eps`` (1e-6) in MONAI's;
- transposed convolutions of its autoencoder are three pixels wide, in MONAI's two;
- ``num_channels`` is called ``channels`` in MONAI.

Names of parameters differ too; :mod:`monai_echosynth.networks.generative_weights` carries the weights over.

References:
    W. H. L. Pinaya et al., "Generative AI for Medical Imaging: extending the MONAI Framework", 2023,
    https://arxiv.org/abs/2307.15208
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from monai.networks.blocks import Upsample
from monai.networks.blocks.spade_norm import SPADE as MonaiSPADE
from monai.networks.nets import AutoencoderKL, DiffusionModelUNet, SPADEAutoencoderKL, SPADEDiffusionModelUNet
from torch import nn

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.blocks.spade import SPADEVariant
from monai_echosynth.networks.nets.spade_unet import SPADEUNet

__all__ = ["GenerativeNetwork", "generative_network"]

_RENAMED = {"num_channels": "channels", "use_checkpointing": "use_checkpoint"}
_SPADE_EPS = 1e-5


class GenerativeNetwork(StrEnum):
    """Networks of monai-generative that have a counterpart here."""

    UNET = "unet"
    SPADE_UNET = "spade_unet"
    AUTOENCODER = "autoencoder"
    SPADE_AUTOENCODER = "spade_autoencoder"


def generative_network(kind: GenerativeNetwork | str, **arguments: Any) -> nn.Module:
    """The counterpart of a network of monai-generative, with fresh weights.

    Args:
        kind: ``unet`` (its ``DiffusionModelUNet``), ``spade_unet`` (``SPADEDiffusionModelUNet``), ``autoencoder``
            (``AutoencoderKL``) or ``spade_autoencoder`` (``SPADEAutoencoderKL``).
        **arguments: what the network was built with there.

    Returns:
        MONAI's network of that name; for ``spade_unet`` in two dimensions a
        :class:`~monai_echosynth.networks.nets.spade_unet.SPADEUNet`, which computes the same and takes a
        :class:`~monai_echosynth.networks.blocks.SpadeCache` for its mask.

    Raises:
        EchoSynthError: there is no network of that name, or it does not take the arguments.
    """
    names = [option.value for option in GenerativeNetwork]
    if kind not in names:
        raise EchoSynthError(
            f"a network of monai-generative must be one of {', '.join(names)}, got {kind!r}: choose one"
        )
    renamed = {_RENAMED.get(name, name): value for name, value in arguments.items()}
    try:
        return _BUILDERS[GenerativeNetwork(kind)](**renamed)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise EchoSynthError(
            f"{kind} needs the arguments of its class in monai-generative, got {sorted(arguments)} ({error}): "
            "give those with which the network was trained"
        ) from error


def _spade_unet(**arguments: Any) -> nn.Module:
    if arguments.get("spatial_dims") != 2:
        return SPADEDiffusionModelUNet(**arguments)
    plane = {name: value for name, value in arguments.items() if name != "spatial_dims"}
    return SPADEUNet(**plane, spade_norm_affine=True, spade_variant=SPADEVariant.MONAI)


def _autoencoder(**arguments: Any) -> nn.Module:
    network = AutoencoderKL(**arguments)
    if arguments.get("use_convtranspose"):
        blocks = network.decoder.blocks
        for i, block in enumerate(blocks):
            if isinstance(block, Upsample):
                channels = block.deconv.in_channels
                blocks[i] = Upsample(arguments["spatial_dims"], channels, channels, mode="deconv", kernel_size=3)
    return network


def _spade_autoencoder(**arguments: Any) -> nn.Module:
    network = SPADEAutoencoderKL(**arguments)
    for layer in network.modules():
        if isinstance(layer, MonaiSPADE):
            layer.param_free_norm.eps = _SPADE_EPS
    return network


_BUILDERS: dict[GenerativeNetwork, Callable[..., nn.Module]] = {
    GenerativeNetwork.UNET: DiffusionModelUNet,
    GenerativeNetwork.SPADE_UNET: _spade_unet,
    GenerativeNetwork.AUTOENCODER: _autoencoder,
    GenerativeNetwork.SPADE_AUTOENCODER: _spade_autoencoder,
}
