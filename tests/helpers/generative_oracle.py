"""monai-generative's networks without monai-generative: MONAI's, with the two layers that changed written out by hand.

``old_state`` gives a network's weights the names that monai-generative had for them, layer by layer; ``as_it_was`` makes the
network compute what it computed there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import torch
import torch.nn.functional as F
from monai.networks.blocks import SpatialAttentionBlock
from monai.networks.blocks.spade_norm import SPADE as MonaiSPADE
from monai.networks.nets.diffusion_model_unet import DiffusionUNetTransformerBlock
from torch import Tensor, nn

__all__ = ["as_it_was", "old_state"]


def old_state(network: nn.Module, seed: int = 0) -> dict[str, Tensor]:
    """State dict of a network of MONAI in monai-generative's names, with random values for what was never used."""
    generator = torch.Generator().manual_seed(seed)
    state = {name: value.clone() for name, value in network.state_dict().items()}

    def rename(old: str, new: str) -> None:
        for suffix in ("weight", "bias"):
            if f"{old}.{suffix}" in state:
                state[f"{new}.{suffix}"] = state.pop(f"{old}.{suffix}")

    for name, layer in network.named_modules():
        if isinstance(layer, SpatialAttentionBlock):
            for part in ("to_q", "to_k", "to_v"):
                rename(f"{name}.attn.{part}", f"{name}.{part}")
            rename(f"{name}.attn.out_proj", f"{name}.proj_attn")
            for suffix in ("weight", "bias"):
                dead = state[f"{name}.proj_attn.{suffix}"]
                state[f"{name}.proj_attn.{suffix}"] = torch.randn(dead.shape, generator=generator)
        elif isinstance(layer, DiffusionUNetTransformerBlock):
            for part in ("attn1", "attn2"):
                rename(f"{name}.{part}.out_proj", f"{name}.{part}.to_out.0")
        elif isinstance(layer, MonaiSPADE):
            rename(f"{name}.param_free_norm", f"{name}.param_free_norm.N")
        elif hasattr(layer, "postconv"):
            rename(f"{name}.postconv.conv", f"{name}.conv.conv")
        elif hasattr(layer, "deconv"):
            rename(f"{name}.deconv", f"{name}.conv.conv")
    return state


@contextmanager
def as_it_was(spade_eps: float | None = None) -> Iterator[None]:
    """Inside, MONAI's networks compute as monai-generative did; ``spade_eps`` replaces SPADE's epsilon."""

    def spade(layer: MonaiSPADE, x: Tensor, segmap: Tensor) -> Tensor:
        norm = layer.param_free_norm
        eps = norm.eps if spade_eps is None else spade_eps
        values = dict(layer.named_parameters())

        def convolve(inputs: Tensor, name: str) -> Tensor:
            return F.conv2d(inputs, values[f"{name}.conv.weight"], values[f"{name}.conv.bias"], padding=1)

        rows, columns = (torch.arange(n) * m // n for n, m in zip(x.shape[2:], segmap.shape[2:], strict=True))
        hidden = F.leaky_relu(convolve(segmap[:, :, rows][..., columns], "mlp_shared"), 0.01)
        scale, shift = (F.instance_norm(convolve(hidden, name), eps=1e-5) for name in ("mlp_gamma", "mlp_beta"))
        return F.group_norm(x, norm.num_groups, norm.weight, norm.bias, eps) * (1 + scale) + shift

    def attention(layer: SpatialAttentionBlock, x: Tensor) -> Tensor:
        heads = layer.attn.num_heads
        flat = layer.norm(x).flatten(2).transpose(1, 2)
        q, k, v = (
            part(flat).unflatten(2, (heads, -1)).transpose(1, 2)
            for part in (layer.attn.to_q, layer.attn.to_k, layer.attn.to_v)
        )
        weights = ((q @ k.transpose(2, 3)) / q.shape[-1] ** 0.5).softmax(-1)
        return x + (weights @ v).transpose(1, 2).flatten(2).transpose(1, 2).reshape(x.shape)

    with patch.object(MonaiSPADE, "forward", spade), patch.object(SpatialAttentionBlock, "forward", attention):
        yield
