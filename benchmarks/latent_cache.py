"""A training sample of the diffusion stage: read from the latent cache, or encoded again."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import torch
from monai.transforms import Compose, EnsureChannelFirstd, EnsureTyped, LoadImaged, ScaleIntensityRanged

from benchmarks.runner import Case, Options, measure
from benchmarks.subjects import autoencoder, device, write_frames
from monai_echosynth.data.datalist import load_datalist
from monai_echosynth.data.latent_cache import LatentDataset
from monai_echosynth.data.seeded import SeededDataset
from monai_echosynth.transforms.rand_echo_warp import RandEchoWarpd

__all__ = ["benchmark_latent_cache", "frame_transforms"]

_KEYS = ("image", "label")


def frame_transforms() -> list[Any]:
    """Image (1, X, Y) in [0, 1] and label of a prepared frame."""
    return [
        LoadImaged(_KEYS, image_only=True),
        EnsureChannelFirstd(_KEYS, channel_dim="no_channel"),
        ScaleIntensityRanged("image", 0, 255, 0.0, 1.0, clip=True),
        EnsureTyped(_KEYS, dtype=[torch.float32, torch.uint8], track_meta=False),
    ]


def benchmark_latent_cache(options: Options) -> dict[str, Any]:
    """Seconds per training sample, a batch at a time."""
    size, side, batch = ("quick", 32, 4) if options.quick else ("cpu", 128, 16)
    network = autoencoder(size)
    with tempfile.TemporaryDirectory() as folder:
        items = load_datalist(write_frames(Path(folder) / "data", batch, side), "training")
        fixed = frame_transforms()
        frames = {
            "encoded again": SeededDataset(items, Compose(fixed), progress=False),
            "warped and encoded again": SeededDataset(items, Compose([*fixed, RandEchoWarpd(_KEYS)]), progress=False),
        }
        cached = LatentDataset(
            items,
            Compose(fixed),
            network.encode_stage_2_inputs,
            Path(folder) / "cache",
            "benchmark",
            network.downsampling,
            variants=1,
        )

        def encode(data: SeededDataset) -> torch.Tensor:
            drawn = [data[k, k] for k in range(batch)]
            image, label = (torch.stack([torch.as_tensor(item[key]) for item in drawn]).to(device()) for key in _KEYS)
            with torch.inference_mode():
                return network.encode_stage_2_inputs(image, (label > 0).float())

        cases = [Case(name, lambda data=data: encode(data), batch) for name, data in frames.items()]
        cases.append(
            Case("read from the cache", lambda: torch.stack([cached[k]["latent"] for k in range(batch)]), batch)
        )
        rows = measure(cases, options.rounds)
        same = float(
            (encode(frames["encoded again"]).cpu() - torch.stack([cached[k]["latent"] for k in range(batch)]))
            .abs()
            .max()
        )
    return {"title": f"Latents (preset {size}, {side} px)", "rows": rows, "checks": {"largest difference": same}}
