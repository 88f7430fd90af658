"""One optimizer step of the denoising network and of the segmenter: float32, channels-last, bfloat16."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.runner import Case, Options, measure
from benchmarks.subjects import device, segs
from monai_echosynth.diffusion.edm import EDM
from monai_echosynth.diffusion.preconditioning import training_target
from monai_echosynth.inferers.fast_bfloat16 import fast_bfloat16
from monai_echosynth.losses.sector_mse import SectorMSE
from monai_echosynth.networks.nets.presets import spade_unet
from monai_echosynth.networks.nets.segmenter import segmenter

__all__ = ["benchmark_training_step", "segmenter_step", "unet_step"]

_VARIANTS = {"float32": {}, "channels-last": {"last": True}, "bfloat16": {"low": True}}
_VARIANTS["bfloat16, channels-last"] = {"last": True, "low": True}


def benchmark_training_step(options: Options) -> dict[str, Any]:
    """Seconds per training sample."""
    size, side, batch = ("quick", 16, 2) if options.quick else ("cpu", 64, 32)
    rows = measure(_cases(f"U-Net {size}", partial(unet_step, size, side, batch), batch), options.rounds)
    width, pixels, few = (4, 32, 2) if options.quick else (16, 128, 12)
    rows += measure(_cases("segmenter", partial(segmenter_step, width, pixels, few), few), options.rounds)
    title = f"Training step (batch {batch} of {side} x {side} latents; batch {few} of {pixels} px)"
    return {"title": title, "rows": rows, "checks": {"bfloat16 chosen by itself": fast_bfloat16(device())}}


def _cases(name: str, build: Callable[..., Callable[[], object]], batch: int) -> list[Case]:
    return [Case(f"{name}, {variant}", build(**flags), batch) for variant, flags in _VARIANTS.items()]


def unet_step(size: str, side: int, batch: int, last: bool = False, low: bool = False) -> Callable[[], object]:
    """A function that makes one step of a preset's U-Net on ``batch`` latents of ``side``."""
    generator = torch.Generator().manual_seed(0)
    latent, noise = (torch.randn(batch, 1, side, side, generator=generator).to(device()) for _ in range(2))
    x, timesteps, target = training_target(latent, noise, torch.full((batch,), 0.5, device=device()), EDM())
    seg = segs(1, side).expand(batch, -1, -1, -1)
    targets, loss = {"target": target, "sector": 1 - seg[:, :1]}, SectorMSE()
    return _step(
        spade_unet(size), lambda network: loss(network(x, timesteps=timesteps, seg=seg).float(), targets), last, low
    )


def segmenter_step(width: int, side: int, batch: int, last: bool = False, low: bool = False) -> Callable[[], object]:
    """A function that makes one step of a segmenter with ``width`` channels on ``batch`` frames of ``side``."""
    image = torch.randn(batch, 1, side, side, generator=torch.Generator().manual_seed(0)).to(device())
    image = image.to(memory_format=torch.channels_last) if last else image
    label = (image[:, 0] > 0).long()
    loss = nn.CrossEntropyLoss()
    network = segmenter(side, width, deep_supervision=False)
    return _step(network, lambda network: loss(network(image).float(), label), last, low)


def _step(network: nn.Module, loss: Callable[[nn.Module], Tensor], last: bool, low: bool) -> Callable[[], object]:
    network = network.to(device(), memory_format=torch.channels_last if last else torch.preserve_format).train()
    optimizer = torch.optim.AdamW(network.parameters(), 1e-5)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device().type, torch.bfloat16, enabled=low):
            value = loss(network)
        value.backward()
        optimizer.step()

    return step
