"""Which layers of the denoising network an adapter may change, by name of a group.

==================  ============================================================================================
group               layers
==================  ============================================================================================
``linear``          every linear layer that is no attention projection: time embedding, its projection into each
                    residual block, and the feed-forward part of transformer blocks where the network has them
``self_attention``  query, key, value and output projections of self-attention
``cross_attention`` the same of cross-attention (networks with a context only)
``convolution``     every convolution outside SPADE: residual blocks, skips, down- and upsampling, first and last layer
``spade``           the convolutions that turn the mask into scale and shift
==================  ============================================================================================

Each linear layer and each convolution belongs to exactly one group, so that counts add up over groups. The place of a layer
is read from the types of the modules around it, not from its name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum

from monai.networks.blocks.crossattention import CrossAttentionBlock
from monai.networks.blocks.selfattention import SABlock
from torch import nn

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.blocks.spade import SPADE

__all__ = ["LayerGroup", "group_layers", "lora_targets", "parse_groups", "unwrap"]


class LayerGroup(StrEnum):
    """A set of layers that is adapted together."""

    LINEAR = "linear"
    SELF_ATTENTION = "self_attention"
    CROSS_ATTENTION = "cross_attention"
    CONVOLUTION = "convolution"
    SPADE = "spade"


_PLACES: dict[type[nn.Module], LayerGroup] = {
    SABlock: LayerGroup.SELF_ATTENTION,
    CrossAttentionBlock: LayerGroup.CROSS_ATTENTION,
    SPADE: LayerGroup.SPADE,
}


def parse_groups(groups: Iterable[LayerGroup | str] | str) -> tuple[LayerGroup, ...]:
    """Groups without repetition, in the order of :class:`LayerGroup`.

    Raises:
        EchoSynthError: for an unknown name, or none at all.
    """
    names = [groups] if isinstance(groups, str) else list(groups)
    known = ", ".join(LayerGroup)
    if not names:
        raise EchoSynthError(f"an adapter needs at least one layer group, got none: choose among {known}")
    unknown = [name for name in names if name not in list(LayerGroup)]
    if unknown:
        raise EchoSynthError(f"layer groups are {known}; got {unknown[0]!r}: choose among these")
    return tuple(group for group in LayerGroup if group in names)


def group_layers(network: nn.Module) -> dict[LayerGroup, dict[str, nn.Linear | nn.Conv2d]]:
    """Layers of each group by their exact module name; a group without layers is there and empty.

    Names and layers are those of the base, whether adapters are attached or not.
    """
    groups: dict[LayerGroup, dict[str, nn.Linear | nn.Conv2d]] = {group: {} for group in LayerGroup}
    for name, layer, place in _walk(unwrap(network), "", None):
        default = LayerGroup.LINEAR if isinstance(layer, nn.Linear) else LayerGroup.CONVOLUTION
        groups[place or default][name] = layer
    return groups


def lora_targets(network: nn.Module, groups: Iterable[LayerGroup | str] | str) -> list[str]:
    """Exact module names of the layers in ``groups``, in the order of the network.

    Args:
        network: a denoising network, with or without adapters; may be wrapped (DDP, compiled).
        groups: names of groups.

    Raises:
        EchoSynthError: for an unknown group, no group, or a group that has no layer in this network.
    """
    layers = group_layers(network)
    chosen = parse_groups(groups)
    for group in chosen:
        if not layers[group]:
            present = ", ".join(f"{key} ({len(found)} layers)" for key, found in layers.items() if found)
            kind = type(unwrap(network)).__name__
            raise EchoSynthError(
                f"layer group '{group}' needs layers to adapt, {kind} has none of it: choose among {present or 'nothing'}"
            )
    return [name for group in chosen for name in layers[group]]


def unwrap(network: nn.Module) -> nn.Module:
    """The network inside wrappers such as DDP and ``torch.compile``."""
    for attribute in ("module", "_orig_mod"):
        inner = getattr(network, attribute, None)
        if isinstance(inner, nn.Module):
            return unwrap(inner)
    return network


def _walk(
    module: nn.Module, name: str, place: LayerGroup | None
) -> Iterator[tuple[str, nn.Linear | nn.Conv2d, LayerGroup | None]]:
    """Linear layers and convolutions with the group of the innermost special module around them."""
    layer = getattr(module, "base_layer", module)  # what an adapter was put around
    if isinstance(layer, (nn.Linear, nn.Conv2d)):
        yield name, layer, place
        return
    place = next((group for kind, group in _PLACES.items() if isinstance(module, kind)), place)
    for key, child in module.named_children():
        yield from _walk(child, f"{name}.{key}" if name else key, place)
