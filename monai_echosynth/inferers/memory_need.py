"""How much memory one pass from masks to images takes, found without computing it.

The networks are run on PyTorch's ``meta`` device, where tensors have a size and no content, while the bytes of all tensors that
are alive at once are added up. What kernels take for themselves beside their results is not seen.
"""

from __future__ import annotations

import copy
import weakref
from typing import Any

import psutil
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from monai_echosynth.inferers.latent_image import LatentImage
from monai_echosynth.networks.blocks.spade_cache import SpadeCache

__all__ = ["LiveBytes", "fitting_batch", "free_memory", "pass_memory", "weight_memory"]


class LiveBytes(TorchDispatchMode):
    """Counts the bytes of tensors made while it is active.

    Attributes:
        peak: most bytes that were alive at once.
    """

    def __init__(self) -> None:
        super().__init__()
        self.peak = self._now = 0
        self._seen = weakref.WeakSet[torch.UntypedStorage]()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Runs the operation and notes the storages it made."""
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor):
                self._note(tensor.untyped_storage())
        return result

    def _note(self, storage: torch.UntypedStorage) -> None:
        if storage in self._seen:
            return
        self._seen.add(storage)
        self._now += storage.nbytes()
        self.peak = max(self.peak, self._now)
        weakref.finalize(storage, self._gone, storage.nbytes())

    def _gone(self, size: int) -> None:
        self._now -= size


class _Pass(nn.Module):
    """A network call with its modulation, and a decoding."""

    def __init__(self, network: nn.Module, image: LatentImage) -> None:
        super().__init__()
        self.network, self.decoder, self.image = network, image.autoencoder, image

    def forward(self, seg: Tensor, **conditioning: Tensor) -> None:
        sector = seg[:, :1]
        grid = self.image.autoencoder.latent_sector(sector).shape[2:]
        small = seg.new_empty(*seg.shape[:2], *grid)
        latent = seg.new_empty(len(seg), 1, *grid)
        self.network(latent, timesteps=seg.new_empty(len(seg)), seg=SpadeCache(small), **conditioning)
        self.decoder.decode_stage_2_outputs(latent, sector)


def pass_memory(network: nn.Module, image: LatentImage, seg: Tensor, classes: bool = False) -> int:
    """Bytes that the activations of one pass take at most, modulation maps included.

    Args:
        network: denoising network.
        image: the pass.
        seg: one-hot maps (B, K, X, Y); only the shape matters.
        classes: the network takes a class of each image.
    """
    shadow = _shadow(_Pass(_bare(network), image))
    shape = torch.empty(seg.shape, dtype=seg.dtype, device="meta")
    told = {"class_labels": torch.empty(len(seg), dtype=torch.long, device="meta")} if classes else {}
    with torch.inference_mode(), LiveBytes() as live:
        shadow(shape, **told)
    return live.peak


def _bare(network: nn.Module) -> nn.Module:
    """What is inside the wrappers of ``torch.compile`` and of distributed training."""
    for name in ("_orig_mod", "module"):
        network = getattr(network, name, network)
    return network


def _shadow(module: nn.Module) -> nn.Module:
    """A twin without content, and without hooks, which are meant for real calls."""
    memo: dict[int, Any] = {
        id(one): nn.Parameter(torch.empty_like(one, device="meta"), False) for one in module.parameters()
    }
    memo |= {id(one): torch.empty_like(one, device="meta") for one in module.buffers()}
    twin = copy.deepcopy(module, memo)
    for part in twin.modules():
        part._forward_hooks.clear()
        part._forward_pre_hooks.clear()
    return twin


def weight_memory(*networks: nn.Module) -> int:
    """Bytes of parameters and buffers."""
    tensors = [tensor for one in networks for tensor in (*one.parameters(), *one.buffers())]
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def free_memory(device: torch.device) -> int:
    """Bytes that can be had on a device now."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0]) + torch.cuda.memory_reserved(device)
    return int(psutil.virtual_memory().available)


def fitting_batch(images: int, one: int, free: int) -> int:
    """Images at once, at most ``images`` and at least 1, of ``one`` byte each that fit into nine tenths of ``free`` bytes."""
    return max(1, min(images, int(0.9 * free) // max(one, 1)))
